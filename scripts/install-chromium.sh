#!/bin/sh
# Installs Chromium, in which the web client is tested. Does nothing where it is present.
set -eu

# The names by which clients/web/test/kit/chromium.ts looks for it.
for program in chromium chromium-browser google-chrome-stable google-chrome; do
    command -v "$program" >/dev/null && exit 0
done
exec "$(dirname "$0")/apt-install.sh" chromium
