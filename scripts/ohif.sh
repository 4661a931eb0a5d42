#!/usr/bin/env bash
# The built files of the OHIF viewer, a foreign client of DICOMweb that tests open in Chromium: from npm, into .build/ohif.
# Only the package itself, not what it would be built with; the hash is that of the version below.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.13.2
integrity=sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==
folder=.build/ohif
[ ! -e "$folder/.$version" ] || exit 0
echo "OHIF $version, a client for tests"
rm -rf "$folder"
mkdir -p "$folder"
npm pack --silent --pack-destination "$folder" "@ohif/app@$version" > /dev/null
archive=$(echo "$folder"/*.tgz)
got=sha512-$(openssl dgst -sha512 -binary "$archive" | base64 -w 0)
if [ "$got" != "$integrity" ]; then
    echo "OHIF $version is not the file that scripts/ohif.sh names. Nothing of it is used; try again." >&2
    exit 1
fi
tar xzf "$archive" -C "$folder" --strip-components 2 package/dist
rm "$archive"
touch "$folder/.$version"
