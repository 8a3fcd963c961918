"""One simulated trial from patient rows to every efficacy estimate of the report, against R."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import polars as pl
import pytest

from onearm.results import run
from tests.results.plans import plan
from tests.shared import needs_shared, shared

pytestmark = needs_shared
Json = dict[str, Any]  # Any: the reference file

TIME = {"dataset": "ADTTE", "set": "FAS"}
RATE = {"dataset": "ADRS", "kind": "proportion", "success": "AVALC = 'Y'"}
ENTRIES: tuple[Json, ...] = (
    {"id": "orr", "parameter": "CRSP", **RATE},
    {"id": "dcr", "parameter": "DCR", **RATE},
    {"id": "sd_gt_4mo", "parameter": "SD4M", **RATE},
    {"id": "cbr", "parameter": "CBR", **RATE},
    {"id": "bor", "kind": "count", "variable": "BOR", "levels": ["CR", "PR", "SD", "PD", "NE"]},
    {"id": "pfs", "kind": "survival", "parameter": "PFS", "times": [3, 6, 9], **TIME},
    {"id": "os", "kind": "survival", "parameter": "OS", "times": [6, 12], **TIME},
    {"id": "dor", "kind": "survival", "parameter": "DOR", "times": [3, 6], **TIME},
    {"id": "follow", "kind": "followup", "parameter": "OS", **TIME},
    {
        "id": "ttr", "kind": "range", "parameter": "TTR", "variable": "AVAL", "unit": "days", **TIME
    },
    {
        "id": "risks", "kind": "competing", "parameter": "PFS", "times": [3, 6, 9], **TIME,
        "success": "CNSR = 0 AND EVNTDESC = '1'", "against": "CNSR = 0 AND EVNTDESC = '2'",
    },
)  # fmt: skip


def long(patients: pl.DataFrame, columns: dict[str, pl.Expr], name: str) -> pl.DataFrame:
    """Wide columns as one row a subject and parameter; parameters without a value have no row."""
    wide = patients.select("USUBJID", **columns)
    made = wide.unpivot(index="USUBJID", variable_name="PARAMCD", value_name=name)
    made = made.filter(pl.col(name).is_not_null()).sort("USUBJID", "PARAMCD")
    return made.with_columns(ASEQ=pl.int_range(1, pl.len() + 1).over("USUBJID"))


def datasets() -> dict[str, pl.DataFrame]:
    """The patients as ADSL, ADRS and ADTTE; days count from first dose as in the reference."""
    file = shared("statistics", "survival", "datasets", "trial50.csv")
    patients = pl.read_csv(file, schema_overrides={"id": pl.String, "pfs_type": pl.String})
    bor, pfs = pl.col("bor"), pl.col("pfs_day")
    response = bor.is_in(["CR", "PR"])
    adsl = patients.select(
        USUBJID="id", FASFL=pl.lit("Y"), COHORT="tumour", BOR="bor", RESPFL=response
    )
    patients = patients.rename({"id": "USUBJID"})
    yes = {
        "CRSP": response,
        "DCR": bor.is_in(["CR", "PR", "SD"]),
        "SD4M": (bor == "SD") & (pfs >= 122),
        "CBR": response | ((bor == "SD") & (pfs >= 161)),
    }
    answers = {k: pl.when(v).then(pl.lit("Y")).otherwise(pl.lit("N")) for k, v in yes.items()}
    day = pl.col("response_day").cast(pl.Float64)
    times = {"PFS": pfs, "OS": pl.col("os_day"), "DOR": pfs - day, "TTR": day}
    adtte = long(patients, {k: v.cast(pl.Float64) for k, v in times.items()}, "AVAL")
    ended = patients.select("USUBJID", "pfs_event", "pfs_type", "os_event")
    is_os = pl.col("PARAMCD") == "OS"
    adtte = adtte.join(ended, on="USUBJID").with_columns(
        CNSR=1 - pl.when(is_os).then("os_event").otherwise("pfs_event"),
        EVNTDESC=pl.when(is_os).then(pl.lit("0")).otherwise("pfs_type"),
        CNSDTDSC=pl.lit("LAST SCAN"),
    )
    return {"ADSL": adsl, "ADRS": long(patients, answers, "AVALC"), "ADTTE": adtte}


@cache
def expected() -> Json:
    """R's answers."""
    file = shared("statistics", "survival", "expected", "trial50.json")
    found: Json = json.loads(file.read_text())
    return found


