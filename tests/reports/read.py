"""Reads the files of reports with tools that are not ours, and compares them: `read.py FOLDER [BOOK.json]`.

The folder has the same reports as NAME.json, NAME.csv, NAME.xlsx and NAME.pdf, which poppler reads, or pypdf where it is long. Cell by
cell they must show the same, the sums must be those of the rows, and charts must show rows that are there. With a sales book, reports by
month, category and region must be its totals. Prints how many rows each section has, as JSON; the first difference ends it.
"""

import csv
import json
import re
import subprocess
import sys
import unicodedata
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pypdf
from openpyxl.utils import range_boundaries
from pypdf.generic import ContentStream

AMOUNTS = ("money", "price")
NUMBERS = (*AMOUNTS, "decimal", "percent", "integer")
MARK = "… (cut)"
MOST = 32_767
ROWS_OF_SHEET = 1_048_575
ROWS_ON_PAPER = 2_000
TEXT_ON_PAPER = 300
# Poppler interprets a page anew for every cell on it: fifty pages of a table take it minutes.
PAGES_FOR_POPPLER = 8
# What the tests write and no font has: U+FFFD stands in its place on paper. Every other sign is there as it is.
WITHOUT_GLYPH = {"\U0001f69c"}


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def same(name: str, left, right, what: str) -> None:
    if left != right:
        raise AssertionError(f"{name}: {what}: {left!r} is not {right!r}")


# --- CSV


def of_csv(text: str, kind: str):
    if kind == "text":
        return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t\r\n" else text
    if text == "":
        return None
    if kind == "integer":
        return int(text)
    if kind in NUMBERS:
        return Decimal(text)
    return text


def csv_sections(path: Path, sections: list) -> list:
    """Rows and sums of each section, as many as the JSON has."""
    lines = list(csv.reader(path.open(encoding="utf-8", newline=""), strict=True))
    at, read = 0, []
    for number, section in enumerate(sections):
        if number > 0:
            same(path.name, lines[at], [], "an empty line between sections")
            at += 1
        if len(sections) > 1:
            same(path.name, lines[at], [section["title"]], "the title of a section")
            at += 1
        width = len(section["columns"])
        headings = lines[at]
        same(path.name, len(headings), width, "columns")
        for heading, column in zip(headings, section["columns"], strict=True):
            assert heading.startswith(column["title"]), (heading, column)
        at += 1
        rows = lines[at : at + len(section["rows"])]
        at += len(rows)
        sums = []
        while at < len(lines) and lines[at] != []:
            sums.append(lines[at])
            at += 1
        read.append((headings, rows, sums))
    same(path.name, at, len(lines), "lines")
    return read


# --- XLSX


def unescaped(text: str) -> str:
    return re.sub("_x([0-9A-F]{4})_", lambda code: chr(int(code[1], 16)), text)


def xlsx_rows(book, title: str, name: str) -> tuple:
    """Headings and rows of a section: those of all sheets that go on with it."""
    headings, rows, number = None, [], 1
    title = re.sub(r"[\[\]:*?/\\]", " ", title).strip()
    while True:
        sheet_name = title if number == 1 else f"{title} ({number})"
        if sheet_name not in book.sheetnames:
            return headings, rows
        sheet = book[sheet_name]
        same(name, sheet.freeze_panes, "A2", "frozen header")
        lines = list(sheet.iter_rows())
        here = [cell.value for cell in lines[0]]
        if headings is not None:
            same(name, here, headings, "the header of a further sheet")
        headings = here
        assert len(lines) - 1 <= ROWS_OF_SHEET
        rows.extend(lines[1:])
        number += 1


def of_xlsx(cell, kind: str, wanted, zoned):
    """The value of a cell as the JSON has it. `wanted` says what numbers too long for a sheet, and dates before its calendar, are."""
    value = cell.value
    if kind in ("text", "currency", "id"):
        text = "" if value is None else unescaped(value)
        return text if kind == "text" or text else None
    if value is None:
        return None
    if kind in NUMBERS:
        if isinstance(value, str):
            assert abs(int(str(wanted).replace(".", ""))) >= 10**15, f"{value} is a text and should be a number"
            return Decimal(value) * (100 if kind == "percent" else 1)
        assert isinstance(value, (int, float)) and not isinstance(value, bool), value
        number = Decimal(repr(value)) * (100 if kind == "percent" else 1)
        if kind == "integer":
            same("xlsx", number, number.to_integral_value(), "a whole number")
            return int(number)
        return number
    if isinstance(value, str):
        assert not 1900 <= zoned.year <= 9999, f"{value} is a text and should be a date"
        same("xlsx", value, wanted, "a date before the calendar")
        return zoned
    assert isinstance(value, datetime), value
    return value


