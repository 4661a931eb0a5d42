#!/usr/bin/env bash
# Prints the Python to build the virtual environment with: 3.11 or newer, with venv. One clear message when there is none.
# As root on Debian it is installed.
set -euo pipefail
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3 python3.12 python3.13; do
        [ -n "$candidate" ] && command -v "$candidate" > /dev/null || continue
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}
find_python && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "installing python3 python3-venv" >&2
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq > "$log" 2>&1 && apt-get install -y -qq python3 python3-venv >> "$log" 2>&1 || tail -20 "$log" >&2
    rm -f "$log"
    find_python && exit 0
fi
echo "Isocenter needs Python 3.11 or newer with venv. On Debian 12:  sudo apt-get update && sudo apt-get install python3 python3-venv" >&2
exit 1
