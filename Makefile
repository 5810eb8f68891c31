# Thin names for the commands of cmd/dev; `go run ./cmd/dev help` tells what each does in full.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# One set for build, vet and test, or the build cache splits. The same as devstack.GoFlags.
export GOFLAGS := -trimpath -tags=lambda.norpc -buildvcs=false

# Built, not `go run`, which would hide exit codes and not pass signals on.
# Its first compilation takes a while, which counts for what it tells of its time.
DEVSTACK := export ORDERFLOW_BEGAN=$$(date +%s); test -x .tools/bin/devstack || echo 'Compiling the stack'"'"'s own tool, once' >&2; \
	go build -o .tools/bin/devstack ./cmd/dev && .tools/bin/devstack

# USER is in every environment: only `make token USER=…` counts.
ifneq ($(origin USER),command line)
USER := alice
endif
ROLE ?=
FN ?=
SEED ?=
ORDER ?=
STAGE ?= dev
DISCOVERY ?=
TARGET ?=
AUTHORIZER ?=
ARCH ?= arm64
PARAMETERS ?=
TESTFLAGS ?=
HOLD ?=

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "; print "usage: make TARGET\n"} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install the pinned tools into .tools/
	@$(DEVSTACK) setup

.PHONY: up
up: ## Build, start and deploy everything on this machine, with a demo order (TARGET=localstack; AUTHORIZER=none: functions verify tokens)
	@$(DEVSTACK) up $(if $(TARGET),--target $(TARGET)) $(if $(DISCOVERY),--discovery $(DISCOVERY)) $(if $(filter none,$(AUTHORIZER)),--no-authorizer)

.PHONY: down
down: ## Stop everything that `make up` started, and remove .local/
	@$(DEVSTACK) down

.PHONY: demo
demo: ## Place six orders, five of them troubled, and show what became of each
	@$(DEVSTACK) demo

.PHONY: demo-outage
demo-outage: ## Take the payment provider down for a minute while orders come in, and show what became of them
	@$(DEVSTACK) demo-outage

.PHONY: trace-ui
trace-ui: ## Show the traces of the local stack in Zipkin (needs Java and Maven)
	@$(DEVSTACK) trace-ui

.PHONY: test
test: ## Run all tests, with an emulator of their own
	@$(DEVSTACK) exec -- go test -timeout 15m $(TESTFLAGS) ./...

.PHONY: test-all
test-all: ## Run every suite on every target that this machine has, and show how much of each passed (ONLY=lint,sam; WITHIN=25m)
	@go build -o .tools/bin/test-all ./internal/verify/suites && .tools/bin/test-all $(if $(ONLY),-only $(ONLY)) $(if $(WITHIN),-within $(WITHIN))

# Not part of `make test`: it needs Python 3.13, a Java development kit and Maven.
.PHONY: test-localstack
test-localstack: ## Run the end-to-end tests against LocalStack (needs Python 3.13, Java and Maven)
	@$(DEVSTACK) setup --target localstack && .tools/localstack/bin/python -B tools/localstack/test_process_executor.py
	@go build -o .tools/bin/e2e ./internal/verify/e2e/cmd && .tools/bin/e2e -target localstack

.PHONY: cover
cover: ## Report how much of the platform and the services the tests run, and which lines they do not
	@$(DEVSTACK) exec -- go test -coverprofile=.build/cover.out -coverpkg=./internal/... $$(go list ./internal/... ./api/... ./internal/verify/faults | grep -v -E '/(sim|prove|devstack|arch|demo)(/|$$)')
	@tools/uncovered.sh .build/cover.out

.PHONY: sim
sim: ## Simulate 12,000 orders under injected faults (SEED=7 replays one, ORDER=… tells of one order)
	@go run ./cmd/sim $(if $(SEED),-seed $(SEED)) $(if $(ORDER),-order $(ORDER))

.PHONY: sim-mutants
sim-mutants: ## Break the system in every way known, and see that the simulation notices
	@go run ./cmd/sim -mutants

