#!/usr/bin/env bash
# Every check and test, one after the other (two cores; timings would suffer side by side). All are run even when one fails.
# The closing lines of the suites come once more at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
logs=.build/test
mkdir -p "$logs"
export PATH="$PWD/.venv/bin:$PATH" CI="${CI:-}"
failed=()
began=$SECONDS
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
web() { (cd web && npm run --silent "$@"); }

step ruff ruff check .
step mypy mypy
step import-linter lint-imports
step eslint web lint
step tsc web typecheck
step vitest web test
step pytest python -m pytest

echo
echo "== all together, $((SECONDS - began)) s"
grep -hE '^Success|^Found|^All checks' "$logs/ruff.log" "$logs/mypy.log" | tail -2
grep -hE 'Contracts:' "$logs/import-linter.log" | tail -1
grep -hE '^ *(Test Files|Tests) ' "$logs/vitest.log" | tail -2
grep -hE '(passed|failed|error).* in [0-9.]+s' "$logs/pytest.log" | tail -1
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
