"""Twilio's own HTTP client, sent to another host: the only thing that the emulator needs changed."""

from twilio.http.http_client import TwilioHttpClient


class Redirected(TwilioHttpClient):
    def __init__(self, base_url):
        super().__init__()
        self.base_url = base_url

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://api.twilio.com", self.base_url), *args, **kwargs)