.PHONY: prove
prove: ## Search every way in which a saga can go for one that leaves an order wrong
	@go run ./cmd/prove

.PHONY: chaos
chaos: ## Place 320 orders on a stack of its own while processes are killed and executions stopped (SEED=n)
	@go build -o .tools/bin/chaos ./internal/verify/chaos/cmd && .tools/bin/chaos $(if $(SEED),-seed $(SEED))

.PHONY: bench-start
bench-start: ## Compare the start of every function with a hello-world one's
	@go build -o .tools/bin/bench-start ./internal/verify/bench/cmd && .tools/bin/bench-start

.PHONY: faults
faults: ## Let the payment provider go wrong in every way, and show what our side does about it
	@go build -o .tools/bin/faults ./internal/verify/faults/cmd && .tools/bin/faults

# Not part of `make test`: it needs a Java development kit and Maven.
.PHONY: oracle
oracle: ## Run the tests of the DynamoDB stores against DynamoDB Local (needs Java and Maven)
	@go build -o .tools/bin/oracle ./internal/verify/oracle && .tools/bin/oracle $(TESTFLAGS)

.PHONY: iam
iam: ## Run the end-to-end tests, and show for every role what it may do and what uses it
	@rm -f .build/iam.txt; code=0; go test -count=1 -timeout 15m ./test/e2e || code=$$?; test ! -f .build/iam.txt || cat .build/iam.txt; exit $$code

.PHONY: conformance
conformance: ## Send what schemathesis makes of the API's contract to a stack of its own, as operator and as customer
	@go build -o .tools/bin/conformance ./internal/verify/conformance/cmd && .tools/bin/conformance

.PHONY: lint
lint: ## Check Go, templates and state machines
	@$(DEVSTACK) setup --lint
	@tools/lint.sh

# Not part of `make lint`: checkov takes a minute.
.PHONY: check-infra
check-infra: ## Hold what SAM makes of the templates against checkov
	@$(DEVSTACK) setup --infra
	@tools/infra.sh

.PHONY: contracts
contracts: ## Compare the API, the events and the steps with the last tag v*
	@$(DEVSTACK) setup --contracts
	@go run ./cmd/contracts

.PHONY: build
build: ## Build every function for deployment (ARCH=arm64 or x86_64)
	@$(DEVSTACK) build --arch $(ARCH)

.PHONY: reproducible
reproducible: ## Build every function twice, and see that the packages are the same
	@$(DEVSTACK) reproduce

.PHONY: sam
sam: setup ## Type what users of SAM type (build, deploy, delete) on an emulator of its own, and look at what comes of it
	@go build -o .tools/bin/sam-check ./internal/verify/sam && .tools/bin/sam-check

.PHONY: sam-local
sam-local: setup ## Run every function and the API in containers, as the SAM CLI does (HOLD=yes: have the API up, to try by hand)
	@go build -o .tools/bin/samlocal ./internal/verify/samlocal/cmd && .tools/bin/samlocal $(if $(HOLD),-hold)

.PHONY: sbom
sbom: ## Write the bill of materials in CycloneDX, .build/sbom.cdx.json
	@$(DEVSTACK) sbom

.PHONY: deploy
deploy: setup ## Check the account, build and deploy to AWS with your credentials (STAGE=dev or prod, PARAMETERS='Name=value …')
	@$(DEVSTACK) deploy --stage '$(STAGE)' --parameters '$(PARAMETERS)'

.PHONY: token
token: ## Print a bearer token (USER=alice ROLE=operator)
	@$(DEVSTACK) token --user '$(USER)' --role '$(ROLE)'

.PHONY: http
http: ## Write every operation as a request, with fresh tokens, to .local/orderflow.http for your editor
	@$(DEVSTACK) http

.PHONY: logs
logs: ## Print and follow what a function logs (FN=place-order)
	@test -n '$(FN)' || { echo "which function? make logs FN=place-order" >&2; exit 2; }
	@$(DEVSTACK) logs --follow '$(FN)'

.PHONY: clean
clean: down ## Remove everything that was built or installed
	rm -rf .tools .build .aws-sam
