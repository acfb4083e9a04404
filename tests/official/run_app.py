"""Runs a Python program unmodified, with every `Client` of Twilio's library sent to TWILIO_API_BASE_URL."""

import functools
import os
import runpy
import sys

import twilio.rest

from redirected import Redirected

twilio.rest.Client = functools.partial(
    twilio.rest.Client, http_client=Redirected(os.environ["TWILIO_API_BASE_URL"])
)
runpy.run_path(sys.argv[1], run_name="__main__")
