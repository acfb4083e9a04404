"""Drives every REST call of the emulator with Twilio's own library, and validates every webhook with its validator.

Reads {"base_url", "account_sid", "auth_token"} and prints {"webhooks": {path: how often}, "refused": [...]}. A call that
goes wrong ends the script.
"""

import collections
import datetime
import http.server
import json
import sys
import threading
import urllib.parse
import urllib.request

from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from werkzeug.datastructures import MultiDict

from redirected import Redirected

AGENT, CUSTOMER, SECOND, NUMBER = "+15550100001", "+15550100002", "+15550100003", "+15550100000"
EVENTS = ["initiated", "ringing", "answered", "completed"]
SETTINGS = json.load(sys.stdin)
DOCUMENTS = {
    "/start": '<Gather action="/pressed?key=%C3%BC" numDigits="1"><Say>Press a key.</Say></Gather>',
    "/pressed": '<Dial action="/after"><Number url="/whisper" statusCallback="/child" '
    f'statusCallbackEvent="initiated ringing answered completed">{CUSTOMER}</Number></Dial>',
    "/whisper": "<Say>A call for you.</Say>",
    "/after": '<Pause length="600"/>',
    "/fallback": '<Pause length="600"/>',
    "/wait": '<Play loop="0">https://example.com/wait.mp3</Play>',
    "/hold": '<Play loop="0">https://example.com/hold.mp3</Play>',
    "/announce": "<Say>Hello all.</Say>",
}


class Webhooks(http.server.BaseHTTPRequestHandler):
    """The application: fixed documents, and Twilio's validator before them."""

    validator = RequestValidator(SETTINGS["auth_token"])
    accepted = collections.Counter()
    refused = []

    def answer(self, form):
        host = f"http://127.0.0.1:{self.server.server_port}"
        path = urllib.parse.urlsplit(self.path).path
        if self.validator.validate(host + self.path, form, self.headers["X-Twilio-Signature"]):
            self.accepted[path] += 1
        else:
            self.refused.append(self.path)
        document = DOCUMENTS.get(path)
        self.send_response(500 if path == "/broken" else 200 if document else 204)
        body = f"<Response>{document}</Response>".encode() if document else b""
        if document:
            self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer(MultiDict(urllib.parse.parse_qsl(body, keep_blank_values=True)))

    def log_message(self, *args):
        pass


def control(method, path, body=None):
    data = json.dumps(body or {}).encode()
    request = urllib.request.Request(f"{SETTINGS['base_url']}/emulator/{path}", data, method=method)
    return json.load(urllib.request.urlopen(request))


def advance(seconds):
    control("POST", "clock", {"advance_ms": seconds * 1000})


