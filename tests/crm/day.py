"""A small CRM and one day of its calls: it asks, repeats, gives up waiting, hangs up, transfers, and keeps its own books from the
webhooks it gets, some of which it takes late, refuses or drops. In the evening it reads everything back and compares.

The first line of standard input is {"url", "key", "speed", "calls", "seed"}. It writes "noon" when the service is to be started
again, and is answered by a line when that is done; then its books, as one line of JSON. It exits with 1 and one sentence on
standard error at the first thing that is not as it should be.

What customers do is decided by whoever has set the stage, by the last digit of a call's number, as `story` tells."""

import json
import random
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import standardwebhooks.webhooks
from standardwebhooks import Webhook

PATIENCE = 40
"""How long anything may take, in seconds."""
AT_ONCE = 14
"""People who work with the CRM."""
NOON = 12
"""Calls that are over before the restart."""
MAY_BE_LATE = {"not_connected", "call_ended", "no_transfer", "not_joined", "handing_over"}
"""Codes that mean that a call has gone on meanwhile."""


class Disagreement(Exception):
    """Something is not as it should be."""


def agree(found, expected, what):
    if found != expected:
        raise Disagreement(f"{what}: expected {expected!r}, found {found!r}")


def set_clocks(speed):
    """Time on the stage passes faster than here, and the verifier looks at the clock of whoever lives there."""
    began = datetime.now(timezone.utc)

    class StageTime(datetime):
        @classmethod
        def now(cls, tz=None):
            return began + (datetime.now(tz) - began) * speed

    standardwebhooks.webhooks.datetime = StageTime


