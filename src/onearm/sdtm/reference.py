"""The tables beside the code: tests with standard units, unit conversions, and methods."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


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


@dataclass(frozen=True, slots=True)
class Conversion:
    """``standard = (original + before) * factor``."""

    factor: float
    before: float
    source: str


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("onearm.sdtm").joinpath(name).read_text("utf-8").splitlines()))


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
            float(row["factor"]), float(row["before"]), row["source"]
        )
        for row in _rows("units.csv")
    }


def conversion(test: str, unit: str, into: str) -> Conversion | None:
    """How a test's result is converted from one unit into another; None where no table says."""
    table = _conversions()
    return table.get((test, unit, into)) or table.get(("*", unit, into))


@lru_cache(maxsize=1)
def methods() -> dict[str, str]:
    """The sentence of each derivation by the id that specifications name (define.xml Method)."""
    return {row["id"]: row["sentence"] for row in _rows("methods.csv")}
