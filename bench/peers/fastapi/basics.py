"""What every request needs: a connection, who calls, the key that it is sent with, and jobs.

Written for speed as its users would: a pool of connections, one of them for the whole request, statements that asyncpg prepares once,
orjson.
"""

import json
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import jwt
import orjson
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel

SQL: dict[str, str] = json.loads((Path(__file__).parents[1] / "statements.json").read_text())
SECRET = os.environ["JWT_SECRET"]
ISSUER = os.environ["PUBLIC_URL"]
PLANS_KEPT = {"plan_cache_mode": "force_generic_plan", "enable_hashjoin": "off", "enable_mergejoin": "off"}
HIGH, NORMAL, LOW = 1, 2, 3
ROLES = ("trader", "admin", "owner")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = urlsplit(os.environ["DATABASE_URL"])
    # asyncpg takes the port from the address only where it takes the host from there, too.
    host = parse_qs(url.query).get("host", [url.hostname])[0]
    async def pool(size: int, settings: dict[str, str]) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            url._replace(query="").geturl(), host=host, port=url.port, min_size=size, max_size=10, server_settings=settings
        )

    # As the API's: plans are kept, but for searches, which are planned for their values.
    app.state.pool, app.state.searching = await pool(10, PLANS_KEPT), await pool(0, {})
    yield
    await app.state.pool.close()
    await app.state.searching.close()


async def connection(request: Request) -> AsyncIterator[asyncpg.Connection]:
    async with request.app.state.pool.acquire() as conn:
        yield conn


async def searching(request: Request) -> AsyncIterator[asyncpg.Connection]:
    async with request.app.state.searching.acquire() as conn:
        yield conn


Connection = Annotated[asyncpg.Connection, Depends(connection)]
Searching = Annotated[asyncpg.Connection, Depends(searching)]


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
    if row is None or not row[3]:
        raise HTTPException(401, "log in again")
    memberships = []
    for org, standing in zip(row[4], row[5], strict=True):
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


def job_row(
    priority: int,
    queue: str,
    kind: str,
    payload: dict[str, Any],
    tenant: UUID | None = None,
    unique_key: str | None = None,
    run_at: datetime | None = None,
) -> tuple[Any, ...]:
    """A new job as the statements take it."""
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    text = orjson.dumps(payload).decode()
    return (priority, 1, queue, kind, tenant, text, run_at, None, None, unique_key, None, trace)


async def enqueue(conn: asyncpg.Connection, row: tuple[Any, ...]) -> int:
    return await conn.fetchval(SQL["enqueue"], *row, False)


async def enqueue_all(conn: asyncpg.Connection, rows: list[tuple[Any, ...]]) -> None:
    """Enqueues several jobs in one statement."""
    await conn.fetch(SQL["enqueue_all"], *(list(column) for column in zip(*rows, strict=True)))


class Money(BaseModel):
    amount: str
    currency: str


def buyer_of(caller: Caller) -> UUID:
    """The organisation that the caller buys for."""
    member = caller.memberships[0] if len(caller.memberships) == 1 else None
    if member is None or member.role not in ROLES or member.status != "approved" or "buyer" not in member.kinds:
        raise HTTPException(403, "not a buyer")
    return member.org


def cents(amount: str) -> int:
    whole, _, rest = amount.partition(".")
    if not whole.isdecimal() or len(rest) != 2 or not rest.isdecimal():
        raise HTTPException(422, "the amount must be a decimal number")
    return int(whole) * 100 + int(rest)
