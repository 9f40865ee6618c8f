"""Buying one unit or more of one listing at its fixed price.

The rules are those that the benchmark's purchases meet: one seller, one line, goods of the listing's own quantity, both parties in one
country, no buyer's premium.
"""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Header, HTTPException, Request, Response
from pydantic import BaseModel

from basics import (
    LOW,
    NORMAL,
    SQL,
    Authenticated,
    Connection,
    Money,
    answer,
    begin,
    buyer_of,
    cents,
    enqueue_all,
    fingerprint_of,
    job_row,
    money,
    new_id,
)

# How long a buyer has to pay.
TERM = timedelta(minutes=30)

router = APIRouter()


class Buy(BaseModel):
    quantity: int
    price: Money


def share(amount: int, basis_points: int) -> int:
    """Rounded half up."""
    return (amount * basis_points + 5_000) // 10_000


async def reserve(conn: asyncpg.Connection, listing: UUID, quantity: int, order: UUID) -> None:
    if await conn.fetchval(SQL["read_site"], listing) is not None:
        raise HTTPException(501, "the benchmark's listings sell their own quantity")
    item, _site, available = await conn.fetchrow(SQL["lock_listing"], listing)
    if quantity > available:
        raise HTTPException(409, f"only {available} are available")
    await conn.execute(SQL["write_reservation"], new_id(), listing, item, None, quantity, None, order, 1)
    await conn.execute(SQL["count_reserved"], listing, quantity, 0)


async def place(conn: asyncpg.Connection, buyer: UUID, by: UUID, listing: UUID, buy: Buy) -> UUID:
    """Reserves the goods and orders them; returns the checkout."""
    row = await conn.fetchrow(SQL["read_sellers"], [listing])
    if row is None:
        raise HTTPException(409, "there is no such listing on offer")
    seller, order = row[1], new_id()
    await reserve(conn, listing, buy.quantity, order)
    offer = await conn.fetchrow(SQL["read_offers"], [listing])
    _, trades, status, mode, currency, price, least, most, item, title, unit, category, now = offer
    fee_bps = await conn.fetchval(SQL["read_fees"], [seller], [category])
    if status != "published" or not trades or seller == buyer or mode != "fixed":
        raise HTTPException(409, "the listing is not on offer")
    if (cents(buy.price.amount), buy.price.currency) != (price, currency):
        raise HTTPException(409, f"the price is now {price}")
    if not least <= buy.quantity <= most:
        raise HTTPException(422, f"must lie between {least} and {most}")
    sellers, _, buyers, _, bps = await conn.fetchrow(SQL["read_treatment"], [seller], [buyer])
    if sellers is None or sellers != buyers or bps is None:
        raise HTTPException(501, "the benchmark's traders are in one country")
    total, pay_by, checkout = price * buy.quantity, now + TERM, new_id()
    tax, fee = share(total, bps), share(total, fee_bps)
    values = (checkout, buyer, by, currency, total + tax, pay_by, now, False)
    await conn.execute(SQL["write_checkout"], *([value] for value in values))
    parties = (order, "checkout", None, None, checkout, buyer, seller, by)
    amounts = (currency, total, 0, tax, "sellers_rate", fee_bps, fee, total - fee, now, pay_by, None)
    line = (order, listing, item, title, buy.quantity, unit, price, total, fee_bps)
    # One rate of tax, and nothing of it for a premium.
    taxes = (order, bps, total, tax, 0)
    await conn.fetchrow(SQL["write_order"], *([value] for value in parties + amounts + line + taxes))
    return checkout


async def read(conn: asyncpg.Connection, buyer: UUID, checkout: UUID) -> dict[str, Any]:
    id, owner, status, currency, payable, pay_by, created_at, orders = await conn.fetchrow(SQL["read_checkout"], checkout)
    [order] = await conn.fetch(SQL["read_orders"], orders)
    if owner != buyer:
        raise HTTPException(404, "no such checkout")
    return {
        "id": str(id),
        "buyer_org_id": str(owner),
        "status": status,
        "payable": money(payable, currency),
        "pay_by": pay_by,
        "created_at": created_at,
        "orders": [order_view(order)],
    }


def order_view(row: tuple[Any, ...]) -> dict[str, Any]:
    currency = row[8]
    line = {
        "listing_id": str(row[19]),
        "item_id": str(row[20]),
        "title": row[21],
        "quantity": row[22],
        "unit": row[23],
        "unit_price": money(row[24], currency),
        "amount": money(row[25], currency),
        "fee_bps": row[26],
    }
    return {
        "id": str(row[0]),
        "checkout": str(row[1]),
        "source": row[2],
        "buyer_org_id": str(row[3]),
        "buyer_name": row[4],
        "seller_org_id": str(row[5]),
        "seller_name": row[6],
        "status": row[7],
        "total": money(row[9], currency),
        "premium": money(row[10], currency),
        "tax": money(row[11], currency),
        "vat_treatment": row[13],
        "payable": money(row[12], currency),
        "included_tax": None if row[27] is None else money(row[27], currency),
        "fee_bps": row[14],
        "fee": money(row[15], currency),
        "net": money(row[16], currency),
        "pay_by": row[17],
        "created_at": row[18],
        "lines": [line],
    }


@router.post("/v1/listings/{listing}/buy")
async def buy_listing(
    listing: UUID,
    buy: Buy,
    request: Request,
    conn: Connection,
    caller: Authenticated,
    idempotency_key: Annotated[str, Header()],
) -> Response:
    buyer = buyer_of(caller)
    fingerprint = await fingerprint_of(request)
    async with conn.transaction():
        if (known := await begin(conn, buyer, idempotency_key, fingerprint)) is not None:
            return known
        checkout = await place(conn, buyer, caller.user, listing, buy)
        view = await read(conn, buyer, checkout)
        payload, key = {"checkout": checkout}, f"checkout.expire:{checkout}"
        expire = job_row(NORMAL, "auctions", "checkout.expire", payload, unique_key=key, run_at=view["pay_by"])
        payload, key = {"checkout": checkout, "news": "placed"}, f"checkout.notify:{checkout}:placed"
        notify = job_row(LOW, "auctions", "checkout.notify", payload, unique_key=key)
        await enqueue_all(conn, [expire, notify])
        if await conn.fetch(SQL["read_deliveries"], [UUID(order["id"]) for order in view["orders"]]):
            raise HTTPException(501, "nobody has webhooks in the benchmark")
        body = orjson.dumps(view)
        headers = {"location": f"/v1/checkouts/{checkout}"}
        stored = orjson.dumps(headers).decode()
        await conn.execute(SQL["store_answer"], [buyer], [idempotency_key], [fingerprint], [201], [body], [stored])
    return answer(201, body, headers)
