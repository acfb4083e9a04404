"""One call, transferred, with its outcome. Needs `pip install requests`; WARM_TRANSFER_URL and WARM_TRANSFER_KEY say where
and as whom."""

import os
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

URL = os.environ["WARM_TRANSFER_URL"] + "/api/v1"

session = requests.Session()
session.headers["Authorization"] = "Bearer " + os.environ["WARM_TRANSFER_KEY"]
# What may pass is repeated, after the seconds that Retry-After gives; under one Idempotency-Key that does nothing twice.
retry = Retry(total=8, backoff_factor=0.5, status_forcelist=[429, 503], allowed_methods=None, raise_on_status=False)
session.mount(URL, HTTPAdapter(max_retries=retry))


def ask(method, path, body=None, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    answer = session.request(method, URL + path, json=body, headers=headers, timeout=30)
    if not answer.ok:
        problem = answer.json()
        raise SystemExit(f"{problem['code']}: {problem.get('detail') or problem['title']}")
    return answer.json()


def wait_until(call_id, is_so):
    while not is_so(call := ask("GET", f"/calls/{call_id}")):
        if call["status"] == "ended":
            raise SystemExit(f"the call has ended: {call['end_reason']}")
        time.sleep(0.5)
    return call


deal = f"deal-{time.time_ns()}"  # a record of yours; what is asked for on its behalf is named after it
wish = {"agent": "agent:alice", "customer": "+15550100199", "external_id": deal}
call_id = ask("POST", "/calls", wish, f"{deal}-call")["id"]
print("placed", call_id)
wait_until(call_id, lambda call: call["status"] == "connected")
print("agent and customer talk")

second = {"to": "agent:dana", "briefing": "Asks about the annual plan."}
ask("POST", f"/calls/{call_id}/transfer", second, f"{deal}-transfer")
wait_until(call_id, lambda call: call["transfers"][-1]["status"] == "joined")
print("all three talk")
ask("POST", f"/calls/{call_id}/transfer/complete", key=f"{deal}-complete")
wait_until(call_id, lambda call: call["transfers"][-1]["status"] == "completed")
print("the first agent has left")

ask("POST", f"/calls/{call_id}/hangup", key=f"{deal}-hangup")
wait_until(call_id, lambda call: call["status"] == "ended")
outcome = {"disposition": "appointment", "notes": "Dana calls back on Monday."}
call = ask("PUT", f"/calls/{call_id}/outcome", outcome)
transfer = call["transfers"][-1]["status"]
print(f"transfer {transfer}, ended by {call['ended_by']}, outcome {call['outcome']['disposition']}")