class Books:
    """What the CRM knows of its calls, all of it from webhooks and from answers to its own requests."""

    def __init__(self, seed):
        self.seed = seed
        self.changed = threading.Condition()
        self.faults = []
        self.messages = {}
        """By webhook-id: the body, and how often it came."""
        self.attempts = defaultdict(int)
        self.of_call = defaultdict(list)
        """By call: its events in the order in which they first came."""
        self.keys = {}
        """Idempotency-Keys whose requests were accepted, with the status of the answer."""
        self.counts = defaultdict(int)

    def fault(self, sentence):
        with self.changed:
            self.faults.append(sentence)
            self.changed.notify_all()

    def count(self, what):
        with self.changed:
            self.counts[what] += 1

    def mischief(self, message_id, event):
        """What the endpoint does with this attempt: decided by the seed, the call and the how manieth of its events it is."""
        with self.changed:
            self.attempts[message_id] += 1
            attempt = self.attempts[message_id]
            known = [it["id"] for it in self.of_call[event["call_id"]]]
            number = known.index(event["id"]) if event["id"] in known else len(known)
        dice = random.Random(f"{self.seed}/{event['external_id']}/{number}")
        deed = dice.choices(["", "refuse", "forget", "late", "drop", "cut"], [60, 2, 2, 2, 2, 2])[0]
        times = 2 if dice.random() < 0.1 else 1
        deed = deed if attempt <= times else ""
        self.count(deed or "taken")
        return deed

    def book(self, message_id, message):
        event = message["data"]
        with self.changed:
            before = self.messages.setdefault(message_id, message)
            if before != message:
                self.faults.append(f"webhook {message_id} came with two different bodies")
            elif before is message:
                events = self.of_call[event["call_id"]]
                if events and events[-1]["id"] >= event["id"]:
                    self.faults.append(f"event {event['id']} of a call came after its event {events[-1]['id']}")
                events.append(event)
            self.changed.notify_all()

    def wait(self, is_so, what):
        """Waits for a webhook after which it is so."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.faults or is_so(), PATIENCE):
                raise Disagreement(f"waited too long until {what}")
            if self.faults:
                raise Disagreement(self.faults[0])

    def types(self, call):
        return [event["type"] for event in self.of_call[call]]

    def wait_for(self, call, *types):
        self.wait(lambda: set(types) & set(self.types(call)), f"call {call} has one of {types}; it has {self.types(call)}")

    def is_over(self, call):
        return "call.ended" in self.types(call)

    def state(self, call):
        """Status, ended_by, end_reason, and the transfers with their status."""
        state = {"status": None, "ended_by": None, "end_reason": None, "transfers": {}}
        for event in self.of_call[call]:
            group, word = event["type"].split(".")
            if group == "call" and word != "outcome":
                state |= {"status": word}
            if event["type"] == "call.ended":
                state |= {name: event["detail"][name] for name in ("ended_by", "end_reason")}
            if group == "transfer":
                state["transfers"][event["detail"]["transfer"]] = word
        return state


def endpoint(books, secrets):
    """Where webhooks arrive: verified first, then booked."""

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = PATIENCE

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                message = Webhook(secrets[0]).verify(body, dict(self.headers))
                deed = books.mischief(self.headers["webhook-id"], message["data"])
                if deed not in ("refuse", "drop"):
                    books.book(self.headers["webhook-id"], message)
            except Exception as error:
                books.fault(f"a webhook could not be booked: {error!r}: {body!r}")
                return self.reply(400)
            if deed == "late" and self.rfile.read(1):
                books.fault("the service sent more before it was answered")
            if deed in ("late", "drop", "cut"):
                # When the service has given up waiting, which is when its end of the connection is closed; or at once.
                self.close_connection = True
                return
            self.reply(500 if deed in ("refuse", "forget") else 204)

        def reply(self, status):
            self.send_response(status)
            if status != 204:
                self.send_header("content-length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/webhooks"


class Client:
    """The CRM's end of the API: what may be repeated is repeated until there is an answer."""

    def __init__(self, told, books):
        limits = httpx.Limits(max_connections=100)
        # Events are a stream to whoever does not ask for JSON.
        headers = {"Authorization": f"Bearer {told['key']}", "Accept": "application/json"}
        self.http = httpx.Client(base_url=told["url"], headers=headers, timeout=PATIENCE, limits=limits)
        self.speed, self.books = told["speed"], books
        self.is_noon, self.is_back = threading.Event(), threading.Event()

    def get(self, path, **query):
        answer = self.http.get(f"/api/v1{path}", params=query)
        agree(answer.status_code, 200, f"GET {path}: {answer.text}")
        return answer.json()

    def ask(self, method, path, key, body=None, impatient=False):
        """Sends it until it is answered for good. Whoever is impatient does not wait for the first answer."""
        headers = {"Idempotency-Key": key} if key else {}
        until = time.monotonic() + PATIENCE
        timeout = httpx.Timeout(PATIENCE, read=0.001) if impatient else httpx.USE_CLIENT_DEFAULT
        while time.monotonic() < until:
            try:
                answer = self.http.request(method, f"/api/v1{path}", headers=headers, json=body, timeout=timeout)
            except httpx.ReadTimeout:
                self.books.count("not_waited_for")
                timeout = httpx.USE_CLIENT_DEFAULT
                continue
            except httpx.TransportError as error:
                if not self.is_noon.is_set():
                    raise Disagreement(f"{method} {path} broke off in the morning: {error!r}") from error
                self.books.count("broken_off")
                # Before the service is back it is of little use, but harmless, to try again.
                self.is_back.wait(0.05)
                continue
            if answer.status_code != 503 and code(answer) != "request_in_progress":
                return self.noted(key, answer)
            self.books.count("asked_to_wait")
            # As the service asks, in the time of the stage.
            time.sleep(int(answer.headers["retry-after"]) / self.speed)
        raise Disagreement(f"{method} {path} is never answered")

    def noted(self, key, answer):
        if answer.status_code >= 500:
            raise Disagreement(f"{answer.request.url} was answered {answer.status_code} {answer.text}")
        if key and answer.is_success:
            with self.books.changed:
                before = self.books.keys.setdefault(key, answer.status_code)
            agree(answer.status_code, before, f"the second answer under {key}")
        return answer

    def do(self, call, action, body=None, may_be_late=False):
        """Asks something of a call; says whether it is being done."""
        answer = self.ask("POST", f"/calls/{call}/{action}", f"{action}-{call}", body)
        if answer.status_code == 409 and may_be_late and code(answer) in MAY_BE_LATE:
            return False
        agree(answer.status_code, 202, f"{action} of {call}: {answer.text}")
        return True

    def pages(self, path, name, cursor, **query):
        """Everything of a list, page by page."""
        entries = []
        while True:
            page = self.get(path, **query)
            entries += page[name]
            query[cursor] = page["next_cursor"]
            if not page[name] or query[cursor] is None:
                return entries


def code(answer):
    return answer.json().get("code") if answer.status_code >= 400 else None


