"""Two results frames side by side, and a frame that was edited."""

from __future__ import annotations

import polars as pl

from onearm.results import check_consistency, compare, rows_hash
from tests.results.plans import analysed, rows, subjects

ENTRY = {"kind": "count", "variable": "SEX"}


def test_equal_frames_have_no_difference() -> None:
    numbers = analysed(ENTRY, {"ADSL": subjects(SEX=["M", "F"])})
    assert compare(numbers, numbers).is_empty()


def test_changed_new_and_gone_numbers_are_named() -> None:
    before = analysed(ENTRY, {"ADSL": subjects(SEX=["M", "F", "F"])})
    after = analysed(ENTRY, {"ADSL": subjects(SEX=["M", "M", "U"])})
    changes = {
        row["result_id"]: (row["change"], row["before"], row["after"])
        for row in compare(before, after).iter_rows(named=True)
    }
    assert changes["a.n.Total.M"] == ("changed", 1, 2)
    assert changes["a.n.Total.U"] == ("new", None, 1)
    assert changes["a.n.Total.F"] == ("gone", 2, None)
    assert "a.N.Total" not in changes


def test_the_same_number_from_other_rows_is_told_apart() -> None:
    before = analysed(ENTRY, {"ADSL": subjects(SEX=["M", "F"])})
    after = analysed(ENTRY, {"ADSL": subjects(SEX=["F", "M"])})
    changes = dict(compare(before, after).select("result_id", "change").iter_rows())
    assert changes["a.n.Total.M"] == "rows"


def test_the_hash_of_rows_does_not_depend_on_their_order_but_on_which_they_are() -> None:
    data = rows({"USUBJID": "S1", "X": 1}, {"USUBJID": "S1", "X": 2}, {"USUBJID": "S2", "X": 3})
    assert rows_hash("ADAE", data) == rows_hash("ADAE", data.reverse())
    assert rows_hash("ADAE", data) != rows_hash("ADAE", data.head(2))
    assert rows_hash("ADAE", data) != rows_hash("ADCM", data)
    assert rows_hash("ADAE", data.clear()) == "0" * 16


def test_a_percentage_that_its_counts_do_not_give_is_found() -> None:
    # 40.5 % is no k of 32 (13 of 32 are 40.6 %): clinical specification, 1.2.
    data = {"ADSL": subjects(SEX=["M"] * 13 + ["F"] * 19)}
    numbers = analysed(ENTRY, data)
    edited = numbers.with_columns(
        value=pl.when(pl.col("result_id") == "a.percent.Total.M").then(0.405).otherwise("value")
    )
    assert check_consistency(numbers) == []
    found = check_consistency(edited)
    assert [(f.place.field, f.value) for f in found] == [("a.percent.Total.M", 0.405)]
    assert "not its count divided by its denominator" in str(found[0])


def test_impossible_counts_and_repeated_ids_are_found() -> None:
    numbers = analysed(ENTRY, {"ADSL": subjects(SEX=["M", "F"])})
    edited = numbers.with_columns(
        value=pl.when(pl.col("result_id") == "a.n.Total.M").then(7.0).otherwise("value"),
        result_id=pl.col("result_id").replace("a.percent.Total.F", "a.N.Total"),
    )
    text = "\n".join(str(finding) for finding in check_consistency(edited))
    assert "the count exceeds its denominator" in text
    assert "a.N.Total: the result id is used more than once" in text
