#!/bin/sh
# Makes tests/examples/.venv and tests/examples/node_modules with what the examples of docs/crm.md need. Does nothing when they
# are up to date.
set -eu
cd "$(dirname "$0")"
if ! { [ -x .venv/bin/python ] && cmp -s requirements.txt .venv/requirements.txt; }; then
    rm -rf .venv
    "${PYTHON:-python3}" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
    # Last, so that an interrupted installation is not taken for a finished one.
    cp requirements.txt .venv/requirements.txt
fi
if ! cmp -s package-lock.json node_modules/installed.json; then
    command -v npm >/dev/null || { echo "tests/examples/setup.sh: npm is missing; on Debian: apt-get install nodejs npm" >&2; exit 1; }
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/installed.json
fi
