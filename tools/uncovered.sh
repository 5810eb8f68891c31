#!/usr/bin/env bash
# Lists what a coverage profile of Go shows as never run, by file and lines, leaving out the packages that only tests use.
set -euo pipefail
awk -F'[: ,]' 'NR > 1 && $NF == 0 && $1 !~ /(storetest|dynamotest|providertest|carriertest|lineartest)\// {
  split($2, from, "."); split($3, to, "."); print $1 ":" from[1] "-" to[1]
}' "$1" | sort -u -t: -k1,1 -k2,2n
go tool cover -func="$1" | tail -n 1
