// Twilio's own HTTP client, sent to another host: the only thing that the emulator needs changed.
//
// Loaded with `node --require`, it makes that client the default of every `twilio(accountSid, authToken)`, so that a
// program that knows nothing of an emulator runs against one.
"use strict";

const twilio = require("twilio");

class Redirected extends twilio.RequestClient {
  request(options) {
    const uri = options.uri.replace("https://api.twilio.com", process.env.TWILIO_API_BASE_URL);
    return super.request({ ...options, uri });
  }
}

function redirected(accountSid, authToken, options) {
  return twilio(accountSid, authToken, { httpClient: new Redirected(), ...options });
}

require.cache[require.resolve("twilio")].exports = Object.defineProperties(
  redirected,
  Object.getOwnPropertyDescriptors({ ...twilio }),
);
