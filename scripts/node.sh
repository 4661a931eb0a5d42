#!/usr/bin/env bash
# The web client is built with Node 20 or newer and npm. Debian 12 has Node 18, too old for Vite: so this only says what is needed.
echo "The web client is not built yet, and that needs Node 20 or newer with npm, which is not on this machine." >&2
echo "Install Node 20 and run this again, or install a released wheel, which carries the built client: pip install isocenter" >&2
exit 1
