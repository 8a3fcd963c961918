"""Tests with their standard units, and how a result comes from one unit into another, exactly."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from importlib.resources import files

NUMBER = re.compile(r"^[-+]?\d+(\.\d+)?$")
CENSORED = re.compile(r"^([<>]=?)\s*(\d+(?:\.\d+)?)$")
LONGEST = 6
"""Digits after the point for a converted result of a test whose table line names none."""


@dataclass(frozen=True, slots=True)
class Test:
    """One test: its CDISC code and name, usual category and specimen, standard unit and digits."""

    domain: str
    code: str
    name: str
    category: str
    specimen: str
    unit: str
    decimals: int | None

    @property
    def digits(self) -> int:
        """Digits after the point of a converted result."""
        return LONGEST if self.decimals is None else self.decimals


@dataclass(frozen=True, slots=True)
class Conversion:
    """``standard = (original + before) * factor``, both as the table writes them."""

    factor: Decimal
    before: Decimal
    source: str

    def of(self, number: Decimal) -> Decimal:
        """The number in the other unit, not rounded."""
        return (number + self.before) * self.factor


@dataclass(frozen=True, slots=True)
class Standard:
    """A result in the standard unit as text; ``factor`` is 1 where it was in it already."""

    value: str
    unit: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class Amount:
    """A result as an exact number with its unit."""

    number: Decimal
    unit: str


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files(__package__).joinpath(name).read_text("utf-8").splitlines()))


@lru_cache(maxsize=1)
def known_tests() -> dict[tuple[str, str], Test]:
    """Tests by domain and code. Source: CDISC terminology (names); SI units (standard units)."""
    return {
        (row["domain"], row["testcd"]): Test(
            domain=row["domain"],
            code=row["testcd"],
            name=row["test"],
            category=row["category"],
            specimen=row["specimen"],
            unit=row["unit"],
            decimals=int(row["decimals"]) if row["decimals"] else None,
        )
        for row in _rows("tests.csv")
    }


@lru_cache(maxsize=1)
def _conversions() -> dict[tuple[str, str, str], Conversion]:
    return {
        (row["testcd"], row["from"], row["to"]): Conversion(
            Decimal(row["factor"]), Decimal(row["before"]), row["source"]
        )
        for row in _rows("units.csv")
    }


def conversion(test: str, unit: str, into: str) -> Conversion | None:
    """How a test's result is converted from one unit into another; None where no table says."""
    table = _conversions()
    return table.get((test, unit, into)) or table.get(("*", unit, into))


def standard(domain: str, test: str, unit: str, text: str) -> Standard | None:
    """A result in the test's standard unit, by the rule of --STRESC.

    A number in the standard unit keeps its text; one in another unit is converted and rounded half
    away from zero to the digits of the test; ``<40`` keeps its sign. None for text that is no
    number, a test or unit that no table has, and a test without unit.
    Rule: SDTMIG 3.4, section 4.5.1; factors in ``units.csv`` with their sources.
    """
    known, text = known_tests().get((domain, test)), text.strip()
    censored = CENSORED.match(text)
    if known is None or not known.unit or not (censored or NUMBER.match(text)):
        return None
    if unit == known.unit:
        return Standard(text, unit, Decimal(1))
    rule = conversion(test, unit, known.unit)
    if rule is None:
        return None
    sign, digits = (censored[1], censored[2]) if censored else ("", text)
    return Standard(sign + rounded(rule.of(Decimal(digits)), known.digits), known.unit, rule.factor)


def amount(domain: str, test: str, unit: str, text: str) -> Amount | None:
    """A result in the test's standard unit, not rounded, for comparing with limits.

    In its own unit where no table says otherwise: a test that no table has, one without unit (a
    ratio such as INR), a unit without a conversion. None for ``<40`` and all that is no number.

    >>> amount("LB", "BILI", "mg/dL", "3.6"), amount("LB", "INR", "", "1.6")
    (Amount(number=Decimal('61.56'), unit='umol/L'), Amount(number=Decimal('1.6'), unit=''))
    """
    text = text.strip()
    if not NUMBER.match(text):
        return None
    known = known_tests().get((domain, test))
    rule = conversion(test, unit, known.unit) if known and known.unit != unit else None
    if known is None or rule is None:
        return Amount(Decimal(text), unit)
    return Amount(rule.of(Decimal(text)), known.unit)


def rounded(number: Decimal, digits: int) -> str:
    """A number as text with so many digits after the point, half away from zero.

    >>> rounded(Decimal("8.545"), 2), rounded(Decimal("20.52"), 0)
    ('8.55', '21')
    """
    return f"{number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP):f}"
