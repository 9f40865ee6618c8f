"""What the benchmark asks of Tradeyard's API, written with FastAPI: the same paths, bodies and statements.

Written for speed as its users would, with uvloop and httptools. The rules are those that the benchmark's requests meet: a whole lot, a
bid above the leader's maximum, no soft close, no reserve. One process for each core; the first argument is the port.
"""

import sys
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel

import purchase
import search
from basics import (
    HIGH,
    NORMAL,
    SQL,
    Authenticated,
    Connection,
    Money,
    answer,
    begin,
    buyer_of,
    cents,
    enqueue,
    fingerprint_of,
    job_row,
    lifespan,
    money,
    new_id,
)

app = FastAPI(lifespan=lifespan, openapi_url=None)
app.include_router(search.router)
app.include_router(purchase.router)


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
    org = buyer_of(caller)
    fingerprint = await fingerprint_of(request)
    async with conn.transaction():
        if (known := await begin(conn, org, idempotency_key, fingerprint)) is not None:
            return known
        locked = await conn.fetchrow(SQL["lock_auction"], [auction], [org], [caller.user])
        if locked is None:
            raise HTTPException(404, "no such auction")
        # Without the place among those asked for.
        lot = locked[1:]
        now, ends_at, price, leader_bid, leader, leader_max = lot[31], lot[8], lot[15], lot[16], lot[17], lot[19]
        if lot[27] or not lot[25] or not lot[23] or lot[24] or lot[1] == org or leader == org:
            raise HTTPException(403, "this organisation may not bid here")
        if lot[3] not in ("scheduled", "live") or now < lot[7] or now >= ends_at:
            raise HTTPException(409, "the auction takes no bids")
        maximum, seq = cents(bid.maximum.amount), lot[20] + 1
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
            await enqueue(conn, job_row(HIGH, "auctions", "auctions.notify_outbid", {"auction": auction, "orgs": outbid}))
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
        job = await enqueue(conn, job_row(NORMAL, "reports", "reports.generate", payload, tradeyard_org, key))
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
