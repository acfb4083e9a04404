#!/bin/sh
# Makes tests/crm/.venv with what a CRM in Python uses. Does nothing when it is up to date.
set -eu
cd "$(dirname "$0")"
if ! { [ -x .venv/bin/python ] && cmp -s requirements.txt .venv/requirements.txt; }; then
    rm -rf .venv
    "${PYTHON:-python3}" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
    # Last, so that an interrupted installation is not taken for a finished one.
    cp requirements.txt .venv/requirements.txt
fi