@cache
def found() -> dict[str, float | None]:
    """Our answers by ``analysis.operation.column...``."""
    numbers = run(plan(*ENTRIES), datasets(), levels=("BTC", "HCC"))
    return dict(numbers.select("result_id", "value").iter_rows())


def is_close(value: float | None, wanted: float | None) -> bool:
    """Equal to nine digits, or both absent."""
    if value is None or wanted is None:
        return value is wanted
    return value == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("name", ["orr", "dcr", "sd_gt_4mo", "cbr"])
def test_rates_and_exact_limits(name: str) -> None:
    wanted = expected()[name]
    got = [found()[f"{name}.{o}.Total"] for o in ("n", "N", "estimate", "ci_low", "ci_high")]
    reference = [wanted[key] for key in ("x", "n", "rate", "cp_lo", "cp_hi")]
    assert got == pytest.approx(reference, rel=1e-9)


def test_best_overall_response() -> None:
    assert {k: found()[f"bor.n.Total.{k}"] for k in expected()["bor"]} == expected()["bor"]


@pytest.mark.parametrize("name", ["pfs", "os", "dor"])
def test_times_to_an_event(name: str) -> None:
    check_curve(name, "Total", expected()[name])


@pytest.mark.parametrize("index", [0, 1])
def test_subgroups(index: int) -> None:
    wanted = expected()["subgroups"][index]
    column = wanted["tumour"]
    got = [found()[f"orr.{o}.{column}"] for o in ("n", "N", "ci_low", "ci_high")]
    reference = [wanted[key] for key in ("orr_x", "orr_n", "cp_lo", "cp_hi")]
    assert got == pytest.approx(reference, rel=1e-9)
    check_curve("pfs", column, wanted["pfs"])


def check_curve(name: str, column: str, wanted: Json) -> None:
    """Events, quartiles, rates, their limits, and the longest time."""
    assert found()[f"{name}.events.{column}"] == wanted["events"]
    assert found()[f"{name}.n.{column}"] == wanted["n"]
    for end, key in (("", "quartiles"), ("_low", "lower"), ("_high", "upper")):
        got = [found()[f"{name}.{q}{end}.{column}"] for q in ("q1", "median", "q3")]
        assert all(map(is_close, got, wanted[key])), (key, got, wanted[key])
    for end, key in (("", "surv"), ("_low", "lo"), ("_high", "hi")):
        got = [found()[f"{name}.rate{end}.{column}.{month}"] for month in wanted["landmark"]]
        assert got == pytest.approx(wanted[key], rel=1e-9)
    assert found()[f"{name}.longest.{column}"] == pytest.approx(wanted["max_follow_up"], rel=1e-9)


def test_follow_up_and_time_to_response() -> None:
    wanted = expected()["follow_up_reverse_km"]
    got = [found()[f"follow.median{end}.Total"] for end in ("", "_low", "_high")]
    assert got == pytest.approx([wanted[k] for k in ("median", "lower", "upper")], rel=1e-9)
    assert found()["ttr.median.Total"] == expected()["ttr_median_days"]


def test_progression_with_death_competing() -> None:
    wanted = expected()["progression_vs_death"]
    got = [found()[f"risks.incidence.Total.{month}"] for month in wanted["times"]]
    assert got == pytest.approx(wanted["prog"], rel=1e-9)
