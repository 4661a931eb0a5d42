#!/usr/bin/env bash
# Writes requirements.txt and requirements-dev.txt: exact versions with the hashes of every published file (every platform), and no
# address of any index. Local wheel folders and mirrors of this machine are left out, or their hashes would travel with the project.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}
"$python" -m pip install --quiet pip-tools
compile() {
    env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
        "$python" -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links "$@" pyproject.toml
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile --extra build -o "$work/requirements.txt"
compile --extra build --extra dev -c "$work/requirements.txt" -o "$work/requirements-dev.txt"
{ echo '# Made by `make lock` from pyproject.toml: what Isocenter needs to run.'; grep -v "$work" "$work/requirements.txt"; } > requirements.txt
{ echo '# Made by `make lock` from pyproject.toml: to run, and to be tested.'; grep -v "$work" "$work/requirements-dev.txt"; } > requirements-dev.txt
if grep -nE '://|--index|--find-links|file:' requirements.txt requirements-dev.txt; then
    echo "lock: an address got into the lock files" >&2
    exit 1
fi