def wish(row):
    return {
        "agent": f"agent:{('alice', 'dana', 'kim')[row % 3]}",
        "customer": f"+1555010{6000 + row}",
        "external_id": f"deal-{row}",
        "metadata": {"row": row, "tags": ["day", "é"], "value": {"eur": row * 10.5}},
        "bridge": "room" if row // 10 % 2 else "dial",
        "ring_timeout_secs": 10,
    }


def place(client, row):
    """Asks for the call in one of the ways in which CRMs do; gives its id."""
    key, body = f"place-{row}", wish(row)
    answers = []
    if row % 4 == 0:
        with ThreadPoolExecutor(3) as three:
            asked = [three.submit(client.ask, "POST", "/calls", key, body) for _ in range(3)]
            answers = [it.result() for it in asked]
    answers.append(client.ask("POST", "/calls", key, body, impatient=row % 4 == 1))
    if row % 4 == 2:
        answers.append(client.ask("POST", "/calls", key, body))
        agree(answers[-1].headers.get("idempotency-replayed"), "true", f"the repetition of {key} is a stored answer")
    for answer in answers:
        agree(answer.status_code, 201, f"{key}: {answer.text}")
        agree(answer.json(), answers[0].json(), f"all answers under {key}")
    if row % 4 == 3:
        other = client.ask("POST", "/calls", key, body | {"external_id": "another"})
        agree((other.status_code, code(other)), (422, "idempotency_key_reused"), f"another body under {key}")
    return answers[0].json()["id"]


def story(client, row):
    """One call from its beginning to its end."""
    books, call = client.books, place(client, row)
    digit = row % 10
    # 0 is engaged, 1 does not answer, 2 declines, 3 and 4 answer and hang up after a while.
    if digit in (5, 6):
        twin = client.ask("POST", "/calls", f"twin-{row}", wish(row))
        agree((twin.status_code, twin.json().get("call_id")), (409, call), f"a second call to customer {row}: {twin.text}")
        agree(code(twin), "duplicate_call", f"a second call to customer {row}")
        books.wait_for(call, "call.connected", "call.in_room")
        client.do(call, "hangup")
    if digit in (7, 8):
        # The customer of 8 hangs up whenever it suits them.
        transfer(client, call, "agent:kim" if row % 3 == 1 else "agent:dana", may_be_late=digit == 8)
        if digit == 7:
            client.do(call, "hangup")
    if digit == 9:
        client.do(call, "hangup")
    books.wait(lambda: books.is_over(call), f"call {row} is over: {call}: {books.types(call)}")
    outcome = None
    if row % 3:
        outcome = {"disposition": ("no_contact", "sale", "callback")[row % 3], "notes": f"row {row}"}
        answer = client.ask("PUT", f"/calls/{call}/outcome", None, outcome)
        agree(answer.status_code, 200, f"the outcome of call {row}: {answer.text}")
        books.wait_for(call, "call.outcome")
    return call, outcome


def told_of(books, work, *arguments):
    """Does the work; whatever goes wrong in it is everybody's business."""
    try:
        return work(*arguments)
    except Exception as error:
        books.fault(str(error) if isinstance(error, Disagreement) else repr(error))
        raise


def transfer(client, call, to, may_be_late):
    client.books.wait_for(call, "call.connected", "call.in_room")
    body = {"to": to, "briefing": "A deal for you", "style": "with_customer"}
    if not client.do(call, "transfer", body, may_be_late):
        return
    over = ("transfer.failed", "transfer.abandoned", "transfer.cancelled")
    client.books.wait_for(call, "transfer.joined", *over)
    if client.do(call, "transfer/complete", None, may_be_late):
        client.books.wait_for(call, "transfer.completed", *over)


def noon(client, first_answer):
    """The service is started again while people go on working; meanwhile one of them asks for the same answer again and again."""
    books, key = client.books, "place-0"
    books.wait(lambda: sum(books.is_over(call) for call in list(books.of_call)) >= NOON, f"{NOON} calls are over")
    call = first_answer()
    client.is_noon.set()
    print("noon", flush=True)
    threading.Thread(target=lambda: sys.stdin.readline() and client.is_back.set(), daemon=True).start()
    until = time.monotonic() + PATIENCE
    while not client.is_back.is_set() and time.monotonic() < until:
        agree(client.ask("POST", "/calls", key, wish(0)).json()["id"], call, f"what was answered under {key} before")
    answer = client.ask("POST", "/calls", key, wish(0))
    found = (answer.json()["id"], answer.headers.get("idempotency-replayed"))
    agree(found, (call, "true"), f"what was answered under {key} before the restart")


