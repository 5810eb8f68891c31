#!/usr/bin/env bash
# Runs all static checks. `make lint` installs the tools and calls this. Every check runs; the exit
# code is 0 if all are clean.
set -uo pipefail
cd "$(dirname "$0")/.."
export GOLANGCI_LINT_CACHE="$PWD/.tools/cache/golangci-lint"
mkdir -p .tools/home .build/lint
sam=.tools/sam/bin
passed=0 failed=()

# Python tools keep their files inside the repository, and run offline.
sandboxed() {
  env HOME="$PWD/.tools/home" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true "$@"
}

check() { # check NAME COMMAND…: prints the command's output only if it fails
  local name=$1 start=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    echo "  ✓ $name ($((SECONDS - start)) s)"
    passed=$((passed + 1))
  else
    echo "  ✗ $name ($((SECONDS - start)) s)"
    echo "$output" | sed 's/^/    /'
    failed+=("$name")
  fi
}

formatted() {
  local files
  files=$(find . -name '*.go' -not -path './.*' -exec gofmt -l {} +) && [ -z "$files" ] && return
  echo "$files"
  echo "run: gofmt -w on these"
  return 1
}

transformed() { # transformed TEMPLATE: its CloudFormation, after SAM's transform
  local out=".build/lint/${1//\//-}.json"
  sandboxed "$sam/python" tools/transform.py "$1" >"$out" && sandboxed "$sam/cfn-lint" --regions us-east-1 --format parseable -- "$out"
}

modules() {
  go mod verify && go mod tidy -diff
}

protobuf() { # lint and format; and that api/rpc is what `go run ./cmd/dev generate` would write
  local buf=$PWD/.tools/node/node_modules/.bin/buf out=$PWD/.build/lint/proto
  mkdir -p "$out/in" && cd api/proto && "$buf" lint && "$buf" format --diff --exit-code &&
    "$buf" generate --output "$out/in" && diff -r "$out/rpc" ../rpc
}

check gofmt formatted
check 'go mod verify' modules
check 'go vet' go vet ./...
# Other machines: functions on linux/arm64, the local stack on a Mac, the operator's CLI and
# cmd/serve on both and on Windows.
check 'go vet, linux/arm64' env CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go vet ./functions/... ./sandbox/functions/...
check 'go vet, darwin/arm64' env CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet ./cmd/... ./internal/dev/... ./internal/verify/...
check 'go vet, windows/amd64' env CGO_ENABLED=0 GOOS=windows GOARCH=amd64 go vet ./cmd/orderflow ./cmd/serve
check protobuf protobuf
check contracts go run ./cmd/dev contracts
check golangci-lint .tools/bin/golangci-lint run ./...
for template in template.yaml sandbox/template.yaml stacks/*/template.yaml; do
  check "sam validate $template" sandboxed "$sam/sam" validate --lint --region us-east-1 --template "$template"
  check "cfn-lint $template, transformed" transformed "$template"
done
for definition in statemachines/*.asl.json; do
  # Substitutions stand for ARNs, so ARNs cannot be checked.
  check "asl-validator $definition" .tools/node/node_modules/.bin/asl-validator --no-arn-check --json-path "$definition"
done

echo "lint: $passed of $((passed + ${#failed[@]})) checks are clean"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'lint: not clean: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
  exit 1
fi
