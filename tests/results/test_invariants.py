"""What must hold for every number of a whole trial, whatever its analysis."""

from __future__ import annotations

import polars as pl
import pytest

from onearm.results import check_consistency, rows_behind, rows_hash
from onearm.stats import Note
from tests.results.fixture import datasets, numbers, plan

KINDS = {"count", "proportion", "days", "months", "percent", "p", "ratio", "mg", "mm", "number"}
KINDS |= {"text", "date"}  # words and days: no value, but a text


def test_every_analysis_has_numbers_with_unique_ids() -> None:
    assert set(numbers()["analysis"]) == {a.id for a in plan().analyses}
    assert not numbers()["result_id"].is_duplicated().any()


def test_kinds_and_notes_are_from_their_lists() -> None:
    assert set(numbers()["kind"]) <= KINDS
    notes = {note for text in numbers()["note"].drop_nulls() for note in text.split(";")}
    assert notes <= set(Note)


def test_a_number_that_does_not_exist_says_why() -> None:
    absent = numbers().filter(pl.col("value").is_null() & pl.col("text").is_null())
    limits = pl.col("operation").str.contains("^ci_|_low$|_high$|^sd$|^percent")
    assert absent.filter(pl.col("note").is_null() & ~limits)["result_id"].to_list() == []
    assert numbers()["value"].is_nan().sum() == 0


@pytest.mark.parametrize("dataset", sorted(set(numbers()["dataset"])))
def test_every_number_finds_its_rows_again(dataset: str) -> None:
    data = datasets()
    mine = numbers().filter(pl.col("dataset") == dataset, pl.col("group2").ne_missing("TIME"))
    for where, group in mine.group_by("where", maintain_order=True):
        rows = rows_behind(data, dataset, str(where[0]))
        found = {"subjects": rows["USUBJID"].n_unique(), "rows": rows.height}
        found |= {"pairs": rows.height, "values": rows.height}
        assert set(group["rows_hash"]) == {rows_hash(dataset, rows)}, where
        for unit, value, name in (
            group.filter(kind="count").select("unit", "value", "result_id").rows()
        ):
            assert unit not in found or value == found[unit], name


def test_a_step_of_a_curve_finds_its_rows_again() -> None:
    data = datasets()
    steps = numbers().filter(pl.col("analysis") == "dor_curve", pl.col("level1") == "Total")
    assert steps.height > 20
    for step in steps.iter_rows(named=True):
        rows = rows_behind(data, "ADTTE", step["where"])
        assert rows_hash("ADTTE", rows) == step["rows_hash"]
        assert step["kind"] != "count" or rows.height == step["value"]


def test_categories_of_one_row_a_subject_partition_the_denominator() -> None:
    for name in ("sex", "race", "age_group", "bor_confirmed", "bor_unconfirmed", "tumour_type"):
        mine = numbers().filter(pl.col("analysis") == name)
        sums = mine.filter(operation="n").group_by("level1").agg(pl.col("value").sum())
        sizes = mine.filter(operation="N").select("level1", size="value")
        both = sums.join(sizes, on="level1")
        assert both.height == sizes.height
        assert both["value"].to_list() == both["size"].to_list()


def test_the_columns_of_the_cohorts_add_up_to_the_total() -> None:
    for name in ("orr_confirmed", "pfs", "teae"):
        mine = numbers().filter(pl.col("analysis") == name, pl.col("operation") == "n")
        keys = ["level2", "level3"]
        cohorts = mine.filter(pl.col("level1") != "Total").group_by(keys).agg(pl.col("value").sum())
        total = mine.filter(pl.col("level1") == "Total").select(*keys, total="value")
        both = total.join(cohorts, on=keys, nulls_equal=True)
        assert both.height == total.height
        assert both["value"].to_list() == both["total"].to_list()


def test_counted_subjects_are_among_those_of_the_denominator() -> None:
    data = datasets()
    for name in ("orr_confirmed", "orr_evaluable", "sd4m"):
        mine = numbers().filter(pl.col("analysis") == name, pl.col("level1") == "Total")
        rows = {r["operation"]: r for r in mine.iter_rows(named=True)}
        counted = rows_behind(data, rows["n"]["dataset"], rows["n"]["where"])["USUBJID"]
        everyone = rows_behind(data, rows["N"]["dataset"], rows["N"]["where"])["USUBJID"]
        assert set(counted) <= set(everyone)


def test_worst_grades_partition_the_subjects_with_the_event() -> None:
    teae = numbers().filter(pl.col("analysis") == "teae")
    grades = teae.filter(pl.col("operation").str.contains(r"^n_grade_\d$"))
    keys = ["level1", "level2", "level3"]
    sums = grades.group_by(keys).agg(pl.col("value").sum())
    any_grade = teae.filter(operation="n").select(*keys, any_grade="value")
    both = any_grade.join(sums, on=keys, nulls_equal=True)
    assert both.height == any_grade.height
    assert both["value"].to_list() == both["any_grade"].to_list()


def test_sd_longer_than_four_months_accounts_for_every_patient() -> None:
    lines = numbers().filter(
        pl.col("analysis") == "sd4m_detail", pl.col("level1") == "Total", pl.col("operation") == "n"
    )
    assert lines["value"].sum() == 50
    achieved = lines.filter(pl.col("level2") == "Achieved")["value"].item()
    assert achieved == numbers().filter(result_id="sd4m.n.Total")["value"].item()


def test_the_numbers_agree_with_themselves() -> None:
    assert check_consistency(numbers()) == []
