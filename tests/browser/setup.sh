#!/bin/sh
# Makes tests/browser/node_modules with what drives Chromium. Does nothing when it is up to date.
set -eu
cd "$(dirname "$0")"
if ! cmp -s package-lock.json node_modules/installed.json; then
    command -v npm >/dev/null || { echo "tests/browser/setup.sh: npm is missing; on Debian: apt-get install nodejs npm" >&2; exit 1; }
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    # Last, so that an interrupted installation is not taken for a finished one.
    cp package-lock.json node_modules/installed.json
fi
