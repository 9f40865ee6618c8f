"""The search, with a page of what is found and counts of its facets.

A statement is that of the API for the conditions that it has, and is planned for their values each time, as the API's is. Conditions that
the benchmark never asks for have none.
"""

import json
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, HTTPException, Query, Request, Response

from basics import SQL, Searching, answer, money

SEARCHES: dict[str, str] = json.loads((Path(__file__).parents[1] / "searches.json").read_text())
# More listings than this with a number, and a search does not begin with them.
MANY = 3_000
# How many of the newest are counted, and how many values of an attribute are shown.
COUNTED, SHOWN = 2_000, 50

router = APIRouter()


@dataclass
class Search:
    category: str | None
    # By name: a value, or a least number.
    filters: list[tuple[str, str | float]]
    text: str | None
    # In cents, both inclusive.
    price: tuple[int, int] | None
    sort: Literal["newest", "price", "price_desc"]


@dataclass
class Prepared:
    """A search with what must be known before its statement is chosen."""

    search: Search
    euros: tuple[float, float] | None
    few: list[UUID] | None

    def conditions(self, left_out: str | None = None) -> tuple[list[str], list[Any]]:
        """The conditions but for `left_out`, in the API's order, and what is bound to them."""
        search, names, bound = self.search, [], []
        if self.few is not None:
            names.append("few")
            bound.append(self.few)
        if search.category is not None:
            names.append("category")
            bound.append(search.category)
        for name, wanted in search.filters:
            if name != left_out:
                names.append("value" if isinstance(wanted, str) else "at_least")
                bound += (name, wanted)
        if search.text is not None:
            names.append("words")
            bound += (search.text, search.text)
        if search.price is not None:
            names.append("price")
            bound += (*self.euros, "EUR", *search.price)
        if search.sort != "newest":
            names.append("priced")
        return names, bound


async def prepared(conn: asyncpg.Connection, search: Search) -> Prepared:
    euros, few = None, None
    if search.price is not None:
        _known, least, most = await conn.fetchrow(SQL["search_euros"], "EUR", *search.price)
        euros = (least, most)
    for name, wanted in search.filters:
        if isinstance(wanted, float):
            most = MANY if few is None else len(few)
            rows = await conn.fetch(SQL["search_few"], name, wanted, None, most)
            if len(rows) < most:
                few = [row[0] for row in rows]
    return Prepared(search, euros, few)


async def run(conn: asyncpg.Connection, kind: list[str], bound: list[Any]) -> list[asyncpg.Record]:
    """Runs the statement of these conditions, which is not kept: a plan for any values would be wrong for rare ones."""
    text = SEARCHES.get(" ".join(kind))
    if text is None:
        raise HTTPException(422, "the benchmark does not search for that")
    statement = await conn.prepare(text, name="")
    return await statement.fetch(*bound)


async def find(conn: asyncpg.Connection, search: Search, limit: int) -> list[asyncpg.Record]:
    names, bound = (await prepared(conn, search)).conditions()
    return await run(conn, ["find", search.sort, *names], [*bound, limit])


async def counted(conn: asyncpg.Connection, search: Prepared, left_out: str | None, names: list[str]) -> dict[str, Any]:
    """Counts `names` without the filter `left_out`."""
    conditions, bound = search.conditions(left_out)
    rows = await run(conn, ["facets", *conditions], [*bound, COUNTED + 1, names, SHOWN])
    total = next(count for name, _, count in rows if name is None)
    facets = {name: {"name": name, "exact": total <= COUNTED, "values": []} for name in names}
    for name, value, count in rows:
        if name is not None:
            facets[name]["values"].append({"value": value, "count": count})
    return facets


async def count_facets(conn: asyncpg.Connection, search: Search, names: list[str]) -> list[dict[str, Any]]:
    ready = await prepared(conn, search)
    chosen = [name for name, wanted in search.filters if isinstance(wanted, str) and name in names]
    # Categories have no name in the table.
    counts = await counted(conn, ready, None, ["", *(name for name in names if name not in chosen)])
    for name in chosen:
        counts |= await counted(conn, ready, name, [name])
    categories = counts.pop("")
    return [{**categories, "name": "category"}, *(counts[name] for name in sorted(counts))]