def compare(client, calls):
    """Everything that the API tells is in the books, and nothing else."""
    books = client.books
    listed = client.pages("/calls", "calls", "cursor", limit=7)
    agree(sorted(it["id"] for it in listed), sorted(calls), "the list of calls")
    agree([it["created_at"] for it in listed], sorted((it["created_at"] for it in listed), reverse=True), "its order")
    feed = defaultdict(list)
    for event in client.pages("/events", "events", "after", limit=50):
        feed[event["call_id"]].append(event)
    agree(set(feed), set(calls), "the calls of the feed of events")
    for row, (call, (_, outcome)) in enumerate(calls.items()):
        own = client.pages(f"/calls/{call}/events", "events", "after", limit=5)
        told = [{name: value for name, value in entry.items() if name != "kind"} for entry in own]
        agree(told, feed[call], f"the timeline of call {row}, beside the feed")
        ids = [event["id"] for event in told]
        agree(ids, sorted(set(ids)), f"the ids in the timeline of call {row}")
        books.wait(lambda: {it["id"] for it in books.of_call[call]} >= set(ids), f"every webhook of call {row} is there: {ids}")
        agree(books.of_call[call], told, f"the webhooks of call {row}, beside its timeline")
        one = client.get(f"/calls/{call}")
        agree(one, next(it for it in listed if it["id"] == call), f"call {row}, beside the list")
        compare_one(books, row, one, outcome)
    ids = sorted(event["id"] for events in feed.values() for event in events)
    agree(ids, list(range(1, len(ids) + 1)), "the positions of the feed")
    agree(len(books.messages), len(ids), "webhooks with different ids, one an event")


def compare_one(books, row, call, outcome):
    found = {name: call[name] for name in ("status", "ended_by", "end_reason")}
    found["transfers"] = {it["id"]: it["status"] for it in call["transfers"]}
    agree(found, books.state(call["id"]), f"call {row}")
    agree(call["status"], "ended", f"call {row}")
    sent = {name: call[name] for name in ("external_id", "metadata", "bridge", "ring_timeout_secs")}
    agree(sent, {name: wish(row)[name] for name in sent}, f"what call {row} was asked for with")
    customer = next(leg for leg in call["legs"] if leg["role"] == "customer")
    agree(customer["address"], wish(row)["customer"], f"the customer of call {row}")
    shown = call["outcome"] and {name: call["outcome"][name] for name in ("disposition", "notes")}
    agree(shown, outcome, f"the outcome of call {row}")
    if row % 10 == 7:
        agree(list(found["transfers"].values()), ["completed"], f"the transfer of call {row}")


def printed(books, calls):
    rows = [
        {"id": call, "customer": wish(row)["customer"], "external_id": wish(row)["external_id"], **books.state(call),
         "disposition": outcome and outcome["disposition"]}
        for call, (row, outcome) in calls.items()
    ]
    messages = {message_id: message["data"]["id"] for message_id, message in books.messages.items()}
    print(json.dumps({"calls": rows, "webhooks": messages, "keys": books.keys, "counts": books.counts}), flush=True)


def day():
    told = json.loads(sys.stdin.readline())
    set_clocks(told["speed"])
    books, secrets = Books(told["seed"]), []
    client = Client(told, books)
    made = client.ask("POST", "/webhook-endpoints", None, {"url": endpoint(books, secrets), "description": "day.py"})
    agree(made.status_code, 201, f"the endpoint of webhooks: {made.text}")
    secrets.append(made.json()["secret"])
    with ThreadPoolExecutor(AT_ONCE) as people:
        stories = [people.submit(told_of, books, story, client, row) for row in range(told["calls"])]
        try:
            told_of(books, noon, client, lambda: stories[0].result()[0])
            told_by_people = [it.result() for it in stories]
        except Exception:
            people.shutdown(wait=False, cancel_futures=True)
            raise Disagreement(books.faults[0])
    calls = {call: (row, outcome) for row, (call, outcome) in enumerate(told_by_people)}
    agree(len(calls), told["calls"], "calls, every one once")
    compare(client, calls)
    if books.faults:
        raise Disagreement(books.faults[0])
    printed(books, calls)


if __name__ == "__main__":
    try:
        day()
    except Disagreement as error:
        sys.exit(str(error))
