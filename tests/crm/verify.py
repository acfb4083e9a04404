"""Verifies webhooks with the official library: a list of {"secret", "headers", "body"} on standard input, and on standard output
for each what it says: the verified data, or null."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def verified(message):
    try:
        return Webhook(message["secret"]).verify(message["body"], message["headers"])
    except WebhookVerificationError as error:
        print(f"{message['headers']['webhook-id']}: {error}", file=sys.stderr)
        return None


json.dump([verified(message) for message in json.load(sys.stdin)], sys.stdout)
