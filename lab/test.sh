#!/usr/bin/env bash
# Runs test projects one after another and sums them up in one last line.
#   lab/test.sh [--fast] [--configuration Debug|Release] [FILTER]
# FILTER is a word of the project's name (Deciders, Cluster …); with a dot or = in it, a filter of dotnet test.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/here.sh"

fast=no configuration=Debug projects_like='' filter=''
while (($#)); do
  case $1 in
    --fast) fast=yes; shift;;
    --configuration) configuration=$2; shift 2;;
    *) if [[ $1 == *[.=~]* ]]; then filter=$1; else projects_like=$1; fi; shift;;
  esac
done
[[ -z $filter || $filter == *[=~]* ]] || filter="FullyQualifiedName~$filter"

RESULTS=$VAR/test-results
rm -rf "$RESULTS"
mkdir -p "$RESULTS"
FAST='Deciders|Akka|Agent|Tidy'

projects() {
  find "$ROOT/tests" -name '*.csproj' | sort | while read -r project; do
    [[ $fast == no || $(basename "$project") =~ ^($FAST) ]] || continue
    [[ -z $projects_like || $(basename "$project" .csproj) == *"$projects_like"* ]] || continue
    printf '%s\n' "$project"
  done
}

# One counter of a TRX file's summary line, 0 when the run broke before it was written.
counter() { grep -o '<Counters [^>]*' "$1" 2> /dev/null | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*' || echo 0; }

# Names and reasons of the tests with an outcome, from a TRX file.
tests_with() {
  python3 - "$1" "$2" <<'PYTHON' 2> /dev/null || grep -o "testName=\"[^\"]*\"[^>]*outcome=\"$2\"" "$1" || true
import sys, xml.etree.ElementTree as tree
space = '{http://microsoft.com/schemas/VisualStudio/TeamTest/2010}'
for result in tree.parse(sys.argv[1]).iter(space + 'UnitTestResult'):
    if result.get('outcome') != sys.argv[2]: continue
    message = result.find(f'{space}Output/{space}ErrorInfo/{space}Message')
    words = '' if message is None else ' '.join((message.text or '').split())
    if not words:
        output = result.find(f'{space}Output/{space}StdOut')
        words = '' if output is None else ' '.join((output.text or '').split())
    # What a program said last is what it failed by.
    if len(words) > 900: words = words[:300] + ' ... ' + words[-600:]
    print('  ' + result.get('testName') + (': ' + words if words else ''))
PYTHON
}

passed=0 failed=0 skipped=0 broken=0 failures='' skips=''
run() {
  local name began=$SECONDS results code=0 p f total
  name=$(basename "$1" .csproj)
  results=$RESULTS/$name.trx
  dotnet test "$1" --no-build --configuration "$configuration" --logger "trx;LogFileName=$results" \
    --results-directory "$RESULTS" ${filter:+--filter "$filter"} > "$RESULTS/$name.log" 2>&1 < /dev/null || code=$?
  if [[ ! -s $results ]]; then
    # A filter that matches nothing in a project leaves no file, and that is no failure.
    if [[ $code == 0 && -n $filter ]]; then return; fi
    broken=$((broken + 1)) failures+="  $name did not run to its end (exit code $code), see $RESULTS/$name.log"$'\n'
    printf '%-28s broken in %4d s\n' "$name" $((SECONDS - began)); return
  fi
  p=$(counter "$results" passed) f=$(counter "$results" failed) total=$(counter "$results" total)
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + total - p - f))
  if ((f > 0)); then failures+=$(tests_with "$results" Failed)$'\n'; fi
  if ((total > p + f)); then skips+=$(tests_with "$results" NotExecuted)$'\n'; fi
  # A crash of the test host after some results counts as a failure of its own.
  if ((code != 0 && f == 0)); then
    broken=$((broken + 1)) failures+="  $name ended with exit code $code, see $RESULTS/$name.log"$'\n'
  fi
  printf '%-28s %4d passed, %d failed, %d skipped in %4d s\n' "$name" "$p" "$f" $((total - p - f)) $((SECONDS - began))
}

mapfile -t list < <(projects)
((${#list[@]} > 0)) || fail "No test project matches."
for project in "${list[@]}"; do run "$project"; done
if [[ -n $skips ]]; then printf 'Skipped:\n%s' "$skips"; fi
if [[ -n $failures ]]; then printf 'Failed:\n%s' "$failures"; fi
failed=$((failed + broken))
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0 && passed > 0))
