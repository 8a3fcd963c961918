"""Proportions, summaries, best change and agreement against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.results.plans import analysed, rows, subjects, values


def responses(*answers: str, param: str = "CRSP") -> pl.DataFrame:
    """One row a subject S1, S2, ... with a yes-or-no answer."""
    return rows(
        *(
            {"USUBJID": f"S{i}", "PARAMCD": param, "AVALC": answer}
            for i, answer in enumerate(answers, start=1)
        )
    )


PROPORTION: dict[str, Any] = {  # Any: an entry of analyses.yaml
    "kind": "proportion", "dataset": "ADRS", "parameter": "CRSP", "success": "AVALC = 'Y'",
    "columns": False,
}  # fmt: skip


def test_a_published_rate_comes_back_with_its_exact_limits() -> None:
    # 10 of 31 responders: exact 95 % limits 16.7 to 51.4 % (clinical specification, 1.2).
    data = {"ADSL": subjects(SEX=["M"] * 31), "ADRS": responses(*["Y"] * 10, *["N"] * 21)}
    found = values(analysed(PROPORTION, data))
    assert (found["N.Total"], found["n.Total"]) == (31, 10)
    assert found["estimate.Total"] == pytest.approx(10 / 31)
    assert found["ci_low.Total"] == pytest.approx(0.167, abs=5e-4)
    assert found["ci_high.Total"] == pytest.approx(0.514, abs=5e-4)


def test_another_method_gives_its_own_limits_and_its_name() -> None:
    # Wilson limits of 81 of 263 are .2553 and .3662 (Newcombe 1998, table I).
    data = {"ADSL": subjects(SEX=["M"] * 263), "ADRS": responses(*["Y"] * 81, *["N"] * 182)}
    numbers = analysed(PROPORTION | {"method": "wilson"}, data)
    found = values(numbers)
    assert found["ci_low.Total"] == pytest.approx(0.2553, abs=5e-5)
    assert found["ci_high.Total"] == pytest.approx(0.3662, abs=5e-5)
    assert set(numbers["method"]) == {"wilson"}


def test_a_null_rate_adds_the_one_sided_exact_p_value() -> None:
    # At least 10 responders of 50 at a true rate of 10 %: .0245 (clinical specification, 1.1).
    data = {"ADSL": subjects(SEX=["M"] * 50), "ADRS": responses(*["Y"] * 10, *["N"] * 40)}
    numbers = analysed(PROPORTION | {"null_rate": 0.1}, data)
    assert values(numbers)["p_value.Total"] == pytest.approx(0.0245, abs=5e-5)


def test_a_subject_without_an_answer_stays_in_the_denominator() -> None:
    data = {"ADSL": subjects(SEX=["M"] * 5), "ADRS": responses("Y", "N")}
    found = values(analysed(PROPORTION, data))
    assert (found["N.Total"], found["estimate.Total"]) == (5, 0.2)


def test_a_small_subgroup_shows_counts_only() -> None:
    people = subjects(SEX=["M"] * 5 + ["F"] * 4)
    data = {"ADSL": people, "ADRS": responses(*"YNNNNYYNN")}
    numbers = analysed(PROPORTION | {"by": ["SEX"], "smallest": 5}, data)
    found = values(numbers)
    assert (found["n.Total.F"], found["N.Total.F"], found["estimate.Total.F"]) == (2, 4, None)
    assert found["estimate.Total.M"] == 0.2
    notes = numbers.filter(pl.col("result_id") == "a.ci_low.Total.F")["note"].to_list()
    assert notes == ["n_too_small"]


def test_the_summary_describes_the_known_values() -> None:
    people = subjects(AGE=[50, 60, 40, 70, None])
    numbers = analysed({"kind": "summary", "variable": "AGE", "unit": "years"}, {"ADSL": people})
    found = values(numbers)
    assert found["n.Total"] == 4
    assert (found["mean.Total"], found["median.Total"]) == (55, 55)
    assert (found["min.Total"], found["max.Total"]) == (40, 70)
    assert found["sd.Total"] == pytest.approx((500 / 3) ** 0.5)
    assert (found["q1.Total"], found["q3.Total"]) == (45, 65)  # means of the middle pairs
    mean = numbers.filter(pl.col("operation") == "mean").row(0, named=True)
    assert (mean["unit"], mean["n_used"], mean["n_missing"]) == ("years", 4, 1)


def test_the_range_is_of_an_expression_where_one_is_given() -> None:
    times = rows(
        *({"USUBJID": f"S{i}", "PARAMCD": "TTR", "AVAL": d} for i, d in ((1, 60.875), (2, 121.75)))
    )
    entry = {
        "kind": "range", "dataset": "ADTTE", "parameter": "TTR", "variable": "AVAL / 30.4375",
        "unit": "months",
    }  # fmt: skip
    numbers = analysed(entry, {"ADSL": subjects(SEX=["M", "M"]), "ADTTE": times})
    assert values(numbers) == {"n.Total": 2, "median.Total": 3, "min.Total": 2, "max.Total": 4}
    assert numbers.filter(pl.col("operation") == "median")["kind"].item() == "months"


def test_best_change_is_counted_in_bands_and_missing_ones_are_named() -> None:
    sums = rows(
        *(
            {"USUBJID": f"S{i}", "PCHG": p}
            for i, p in enumerate((-100.0, -30.0, 0.0, 21.0), start=1)
        )
    )
    entry = {
        "kind": "best_change", "dataset": "ADTR", "variable": "PCHG", "unit": "percent",
        "bands": [-30, 0, 20], "columns": False,
    }  # fmt: skip
    found = values(analysed(entry, {"ADSL": subjects(SEX=["M"] * 5), "ADTR": sums}))
    assert (found["n.Total"], found["without.Total"]) == (4, 1)
    assert (found["min.Total"], found["max.Total"], found["median.Total"]) == (-100, 21, -15)
    bands = ("-30 or less", "above -30 to 0", "above 0 to 20", "above 20")
    assert [found[f"n.Total.{band}"] for band in bands] == [2, 1, 0, 1]
    assert found["percent.Total.-30 or less"] == 0.4


def test_agreement_pairs_the_two_readings_of_each_visit() -> None:
    readings = [
        ("S1", 1, "SD", "SD"),
        ("S1", 2, "PR", "SD"),
        ("S2", 1, "PD", "PD"),
        ("S2", 2, "SD", None),
    ]
    records = []
    for subject, visit, computed, entered in readings:
        records.append(
            {"USUBJID": subject, "PARAMCD": "OVRC", "VISITNUM": visit, "AVALC": computed}
        )
        if entered:
            records.append(
                {"USUBJID": subject, "PARAMCD": "OVRS", "VISITNUM": visit, "AVALC": entered}
            )
    entry = {
        "kind": "agreement", "dataset": "ADRS", "parameter": "OVRC", "against": "OVRS",
        "variable": "AVALC", "match": ["VISITNUM"], "columns": False, "levels": ["PR", "SD", "PD"],
    }  # fmt: skip
    found = values(analysed(entry, {"ADSL": subjects(SEX=["M", "M"]), "ADRS": rows(*records)}))
    assert (found["N.Total"], found["n.Total"], found["estimate.Total"]) == (3, 2, 2 / 3)
    assert found["pairs.Total.PR.SD"] == 1
    assert found["pairs.Total.SD.SD"] == 1
    assert found["pairs.Total.SD.PR"] == 0
    assert found["pairs.Total.PD.PD"] == 1
