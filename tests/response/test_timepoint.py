"""Time points: what the reason says, what is flagged, what is refused."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from onearm.errors import OnearmError
from onearm.response import RECIST11, time_points
from onearm.response.timepoint import COLUMNS
from onearm.response.visits import SCHEMA

Row = dict[str, object]


def row(number: int, lesion: str | None, size: float | None = None, **more: object) -> Row:
    """One lesion row of one patient; visit n is on the first of month n + 1, 2021."""
    return {
        "subject": "P1",
        "reader": "R",
        "time_point": number,
        "date": date(2021, number + 1, 1),
        "lesion": lesion,
        "role": "target",
        "nodal": False,
        "size": None if size is None else round(size * 10_000),
        "state": None,
    } | more


def answer(*rows: Row, **parameters: object) -> list[Row]:
    table = pl.DataFrame(list(rows), schema_overrides=SCHEMA)
    found = time_points(table, criteria=RECIST11.with_parameters(**parameters))
    return list(found.iter_rows(named=True))


def test_the_reason_of_progression_gives_both_limits_and_the_nadir() -> None:
    last = answer(row(0, "T1", 100), row(1, "T1", 60), row(2, "T1", 72))[-1]
    assert last["reason"] == (
        "PD: sum 72.0 mm is +20.0 % and +12.0 mm over the nadir of 60.0 mm on 2021-02-01. "
        "RECIST 1.1, 4.3.1 and table 1: progression of the target lesions"
    )
    assert (last["rule"], last["target_rule"]) == ("TP2", "T1")


def test_growth_from_nothing_has_no_percentage() -> None:
    last = answer(row(0, "T1", 30), row(1, "T1", 0), row(2, "T1", state="too_small"))[-1]
    assert str(last["reason"]).startswith(
        "PD: sum 5.0 mm is +5.0 mm over the nadir of 0.0 mm on 2021-02-01."
    )


def test_a_reason_never_shows_a_limit_as_reached_that_was_missed() -> None:
    last = answer(row(0, "T1", 67), row(1, "T1", 47))[-1]
    assert last["overall"] == "SD"
    assert "sum 47.0 mm is -29.8 % from the baseline sum of 67.0 mm" in str(last["reason"])


def test_the_reason_of_a_missing_lesion_counts_them() -> None:
    last = answer(row(0, "T1", 50), row(0, "T2", 50), row(1, "T1", 20))[-1]
    assert last["overall"] == "NE"
    assert "1 of 2 target lesions assessed" in str(last["reason"])


def test_the_reason_names_the_new_and_the_progressed_lesion() -> None:
    other = {"role": "non-target"}
    last = answer(
        row(0, "T1", 50),
        row(0, "NT1", state="present", **other),
        row(1, "T1", 50),
        row(1, "NT1", state="progressed", **other),
        row(1, "N1", role="new", state="unequivocal"),
    )[-1]
    assert str(last["reason"]).startswith(
        "PD: unequivocal progression of non-target lesion NT1; "
        "new lesion N1 first seen on 2021-02-01."
    )


def test_baseline_has_a_sum_and_no_response() -> None:
    first = answer(row(0, "T1", 50), row(1, "T1", 50))[0]
    assert (first["sum"], first["base"], first["nadir"]) == (500_000, 500_000, None)
    assert first["overall"] is first["reason"] is first["flags"] is first["rule"] is None


def test_no_disease_at_baseline_is_neither_response_nor_progression() -> None:
    seen = {"role": None}
    found = answer(
        row(0, None, state="absent", **seen),
        row(1, None, state="absent", **seen),
        row(2, None, state="not_evaluable", **seen),
        row(3, "N1", role="new", state="unequivocal"),
    )
    assert [x["overall"] for x in found] == [None, "NED", "NE", "PD"]
    assert [x["rule"] for x in found] == [None, "ND2", "NT4", "ND1"]


def test_without_a_baseline_nothing_can_be_said_but_a_new_lesion_counts() -> None:
    found = answer(row(1, "T1", 50), row(2, "N1", role="new", state="unequivocal"))
    assert [x["overall"] for x in found] == ["NE", "PD"]
    assert "no baseline assessment" in str(found[0]["flags"])
    assert "no complete sum of diameters at baseline" in str(found[0]["reason"])


def test_an_unmeasured_baseline_target_leaves_no_reference() -> None:
    last = answer(
        row(0, "T1", 50), row(0, "T2", state="not_evaluable"), row(1, "T1", 20), row(1, "T2", 5)
    )[-1]
    assert (last["overall"], last["target_rule"], last["base"]) == ("NE", "T0", None)


def test_fragments_are_added_under_their_parent_and_a_lost_one_is_a_gap() -> None:
    found = answer(
        row(0, "T01", 40),
        row(1, "T01a", 18),
        row(1, "T01b", 14),
        row(2, "T01a", 18),
        row(3, "T01a", 18),
        row(3, "T01b", state="coalesced"),
    )
    assert [x["sum"] for x in found] == [400_000, 320_000, None, 180_000]
    assert [x["overall"] for x in found] == [None, "SD", "NE", "PR"]
    assert "fragment not found again" in str(found[2]["flags"])


def test_a_lesion_whose_own_name_ends_in_a_letter_is_not_a_fragment() -> None:
    found = answer(row(0, "T1a", 40), row(0, "T1", 20), row(1, "T1a", 30), row(1, "T1", 20))
    assert [x["sum"] for x in found] == [600_000, 500_000]


def test_scheduled_dates_date_progression_by_the_plan() -> None:
    plan = {"scheduled": date(2021, 1, 28)}
    table = [row(0, "T1", 30, **plan), row(1, "T1", 50, scheduled=date(2021, 1, 30))]
    assert answer(*table, pd_date_rule="scheduled")[-1]["pd_date"] == date(2021, 1, 30)
    with pytest.raises(OnearmError, match="needs a scheduled date in every lesion row"):
        answer(row(0, "T1", 30), pd_date_rule="scheduled")


def test_a_query_of_a_row_is_carried_into_the_flags() -> None:
    last = answer(row(0, "T1", 30), row(1, "T1", 30, query="cytology not done"))[-1]
    assert last["flags"] == "cytology not done"


def test_readers_and_subjects_do_not_mix() -> None:
    table = [
        row(0, "T1", 100), row(1, "T1", 60), row(2, "T1", 70),
        row(0, "T1", 50, reader="S"), row(1, "T1", 70, reader="S"),
        row(0, "T1", 10, subject="P2"), row(1, "T1", 10, subject="P2"),
    ]  # fmt: skip
    found = answer(*table)
    seen = [(x["subject"], x["reader"], x["time_point"], x["overall"]) for x in found]
    assert seen == [
        ("P1", "R", 0, None), ("P1", "R", 1, "PR"), ("P1", "R", 2, "PR"),
        ("P1", "S", 0, None), ("P1", "S", 1, "PD"),
        ("P2", "R", 0, None), ("P2", "R", 1, "SD"),
    ]  # fmt: skip


def test_other_thresholds_are_exact_as_well() -> None:
    assert answer(row(0, "T1", 30), row(1, "T1", 20.01), pr_pct="33.3")[-1]["overall"] == "PR"
    assert answer(row(0, "T1", 30), row(1, "T1", 20.0101), pr_pct="33.3")[-1]["overall"] == "SD"


def test_an_empty_table_has_no_time_points() -> None:
    found = time_points(pl.DataFrame(schema=SCHEMA))
    assert found.height == 0
    assert tuple(found.columns) == COLUMNS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "primary"}, "role: found 'primary'; the words are target, non-target, new"),
        ({"state": "tiny"}, "state: found 'tiny'"),
        ({"subject": None}, "subject is empty in 1 lesion rows"),
    ],
)
def test_unknown_words_and_empty_keys_are_refused(change: Row, message: str) -> None:
    with pytest.raises(OnearmError, match=message):
        answer(row(0, "T1", 30, **change))


def test_a_doubled_lesion_is_refused_by_name() -> None:
    with pytest.raises(OnearmError, match="P1, reader R, time point 0: lesion T1 is there more"):
        answer(row(0, "T1", 30), row(0, "T1", 31))


def test_a_missing_column_and_a_float_size_are_refused() -> None:
    table = pl.DataFrame([row(0, "T1", 30)], schema_overrides=SCHEMA)
    with pytest.raises(OnearmError, match="has no column size"):
        time_points(table.drop("size"))
    with pytest.raises(OnearmError, match="size: expected Int64, found Float64"):
        time_points(table.with_columns(pl.col("size").cast(pl.Float64)))
