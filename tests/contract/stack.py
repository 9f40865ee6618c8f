"""The whole product on servers of its own, with people who act in it: `tradeyard dev` over a database that is made for the run."""

import base64
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 90


class Refused(Exception):
    """An answer that a step of the stack cannot go on with."""


@dataclass
class Person:
    email: str
    password: str
    token: str
    user: str
    org: str | None = None
    item: str | None = None
    site: str | None = None
    listing: str | None = None
    auction: str | None = None
    key: str | None = None
    endpoint: str | None = None
    delivery: str | None = None
    charge: str | None = None
    # A listing that is no lot yet, and a file that is no document yet.
    unsold: str | None = None
    file: str | None = None
    # Sale events, the registrations in them, and documents with their files, each by what may become of it.
    events: dict[str, str] = field(default_factory=dict)
    registrations: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


class TestStack:
    """`with TestStack(...) as stack`: runs until the block ends."""

    def __init__(self, program: Path, folder: Path):
        self.program, self.folder = program, folder
        self.mailbox = f"http://127.0.0.1:{free_port()}"
        self.base = f"http://127.0.0.1:{free_port()}"
        self.people: dict[str, Person] = {}

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "HTTP_ADDR": self.base.removeprefix("http://"),
            "PUBLIC_URL": self.base,
            "JWT_SECRET": secrets.token_hex(32),
            "CHAT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            # The lowest that there is: logins are not what is tried here.
            "PASSWORD_COST": "4",
            "NAMESPACE": f"contract-{os.getpid()}",
            "LOG": "warn",
        }
        self.environment = environment
        self.log = open(self.folder / "api.log", "w")
        self.process = subprocess.Popen(
            [
                self.program, "dev", "--concurrency", "2", "--dir", str(self.folder / "dev"),
                "--s3-addr", f"127.0.0.1:{free_port()}",
                "--smtp-addr", f"127.0.0.1:{free_port()}",
                "--mailbox-addr", self.mailbox.removeprefix("http://"),
                "--payments-addr", f"127.0.0.1:{free_port()}",
            ],
            env=environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            self.until("the API", lambda: request("GET", f"{self.base}/readyz")[0] == 200)
            self.fill()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def until(self, what, holds):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Refused(f"`tradeyard dev` has ended; see {self.log.name}")
            try:
                found = holds()
                if found:
                    return found
            except OSError:
                pass
            time.sleep(0.1)
        raise Refused(f"{what}: nothing within {PATIENCE} s; see {self.log.name}")

    def call(self, method, path, person=None, body=None, headers=None):
        """The body of an answer that must be a success."""
        headers = dict(headers or {})
        if person:
            headers["Authorization"] = f"Bearer {person.token}"
        status, answer = request(method, self.base + path, body, headers)
        if status >= 300:
            raise Refused(f"{method} {path}: {status} {answer}")
        return answer

    def log_in(self, email, password):
        answer = self.call("POST", "/v1/auth/login", body={"email": email, "password": password})
        return Person(email, password, answer["access_token"], answer["user"])

    def register(self, name):
        """Registers a person, follows the link in the mail, and logs in."""
        email, password = f"{name}@example.com", "correct horse battery"
        self.call("POST", "/v1/auth/register", body={"email": email, "name": name.title(), "password": password})
        token = self.until(f"the mail to {email}", lambda: self.verification(email))
        self.call("POST", "/v1/auth/verify-email", body={"token": token, "password": password})
        person = self.people[name] = self.log_in(email, password)
        return person

    def verification(self, email):
        _, found = request("GET", f"{self.mailbox}/messages.json?to={email}")
        for message in found["messages"]:
            _, whole = request("GET", f"{self.mailbox}/messages/{message['id']}/message.json")
            link = re.search(r"token=([A-Za-z0-9_-]+)", json.dumps(whole))
            if link:
                return link[1]
        return None

    def organisation(self, owner, name, kinds):
        body = {"legal_name": name, "kinds": kinds, "time_zone": "Europe/Berlin"}
        org = self.call("POST", "/v1/orgs", owner, body)["id"]
        self.call("POST", f"/v1/orgs/{org}/approve", self.people["admin"])
        owner.org = org
        return org

    def fill(self):
        """An administrator, an operator, and a trader who has something of everything to look at."""
        password = "correct horse battery"
        subprocess.run(
            [self.program, "admin", "create", "admin@example.com", "--name", "Admin", "--password-stdin"],
            env=self.environment, input=password, text=True, check=True, stdout=subprocess.DEVNULL,
        )
        admin = self.people["admin"] = self.log_in("admin@example.com", password)
        operator = self.register("operator")
        role = {"platform_role": "operator"}
        self.call("PUT", f"/v1/admin/users/{operator.user}/platform-role", admin, role)
        trader = self.register("user")
        self.organisation(trader, "User Trading", ["seller", "buyer"])
        self.organisation(self.register("other"), "Other Trading", ["seller", "buyer"])
        for name in ("user", "other"):
            self.offer(self.people[name])
            self.connect(self.people[name])
            self.hold_sales(self.people[name])
            self.hand_in(self.people[name])
            self.subscribe(self.people[name])
        for name, seller in (("user", "other"), ("other", "user")):
            self.bid_with(self.people[name], self.people[seller])

    def things(self, role):
        """What a role deals with: a trader with its own things and the other's auction, an administrator with the other's."""
        trader, other = self.people["user"], self.people["other"]
        owner = trader if role == "user" else other
        return {
            "acting": trader.org, "item": trader.item, "site": trader.site, "org": owner.org, "listing": owner.listing, "auction": other.auction,
            "user": other.user, "queue": "reports", "schedule": "auctions.sweep",
            "key": owner.key, "endpoint": owner.endpoint, "delivery": owner.delivery,
            "sale_event": owner.events["open"], "registration": owner.registrations["open"], "lot": 1, "unsold": owner.unsold,
            "document": owner.documents["pending"], "document_file": owner.files["pending"], "file": owner.file,
            "charge": owner.charge, "instead": self.instead(owner, other),
        }

    def instead(self, owner, other):
        """Things by operation: of those that ask for another state, or that would end what the others deal with."""
        event, document = "/v1/sale-events/{sale_event}", "/v1/orgs/{org}/documents/{document}"
        draft, elsewhere = {"sale_event": owner.events["draft"]}, {"sale_event": other.events["open"]}
        doomed = {"sale_event": owner.events["doomed"], "registration": owner.registrations["doomed"]}
        return {
            f"PATCH {event}": draft, f"POST {event}/lots": draft, f"DELETE {event}/lots/{{lot}}": draft,
            f"POST {event}/publish": {"sale_event": owner.events["ready"]}, f"POST {event}/cancel": doomed,
            f"POST {event}/registrations/{{registration}}/refuse": doomed,
            f"POST {event}/registrations": elsewhere, f"GET {event}/registration": elsewhere,
            f"POST {document}/reject": {"document": owner.documents["verified"]},
            f"DELETE {document}": {"document": owner.documents["doomed"]},
        }

    def offer(self, seller):
        """An item, a listing of it, and one more with an auction."""
        category = self.call("GET", "/v1/categories")["items"]
        category = next(it["id"] for it in category if not it["attribute_schema"].get("required"))
        item = {"category_id": category, "sku": "sku-1", "title": "A crate"}
        seller.item = self.call("POST", "/v1/items", seller, item)["id"]
        earth = self.call("GET", "/v1/regions")["items"][0]["id"]
        site = {"region_id": earth, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10}
        seller.site = self.call("POST", "/v1/sites", seller, site)["id"]
        self.call("POST", f"/v1/items/{seller.item}/stock/{seller.site}/adjust", seller, {"to": 1000})
        seller.listing = self.listing(seller)
        seller.auction = self.auction(seller, self.listing(seller))

    def connect(self, owner):
        """A key, and an endpoint that does not exist, with a webhook on its way there."""
        key = {"name": "Stock system", "scopes": ["stock:read"]}
        owner.key = self.call("POST", "/v1/api-keys", owner, key)["id"]
        endpoint = {"url": "https://shop.example/hooks", "name": "Shop", "events": ["order.*"]}
        owner.endpoint = self.call("POST", "/v1/webhook-endpoints", owner, endpoint)["id"]
        owner.delivery = self.call("POST", f"/v1/webhook-endpoints/{owner.endpoint}/test", owner)["id"]

    def hold_sales(self, seller):
        """Sale events of one lot: drafts to change and to publish, and published ones to bid in and to cancel."""
        for use in ("draft", "ready", "open", "doomed"):
            sale = {"title": "Autumn sale", "currency": "EUR", "starts_at": in_days(1), "first_ends_at": in_days(10)}
            event = seller.events[use] = self.call("POST", "/v1/sale-events", seller, sale)["id"]
            lot = {"listing_id": self.listing(seller), "opening": {"amount": "10.00", "currency": "EUR"}}
            self.call("POST", f"/v1/sale-events/{event}/lots", seller, lot)
            if use in ("open", "doomed"):
                self.call("POST", f"/v1/sale-events/{event}/publish", seller)
        seller.unsold = self.listing(seller)

    def bid_with(self, bidder, seller):
        """Registers a bidder in the seller's sale events; the seller has not decided yet."""
        for use in ("open", "doomed"):
            path = f"/v1/sale-events/{seller.events[use]}/registrations"
            seller.registrations[use] = self.call("POST", path, bidder, {})["id"]

    def hand_in(self, owner):
        """Documents: one that waits, one that is verified, and one to be removed."""
        path = f"/v1/orgs/{owner.org}/documents"
        for use in ("pending", "verified", "doomed"):
            owner.files[use] = self.send_file(owner)
            document = {
                "kind": "insurance", "number": "HV 4711", "issued_on": "2026-01-01", "expires_on": "2199-12-31", "upload": owner.files[use],
            }
            owner.documents[use] = self.call("POST", path, owner, document)["id"]
        self.call("POST", f"{path}/{owner.documents['verified']}/verify", self.people["admin"])
        owner.file = self.send_file(owner)

    def send_file(self, owner):
        """Announces a file for a document, and sends it."""
        data = b"%PDF-1.7"
        announced = {"content_type": "application/pdf", "size": len(data)}
        upload = self.call("POST", f"/v1/orgs/{owner.org}/document-uploads", owner, announced)
        call = urllib.request.Request(upload["url"], data, upload["headers"], method=upload["method"])
        with urllib.request.urlopen(call, timeout=30):
            return upload["id"]

    def subscribe(self, owner):
        """A plan that is paid for from its first day, and what is owed for it."""
        self.call("PUT", f"/v1/orgs/{owner.org}/subscription", owner, {"plan": "standard"})
        owner.charge = self.call("GET", f"/v1/orgs/{owner.org}/plan-charges", owner)["items"][0]["id"]

    def listing(self, seller):
        listing = {"item_id": seller.item, "title": "A crate", "sale_mode": "auction", "currency": "EUR"}
        listing = self.call("POST", "/v1/listings", seller, listing)["id"]
        self.call("POST", f"/v1/listings/{listing}/publish", seller)
        return listing

    def auction(self, seller, listing):
        terms = {"ends_at": in_days(10), "opening": {"amount": "10.00", "currency": "EUR"}}
        return self.call("POST", f"/v1/listings/{listing}/auctions", seller, terms)["id"]


def request(method, url, body=None, headers=None):
    """The status and the decoded body of an answer."""
    headers = dict(headers or {})
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    call = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode(errors="replace")


def in_days(days):
    """The time in so many days, as the API takes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86_400))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
