#!/bin/sh
# Makes tests/official/.venv and tests/official/node/node_modules with Twilio's own libraries. Does nothing when they are up to
# date.
set -eu
cd "$(dirname "$0")"
if ! { [ -x .venv/bin/python ] && cmp -s requirements.txt .venv/requirements.txt; }; then
    rm -rf .venv
    "${PYTHON:-python3}" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
    # Last, so that an interrupted installation is not taken for a finished one.
    cp requirements.txt .venv/requirements.txt
fi
cd node
if ! cmp -s package-lock.json node_modules/installed.json; then
    command -v npm >/dev/null || { echo "tests/official/setup.sh: npm is missing; on Debian: apt-get install nodejs npm" >&2; exit 1; }
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/installed.json
fi
