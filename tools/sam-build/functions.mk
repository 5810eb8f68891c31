# `sam build` calls `make build-<logical id>` at the root of the repository, with the Makefile of
# one of the directories next to this file. The template's ContextPath selects it, as SAM does not
# pass the architecture. Flags as in devstack's build.go.
export GOFLAGS := -trimpath -tags=lambda.norpc -buildvcs=false
export CGO_ENABLED := 0
export GOOS := linux
BIN := .build/bin/$(GOARCH)/

# PlaceOrderFunction is built from the directory place-order. Unchanged functions are not linked
# again.
build-%Function:
	@name=$$(echo '$*' | sed 's/[A-Z]/-&/g; s/^-//' | tr A-Z a-z) && \
	go build -ldflags='-s -w' -o $(BIN) $$(ls -d ./functions/*/$$name ./sandbox/functions/$$name 2>/dev/null) && \
	cp $(BIN)$$name '$(ARTIFACTS_DIR)/bootstrap'
