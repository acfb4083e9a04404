"""Prints, as one JSON object, the TwiML documents that Twilio's own library builds: their name -> XML.

Each has a counterpart of the same name in tests/it/official/twiml.rs, built by the service.
"""

import json

from twilio.twiml.voice_response import Client, Conference, Dial, Gather, Number, Sip, VoiceResponse

DOCUMENTS = {}


def document(build):
    """Registers a function that fills in a VoiceResponse; the document has the function's name."""
    response = VoiceResponse()
    build(response)
    DOCUMENTS[build.__name__] = str(response)
    return build


@document
def empty(response):
    pass


@document
def say(response):
    response.say("One moment.")
    response.say("Zoë says \"1 < 2\" & 'more' 🙂", voice="Polly.Joanna", language="en-GB", loop=2)


@document
def play(response):
    response.play("https://cdn.example.com/hold.mp3?a=1&b=2", loop=0)
    response.play(digits="ww12#")


@document
def pause(response):
    response.pause()
    response.pause(length=3)


@document
def dial_number(response):
    dial = Dial(
        action="https://calls.example.com/twiml/first-leg-disconnected?call=1&room=r",
        method="POST",
        timeout=25,
        time_limit=3600,
        caller_id="+15550100199",
        answer_on_bridge=True,
        hangup_on_star=False,
    )
    dial.append(
        Number(
            "+15550100123",
            url="https://calls.example.com/twiml/whisper",
            method="GET",
            status_callback="https://calls.example.com/webhooks/call-status?call=1&role=customer",
            status_callback_method="POST",
            status_callback_event="initiated ringing answered completed",
        )
    )
    response.append(dial)


@document
def dial_client(response):
    dial = response.dial()
    dial.client(
        "dana",
        url="https://calls.example.com/twiml/whisper",
        method="POST",
        status_callback="https://calls.example.com/webhooks/call-status",
        status_callback_event="completed",
    )
    client = Client()
    client.identity("erin")
    client.parameter(name="customer", value='Zoë "Z" & Co')
    client.parameter(name="tries", value="2")
    dial.append(client)


@document
def dial_sip(response):
    dial = response.dial()
    dial.append(
        Sip(
            "sip:dana@example.com;transport=tls",
            username="dana",
            password="p&p",
            url="https://calls.example.com/twiml/whisper",
            method="GET",
            status_callback="https://calls.example.com/webhooks/call-status",
            status_callback_method="GET",
            status_callback_event="answered completed",
        )
    )


@document
def dial_conference(response):
    dial = response.dial(action="https://calls.example.com/twiml/left-the-room")
    dial.append(
        Conference(
            "room <1> & \"2\"",
            start_conference_on_enter=True,
            end_conference_on_exit=False,
            beep="false",
            muted=False,
            wait_url="https://calls.example.com/twiml/wait",
            wait_method="GET",
            participant_label="customer",
            max_participants=4,
            coach="CA00000000000000000000000000000007",
            status_callback="https://calls.example.com/webhooks/conference-status?call=1",
            status_callback_method="POST",
            status_callback_event="start end join leave mute hold modify speaker announcement",
        )
    )


@document
def conference_beeps(response):
    for beep in ["true", "false", "onEnter", "onExit"]:
        response.dial().conference("room", beep=beep, wait_url="")


@document
def gather(response):
    gather = Gather(
        action="https://calls.example.com/twiml/accept?call=1&step=2",
        method="POST",
        num_digits=1,
        timeout=8,
        finish_on_key="",
        action_on_empty_result=True,
    )
    gather.say("Press 1.")
    gather.pause(length=2)
    gather.play("https://cdn.example.com/tone.wav")
    response.append(gather)
    response.gather()


@document
def redirect(response):
    response.redirect("https://calls.example.com/twiml/wait?n=1&m=2", method="POST")
    response.redirect("")


@document
def hangup_and_reject(response):
    response.hangup()
    response.reject()
    response.reject(reason="busy")
    response.reject(reason="rejected")


# The documents that the service's views answer, with fixed ids.

CALL = "00000000-0000-0000-0000-000000000001"
LEG = "00000000-0000-0000-0000-000000000002"
CUSTOMER_LEG = "00000000-0000-0000-0000-000000000003"
BASE = "https://calls.example.com"
TRIES = "#ct=2000&rt=5000&rc=3&rp=all"


def enter_room(response):
    dial = response.dial()
    dial.conference(
        "room-1",
        start_conference_on_enter=True,
        end_conference_on_exit=False,
        beep=False,
        wait_url=f"{BASE}/twiml/wait?call={CALL}{TRIES}",
        wait_method="POST",
        participant_label=LEG,
        status_callback=f"{BASE}/webhooks/conference-status?call={CALL}{TRIES}",
        status_callback_method="POST",
        status_callback_event="start end join leave mute hold announcement",
    )
    response.say("The call has ended. Goodbye.", language="en-US")
    response.hangup()


@document
def view_second_leg(response):
    dial = Dial(
        action=f"{BASE}/twiml/first-leg-disconnected?call={CALL}&leg={LEG}&room=room-1{TRIES}",
        method="POST",
        timeout=25,
        time_limit=14400,
        caller_id="+15550100100",
        answer_on_bridge=True,
    )
    dial.number(
        "+15550100199",
        status_callback=f"{BASE}/webhooks/call-status?call={CALL}&leg={CUSTOMER_LEG}{TRIES}",
        status_callback_method="POST",
        status_callback_event="initiated ringing answered completed",
    )
    response.append(dial)


@document
def view_conference(response):
    enter_room(response)


@document
def view_first_leg_disconnected_transfer(response):
    enter_room(response)


@document
def view_first_leg_disconnected_hang_up(response):
    response.hangup()


@document
def view_first_leg_disconnected_busy(response):
    response.say("The customer's line is busy. Goodbye.", language="en-US")
    response.hangup()


@document
def view_wait(response):
    response.pause(length=1)
    response.play("https://cdn.example.com/hold.mp3", loop=0)


@document
def view_wait_without_music(response):
    response.pause(length=1)
    response.say("One moment please.", language="en-US")
    response.redirect("")


@document
def view_announce(response):
    response.say("Zoë & \"Co\" <did> not answer.", language="en-US")


@document
def view_goodbye(response):
    response.say("The customer has hung up. Goodbye.", language="en-US", voice="Polly.Joanna")
    response.hangup()


@document
def view_apology(response):
    response.say("We are sorry, something went wrong. Goodbye.", language="en-US")
    response.hangup()


print(json.dumps(DOCUMENTS))
