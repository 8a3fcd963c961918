"""Results come into standard units by the published factors, exactly, or not at all."""

from __future__ import annotations

import csv
from decimal import Decimal
from importlib.resources import files

import pytest

from onearm.terms.units import Amount, amount, standard

TABLE = list(
    csv.DictReader(files("onearm.terms").joinpath("units.csv").read_text("utf-8").splitlines())
)


@pytest.mark.parametrize(
    ("test", "unit", "text", "into"),
    [
        ("FIBRINO", "mg/dL", "250", "2.50 g/L"),
        ("ALB", "g/dL", "3.95", "40 g/L"),
        ("HGB", "g/dL", "9.9", "99 g/L"),
        ("BILI", "mg/dL", "<0.2", "<3.4 umol/L"),
        ("GLUC", "mg/dL", "180.2", "10.0 mmol/L"),
        ("WBC", "/uL", "4500", "4.50 10^9/L"),
        ("ALT", "ukat/L", "0.5", "30 U/L"),
        ("CREAT", "umol/L", "88.4", "88.4 umol/L"),
    ],
)
def test_a_result_is_kept_in_its_standard_unit(test: str, unit: str, text: str, into: str) -> None:
    made = standard("LB", test, unit, text)
    assert made is not None
    assert f"{made.value} {made.unit}" == into


@pytest.mark.parametrize(
    ("test", "unit", "text", "expected"),
    [
        ("BILI", "mg/dL", "3.6", Amount(Decimal("61.56"), "umol/L")),
        ("HGB", "g/dL", "9.96", Amount(Decimal("99.6"), "g/L")),
        ("INR", "", "1.60", Amount(Decimal("1.60"), "")),
        ("CAION", "mmol/L", "1.1", Amount(Decimal("1.1"), "mmol/L")),
        ("ALT", "drops", "7", Amount(Decimal(7), "drops")),
        ("ALT", "U/L", "<5", None),
        ("ALT", "U/L", "high", None),
        ("ALT", "U/L", "", None),
    ],
)
def test_a_result_is_compared_as_exactly_as_it_was_entered(
    test: str, unit: str, text: str, expected: Amount | None
) -> None:
    assert amount("LB", test, unit, text) == expected


def test_a_conversion_and_its_way_back_cancel_out() -> None:
    ways = {(r["testcd"], r["from"], r["to"]): Decimal(r["factor"]) for r in TABLE}
    assert len(ways) == len(TABLE)  # none stands twice
    back = [(f, ways[t, b, a]) for (t, a, b), f in ways.items() if (t, b, a) in ways]
    assert back
    assert all(there * again == 1 for there, again in back)
