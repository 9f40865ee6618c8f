"""What schemathesis has to know about Tradeyard: who asks, what there is, and which refusals no schema can say."""

import itertools
import json
import os
import re
import urllib.request
import uuid

import schemathesis
from schemathesis.core.parameters import ParameterLocation

BASE = os.environ["CONTRACT_BASE"]
EMAIL, PASSWORD = os.environ.get("CONTRACT_EMAIL"), os.environ.get("CONTRACT_PASSWORD")
# What there is, by the names that paths and bodies have for it: no schema knows.
THINGS = json.loads(os.environ["CONTRACT_THINGS"])
# The organisation to act for, where an operation asks for one. Who belongs to several must say which.
ORG = THINGS["acting"]
# What bodies name, by operation.
NAMED = {
    "POST /v1/sale-events/{sale_event}/lots": {"listing_id": THINGS["unsold"], "opening": {"amount": "10.00", "currency": "EUR"}},
    "POST /v1/sale-events/{sale_event}/registrations/{registration}/approve": {"limit": {"amount": "500.00", "currency": "EUR"}},
    "POST /v1/orgs/{org}/documents": {"upload": THINGS["file"], "expires_on": "2199-12-31"},
    "PUT /v1/orgs/{org}/documents/{document}": {"upload": THINGS["document_file"], "expires_on": "2199-12-31"},
}
# Of so many requests that keep to the document, one names things at random.
UNKNOWN_EACH = 4
TURNS = itertools.count()
# What asks for the account's password: wrong ones count, and would keep the run itself from logging in.
ASKS_FOR_PASSWORD = ("/v1/me/second-factor/", "/v1/me/erase")
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
KEPT = {"EUR", "GBP", "USD", "JPY", "KWD", "UTC", "Europe/Berlin"}


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


def is_negative(case, location):
    """Whether this part of the request breaks the document on purpose."""
    part = case.meta.components.get(location)
    return part is not None and part.mode.is_negative


def let_the_body_be_judged(case, names):
    """A key that was used before, and a version that is not the current one, are refused whatever the body says."""
    if is_negative(case, ParameterLocation.HEADER):
        return
    if "Idempotency-Key" in names:
        case.headers = {**(case.headers or {}), "Idempotency-Key": str(uuid.uuid4())}
    if "If-Match" in names and "If-Match" in (case.headers or {}):
        case.headers = {**case.headers, "If-Match": "*"}


def name_things_that_there_are(case):
    """Most requests with an id in the path: otherwise nearly all of them would end in 404. Links bring ids of their own."""
    if case.meta.phase.name == "stateful" or not case.path_parameters or next(TURNS) % UNKNOWN_EACH == 0:
        return
    label = case.operation.label
    things = {**THINGS, **THINGS["instead"].get(label, {})}
    case.path_parameters = {name: things.get(name, value) for name, value in case.path_parameters.items()}
    if label in NAMED and isinstance(case.body, dict):
        case.body = {**case.body, **NAMED[label]}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Requests that keep to the document deal with things that there are."""
    if case.meta is None:
        return
    parameters = case.operation.definition.raw.get("parameters", [])
    names = {parameter.get("name") for parameter in parameters}
    let_the_body_be_judged(case, names)
    asks = case.operation.path.startswith(ASKS_FOR_PASSWORD) and isinstance(case.body, dict) and "password" in case.body
    if asks and not is_negative(case, ParameterLocation.BODY):
        case.body = {**case.body, "password": PASSWORD}
    if case.meta.generation.mode.is_negative:
        return
    if "Tradeyard-Org" in names:
        case.headers = {**(case.headers or {}), "Tradeyard-Org": ORG}
    if any(parameter.get("name") == "org" and parameter["in"] == "query" for parameter in parameters):
        case.query = {**(case.query or {}), "org": ORG}
    if case.operation.label == "POST /v1/listings" and isinstance(case.body, dict):
        case.body = {**case.body, "item_id": THINGS["item"]}
    if case.operation.label == "POST /v1/stock/transfer" and isinstance(case.body, dict):
        case.body = {**case.body, "item_id": THINGS["item"], "from": THINGS["site"]}
    if case.operation.label == "POST /v1/sale-events" and isinstance(case.body, dict):
        # Later than whatever it starts at: two times at random are in order too seldom.
        case.body = {**case.body, "first_ends_at": "9997-12-31T23:59:59Z"}
    name_things_that_there_are(case)


@schemathesis.hook
def after_call(context, case, response):
    """A session that has ended, by a request of this very run or by age, is followed by a new one."""
    if response.status_code == 401 and re.search(rb'"code":"(session_ended|token_expired)"', response.content):
        Session.token = None


# The codes of 422 for requests that keep to the document, and why it cannot rule them out.
BEYOND_SCHEMAS = {
    "amount_too_large": "amount times quantity has a bound",
    "bid_too_low": "the next minimum follows from the bids before",
    "checkout_currencies": "the prices of all lines are of one currency",
    "file_unreadable": "what a file holds",
    "filters_invalid": "what is exported has statuses of its own, and the times are bounded by each other",
    "invalid_document": "what a document of EPCIS is, GS1's own schema says",
    "invalid_epcis_query": "words of the standard, lists of URIs and times in one text",
    "invalid_event": "what an event of EPCIS is, GS1's own schema says",
    "invalid_events": "of an event's fields one must say something; its time is bounded by the clock",
    "invalid_value": "fields are bounded by each other, by the clock, and by what they refer to: a price has its listing's currency",
    "listing_incomplete": "a draft may lack its price, and its item what the category requires",
    "invalid_search": "parameters of a search need each other, or name a body or a model that there is",
    "unknown_filter": "which filters there are depends on the category",
    "client_id_reused": "which messages there are",
    "cursor_of_another_query": "a cursor belongs to its search",
    "listing_unknown": "which listings there are",
    "not_a_raise": "a raise is above the maximum before",
    "parameters_invalid": "each kind of report is grouped and filtered in ways of its own",
    "payload_unfit": "each kind has a payload of its own",
    "period_invalid": "the days are bounded by each other and by the calendar of a time zone",
    "plan_not_offered": "which plans are offered, and in which currencies, the installation says",
    "quantity_on_whole_lot": "whether the lot is divisible is the auction's",
    "quantity_out_of_range": "the size of the lot is the auction's",
    "reject_unreadable": "what arrived once may be no message of events",
    "schedule_times": "the grammar of schedule expressions",
    "subject_incomplete": "two parameters of a query go together",
    "too_many_events": "the list is deep in a document of EPCIS",
    "token_invalid": "which links are good",
    "transport_missing": "which brokers the installation has",
    "unknown_kind": "which kinds the program knows",
    "upload_size": "how many bytes have arrived, and how many a file of a type may have",
    "upload_type": "what was announced",
    "weak_password": "the most is counted in bytes, and a schema counts characters",
}


@schemathesis.check
def refused_by_a_rule_beyond_schemas(ctx, response, case):
    """A request that keeps to the document is called unprocessable only by rules that no schema can say."""
    if response.status_code != 422 or case.meta is None or case.meta.generation.mode.is_negative:
        return
    # Pages for people have no code.
    if "problem+json" not in response.headers["content-type"][0]:
        return
    code = response.json()["code"]
    assert code in BEYOND_SCHEMAS, f"`{code}` refuses what the document allows: say it in the schema, or why that cannot be"
