"""Checks webhooks as those who receive them do, with the public library of Standard Webhooks.

Reads a JSON object per line: the endpoint's secret as it was shown, the three headers, and the body. Prints a line for each: the body,
or null if its signature is not right.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def checked(one):
    headers = {f"webhook-{name}": one[name] for name in ("id", "timestamp", "signature")}
    try:
        return Webhook(one["secret"]).verify(one["body"], headers)
    except WebhookVerificationError:
        return None


def main():
    for line in sys.stdin:
        print(json.dumps(checked(json.loads(line))))


main()