def xlsx_sums(book) -> list:
    lines = [[cell.value for cell in row] for row in book["Report"].iter_rows()]
    begin = next((at for at, line in enumerate(lines) if line[0] == "Totals"), len(lines))
    cells = list(book["Report"].iter_rows())[begin + 1 :]
    sums = []
    for section, column, rows, amount, currency in cells:
        value = amount.value
        if not isinstance(value, str):
            assert f"[${currency.value}]" in amount.number_format, amount.number_format
            value = repr(value)
        sums.append((section.value, column.value, rows.value, Decimal(value), currency.value))
    return sums


def charts(book, name: str) -> int:
    """How many charts there are; each shows cells that are filled."""
    if "Charts" not in book.sheetnames:
        return 0
    drawn = book["Charts"]._charts
    for chart in drawn:
        for series in chart.series:
            for reference in (series.val.numRef.f, (series.cat.numRef or series.cat.strRef).f):
                sheet, cells = reference.rsplit("!", 1)
                sheet = book[sheet.strip("'")]
                left, top, right, bottom = range_boundaries(cells.replace("$", ""))
                assert top >= 2 and left == right and top <= bottom <= sheet.max_row, (name, reference)
            left, top, _, bottom = range_boundaries(series.val.numRef.f.rsplit("!", 1)[1].replace("$", ""))
            sheet = book[series.val.numRef.f.rsplit("!", 1)[0].strip("'")]
            values = [sheet.cell(row, left).value for row in range(top, bottom + 1)]
            assert all(value is None for value in values) or any(isinstance(value, (int, float)) for value in values), (name, values)
    return len(drawn)


# --- PDF


class Paper:
    """What the tags of a PDF say: its tables as rows of cells, each with its header first, and how many pictures it has."""

    def __init__(self, path: Path):
        self.tables, self.figures = [], 0
        reader = pypdf.PdfReader(path)
        if len(reader.pages) <= PAGES_FOR_POPPLER:
            self.by_poppler(path)
        else:
            self.by_pypdf(reader)

    def by_poppler(self, path: Path) -> None:
        tree = subprocess.run(["pdfinfo", "-struct-text", path], capture_output=True, text=True, check=True).stdout
        inside = False
        for line in tree.splitlines():
            entry = line.strip()
            if entry.startswith('"'):
                if inside:
                    self.tables[-1][-1][-1] += entry[1:-1]
            elif not entry.startswith("/"):
                tag = entry.split(" ")[0].rstrip(":")
                inside = tag in ("TH", "TD")
                self.figures += tag == "Figure"
                if tag == "Table":
                    self.tables.append([])
                elif tag == "TR":
                    self.tables[-1].append([])
                elif inside:
                    self.tables[-1][-1].append("")

    def by_pypdf(self, reader: pypdf.PdfReader) -> None:
        fonts: dict = {}
        texts = {page.indirect_reference.idnum: marked_texts(reader, page, fonts) for page in reader.pages}

        def walk(node, page: int, cell: bool) -> None:
            page = node.raw_get("/Pg").idnum if "/Pg" in node else page
            tag = node.get("/S")
            if tag == "/Table":
                self.tables.append([])
            elif tag == "/TR":
                self.tables[-1].append([])
            elif tag in ("/TH", "/TD"):
                self.tables[-1][-1].append("")
            cell = tag in ("/TH", "/TD")
            self.figures += tag == "/Figure"
            kids = node.get("/K", [])
            for kid in kids if isinstance(kids, list) else [kids]:
                kid = kid.get_object()
                if not isinstance(kid, int) and "/MCID" not in kid:
                    walk(kid, page, cell)
                elif cell:
                    at, mark = (page, kid) if isinstance(kid, int) else (kid.raw_get("/Pg").idnum if "/Pg" in kid else page, kid["/MCID"])
                    self.tables[-1][-1][-1] += texts[at].get(int(mark), "")

        walk(reader.trailer["/Root"]["/StructTreeRoot"], 0, False)


def marked_texts(reader: pypdf.PdfReader, page, fonts: dict) -> dict:
    """The text of each marked part of a page, by its number."""
    texts, parts, font = defaultdict(str), [], {}
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        mark = next((mark for mark, _ in reversed(parts) if mark is not None), None)
        if operator in (b"BDC", b"BMC"):
            about = operands[1] if operator == b"BDC" else {}
            about = page["/Resources"]["/Properties"][about].get_object() if isinstance(about, str) else about
            parts.append((about.get("/MCID"), about.get("/ActualText")))
            if mark is not None:
                texts[mark] += about.get("/ActualText", "")
        elif operator == b"EMC":
            parts.pop()
        elif operator == b"Tf":
            used = page["/Resources"]["/Font"].raw_get(operands[0])
            if used.idnum not in fonts:
                fonts[used.idnum] = characters(used.get_object())
            font = fonts[used.idnum]
        elif operator in (b"Tj", b"TJ") and mark is not None and all(instead is None for _, instead in parts):
            for part in operands[0] if operator == b"TJ" else operands:
                if isinstance(part, (str, bytes)):
                    codes = part if isinstance(part, bytes) else part.original_bytes
                    pairs = (codes[at : at + 2] for at in range(0, len(codes), 2))
                    texts[mark] += "".join(font[int.from_bytes(pair, "big")] for pair in pairs)
    return texts


