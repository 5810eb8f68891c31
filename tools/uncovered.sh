#!/usr/bin/env bash
# Lists what a coverage profile of Go shows as never run, by file and lines, leaving out the packages that only tests use.
# Fails where that is in internal/platform or a service's domain package and docs/untested.md has no reason for it.
set -euo pipefail
profile=$1
reasons=docs/untested.md
module=$(go list -m)
helpers='/(storetest|metricstest|dynamotest|providertest|carriertest|lineartest|readinesstest|tracingtest)/'
held='^internal/(platform/.*|(catalog|fulfilment|inventory|notifications|orders|payments|shipping|gateway)/[^/]*)$'

# One line for each block that did not run: file from-line to-line. A profile may have a block several times.
blocks=$(awk -F'[: ,]' -v module="$module/" 'NR > 1 {
  key = $1 ":" $2 "," $3; runs[key] += $NF
} END {
  for (key in runs) if (runs[key] == 0) {
    split(key, part, "[:,]"); split(part[2], from, "."); split(part[3], to, ".")
    print substr(part[1], length(module) + 1), from[1], to[1]
  }
}' "$profile" | { grep -Ev "$helpers" || true; } | sort -k1,1 -k2,2n)
functions=$(go tool cover -func="$profile")

awk -v module="$module/" 'NF { print module $1 ":" $2 "-" $3 }' <<<"$blocks"
tail -n 1 <<<"$functions"

# Every block belongs to the last function that begins at or above it.
awk -v module="$module/" -v held="$held" -v reasons="$reasons" '
FILENAME == ARGV[1] { # | `file:function` | blocks | reason |
  if (split($0, cell, " *\\| *") >= 4 && gsub(/`/, "", cell[2])) {
    if (cell[3] !~ /^[0-9]+$/ || cell[4] == "") { print reasons ": " cell[2] " has no number or no reason"; bad = 1 }
    allowed[cell[2]] = cell[3]
  }
  next
}
FILENAME == ARGV[2] { # module/file.go:line: function percent
  if ($1 == "total:") next
  split($1, at, ":"); file = substr(at[1], length(module) + 1)
  n = ++count[file]; line[file, n] = at[2]; name[file, n] = file ":" $2; known[file ":" $2] = 1
  next
}
NF && $1 ~ held {
  f = ""
  for (n = 1; n <= count[$1]; n++) if (line[$1, n] <= $2 + 0) f = name[$1, n]
  found[f]++; lines[f] = lines[f] " " $2 "-" $3
}
END {
  for (f in found) if (found[f] > allowed[f] + 0) {
    print f ": no test runs lines" lines[f] "; " reasons " has a reason for " allowed[f] + 0 " of " found[f]; bad = 1
  }
  for (f in allowed) if (!(f in known)) { print reasons ": there is no " f " in the profile"; bad = 1 }
  exit bad
}' "$reasons" <(printf '%s\n' "$functions") <(printf '%s\n' "$blocks") >&2
