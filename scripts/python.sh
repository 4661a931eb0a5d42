#!/usr/bin/env bash
# Prints the Python to build the virtual environment with: 3.11 or newer, with venv. One clear message when there is none.
set -euo pipefail
for candidate in "${PYTHON:-}" python3.11 python3 python3.12 python3.13; do
    [ -n "$candidate" ] && command -v "$candidate" > /dev/null || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
        command -v "$candidate"
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3 python3-venv >&2
    command -v python3
    exit 0
fi
echo "Isocenter needs Python 3.11 or newer with venv. On Debian:  sudo apt-get install python3 python3-venv" >&2
exit 1
