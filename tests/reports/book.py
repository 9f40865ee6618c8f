"""Makes a sales book from a seed and adds it up, in Python's whole numbers alone: `book.py SEED ORDERS PLACES`.

PLACES is JSON: {"categories": [path, ...], "regions": [code, ...], "buyers": [name, ...], "currencies": {code: exponent}}. Prints the
lines of the book, and its totals by month, category, region and buyer: `{"2024-03-01 EUR": [orders, units, "1234.50"], ...}`. A tenth of
the orders came to nothing and counts nowhere.
"""

import json
import random
import sys
from collections import defaultdict
from datetime import datetime, timedelta, timezone


def written(minor: int, exponent: int) -> str:
    digits = str(minor).rjust(exponent + 1, "0")
    return digits if exponent == 0 else f"{digits[:-exponent]}.{digits[-exponent:]}"


def main() -> None:
    dice = random.Random(int(sys.argv[1]))
    places = json.loads(sys.argv[3])
    begin, end = datetime(2023, 1, 1, tzinfo=timezone.utc), datetime(2026, 1, 1, tzinfo=timezone.utc)
    seconds, count = int((end - begin).total_seconds()), int(sys.argv[2])
    lines = []
    orders, units, amounts = defaultdict(set), defaultdict(int), defaultdict(int)
    for number in range(1, count + 1):
        # The ends of months are where mistakes are made.
        at = begin + timedelta(seconds=dice.randrange(seconds))
        if dice.random() < 0.1:
            at = at.replace(day=1, hour=0, minute=0, second=0)
            at -= timedelta(seconds=dice.choice([0, 1]))
            at = max(at, begin)
        buyer = dice.choice(places["buyers"])
        currency = dice.choice(list(places["currencies"]))
        came_to_nothing = dice.random() < 0.1
        # The first and the last second of the period belong to it.
        if number in (1, count):
            at = begin if number == 1 else end - timedelta(seconds=1)
            came_to_nothing = False
        status = dice.choice(["expired", "cancelled", "refunded"]) if came_to_nothing else dice.choice(["paid", "completed", "disputed"])
        for line in range(1, dice.choice([1, 1, 2, 3]) + 1):
            category, region = dice.choice(places["categories"]), dice.choice(places["regions"])
            quantity, price = dice.randrange(1, 10), dice.randrange(1, 2_000_000)
            lines.append({
                "number": number, "line": line, "at": at.isoformat(), "buyer": buyer, "currency": currency, "status": status,
                "category": category, "region": region, "quantity": quantity, "amount": quantity * price,
            })
            if came_to_nothing:
                continue
            month = at.strftime("%Y-%m-01")
            for group, key in [("month", month), ("category", category), ("region", region), ("buyer", buyer)]:
                of = (group, f"{key} {currency}")
                orders[of].add(number)
                units[of] += quantity
                amounts[of] += quantity * price
    totals = defaultdict(dict)
    for group, key in amounts:
        exponent = places["currencies"][key.split()[-1]]
        of = (group, key)
        totals[group][key] = [len(orders[of]), units[of], written(amounts[of], exponent)]
    print(json.dumps({"lines": lines, "totals": totals}))


if __name__ == "__main__":
    main()
