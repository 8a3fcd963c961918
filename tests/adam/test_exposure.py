"""Exposure: the worked example of a dose held and reduced, and infusions against their plan."""

from __future__ import annotations

import polars as pl
import pytest

from onearm import adam
from tests.adam.patients import Patient, day, domains, shipped_study


def exposure(*rows: dict[str, object]) -> dict[tuple[str, str], float]:
    """AVAL by drug and parameter of one patient with these dosing rows only."""
    frames = domains([Patient("E")])
    given = pl.DataFrame(
        [
            {"USUBJID": "E", "EXSEQ": float(n + 1), "EXDOSU": "mg"} | row
            for n, row in enumerate(rows)
        ],
        schema=frames["EX"].schema,
    )
    made = adam.derive(shipped_study(), frames | {"EX": given})["ADEX"]
    return {(r["EXTRT"], r["PARAMCD"]): r["AVAL"] for r in made.iter_rows(named=True)}


def lenvatinib(first: int, last: int, dose: float, frequency: str = "QD") -> dict[str, object]:
    return {"EXTRT": "LENVATINIB", "EXDOSE": dose, "EXDOSFRQ": frequency, "EXSTDTC": day(first),
            "EXENDTC": day(last)}  # fmt: skip


def infusion(at: int, dose: float = 200.0) -> dict[str, object]:
    return {"EXTRT": "PEMBROLIZUMAB", "EXDOSE": dose, "EXDOSFRQ": "EVERY 3 WEEKS",
            "EXSTDTC": day(at), "EXENDTC": day(at)}  # fmt: skip


def test_twelve_mg_held_and_resumed_at_eight() -> None:
    # 12 mg for 28 days, 7 days held, 8 mg for 49 days: 728 of 1008 mg.
    seen = exposure(lenvatinib(0, 27, 12.0), lenvatinib(28, 34, 0.0), lenvatinib(35, 83, 8.0))
    assert seen["LENVATINIB", "CUMDOSE"] == 728
    assert seen["LENVATINIB", "PLANDOSE"] == 1008
    assert round(seen["LENVATINIB", "RDI"], 1) == 72.2
    assert round(seen["LENVATINIB", "AVGDOSE"], 2) == 8.67
    assert seen["LENVATINIB", "TRTDURD"] == 84
    assert (seen["LENVATINIB", "NREDUC"], seen["LENVATINIB", "NINTER"]) == (1, 1)
    assert seen["LENVATINIB", "NCYCLE"] == 4


def test_a_hold_without_a_row_of_its_own_is_the_same_hold() -> None:
    seen = exposure(lenvatinib(0, 27, 12.0), lenvatinib(35, 83, 8.0))
    assert (seen["LENVATINIB", "NINTER"], seen["LENVATINIB", "CUMDOSE"]) == (1, 728)


def test_every_other_day_is_half_the_dose_and_a_reduction() -> None:
    seen = exposure(lenvatinib(0, 9, 4.0), lenvatinib(10, 19, 4.0, "QOD"))
    assert (seen["LENVATINIB", "CUMDOSE"], seen["LENVATINIB", "NREDUC"]) == (60, 1)


@pytest.mark.parametrize(
    ("days", "planned", "rdi"),
    [
        ([0, 21, 42, 63], 800, 100.0),
        ([0, 21, 45, 66], 800, 100.0),  # a few days late is no missed cycle
        ([0, 21, 63], 800, 75.0),  # the third cycle was left out
        ([0], 200, 100.0),
    ],
)
def test_infusions_against_planned_cycles(days: list[int], planned: float, rdi: float) -> None:
    seen = exposure(*(infusion(at) for at in days))
    assert seen["PEMBROLIZUMAB", "PLANDOSE"] == planned
    assert seen["PEMBROLIZUMAB", "RDI"] == rdi
    assert seen["PEMBROLIZUMAB", "NCYCLE"] == len(days)
    # By convention the last infusion covers its cycle: last - first + 1 + 20 days.
    assert seen["PEMBROLIZUMAB", "TRTDURD"] == days[-1] + 21


def test_the_regimen_lasts_from_the_first_to_the_last_dose_of_any_drug() -> None:
    seen = exposure(lenvatinib(0, 27, 12.0), infusion(0), infusion(42))
    assert seen["ALL", "TRTDURD"] == 43