def condition(text: str, known: dict[str, set[str]]) -> tuple[str, str | float]:
    """Reads `make:John Deere` or `horsepower:80..`."""
    name, colon, value = text.partition(":")
    if not colon or name not in known or not value:
        raise HTTPException(422, f"cannot be filtered by {text}")
    if "range" in known[name]:
        try:
            return name, float(value.removesuffix(".."))
        except ValueError as error:
            raise HTTPException(422, f"{name} is a number") from error
    return name, value


def whole_euros(amount: str | None) -> int | None:
    """In cents."""
    if amount is None:
        return None
    if not amount.isdecimal():
        raise HTTPException(422, "expected whole euros")
    return int(amount) * 100


def listing_view(row: asyncpg.Record) -> dict[str, Any]:
    reviews, stars, site, price, currency = row[3], row[4], row[6], row[15], row[14]
    view = {
        "id": str(row[0]),
        "seller_org_id": str(row[1]),
        "seller_name": row[2],
        "item_id": str(row[5]),
        "category_id": str(row[7]),
        "title": row[8],
        "description": row[9],
        "language": row[10],
        # It is JSON already.
        "attributes": orjson.Fragment(row[11]),
        "compatibility": row[12],
        "sale_mode": row[13],
        "currency": currency,
        "price": None if price is None else money(price, currency),
        "takes_offers": row[16],
        "quantity": row[17],
        "min_quantity": row[18],
        "available": row[19],
        "unit": row[20],
        "delivery_options": row[21],
        "status": row[22],
        "published_at": row[26],
        "created_at": row[27],
        "pictures": [],
    }
    if reviews:
        view["seller_rating"] = {"reviews": reviews, "average_hundredths": (200 * stars + reviews) // (2 * reviews)}
    if site is not None:
        view["site_id"] = str(site)
    for name, value in (("status_reason", row[23]), ("submitted_at", row[24]), ("relist_of", row[25])):
        if value is not None:
            view[name] = str(value) if name == "relist_of" else value
    return view


def cursor(query: bytes, row: asyncpg.Record) -> str:
    """Where the next page begins: what was searched, the key of the last listing and its id."""
    listing, key = row
    number = struct.pack(">q", int(key.timestamp() * 1_000_000)) if isinstance(key, datetime) else struct.pack(">d", key)
    return urlsafe_b64encode(sha256(query).digest()[:8] + number + listing.bytes).decode().rstrip("=")


@router.get("/v1/listings")
async def search_listings(
    request: Request,
    conn: Searching,
    where: Annotated[list[str], Query()] = [],  # FastAPI copies it.
    q: str | None = None,
    category: str | None = None,
    price_from: str | None = None,
    price_to: str | None = None,
    sort: Literal["newest", "price", "price_desc"] = "newest",
    facets: bool = False,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Response:
    known: dict[str, set[str]] = {}
    if where or facets:
        for name, stored in await conn.fetch(SQL["search_filters"], category):
            known.setdefault(name, set()).add(orjson.loads(stored)["filter"])
    filters = sorted(condition(text, known) for text in where)
    least, most = whole_euros(price_from), whole_euros(price_to)
    if (least is None) != (most is None) or len({name for name, _ in filters}) < len(filters):
        raise HTTPException(422, "the benchmark gives both prices, and an attribute once")
    search = Search(category, filters, q, None if least is None else (least, most), sort)
    found = await find(conn, search, limit + 1)
    page: dict[str, Any] = {"items": []}
    if len(found) > limit:
        found.pop()
        page["next"] = cursor(request.url.query.encode(), found[-1])
    if facets:
        names = sorted(name for name, ways in known.items() if "facet" in ways)
        page["facets"] = await count_facets(conn, search, names)
    ids = [row[0] for row in found]
    if await conn.fetch(SQL["first_pictures"], ids):
        raise HTTPException(501, "the benchmark's listings have no pictures")
    # What has left since it was found is not shown.
    rows = await conn.fetch(SQL["read_listings"], ids)
    page["items"] = [listing_view(row) for row in rows if row[22] == "published" and not row[28]]
    return answer(200, orjson.dumps(page))
