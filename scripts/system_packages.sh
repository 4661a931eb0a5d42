#!/usr/bin/env bash
# What only tests need from Debian: foreign DICOM tools and a validator, a browser, PostgreSQL, openssl, archives to compare with.
# As root they are installed; else one clear message names what is missing.
#   system_packages.sh test | bench
set -euo pipefail
case ${1:-test} in
    test) packages="curl nginx-light haproxy dcmtk dicom3tools libgdcm-tools orthanc orthanc-dicomweb chromium postgresql openssl radosgw ceph-mon ceph-osd" ;;
    bench) packages="dcmtk orthanc orthanc-dicomweb nginx-light postgresql" ;;
    *) echo "usage: $0 test|bench" >&2; exit 2 ;;
esac
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
missing=""
for package in $packages; do
    if [ "$package" = nginx-light ] && command -v nginx > /dev/null; then continue; fi
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "These Debian packages are missing:$missing" >&2
    echo "Install them with:  sudo apt-get update && sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
# Services of these packages must not start by themselves: tests start their own, on their own ports, in their own folders.
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy" "$log"' EXIT
fi
# shellcheck disable=SC2086 - a list of names
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } > "$log" 2>&1; then
    tail -20 "$log" >&2
    echo "apt could not install$missing; its last words are above. What was there before is untouched; try again, or install them by hand." >&2
    exit 1
fi
