// Drives every REST call of the emulator with Twilio's own library, and validates every webhook with its validator.
//
// Reads {"base_url", "account_sid", "auth_token"} and prints {"webhooks": {path: how often}, "refused": [...]}. A call that
// goes wrong ends the script. The story is that of client.py.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const twilio = require("twilio");

const [AGENT, CUSTOMER, SECOND, NUMBER] = ["+15550100001", "+15550100002", "+15550100003", "+15550100000"];
const EVENTS = ["initiated", "ringing", "answered", "completed"];
const { base_url: baseUrl, account_sid: accountSid, auth_token: authToken } = JSON.parse(fs.readFileSync(0, "utf8"));
const DOCUMENTS = {
  "/start": '<Gather action="/pressed?key=%C3%BC" numDigits="1"><Say>Press a key.</Say></Gather>',
  "/pressed":
    '<Dial action="/after"><Number url="/whisper" statusCallback="/child" ' +
    `statusCallbackEvent="initiated ringing answered completed">${CUSTOMER}</Number></Dial>`,
  "/whisper": "<Say>A call for you.</Say>",
  "/after": '<Pause length="600"/>',
  "/fallback": '<Pause length="600"/>',
  "/wait": '<Play loop="0">https://example.com/wait.mp3</Play>',
  "/hold": '<Play loop="0">https://example.com/hold.mp3</Play>',
  "/announce": "<Say>Hello all.</Say>",
};

class Redirected extends twilio.RequestClient {
  request(options) {
    return super.request({ ...options, uri: options.uri.replace("https://api.twilio.com", baseUrl) });
  }
}

const clientWith = (token) => twilio(accountSid, token, { httpClient: new Redirected() });

// The application: fixed documents, and Twilio's validator before them.
const accepted = {};
const refused = [];

function application(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const form = {};
    for (const [name, value] of new URLSearchParams(Buffer.concat(chunks).toString())) {
      form[name] = name in form ? [form[name], value].flat() : value;
    }
    const url = `http://${request.headers.host}${request.url}`;
    const path = new URL(url).pathname;
    if (twilio.validateRequest(authToken, request.headers["x-twilio-signature"], url, form)) {
      accepted[path] = (accepted[path] || 0) + 1;
    } else {
      refused.push(request.url);
    }
    const document = DOCUMENTS[path];
    response.statusCode = path === "/broken" ? 500 : document ? 200 : 204;
    if (document) response.setHeader("Content-Type", "text/xml");
    response.end(document && `<Response>${document}</Response>`);
  });
}

