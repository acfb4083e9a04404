#!/bin/sh
# Makes tests/official/.venv with Twilio's own Python library. Does nothing when it is up to date.
set -eu
cd "$(dirname "$0")"
if [ -x .venv/bin/python ] && cmp -s requirements.txt .venv/requirements.txt; then
    exit 0
fi
rm -rf .venv
"${PYTHON:-python3}" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
# Last, so that an interrupted installation is not taken for a finished one.
cp requirements.txt .venv/requirements.txt