def characters(font) -> dict:
    """What the codes of a font mean, as it says itself."""
    same("pdf", font["/Encoding"], "/Identity-H", "the encoding of a font")
    table = font["/ToUnicode"].get_data().decode("ascii")
    assert "beginbfrange" not in table, "ranges of characters are not read here"
    listed = re.findall("beginbfchar(.*?)endbfchar", table, re.DOTALL)
    pairs = (pair for block in listed for pair in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block))
    return {int(code, 16): bytes.fromhex(text).decode("utf-16-be") for code, text in pairs}


def letters(text: str) -> str:
    """The text without spaces, where lines are broken, and without signs that nobody sees."""
    return "".join(sign for sign in text if unicodedata.category(sign) not in ("Zs", "Cc", "Cf"))


def on_paper(value, kind: str, text: str, at: str) -> None:
    """Asserts that a cell on paper shows the value."""
    if value is None:
        same("pdf", text, "", at)
    elif kind in NUMBERS:
        same("pdf", Decimal(text.replace(",", "").replace("\u2212", "-")), Decimal(value), at)
    elif kind == "time":
        same("pdf", letters(text), value.replace("T", ""), at)
    else:
        cut = kind == "text" and len(value) > TEXT_ON_PAPER
        wanted = letters(value[:TEXT_ON_PAPER] + MARK if cut else value)
        here = letters(text)
        same("pdf", len(here), len(wanted), f"{at}: {here[:60]!r} for {wanted[:60]!r}")
        differ = [
            (a, b) for a, b in zip(here, wanted, strict=True) if a != b and not (a == "\ufffd" and b in WITHOUT_GLYPH)
        ]
        same("pdf", differ, [], at)


def compare_paper(name: str, table: list, section: dict, totals: dict) -> None:
    columns = [(place, column) for place, column in enumerate(section["columns"]) if column["type"] != "id"]
    heading, *lines = table
    for (_, column), title in zip(columns, heading, strict=True):
        assert letters(title).startswith(letters(column["title"])), (name, title, column)
    rows = section["rows"][:ROWS_ON_PAPER]
    for number, (row, line) in enumerate(zip(rows, lines[: len(rows)], strict=True)):
        for (place, column), text in zip(columns, line, strict=True):
            on_paper(row[place], column["type"], text, f"{name}: {section['name']}, row {number}, {column['name']}, PDF")
    stated = {}
    for line in lines[len(rows) :]:
        currency = next(text for (_, column), text in zip(columns, line, strict=True) if column["type"] == "currency")
        for (_, column), text in zip(columns, line, strict=True):
            if column["type"] == "money" and text:
                stated[(column["name"], currency)] = Decimal(text.replace(",", "").replace("\u2212", "-"))
    same(name, stated, {key: amount for key, (_, amount) in totals.items()}, f"sums of {section['name']} in the PDF")


# --- Comparing


def compare(folder: Path, name: str) -> dict:
    document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)
    book = openpyxl.load_workbook(folder / f"{name}.xlsx")
    sections = document["sections"]
    texts = csv_sections(folder / f"{name}.csv", sections)
    in_sheet = xlsx_sums(book)
    paper = Paper(folder / f"{name}.pdf")
    counts = {}
    for section, (headings, lines, sums), table in zip(sections, texts, paper.tables, strict=True):
        columns = section["columns"]
        kinds = [column["type"] for column in columns]
        titles, cells = xlsx_rows(book, section["title"], name)
        same(name, titles, headings, "titles")
        same(name, len(cells), len(section["rows"]), f"rows of {section['name']} in the workbook")
        totals = defaultdict(lambda: [0, Decimal(0)])
        for number, (row, line, sheet_row) in enumerate(zip(section["rows"], lines, cells, strict=True)):
            where = f"{section['name']}, row {number}"
            same(name, (len(row), len(line), len(sheet_row)), (len(columns),) * 3, where)
            currency = next((value for value, kind in zip(row, kinds, strict=True) if kind == "currency"), None)
            for value, text, cell, kind, column in zip(row, line, sheet_row, kinds, columns, strict=True):
                at = f"{where}, {column['name']}"
                check(name, at, value, text, cell, kind, currency)
                if kind == "money" and value is not None:
                    total = totals[(column["name"], currency)]
                    total[0] += 1
                    total[1] += Decimal(value)
        stated = {
            (total["column"], total["amount"]["currency"]): [total["row_count"], Decimal(total["amount"]["amount"])]
            for total in section["totals"]
        }
        same(name, stated, dict(totals), f"sums of {section['name']}")
        compare_sums(name, section, sums, totals, in_sheet)
        compare_paper(name, table, section, totals)
        counts[section["name"]] = len(section["rows"])
    same(name, paper.figures, charts(book, name), "charts of the PDF and of the workbook")
    return {"sections": counts, "charts": paper.figures, "sheets": book.sheetnames}