async function control(method, path, body = {}) {
  const response = await fetch(`${baseUrl}/emulator/${path}`, { method, body: JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.json();
}

const advance = (seconds) => control("POST", "clock", { advance_ms: seconds * 1000 });

const refusedWith = (code, status, promise) =>
  assert.rejects(promise, (error) => {
    assert.deepEqual([error.code, error.status], [code, status]);
    return error instanceof twilio.RestException || error.name === "Error";
  });

async function account(client, app) {
  assert.equal((await client.api.accounts(accountSid).fetch()).status, "active");
  await refusedWith(20003, 401, clientWith("wrong").api.accounts(accountSid).fetch());
  await control("PUT", `numbers/${NUMBER}`, { voice_url: `${app}/start` });
  const [number] = await client.incomingPhoneNumbers.list({ phoneNumber: NUMBER });
  assert.equal(number.capabilities.voice, true);
  await client.incomingPhoneNumbers(number.sid).update({ voiceUrl: `${app}/after`, voiceMethod: "GET" });
  assert.equal((await client.incomingPhoneNumbers(number.sid).fetch()).voiceUrl, `${app}/after`);
  const [caller] = await client.outgoingCallerIds.list();
  assert.equal((await client.outgoingCallerIds(caller.sid).fetch()).phoneNumber, NUMBER);
}

async function calls(client, app) {
  const made = await client.calls.create({
    to: AGENT, from: NUMBER, url: `${app}/start?a=1&b=x%20y`, method: "GET", record: true,
    statusCallback: `${app}/status`, statusCallbackEvent: EVENTS,
    recordingStatusCallback: `${app}/recorded`, recordingStatusCallbackEvent: ["in-progress", "completed"],
    machineDetection: "Enable", machineDetectionTimeout: 20, timeLimit: 3600, timeout: 30,
  });
  assert.deepEqual([made.status, made.direction], ["queued", "outbound-api"]);
  assert.ok(made.dateCreated instanceof Date && !Number.isNaN(made.dateCreated.getTime()));
  const call = client.calls(made.sid);
  await refusedWith(20009, 400, call.remove());
  await advance(5);
  await control("POST", `phones/${AGENT}/press`, { digits: "1" });
  await advance(10);
  assert.equal((await call.fetch()).status, "in-progress");
  const [child] = await client.calls.list({ parentCallSid: made.sid });
  assert.deepEqual([child.to, child.status, child.direction], [CUSTOMER, "in-progress", "outbound-dial"]);
  const ringing = await client.calls.create({ to: SECOND, from: NUMBER, url: `${app}/after` });
  await refusedWith(21220, 400, client.calls(ringing.sid).recordings.create());
  await recording(call);
  // What a list of this library holds does not know its own SID.
  const moved = client.calls(child.sid);
  await moved.update({ url: `${app}/after` });
  await advance(5);
  await moved.update({ twiml: new twilio.twiml.VoiceResponse().toString() });
  await call.update({ url: `${app}/broken`, fallbackUrl: `${app}/fallback`, method: "POST" });
  await advance(5);
  await call.update({ status: "completed" });
  await refusedWith(21220, 400, call.update({ status: "completed" }));
  await advance(5);
  const recordings = await client.recordings.list({ callSid: made.sid });
  assert.deepEqual(recordings.map((r) => r.status), ["completed"]);
  const one = client.recordings(recordings[0].sid);
  assert.equal((await one.fetch()).source, "OutboundAPI");
  const sound = await (await fetch(`${recordings[0].mediaUrl}.wav`)).arrayBuffer();
  assert.equal(Buffer.from(sound).toString("latin1", 0, 4), "RIFF");
  assert.equal(await one.remove(), true);
  await lists(client, made.sid);
  assert.match((await call.fetch()).duration, /^[0-9]+$/);
  assert.equal(await call.remove(), true);
  await refusedWith(20404, 404, call.fetch());
}

async function recording(call) {
  const started = await call.recordings.create({ recordingChannels: "dual", recordingTrack: "both" });
  assert.deepEqual([started.status, started.channels, started.source], ["in-progress", 2, "StartCallRecordingAPI"]);
  const one = call.recordings(started.sid);
  for (const status of ["paused", "in-progress", "stopped"]) {
    assert.equal((await one.update({ status, pauseBehavior: "skip" })).status, status);
  }
  await advance(2);
  assert.ok(["completed", "absent"].includes((await one.fetch()).status));
  assert.equal((await call.recordings.list()).length, 2);
  assert.equal(await one.remove(), true);
}

async function lists(client, sid) {
  const everybody = (await client.calls.list({ pageSize: 1 })).map((c) => c.sid);
  assert.ok(everybody.length >= 3);
  const streamed = [];
  await new Promise((resolve, reject) => {
    client.calls.each({ pageSize: 2, callback: (c) => streamed.push(c.sid), done: (e) => (e ? reject(e) : resolve()) });
  });
  assert.deepEqual(streamed, everybody);
  const longAgo = new Date("2016-01-01");
  assert.equal((await client.calls.list({ startTimeBefore: longAgo })).length, 0);
  const ended = await client.calls.list({ endTimeAfter: longAgo, status: "completed" });
  assert.ok(ended.some((c) => c.sid === sid));
}

async function conferences(client, app) {
  const room = `Support & Sales ${SECOND}`;
  const first = await client.conferences(room).participants.create({
    from: NUMBER, to: AGENT, label: "first agent", waitUrl: `${app}/wait`, earlyMedia: true,
    statusCallback: `${app}/leg`, statusCallbackEvent: EVENTS,
    conferenceStatusCallback: `${app}/room`,
    conferenceStatusCallbackEvent: ["start", "end", "join", "leave", "mute", "hold", "modify", "announcement"],
    conferenceRecord: "record-from-start", conferenceRecordingStatusCallback: `${app}/room-recorded`,
  });
  assert.deepEqual([first.status, first.label], ["queued", "first agent"]);
  await advance(5);
  const conference = client.conferences(first.conferenceSid);
  await conference.participants.create({ from: NUMBER, to: CUSTOMER, endConferenceOnExit: true, beep: "onEnter" });
  await advance(5);
  assert.equal((await conference.fetch()).status, "in-progress");
  const named = await client.conferences.list({ friendlyName: room });
  assert.deepEqual(named.map((c) => c.sid), [first.conferenceSid]);
  assert.equal((await conference.participants.list()).length, 2);
  const member = conference.participants("first agent");
  const held = await member.update({ hold: true, holdUrl: `${app}/hold`, holdMethod: "POST" });
  assert.deepEqual([held.hold, held.muted], [true, false]);
  assert.equal((await conference.participants.list({ hold: true })).length, 1);
  await advance(2);
  await member.update({ hold: false, muted: true, endConferenceOnExit: false, announceUrl: `${app}/announce` });
  await conference.update({ announceUrl: `${app}/announce`, announceMethod: "GET" });
  await advance(5);
  assert.equal((await member.fetch()).muted, true);
  await refusedWith(16026, 400, conference.participants.create({ from: NUMBER, to: SECOND, label: "first agent" }));
  const [record] = await conference.recordings.list();
  const one = conference.recordings(record.sid);
  assert.equal((await one.update({ status: "paused" })).status, "paused");
  assert.equal((await one.fetch()).source, "Conference");
  assert.equal(await member.remove(), true);
  await refusedWith(20404, 404, member.fetch());
  assert.equal((await conference.update({ status: "completed" })).status, "completed");
  await advance(5);
  assert.equal((await conference.fetch()).reasonConferenceEnded, "conference-ended-via-api");
  assert.equal(await one.remove(), true);
}

async function faults(client) {
  await control("PUT", "faults", { rest: [{ match: "*", status: 429, times: 1 }] });
  await refusedWith(20429, 429, client.calls.list());
  await control("PUT", "faults");
  await refusedWith(21201, 400, client.calls.create({ to: "", from: NUMBER, twiml: "<Response/>" }));
  await refusedWith(21211, 400, client.calls.create({ to: "12", from: NUMBER, twiml: "<Response/>" }));
}

async function main() {
  const server = http.createServer(application);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const app = `http://127.0.0.1:${server.address().port}`;
  const client = clientWith(authToken);
  for (const part of [account, calls, conferences]) await part(client, app);
  await faults(client);
  console.log(JSON.stringify({ webhooks: accepted, refused }));
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
