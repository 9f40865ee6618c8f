"""What schemathesis has to know about Tradeyard: who asks. Read by it as SCHEMATHESIS_HOOKS."""

import json
import os
import re
import urllib.request

import schemathesis

BASE = os.environ["CONTRACT_BASE"]
EMAIL, PASSWORD = os.environ.get("CONTRACT_EMAIL"), os.environ.get("CONTRACT_PASSWORD")
# The organisation to act for, where an operation asks for one. Who belongs to several must say which; no schema knows that.
ORG = os.environ["CONTRACT_ORG"]
# What ends the session that asks: each such request gets a session of its own to end.
ENDS_SESSIONS = {"/v1/auth/logout"}


def log_in():
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    call = urllib.request.Request(f"{BASE}/v1/auth/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=30) as answer:
        return json.load(answer)["access_token"]


class Session:
    token = None


if EMAIL:

    @schemathesis.auth(refresh_interval=None)
    class Login:
        """The session of the person that the run is for."""

        def get(self, case, context):
            if case.operation.path in ENDS_SESSIONS:
                return log_in()
            if Session.token is None:
                Session.token = log_in()
            return Session.token

        def set(self, case, data, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {data}"


# The longest list of names that is tried to its end: at 600 time zones in each of three operations nothing else would be.
LONGEST = 12
# Names that answers hold, and so must stay.
KEPT = {"EUR", "USD", "JPY", "KWD", "UTC", "Europe/Berlin"}


def shorten(schema):
    """Leaves some names of every long list of them."""
    if isinstance(schema, dict):
        names = schema.get("enum", [])
        if len(names) > 4 * LONGEST:
            schema["enum"] = [name for place, name in enumerate(names) if name in KEPT or place % (len(names) // LONGEST) == 0]
        for part in schema.values():
            shorten(part)
    elif isinstance(schema, list):
        for part in schema:
            shorten(part)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    shorten(raw_schema["components"]["schemas"])


@schemathesis.hook
def before_call(context, case, kwargs):
    """Requests that keep to the document act for an organisation that there is."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    for parameter in case.operation.definition.raw.get("parameters", []):
        if parameter.get("name") == "Tradeyard-Org":
            case.headers = {**(case.headers or {}), "Tradeyard-Org": ORG}
        elif parameter.get("name") == "org" and parameter["in"] == "query":
            case.query = {**(case.query or {}), "org": ORG}


@schemathesis.hook
def after_call(context, case, response):
    """A session that has ended, by a request of this very run or by age, is followed by a new one."""
    if response.status_code == 401 and re.search(rb'"code":"(session_ended|token_expired)"', response.content):
        Session.token = None
