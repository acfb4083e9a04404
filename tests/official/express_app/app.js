// A warm transfer as a tutorial would write it: Express and Twilio's library, and no thought of an emulator.
//
// A caller enters a conference with hold music and the first agent's browser rings. The first agent can call in a second
// one as a participant, talk to both, and leave.
"use strict";

const express = require("express");
const twilio = require("twilio");

const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_NUMBER, PORT = "3000" } = process.env;
const client = twilio(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN);
const { VoiceResponse } = twilio.twiml;
const [FIRST_AGENT, SECOND_AGENT] = ["client:alice", "client:bob"];

const app = express();
app.use(express.urlencoded({ extended: false }));
const fromTwilio = twilio.webhook({ protocol: "http" });
const here = (request, path) => `${request.protocol}://${request.get("host")}${path}`;

function intoConference(request, name, endOnExit) {
  const response = new VoiceResponse();
  response.dial().conference(
    {
      startConferenceOnEnter: true,
      endConferenceOnExit: endOnExit,
      waitUrl: here(request, "/hold-music"),
      statusCallback: here(request, "/conference-event"),
      statusCallbackEvent: "start end join leave",
      beep: "false",
    },
    name,
  );
  return response.toString();
}

app.post("/voice", fromTwilio, async (request, response) => {
  const name = request.body.CallSid;
  await client.calls.create({
    to: FIRST_AGENT,
    from: TWILIO_NUMBER,
    url: here(request, `/join/${name}`),
    statusCallback: here(request, "/call-event"),
    statusCallbackEvent: ["initiated", "ringing", "answered", "completed"],
  });
  response.type("text/xml").send(intoConference(request, name, true));
});

app.post("/join/:name", fromTwilio, (request, response) => {
  response.type("text/xml").send(intoConference(request, request.params.name, false));
});

app.post("/hold-music", fromTwilio, (request, response) => {
  const music = new VoiceResponse();
  music.play({ loop: 0 }, "http://com.twilio.music.classical.s3.amazonaws.com/BusyStrings.mp3");
  response.type("text/xml").send(music.toString());
});

app.post("/conference-event", fromTwilio, (request, response) => {
  console.log(request.body.FriendlyName, request.body.StatusCallbackEvent);
  response.sendStatus(204);
});

app.post("/call-event", fromTwilio, (request, response) => {
  console.log(request.body.To, "is", request.body.CallStatus);
  response.sendStatus(204);
});

// The first agent's button: the second agent is called into the conference.
app.post("/transfer/:name", async (request, response) => {
  const [conference] = await client.conferences.list({ friendlyName: request.params.name, status: "in-progress" });
  const participant = await client.conferences(conference.sid).participants.create({
    to: SECOND_AGENT,
    from: TWILIO_NUMBER,
    earlyMedia: false,
    endConferenceOnExit: true,
    statusCallback: here(request, "/call-event"),
    statusCallbackEvent: ["answered", "completed"],
  });
  response.json({ call_sid: participant.callSid });
});

const server = app.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`Running on http://127.0.0.1:${server.address().port}`);
});
