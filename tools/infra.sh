#!/usr/bin/env bash
# Checks the templates, as SAM transforms them, with checkov. `go run ./cmd/dev check-infra`
# installs the tools and calls this. checkov-skips.txt has the accepted findings, with reasons.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .tools/home .build/lint
# Python tools keep their files inside the repository, and run offline.
export HOME="$PWD/.tools/home" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
made=()
for template in template.yaml sandbox/template.yaml stacks/*/template.yaml; do
  out=".build/lint/infra-${template//\//-}.json"
  .tools/sam/bin/python tools/transform.py "$template" >"$out"
  made+=("$out")
done
.tools/checkov/bin/python tools/infra.py tools/checkov-skips.txt "${made[@]}"
