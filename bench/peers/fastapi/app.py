"""What the benchmark asks of Tradeyard's API, written with FastAPI: the same paths, bodies and statements.

Written for speed as its users would: uvloop and httptools, a pool of connections, one of them for the whole request, statements that
asyncpg prepares once, orjson. The rules are those that the benchmark's requests meet: a whole lot, a bid above the leader's maximum,
no soft close, no reserve. One process for each core; the first argument is the port.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import jwt
import orjson
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel

SQL: dict[str, str] = json.loads((Path(__file__).parents[1] / "statements.json").read_text())
SECRET = os.environ["JWT_SECRET"]
ISSUER = os.environ["PUBLIC_URL"]
HIGH, NORMAL = 1, 2
ROLES = ("trader", "admin", "owner")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = urlsplit(os.environ["DATABASE_URL"])
    # asyncpg takes the port from the address only where it takes the host from there, too.
    host = parse_qs(url.query).get("host", [url.hostname])[0]
    async with asyncpg.create_pool(url._replace(query="").geturl(), host=host, port=url.port, min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan, openapi_url=None)


async def connection(request: Request) -> AsyncIterator[asyncpg.Connection]:
    async with request.app.state.pool.acquire() as conn:
        yield conn


Connection = Annotated[asyncpg.Connection, Depends(connection)]


@dataclass
class Membership:
    org: UUID
    role: str
    status: str
    kinds: list[str]


@dataclass
class Caller:
    user: UUID
    platform_role: str
    memberships: list[Membership]


async def authenticated(conn: Connection, authorization: Annotated[str, Header()]) -> Caller:
    try:
        claims = jwt.decode(
            authorization.removeprefix("Bearer "),
            SECRET,
            algorithms=["HS256"],
            audience="tradeyard-api",
            issuer=ISSUER,
            leeway=5,
            options={"require": ["exp", "iss", "aud", "sub", "nbf"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "the access token is not valid") from error
    user = UUID(claims["sub"])
    row = await conn.fetchrow(SQL["authority"], [UUID(claims["sid"])], [user], [claims["ver"]])
    if row is None or not row[2]:
        raise HTTPException(401, "log in again")
    memberships = []
    for org, standing in zip(row[3], row[4], strict=True):
        role, status, kinds, _plan = standing.split(" ")
        memberships.append(Membership(org, role, status, kinds.split(",")))
    return Caller(user, row[1], memberships)


Authenticated = Annotated[Caller, Depends(authenticated)]


def answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


def money(minor: int, currency: str) -> dict[str, str]:
    return {"amount": f"{minor // 100}.{minor % 100:02}", "currency": currency}


def new_id() -> UUID:
    """A UUID of version 7: new rows stand at the end of their index."""
    millis = time.time_ns() // 1_000_000
    return UUID(int=millis << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


def auction_view(row: asyncpg.Record, viewer: UUID | None) -> dict[str, Any]:
    currency, reserve, buy_now, maximum = row[3], row[15], row[16], row[21]
    return {
        # orjson does not know asyncpg's own UUIDs.
        "id": str(row[0]),
        "listing_id": str(row[1]),
        "seller_org_id": str(row[2]),
        "status": row[4],
        "suspended": row[5] or row[24],
        "lot_mode": row[6],
        "quantity": row[7],
        "min_order": row[8],
        "starts_at": row[9],
        "ends_at": row[10],
        "original_ends_at": row[11],
        "hard_ends_at": row[12],
        "soft_close_seconds": row[13],
        "opening": money(row[14], currency),
        "price": money(row[17], currency),
        "next_minimum": money(row[18], currency),
        "buy_now": None if buy_now is None else money(buy_now, currency),
        "reserve_met": reserve is None or (maximum is not None and maximum >= reserve),
        "bid_count": row[22],
        "you_lead": None if viewer is None else row[19] == viewer,
        "version": row[23],
        "server_time": row[25],
    }


@app.get("/v1/auctions/{auction}")
async def get_auction(auction: UUID, conn: Connection) -> Response:
    row = await conn.fetchrow(SQL["read_auction"], [auction])
    if row is None:
        raise HTTPException(404, "no such auction")
    return answer(200, orjson.dumps(auction_view(row, None)))


async def begin(conn: asyncpg.Connection, owner: UUID, key: str, fingerprint: bytes) -> Response | None:
    """Takes the key; returns the answer that it has had before."""
    locked, stored, status, response, _headers = await conn.fetchrow(SQL["begin_key"], [owner], [key])
    if stored is not None:
        if stored != fingerprint:
            raise HTTPException(422, "this Idempotency-Key belongs to a request with other contents")
        return answer(status, response)
    if not locked:
        raise HTTPException(409, "the first request with this Idempotency-Key is being worked on")
    return None


async def fingerprint_of(request: Request) -> bytes:
    return sha256(f"{request.method} {request.url.path}\n".encode() + await request.body()).digest()


async def enqueue(
    conn: asyncpg.Connection,
    priority: int,
    queue: str,
    kind: str,
    payload: dict[str, Any],
    tenant: UUID | None = None,
    unique_key: str | None = None,
) -> int:
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    text = orjson.dumps(payload).decode()
    values = (priority, 1, queue, kind, tenant, text, None, None, None, unique_key, None, trace, False)
    return await conn.fetchval(SQL["enqueue"], *values)


class Money(BaseModel):
    amount: str
    currency: str


class PlaceBid(BaseModel):
    maximum: Money


def above(price: int, below: list[int], steps: list[int]) -> int:
    return price + next((step for limit, step in zip(below, steps, strict=False) if price < limit), steps[-1])


@app.post("/v1/auctions/{auction}/bids")
async def place_bid(
    auction: UUID,
    bid: PlaceBid,
    request: Request,
    conn: Connection,
    caller: Authenticated,
    idempotency_key: Annotated[str, Header()],
) -> Response:
    org = caller.memberships[0].org if len(caller.memberships) == 1 else None
    member = next((member for member in caller.memberships if member.org == org), None)
    if member is None or member.role not in ROLES or member.status != "approved" or "buyer" not in member.kinds:
        raise HTTPException(403, "not a buyer")
    fingerprint = await fingerprint_of(request)
    async with conn.transaction():
        if (known := await begin(conn, org, idempotency_key, fingerprint)) is not None:
            return known
        locked = await conn.fetchrow(SQL["lock_auction"], [auction], [org], [caller.user])
        if locked is None:
            raise HTTPException(404, "no such auction")
        # Without the place among those asked for.
        lot = locked[1:]
        now, ends_at, price, leader_bid, leader, leader_max = lot[30], lot[8], lot[15], lot[16], lot[17], lot[19]
        if lot[27] or not lot[25] or not lot[23] or lot[24] or lot[1] == org or leader == org:
            raise HTTPException(403, "this organisation may not bid here")
        if lot[3] not in ("scheduled", "live") or now < lot[7] or now >= ends_at:
            raise HTTPException(409, "the auction takes no bids")
        whole, _, cents = bid.maximum.amount.partition(".")
        maximum, seq = int(whole) * 100 + int(cents), lot[20] + 1
        minimum = lot[11] if leader is None else above(price, lot[21], lot[22])
        if bid.maximum.currency != lot[2] or maximum < minimum:
            raise HTTPException(422, f"the next bid is at least {minimum}")
        leads = leader is None or maximum > leader_max
        id = new_id()
        if leads:
            price = lot[11] if leader is None else max(price, min(above(leader_max, lot[21], lot[22]), maximum))
            outbid, visible = [] if leader is None else [str(leader)], price
            leader, leader_bid, leader_seq, leader_max = org, id, seq, maximum
        else:
            price, outbid, visible, leader_seq = min(above(maximum, lot[21], lot[22]), leader_max), [], maximum, lot[18]
        next_minimum = above(price, lot[21], lot[22])
        values = (id, auction, lot[1], lot[2], lot[4], org, caller.user, seq, "bid", visible, maximum, lot[5], now)
        standing = (auction, price, next_minimum, leader_bid, leader, leader_seq, leader_max, ends_at, seq, 1, 1)
        row = await conn.fetchrow(SQL["write_bid"], *([value] for value in values + standing))
        if outbid:
            await enqueue(conn, HIGH, "auctions", "auctions.notify_outbid", {"auction": auction, "orgs": outbid})
        body = orjson.dumps({
            "id": id,
            "outcome": "leads" if leads else "outbid",
            "placed_at": now,
            "end_moved": False,
            "auction": auction_view(row, org),
        })
        headers = {"location": f"/v1/auctions/{auction}"}
        stored = orjson.dumps(headers).decode()
        await conn.execute(SQL["store_answer"], [org], [idempotency_key], [fingerprint], [201], [body], [stored])
    return answer(201, body, headers)


class CreateReport(BaseModel):
    kind: Literal["sales"]
    format: Literal["csv", "json", "xlsx"]
    first_day: date
    last_day: date


@app.post("/v1/reports")
async def create_report(
    report: CreateReport,
    request: Request,
    conn: Connection,
    caller: Authenticated,
    tradeyard_org: Annotated[UUID, Header()],
    idempotency_key: Annotated[str, Header()],
) -> Response:
    if caller.platform_role != "admin":
        raise HTTPException(403, "needs the platform role admin")
    fingerprint = await fingerprint_of(request)
    async with conn.transaction():
        if (known := await begin(conn, tradeyard_org, idempotency_key, fingerprint)) is not None:
            return known
        org = await conn.fetchrow(SQL["read_organisation"], [tradeyard_org])
        if org is None:
            raise HTTPException(404, "no such organisation")
        zone = ZoneInfo(org[6])
        if report.last_day < report.first_day or (report.last_day - report.first_day).days > 366:
            raise HTTPException(422, "the days are reversed or too many")
        starts_at = datetime.combine(report.first_day, time_of_day(), zone)
        ends_at = datetime.combine(report.last_day + timedelta(days=1), time_of_day(), zone)
        id = new_id()
        payload = {"report": id, "org": tradeyard_org}
        key = f"reports.generate:{id}"
        job = await enqueue(conn, NORMAL, "reports", "reports.generate", payload, tradeyard_org, key)
        days = (report.first_day, report.last_day)
        values = (id, job, tradeyard_org, caller.user, report.kind, report.format, org[6], *days, starts_at, ends_at, "{}")
        created_at = await conn.fetchval(SQL["write_report"], *([value] for value in values))
        body = orjson.dumps({
            "id": id,
            "org": tradeyard_org,
            "kind": report.kind,
            "format": report.format,
            "first_day": report.first_day,
            "last_day": report.last_day,
            "time_zone": org[6],
            "starts_at": starts_at,
            "ends_at": ends_at,
            "parameters": {},
            "status": "queued",
            "job": job,
            "totals": [],
            "created_at": created_at,
        })
        headers = {"location": f"/v1/reports/{id}", "link": f'</v1/jobs/{job}>; rel="monitor"'}
        stored = orjson.dumps(headers).decode()
        await conn.execute(SQL["store_answer"], [tradeyard_org], [idempotency_key], [fingerprint], [202], [body], [stored])
    return answer(202, body, headers)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="error",
        access_log=False,
        timeout_keep_alive=600,
    )
