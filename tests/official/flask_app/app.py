"""A warm transfer as a tutorial would write it: Flask and Twilio's library, and no thought of an emulator.

A caller enters a conference with hold music and the first agent's browser rings. The first agent can call in a second
one, talk to both, and leave.
"""

import functools
import os

from flask import Flask, abort, request, url_for
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, VoiceResponse

app = Flask(__name__)
client = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
NUMBER = os.environ["TWILIO_NUMBER"]
FIRST_AGENT, SECOND_AGENT = "client:alice", "client:bob"
CONFERENCE_EVENTS = "start end join leave"


def from_twilio(view):
    @functools.wraps(view)
    def checked(*args, **kwargs):
        validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])
        if not validator.validate(request.url, request.form, request.headers.get("X-Twilio-Signature", "")):
            abort(403)
        return view(*args, **kwargs)

    return checked


def twiml(response):
    return str(response), {"Content-Type": "text/xml"}


def into_conference(name, end_on_exit):
    response = VoiceResponse()
    dial = Dial()
    dial.conference(
        name,
        start_conference_on_enter=True,
        end_conference_on_exit=end_on_exit,
        wait_url=url_for("hold_music", _external=True),
        status_callback=url_for("conference_event", _external=True),
        status_callback_event=CONFERENCE_EVENTS,
        beep=False,
    )
    response.append(dial)
    return twiml(response)


def call_agent(agent, name):
    return client.calls.create(
        to=agent,
        from_=NUMBER,
        url=url_for("join", name=name, end="true" if agent == SECOND_AGENT else "false", _external=True),
        status_callback=url_for("call_event", _external=True),
        status_callback_event=["initiated", "ringing", "answered", "completed"],
    )


@app.post("/voice")
@from_twilio
def voice():
    name = request.form["CallSid"]
    call_agent(FIRST_AGENT, name)
    return into_conference(name, end_on_exit=True)


@app.post("/join/<name>")
@from_twilio
def join(name):
    return into_conference(name, end_on_exit=request.args["end"] == "true")


@app.post("/hold-music")
@from_twilio
def hold_music():
    response = VoiceResponse()
    response.play("http://com.twilio.music.classical.s3.amazonaws.com/BusyStrings.mp3", loop=0)
    return twiml(response)


@app.post("/conference-event")
@from_twilio
def conference_event():
    app.logger.info("%s %s", request.form["FriendlyName"], request.form["StatusCallbackEvent"])
    return "", 204


@app.post("/call-event")
@from_twilio
def call_event():
    app.logger.info("%s is %s", request.form["To"], request.form["CallStatus"])
    return "", 204


@app.post("/transfer/<name>")
def transfer(name):
    """The first agent's button: the second agent is called into the conference."""
    call = call_agent(SECOND_AGENT, name)
    return {"call_sid": call.sid}


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "5000")))
