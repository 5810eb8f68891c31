"""Check templates, as SAM transforms them, with checkov, and count their resources.

usage: infra.py SKIPS TEMPLATE.json...

A finding fails unless a line of SKIPS gives a reason; a line without a finding fails, too. Lines
are CHECK RESOURCE # REASON. RESOURCE, such as AWS::SQS::Queue.*, may have wildcards, and may begin
with a prefix of the template's file name and a colon.
"""

import collections
import fnmatch
import json
import pathlib
import subprocess
import sys


def skips(path):
    """Read the reasons."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        what, _, reason = line.partition("#")
        if len(what.split()) != 2 or not reason.strip():
            raise SystemExit(f"{path}:{number}: want CHECK RESOURCE # REASON")
        yield (number, *what.split())


def findings(paths):
    """Run checkov on the templates, offline."""
    files = [argument for path in paths for argument in ("--file", str(path))]
    checkov = pathlib.Path(sys.executable).with_name("checkov")
    done = subprocess.run(
        [checkov, "--framework", "cloudformation", *files, "--compact", "--quiet", "--skip-download", "-o", "json"],
        capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"checkov failed:\n{done.stdout}{done.stderr}") from None
    for part in answer if isinstance(answer, list) else [answer]:
        if part["results"].get("parsing_errors"):
            raise SystemExit(f"checkov cannot read {part['results']['parsing_errors']}")
        passed = part["summary"]["passed"]
        yield passed, [(f["check_id"], f["resource"], pathlib.Path(f["file_path"]).name, f["check_name"]) for f in part["results"]["failed_checks"]]


def main(skip_file, *paths):
    bad, used, passed = [], set(), 0
    for path in paths:
        print(f"{path.name}: {len(json.loads(path.read_text())['Resources'])} resources")
    reasons = list(skips(skip_file))
    found = collections.Counter()
    for ok, failed in findings(paths):
        passed += ok
        for check, resource, template, name in failed:
            names = (resource, f"{template}:{resource}")
            line = next((n for n, c, pattern in reasons if c == check and any(fnmatch.fnmatchcase(a, pattern) for a in names)), None)
            if line is None:
                bad.append(f"{check} {resource}: {name}")
            else:
                used.add(line)
                found[check] += 1
    bad += [f"{skip_file}:{n}: {check} {pattern} is about nothing that checkov finds" for n, check, pattern in reasons if n not in used]
    if passed == 0:
        bad.append("checkov has looked at nothing")
    print(f"checkov: {passed} passed, {sum(found.values())} findings of {len(found)} checks are skipped with a reason, {len(bad)} problems")
    print(*bad, sep="\n", end="\n" if bad else "")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
