"""Gene symbols that a spreadsheet changed to dates, and what they may have been."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
GENES = {
    2: "FEB{n}",
    3: "MARCHF{n} (MARCH{n}) or MTARC{n} (MARC{n})",
    4: "APR{n}",
    9: "SEPTIN{n} (SEPT{n})",
    10: "OCT{n}",
    11: "NOV{n}",
    12: "DELEC{n} (DEC{n})",
}
"""Genes whose older symbols a spreadsheet reads as a day of this month; ``n`` is the day.

Source: Ziemann, Eren, El-Osta, Genome Biology 17:177 (2016); the HGNC renamed most in 2020.
"""
DAY_MONTH = re.compile(r"^(\d{1,2})[-/. ]([A-Za-z]{3,4})([-/. ]\d{2,4})?$")
MONTH_DAY = re.compile(r"^([A-Za-z]{3,4})[-/. ](\d{1,2})([-/. ]\d{2,4})?$")
ISO_DATE = re.compile(r"^(?:19|20)\d\d[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]00:00(?::00(?:\.0+)?)?)?$")
WESTERN = re.compile(r"^(\d{1,2})/(\d{1,2})/(?:\d{2}|\d{4})$")
SERIAL = re.compile(r"^[2-4]\d{4}(?:\.0+)?$")
SERIAL_ZERO = date(1899, 12, 30)  # day 0 of a spreadsheet that believes in 29 February 1900
LAST_DAY = {3: 11, 9: 15, 10: 11, 12: 2}
"""By month the highest number of a gene that a serial number may hide, such as SEPT15."""


def date_symbols(names: Sequence[str]) -> dict[str, str]:
    """Names that a spreadsheet made into dates, each with the gene symbols it may have been.

    1-Mar, Mar-1, 01-Mar-21, 2001-03-01, 3/1/2021 and serial numbers such as 44256. Serial numbers
    count only where most names are no plain numbers (Entrez identifiers are). A name with the month
    as a word is refused for any month; the symbols are empty where no gene is known.

    >>> date_symbols(["TP53", "2-Sep", "44256"])["2-Sep"]
    'SEPTIN2 (SEPT2)'
    """
    numeric = sum(name.replace(".", "", 1).isdigit() for name in names)
    found = {}
    for name in dict.fromkeys(names):
        day = _day_of(name, serials=2 * numeric <= len(names))
        if day is not None:
            found[name] = GENES.get(day[0], "").format(n=day[1])
    return found


def _day_of(name: str, *, serials: bool) -> tuple[int, int] | None:
    """Month and day of a name that is a date, else None."""
    text = name.strip()
    for pattern, at in ((DAY_MONTH, (2, 1)), (MONTH_DAY, (1, 2))):
        if (match := pattern.match(text)) and match[at[0]].lower() in MONTHS:
            return MONTHS[match[at[0]].lower()], int(match[at[1]])
    if match := ISO_DATE.match(text):
        return int(match[1]), int(match[2])
    if match := WESTERN.match(text):
        # 3/1/2021 is 1 March where the month comes first, and 3 January where it does not.
        first, second = int(match[1]), int(match[2])
        return (first, second) if first in GENES or second not in GENES else (second, first)
    if serials and SERIAL.match(text):
        day = SERIAL_ZERO + timedelta(days=int(float(text)))
        return (day.month, day.day) if day.day <= LAST_DAY.get(day.month, 0) else None
    return None
