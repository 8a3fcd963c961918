"""Times to an event: by hand for a handful of subjects, and against R for its classic data."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from tests.results.plans import analysed, rows, subjects, values
from tests.shared import needs_shared, shared

MONTH = 30.4375
SURVIVAL: dict[str, Any] = {  # Any: an entry of analyses.yaml
    "kind": "survival", "dataset": "ADTTE", "parameter": "OS", "unit": "days", "columns": False,
}  # fmt: skip


def times(*records: tuple[float, int, str | None]) -> dict[str, pl.DataFrame]:
    """ADSL and ADTTE of subjects S1, S2, ...: days, CNSR, and why it ended."""
    made = rows(
        *(
            {
                "USUBJID": f"S{i}", "PARAMCD": "OS", "AVAL": float(day), "CNSR": censored,
                "EVNTDESC": why, "CNSDTDSC": "LAST SCAN" if censored else None,
            }
            for i, (day, censored, why) in enumerate(records, start=1)
        )
    ).cast({"EVNTDESC": pl.String, "CNSDTDSC": pl.String})  # fmt: skip
    return {"ADSL": subjects(SEX=["M"] * len(records)), "ADTTE": made}


# S(1) = 5/6, S(2) = 4/6, S(3) = 3/6, S(6) = 1/4, so that the median lies between 3 and 6.
SIX = times(
    (1, 0, "PD"), (2, 0, "PD"), (3, 0, "DEATH"), (4, 1, "ALIVE"), (6, 0, "PD"), (7, 1, "LOST")
)  # fmt: skip


def test_events_and_censorings_are_counted_by_reason() -> None:
    found = values(analysed(SURVIVAL, SIX))
    assert (found["n.Total"], found["events.Total"], found["censored.Total"]) == (6, 4, 2)
    assert (found["reason.Total.PD"], found["reason.Total.DEATH"]) == (3, 1)
    assert (found["reason.Total.CENSORED=ALIVE"], found["reason.Total.CENSORED=LOST"]) == (1, 1)
    assert found["reason.Total.CNSDTDSC=LAST SCAN"] == 2
    assert found["percent_reason.Total.PD"] == 0.5
    assert found["longest.Total"] == 7


def test_the_median_of_a_curve_flat_at_one_half_is_the_middle_of_the_plateau() -> None:
    found = values(analysed(SURVIVAL, SIX))
    assert found["median.Total"] == 4.5
    assert found["q1.Total"] == 2  # S(2) = .667 is the first at or below .75


def test_a_rate_is_read_off_the_curve_with_those_still_at_risk() -> None:
    data = times(
        (1 * MONTH, 0, "PD"), (2 * MONTH, 1, "ALIVE"), (4 * MONTH, 0, "PD"), (5 * MONTH, 1, "ALIVE")
    )
    numbers = analysed(SURVIVAL | {"times": [3, 6]}, data)
    found = values(numbers)
    assert (found["rate.Total.3"], found["at_risk.Total.3"]) == (0.75, 2)
    assert (found["rate.Total.6"], found["at_risk.Total.6"]) == (None, 0)
    late = numbers.filter(pl.col("result_id") == "a.rate.Total.6")["note"].item()
    assert late == "beyond_follow_up"


def test_months_are_days_over_30_4375() -> None:
    data = times((MONTH * 2, 0, "PD"), (MONTH * 4, 0, "PD"), (MONTH * 6, 0, "PD"))
    numbers = analysed({k: v for k, v in SURVIVAL.items() if k != "unit"}, data)
    assert values(numbers)["median.Total"] == 4
    assert numbers.filter(pl.col("operation") == "median")["kind"].item() == "months"


def test_nobody_with_an_event_has_no_median_and_says_why() -> None:
    numbers = analysed(SURVIVAL | {"times": [0.1]}, times((5, 1, "ALIVE"), (9, 1, "ALIVE")))
    found = values(numbers)
    assert (found["events.Total"], found["median.Total"], found["rate.Total.0.1"]) == (0, None, 1)
    notes = dict(numbers.select("operation", "note").iter_rows())
    assert (notes["median"], notes["rate"]) == ("not_reached", "no_event_yet")


def test_one_subject_is_legal() -> None:
    found = values(analysed(SURVIVAL, times((10, 0, "PD"))))
    assert (found["n.Total"], found["median.Total"], found["median_high.Total"]) == (1, 10, None)


def test_a_subject_without_a_time_is_counted_as_missing() -> None:
    data = times((1, 0, "PD"), (2, 0, "PD"), (3, 0, "PD"))
    data["ADTTE"] = data["ADTTE"].with_columns(
        AVAL=pl.when(pl.col("USUBJID") != "S2").then(pl.col("AVAL"))
    )
    numbers = analysed(SURVIVAL, data)
    assert numbers.filter(pl.col("operation") == "n").select("value", "n_missing").row(0) == (2, 1)


def test_groups_smaller_than_asked_for_are_counted_but_not_estimated() -> None:
    data = times((1, 0, "PD"), (2, 0, "PD"), (3, 0, "PD"))
    data["ADSL"] = data["ADSL"].with_columns(SEX=pl.Series(["M", "M", "F"]))
    found = values(analysed(SURVIVAL | {"by": ["SEX"], "smallest": 2, "times": [0]}, data))
    assert (found["events.Total.F"], found["median.Total.F"], found["rate.Total.F.0"]) == (
        1,
        None,
        None,
    )
    assert found["median.Total.M"] == 1.5


def test_the_curve_steps_down_at_each_event_and_starts_at_one() -> None:
    entry = {"kind": "curve", "dataset": "ADTTE", "parameter": "OS", "times": [0], "columns": False}
    found = values(analysed(entry, SIX))
    heights = [found[f"survival.Total.{day}"] for day in (0, 1, 2, 3, 4, 6, 7)]
    assert heights == pytest.approx([1, 5 / 6, 4 / 6, 0.5, 0.5, 0.25, 0.25])
    assert [found[f"n_risk.Total.{day}"] for day in (0, 1, 2, 3, 4, 6, 7)] == [6, 6, 5, 4, 3, 2, 1]
    assert [found[f"n_censored.Total.{day}"] for day in (4, 6, 7)] == [1, 0, 1]
    assert (found["n_ended.Total.6"], found["n_ended.Total.7"]) == (1, 0)
    assert (found["ci_low.Total.0"], found["at_risk.Total.0"]) == (1, 6)


def test_follow_up_is_the_reverse_estimate() -> None:
    # Deaths at 100 and 200, censored at 50, 150, 250 (clinical specification, P43): reversed, the
    # curve falls to 4/5 at 50, to 8/15 at 150 and to 0 at 250, the median.
    data = times((100, 0, "D"), (200, 0, "D"), (50, 1, "A"), (150, 1, "A"), (250, 1, "A"))
    entry = {
        "kind": "followup",
        "dataset": "ADTTE",
        "parameter": "OS",
        "unit": "days",
        "columns": False,
    }
    found = values(analysed(entry, data))
    assert (found["n.Total"], found["alive.Total"], found["median.Total"]) == (5, 3, 250)
    assert (found["shortest_alive.Total"], found["longest_alive.Total"]) == (50, 250)


def test_competing_death_is_not_censored() -> None:
    # Four subjects: PD at month 1, death at 2, PD at 3, censored at 4. F(3) = 1/4 + 1/2 * 1/2.
    data = times(
        (MONTH, 0, "PD"), (2 * MONTH, 0, "DEATH"), (3 * MONTH, 0, "PD"), (4 * MONTH, 1, "A")
    )
    entry = {
        "kind": "competing", "dataset": "ADTTE", "parameter": "OS", "columns": False,
        "success": "CNSR = 0 AND EVNTDESC = 'PD'", "against": "CNSR = 0 AND EVNTDESC = 'DEATH'",
        "times": [0, 3, 5],
    }  # fmt: skip
    numbers = analysed(entry, data)
    found = values(numbers)
    assert (found["n.Total"], found["events.Total"], found["competing.Total"]) == (4, 2, 1)
    assert found["incidence.Total.0"] == 0
    assert found["incidence.Total.3"] == pytest.approx(0.5)
    assert found["incidence.Total.5"] is None


@needs_shared
@pytest.mark.parametrize("name", ["aml", "ovarian", "veteran", "sim50_os", "edge_flat_at_half"])
def test_the_estimates_are_those_of_r(name: str) -> None:
    folder = shared("statistics", "survival")
    data = pl.read_csv(folder / "datasets" / f"{name}.csv")
    expected = json.loads((folder / "expected" / f"{name}.json").read_text())["km"]
    records = [(t, 0 if e else 1, "X") for t, e in data.select("time", "status").iter_rows()]
    found = values(analysed(SURVIVAL, times(*records)))
    half = expected["quantiles"]["log-log@0.95"]
    index = half["prob"].index(0.5)
    for operation, key in (("median", "est"), ("median_low", "lower"), ("median_high", "upper")):
        wanted = half[key][index]
        assert found[f"{operation}.Total"] == (None if wanted is None else pytest.approx(wanted))
