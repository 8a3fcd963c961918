"""Counts against numbers counted by hand from a handful of subjects."""

from __future__ import annotations

import polars as pl

from tests.results.plans import analysed, rows, subjects, values

# Six subjects, five of them in the set: three in cohort A, two in B.
ADSL = subjects(
    COHORT=["A", "A", "A", "B", "B", "A"],
    FASFL=["Y", "Y", "Y", "Y", "Y", "N"],
    SEX=["M", "F", "M", None, "F", "M"],
    LINES=[1, 2, 1, 3, 1, 1],
    DTHFL=["Y", None, None, "Y", None, None],
    DTHCAUS=["CANCER", None, None, "OTHER", None, None],
)


def test_each_level_is_counted_in_its_column_and_in_the_total() -> None:
    found = values(
        analysed(
            {"kind": "count", "variable": "SEX", "levels": ["M", "F"]}, {"ADSL": ADSL}, ("A", "B")
        )
    )
    assert found == {
        "N.A": 3, "N.B": 2, "N.Total": 5,
        "n.A.M": 2, "percent.A.M": 2 / 3, "n.B.M": 0, "percent.B.M": 0,
        "n.Total.M": 2, "percent.Total.M": 0.4,
        "n.A.F": 1, "percent.A.F": 1 / 3, "n.B.F": 1, "percent.B.F": 0.5,
        "n.Total.F": 2, "percent.Total.F": 0.4,
        "n.A.Missing": 0, "percent.A.Missing": 0, "n.B.Missing": 1, "percent.B.Missing": 0.5,
        "n.Total.Missing": 1, "percent.Total.Missing": 0.2,
    }  # fmt: skip


def test_a_written_level_that_nobody_has_is_shown_with_zero() -> None:
    entry = {"kind": "count", "variable": "LINES", "levels": ["1", "2", "3", "4"], "columns": False}
    found = values(analysed(entry, {"ADSL": ADSL}))
    assert [found[f"n.Total.{level}"] for level in "1234"] == [3, 1, 1, 0]


def test_a_numeric_level_is_compared_as_a_number() -> None:
    numbers = analysed({"kind": "count", "variable": "LINES", "columns": False}, {"ADSL": ADSL})
    where = numbers.filter(pl.col("level2") == "3", pl.col("operation") == "n")["where"].item()
    assert where == "FASFL = 'Y' AND LINES = 3"


def test_frequency_order_puts_the_most_frequent_level_first() -> None:
    entry = {"kind": "count", "variable": "LINES", "order": "frequency", "columns": False}
    numbers = analysed(entry, {"ADSL": ADSL}).filter(pl.col("operation") == "n")
    assert numbers["level2"].to_list() == ["1", "2", "3"]
    entry = {"kind": "count", "variable": "SEX", "order": "frequency", "columns": False}
    numbers = analysed(entry, {"ADSL": ADSL}).filter(pl.col("operation") == "n")
    assert numbers["level2"].to_list() == ["F", "M", "Missing"]


def test_lines_are_counted_by_their_conditions_and_split_by_reason() -> None:
    lines = [
        {"level": "Dead", "when": "DTHFL = 'Y'", "split": "DTHCAUS"},
        {"level": "Late line", "when": "LINES >= 2"},
    ]
    numbers = analysed({"kind": "count", "lines": lines}, {"ADSL": ADSL}, ("A", "B"))
    found = values(numbers)
    assert found["n.Total.Dead"] == 2
    assert found["percent.Total.Dead"] == 0.4
    assert found["n.A.Dead.CANCER"] == 1
    assert found["n.A.Dead.OTHER"] == 0
    assert found["n.B.Dead.OTHER"] == 1
    assert found["n.B.Late line"] == 1
    split = numbers.filter(pl.col("result_id") == "a.n.B.Dead.OTHER").row(0, named=True)
    assert (split["group2"], split["group3"], split["level3"]) == ("LINE", "DTHCAUS", "OTHER")


def test_the_flow_has_a_count_for_each_box_and_no_percentages() -> None:
    lines = [
        {"level": "Assessed", "when": "USUBJID IS NOT NULL"},
        {"level": "Excluded", "when": "FASFL = 'N'"},
    ]
    numbers = analysed(
        {"kind": "flow", "set": "ALL", "lines": lines, "columns": False}, {"ADSL": ADSL}
    )
    assert values(numbers) == {"n.Total.Assessed": 6, "n.Total.Excluded": 1}


def test_a_subject_with_several_rows_counts_once_and_its_rows_are_events() -> None:
    drugs = rows(
        {"USUBJID": "S1", "CLASS": "chemo"},
        {"USUBJID": "S1", "CLASS": "chemo"},
        {"USUBJID": "S1", "CLASS": "antibody"},
        {"USUBJID": "S4", "CLASS": "chemo"},
        {"USUBJID": "S6", "CLASS": "chemo"},  # not in the set
    )
    entry = {
        "kind": "count",
        "dataset": "ADCM",
        "variable": "CLASS",
        "events": True,
        "columns": False,
    }
    found = values(analysed(entry, {"ADSL": ADSL, "ADCM": drugs}))
    assert (found["n.Total.chemo"], found["events.Total.chemo"]) == (2, 3)
    assert found["percent.Total.chemo"] == 0.4
    assert found["n.Total.antibody"] == 1


def test_percentages_can_be_of_those_with_a_row() -> None:
    scans = rows(
        {"USUBJID": "S1", "AVISIT": "SCAN 1", "AVALC": "SD"},
        {"USUBJID": "S2", "AVISIT": "SCAN 1", "AVALC": "NE"},
        {"USUBJID": "S1", "AVISIT": "SCAN 2", "AVALC": "SD"},
    )
    entry = {
        "kind": "count", "dataset": "ADRS", "by": ["AVISIT"], "of": "subset", "columns": False,
        "lines": [{"level": "Evaluable", "when": "AVALC <> 'NE'"}],
    }  # fmt: skip
    found = values(analysed(entry, {"ADSL": ADSL, "ADRS": scans}))
    assert found == {
        "N.Total.SCAN 1": 2, "N.Total.SCAN 2": 1,
        "n.Total.SCAN 1.Evaluable": 1, "percent.Total.SCAN 1.Evaluable": 0.5,
        "n.Total.SCAN 2.Evaluable": 1, "percent.Total.SCAN 2.Evaluable": 1,
    }  # fmt: skip


def test_repeating_by_two_variables_keeps_the_ids_apart() -> None:
    people = subjects(OLD=["Y", "N"], SICK=["Y", "Y"], SEX=["M", "F"])
    entry = {"kind": "count", "variable": "SEX", "by": ["OLD", "SICK"], "columns": False}
    found = values(analysed(entry, {"ADSL": people}))
    assert (found["n.Total.OLD=Y.M"], found["n.Total.SICK=Y.M"]) == (1, 1)
    assert (found["percent.Total.OLD=Y.M"], found["percent.Total.SICK=Y.M"]) == (1, 0.5)