def check(name: str, at: str, value, text: str, cell, kind: str, currency) -> None:
    """Asserts that CSV, workbook and JSON have the same in a cell."""
    assert kind != "text" or text[:1] not in tuple("=+-@\t\r\n"), f"{name}: {at}: {text[:40]!r} could run as a formula"
    if kind in NUMBERS and value is not None:
        value = int(value) if kind == "integer" else Decimal(value)
    from_csv = of_csv(text, kind)
    if value is None:
        same(name, (from_csv or None, cell.value), (None, None), at)
        return
    zoned = None
    if kind == "day":
        year = int(value.split("-")[0])
        zoned = date.fromisoformat(value) if 1 <= year <= 9999 else None
    if kind == "time":
        zoned = datetime.fromisoformat(value).replace(tzinfo=None)
    from_xlsx = of_xlsx(cell, kind, value, zoned)
    same(name, from_csv, value, f"{at}, CSV")
    if kind == "text" and units(value) > MOST:
        assert from_xlsx.endswith(MARK) and units(from_xlsx) <= MOST, at
        assert value.startswith(from_xlsx[: -len(MARK)]) and units(from_xlsx) >= MOST - 1, at
        return
    if isinstance(from_xlsx, datetime):
        wanted = zoned if kind == "time" else datetime.combine(zoned, datetime.min.time())
        same(name, from_xlsx, wanted, f"{at}, XLSX")
        return
    same(name, from_xlsx, zoned if kind in ("day", "time") else value, f"{at}, XLSX")
    if kind in AMOUNTS and not isinstance(cell.value, str):
        assert f"[${currency}]" in cell.number_format, (at, cell.number_format)
        places = -value.as_tuple().exponent
        same(name, cell.number_format.split("\\")[0], "#,##0" + ("." + "0" * places if places else ""), f"{at}, format")


def compare_sums(name: str, section: dict, lines: list, totals: dict, in_sheet: list) -> None:
    columns = section["columns"]
    currency_at = next((at for at, column in enumerate(columns) if column["type"] == "currency"), None)
    in_csv = {}
    for line in lines:
        for column, text in zip(columns, line, strict=True):
            if column["type"] == "money" and text:
                in_csv[(column["name"], line[currency_at])] = Decimal(text)
    wanted = {key: amount for key, (_, amount) in totals.items()}
    same(name, in_csv, wanted, f"sums of {section['name']} in the CSV")
    titles = {column["name"]: column["title"] for column in columns}
    here = {(title, currency): (rows, amount) for of, title, rows, amount, currency in in_sheet if of == section["title"]}
    wanted = {(titles[column], currency): (rows, amount) for (column, currency), (rows, amount) in totals.items()}
    same(name, here, wanted, f"sums of {section['name']} in the workbook")


def compare_with_book(folder: Path, book: dict) -> None:
    """The reports of the book's sales by month, category and region are its own totals."""
    for group, section_name, key in [
        ("month", "times", "from"),
        ("category", "categories", "path"),
        ("region", "regions", "code"),
        ("buyer", "buyers", "name"),
    ]:
        document = json.loads((folder / f"sales-{group}.json").read_text(encoding="utf-8"))
        section = document["sections"][0]
        same(group, section["name"], section_name, "section")
        at = {column["name"]: number for number, column in enumerate(section["columns"])}
        shown = {}
        for row in section["rows"]:
            of = f"{row[at[key]]} {row[at['currency']]}"
            assert of not in shown, of
            shown[of] = [row[at["orders"]], row[at["quantity"]], row[at["sales"]]]
        same(group, shown, book["totals"][group], "the totals of the book")


def main() -> None:
    folder = Path(sys.argv[1])
    names = sorted(path.stem for path in folder.glob("*.json") if path.stem != "book")
    assert names, "there are no reports"
    found = {name: compare(folder, name) for name in names}
    if len(sys.argv) > 2:
        compare_with_book(folder, json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