def expect(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def refused(code, status, act):
    try:
        act()
    except TwilioRestException as error:
        expect((error.code, error.status), (code, status))
        assert error.uri and error.msg
    else:
        raise AssertionError(f"not refused with {code}")


def client_with(token):
    return Client(SETTINGS["account_sid"], token, http_client=Redirected(SETTINGS["base_url"]))


def account(client, app):
    expect(client.api.accounts(SETTINGS["account_sid"]).fetch().status, "active")
    refused(20003, 401, client_with("wrong").api.accounts(SETTINGS["account_sid"]).fetch)
    control("PUT", f"numbers/{NUMBER}", {"voice_url": f"{app}/start"})
    (number,) = client.incoming_phone_numbers.list(phone_number=NUMBER)
    expect(number.capabilities["voice"], True)
    number = client.incoming_phone_numbers(number.sid).update(voice_url=f"{app}/after", voice_method="GET")
    expect(client.incoming_phone_numbers(number.sid).fetch().voice_url, f"{app}/after")
    (caller,) = client.outgoing_caller_ids.list()
    expect(client.outgoing_caller_ids(caller.sid).fetch().phone_number, NUMBER)


def calls(client, app):
    call = client.calls.create(
        to=AGENT, from_=NUMBER, url=f"{app}/start?a=1&b=x%20y", method="GET", record=True,
        status_callback=f"{app}/status", status_callback_event=EVENTS,
        recording_status_callback=f"{app}/recorded", recording_status_callback_event=["in-progress", "completed"],
        machine_detection="Enable", machine_detection_timeout=20, time_limit=3600, timeout=30,
    )
    expect((call.status, call.direction), ("queued", "outbound-api"))
    assert isinstance(call.date_created, datetime.datetime)
    refused(20009, 400, call.delete)
    advance(5)
    control("POST", f"phones/{AGENT}/press", {"digits": "1"})
    advance(10)
    expect(call.fetch().status, "in-progress")
    (child,) = client.calls.list(parent_call_sid=call.sid)
    expect((child.to, child.status, child.direction), (CUSTOMER, "in-progress", "outbound-dial"))
    refused(21220, 400, lambda: recording_of_nobody(client, app))
    recording(client, call)
    child.update(url=f"{app}/after")
    advance(5)
    child.update(twiml="<Response><Hangup/></Response>")
    call.update(url=f"{app}/broken", fallback_url=f"{app}/fallback", method="POST")
    advance(5)
    call.update(status="completed")
    refused(21220, 400, lambda: call.update(status="completed"))
    advance(5)
    recordings = client.recordings.list(call_sid=call.sid)
    expect([r.status for r in recordings], ["completed"])
    expect(client.recordings(recordings[0].sid).fetch().source, "OutboundAPI")
    with urllib.request.urlopen(recordings[0].media_url + ".wav") as sound:
        expect(sound.read(4), b"RIFF")
    expect(client.recordings(recordings[0].sid).delete(), True)
    lists(client, call)
    expect(call.fetch().duration.isdigit(), True)
    expect(call.delete(), True)
    refused(20404, 404, call.fetch)


def recording_of_nobody(client, app):
    call = client.calls.create(to=SECOND, from_=NUMBER, url=f"{app}/after")
    client.calls(call.sid).recordings.create()


def recording(client, call):
    started = call.recordings.create(recording_channels="dual", recording_track="both")
    expect((started.status, started.channels, started.source), ("in-progress", 2, "StartCallRecordingAPI"))
    for status in ["paused", "in-progress", "stopped"]:
        expect(call.recordings(started.sid).update(status=status, pause_behavior="skip").status, status)
    advance(2)
    expect(call.recordings(started.sid).fetch().status in ("completed", "absent"), True)
    expect(len(call.recordings.list()), 2)
    expect(call.recordings(started.sid).delete(), True)


def lists(client, call):
    everybody = client.calls.list(page_size=1)
    assert len(everybody) >= 3, everybody
    expect([c.sid for c in client.calls.stream(page_size=2)], [c.sid for c in everybody])
    yesterday = datetime.date.today() - datetime.timedelta(days=3650)
    expect(len(client.calls.list(start_time_before=yesterday)), 0)
    assert call.sid in [c.sid for c in client.calls.list(end_time_after=yesterday, status="completed")]
    assert client.calls.page(page_size=1).next_page_url.startswith("https://api.twilio.com/2010-04-01/")


def conferences(client, app):
    room = f"Support & Sales / {SECOND}"
    participants = client.conferences(urllib.parse.quote(room, safe="")).participants
    first = participants.create(
        from_=NUMBER, to=AGENT, label="first agent", wait_url=f"{app}/wait", early_media=True,
        status_callback=f"{app}/leg", status_callback_event=EVENTS,
        conference_status_callback=f"{app}/room",
        conference_status_callback_event=["start", "end", "join", "leave", "mute", "hold", "modify", "announcement"],
        conference_record="record-from-start", conference_recording_status_callback=f"{app}/room-recorded",
    )
    expect((first.status, first.label), ("queued", "first agent"))
    advance(5)
    conference = client.conferences(first.conference_sid)
    conference.participants.create(from_=NUMBER, to=CUSTOMER, end_conference_on_exit=True, beep="onEnter")
    advance(5)
    expect(conference.fetch().status, "in-progress")
    expect([c.sid for c in client.conferences.list(friendly_name=room)], [first.conference_sid])
    expect(len(conference.participants.list()), 2)
    member = conference.participants("first agent")
    held = member.update(hold=True, hold_url=f"{app}/hold", hold_method="POST")
    expect((held.hold, held.muted), (True, False))
    expect(len(conference.participants.list(hold=True)), 1)
    advance(2)
    member.update(hold=False, muted=True, end_conference_on_exit=False, announce_url=f"{app}/announce")
    conference.update(announce_url=f"{app}/announce", announce_method="GET")
    advance(5)
    expect(member.fetch().muted, True)
    refused(16026, 400, lambda: conference.participants.create(from_=NUMBER, to=SECOND, label="first agent"))
    (record,) = conference.recordings.list()
    expect(conference.recordings(record.sid).update(status="paused").status, "paused")
    expect(conference.recordings(record.sid).fetch().source, "Conference")
    expect(member.delete(), True)
    refused(20404, 404, member.fetch)
    expect(conference.update(status="completed").status, "completed")
    advance(5)
    expect(conference.fetch().reason_conference_ended, "conference-ended-via-api")
    expect(conference.recordings(record.sid).delete(), True)


def faults(client):
    control("PUT", "faults", {"rest": [{"match": "*", "status": 429, "times": 1}]})
    refused(20429, 429, client.api.accounts(SETTINGS["account_sid"]).fetch)
    control("PUT", "faults")
    refused(21201, 400, lambda: client.calls.create(to="", from_=NUMBER, twiml="<Response/>"))
    refused(21211, 400, lambda: client.calls.create(to="12", from_=NUMBER, twiml="<Response/>"))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhooks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = f"http://127.0.0.1:{server.server_port}"
    client = client_with(SETTINGS["auth_token"])
    for part in [account, calls, conferences]:
        part(client, app)
    faults(client)
    print(json.dumps({"webhooks": Webhooks.accepted, "refused": Webhooks.refused}))


main()
