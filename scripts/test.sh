#!/usr/bin/env bash
# Every check and test; all are run even when one fails. Tests of the network and of the browser, which wait for others most of the
# time, run beside the rest, and so do the checks of the web client, which use one core; their output comes when they have ended.
# The closing lines of the suites come once more at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=.build/test
mkdir -p "$logs"
export PATH="$PWD/.venv/bin:$PATH" CI="${CI:-}"
unset PYTHONPATH  # this tree is tested, not another
unset PYTHONDONTWRITEBYTECODE  # a server of four processes starts in a fifth less time when its modules are compiled once
failed=()
began=$SECONDS
trap 'kill $(jobs -p) 2> /dev/null' EXIT
step() {  # step NAME COMMAND...
    local name=$1 at=$SECONDS
    shift
    echo
    echo "== $name"
    if "$@" 2>&1 | tee "$logs/$name.log"; then
        echo "== $name: fine, $((SECONDS - at)) s"
    else
        echo "== $name: FAILED, $((SECONDS - at)) s"
        failed+=("$name")
    fi
}
beside() {  # beside NAME COMMAND...: in the background; `ended NAME` waits for it
    local name=$1
    shift
    { "$@"; echo "exit code $?, $((SECONDS - began)) s after the beginning"; } > "$logs/$name.log" 2>&1 &
}
ended() {
    echo
    echo "== $1, which ran beside the others"
    cat "$logs/$1.log"
    grep -q '^exit code 0,' "$logs/$1.log" || failed+=("$1")
}
web() { (cd web && npm run --silent "$@"); }

step ruff ruff check .
step mypy mypy
step import-linter lint-imports
step audit python scripts/audit.py
# tsc has been there already: the client is not built without it.
beside eslint web lint
beside vitest web test
browser=tests/end_to_end/test_browser.py
beside browser python -m pytest "$browser" --durations 5
beside network python -m pytest tests/dimse tests/end_to_end --ignore "$browser" --durations 15
step pytest python -m pytest --ignore tests/dimse --ignore tests/end_to_end --durations 25
wait
ended eslint
ended vitest
ended network
ended browser

echo
echo "== all together, $((SECONDS - began)) s"
grep -hE '^Success|^Found|^All checks' "$logs/ruff.log" "$logs/mypy.log" | tail -2
grep -hE 'Contracts:' "$logs/import-linter.log" | tail -1
grep -hE '^ *(Test Files|Tests) ' "$logs/vitest.log" | tail -2
grep -hE '(passed|failed|error).* in [0-9.]+s' "$logs/pytest.log" "$logs/network.log" "$logs/browser.log"
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
