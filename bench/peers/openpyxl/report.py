"""Writes a report of many rows with openpyxl, in its mode for large files: the same cells, formats and titles as Tradeyard's.

The arguments are the file to write, how many rows, and a file of JSON with the titles and a block of rows, which is written again and
again: its cells are made before the clock starts, so that only writing is measured. Prints how long it took.
"""

import json
import sys
import time
from datetime import datetime

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font


def cell(sheet, value):
    kind, *rest = value
    if kind == "text":
        return rest[0]
    if kind == "time":
        made = WriteOnlyCell(sheet, datetime.fromisoformat(rest[0]))
        made.number_format = "yyyy-mm-dd hh:mm:ss"
        return made
    if kind == "integer":
        made = WriteOnlyCell(sheet, rest[0])
        made.number_format = "#,##0"
        return made
    if kind == "money":
        made = WriteOnlyCell(sheet, rest[0])
        made.number_format = f"#,##0{'.' if rest[2] else ''}{'0' * rest[2]}\\ [${rest[1]}]"
        return made
    raise ValueError(kind)


def main():
    path, count, data = sys.argv[1], int(sys.argv[2]), json.load(open(sys.argv[3], encoding="utf-8"))
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Orders")
    sheet.freeze_panes = "A2"
    titles = []
    for title in data["titles"]:
        made = WriteOnlyCell(sheet, title)
        made.font = Font(bold=True)
        titles.append(made)
    block = [[cell(sheet, value) for value in row] for row in data["rows"]]
    began = time.perf_counter()
    sheet.append(titles)
    for number in range(count):
        sheet.append(block[number % len(block)])
    book.save(path)
    print(json.dumps({"rows": count, "seconds": time.perf_counter() - began}))


main()
