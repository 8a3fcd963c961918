"""What people type, as it is stored: dates in the ways that hands write them, numbers untouched."""

from __future__ import annotations

import re
from datetime import date

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
WORDY = re.compile(r"^(?:(\d{1,2})[ -/]?)?([a-z]{3,9})[ -/]?(\d{2}|\d{4})$")
DAY_FIRST = re.compile(r"^(\d{1,2})[/.](\d{1,2})[/.](\d{4})$")
MONTH_FIRST = re.compile(r"^(\d{1,2})[/.](\d{4})$")
YEAR_FIRST = re.compile(r"^(\d{4})[-/.年]?(\d{1,2})?[-/.月]?(\d{1,2})?日?$")
COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
MOMENT = re.compile(r"^(.*?)(?:[ ,]+|t(?=\d)|(?<=日))(\d{1,2}):?(\d{2})(:\d{2})?$")
TODAY = frozenset({"t", "today", "今", "今天"})


def typed(kind: str, text: str, today: date) -> str:
    """The text to store for what was typed into an item of a kind; blanks around it are dropped.

    Dates come out as ISO 8601, also the year or the month of one; what is no date stays as it was
    typed, for the checks to say so. A date with a time is a date as above, a blank and the time of
    24 hours (``5may26 14:30``, ``t 0930``). Full-width digits and signs become plain ones, save in
    texts.

    >>> day = date(2026, 5, 26)
    >>> [typed("partial_date", t, day) for t in ("5may26", "05/2026", "2026", "t", "31.12.2025")]
    ['2026-05-05', '2026-05', '2026', '2026-05-26', '2025-12-31']
    """
    text = text.strip()
    if kind != "text":
        text = text.translate(WIDE)
    if kind in ("date", "partial_date") and text:
        return _date(text.lower(), today) or text
    if kind == "datetime" and text:
        return _moment(text.lower(), today) or text
    return text


WIDE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}


def _moment(text: str, today: date) -> str | None:
    match = MOMENT.match(text)
    if match is None:
        return None
    day = _date(match[1], today)
    hour, minute, seconds = int(match[2]), match[3], match[4] or ""
    if day is None or len(day) != len("2026-05-05") or hour > 23 or int(minute) > 59:
        return None
    return f"{day}T{hour:02d}:{minute}{'' if seconds == ':00' else seconds}"


def _date(text: str, today: date) -> str | None:
    if text in TODAY:
        return today.isoformat()
    year: str | None
    month: str | int | None
    day: str | None
    if match := COMPACT.match(text):
        year, month, day = match.groups()
    elif match := WORDY.match(text):
        day, word, year = match.groups()
        month = MONTHS.get(word[:3])
        if month is None:
            return None
    elif match := DAY_FIRST.match(text):
        day, month, year = match.groups()
    elif match := MONTH_FIRST.match(text):
        month, year = match.groups()
        day = None
    elif match := YEAR_FIRST.match(text):
        year, month, day = match.groups()
    else:
        return None
    return _iso(year, month, day, today)


def _iso(year: str, month: str | int | None, day: str | None, today: date) -> str | None:
    number = int(year)
    if len(year) == 2:
        # Two digits mean the past hundred years, next year included (a visit that is planned).
        number += today.year // 100 * 100
        number -= 100 if number > today.year + 1 else 0
    if month is None:
        return f"{number:04d}"
    if day is None:
        return f"{number:04d}-{int(month):02d}" if 1 <= int(month) <= 12 else None
    try:
        return date(number, int(month), int(day)).isoformat()
    except ValueError:
        return None
