"""Answers one JSON line on standard input with one on standard output, by Twilio's own RequestValidator.

{"token", "url", "params": [[name, value], …] or the text of a JSON body, "signature"}
    -> {"valid": what the validator says, "signature": what it would have sent}
{"settings": header} -> {"algorithm": which one the header asks for}
"""

import json
import sys

from twilio.request_validator import RequestValidator, get_signature_algorithm


class Params:
    """Parameters with repeated names, as Django's QueryDict offers them."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return iter([name for name, _ in self.pairs])

    def __len__(self):
        return len(self.pairs)

    def getlist(self, wanted):
        return [value for name, value in self.pairs if name == wanted]


def answer(request):
    if "settings" in request:
        return {"algorithm": get_signature_algorithm(request["settings"])}
    validator = RequestValidator(request["token"])
    is_text = isinstance(request["params"], str)
    params = request["params"] if is_text else Params(request["params"])
    return {
        "valid": validator.validate(request["url"], params, request["signature"]),
        "signature": validator.compute_signature(request["url"], {} if is_text else params),
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
