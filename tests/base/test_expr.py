"""Conditions are SQL: null is unknown, a misspelt column is found early, the clock is refused."""

from __future__ import annotations

import polars as pl
import pytest

from onearm.expr import BadExpression, parse, suggest, unknown_columns

ROWS = pl.DataFrame({"A": [1, None, 3], "B": ["x", "y", None]})


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("A > 1", [False, None, True]),
        ("A > 1 OR B = 'y'", [False, True, True]),
        ("A > 1 AND B = 'y'", [False, None, None]),
        ("A IS NULL", [False, True, False]),
        ("NOT (A > 1)", [True, None, False]),
        ("A IN (1, 3) AND B IS NOT NULL", [True, None, False]),
        ("COALESCE(A, 0) = 0", [False, True, False]),
    ],
)
def test_three_valued_logic_is_that_of_sql(text: str, answers: list[bool | None]) -> None:
    assert ROWS.select(parse(text).expr).to_series().to_list() == answers


def test_an_unknown_condition_does_not_hold() -> None:
    assert ROWS.select(parse("A > 1").holds()).to_series().to_list() == [False, False, True]


def test_an_expression_names_its_columns_once_in_reading_order() -> None:
    assert parse("A BETWEEN 1 AND 2 AND DM.SEX = 'F' AND A > 0").columns == ("A", "DM")


def test_an_unknown_column_is_told_with_a_near_name() -> None:
    condition = parse("NEWTRTD IS NULL AND A > 1")
    assert unknown_columns(condition, ["A", "NEWTRTDT"]) == ["NEWTRTD"]
    assert suggest("NEWTRTD", ["A", "NEWTRTDT"]) == "did you mean NEWTRTDT?"
    assert suggest("ZZZ", ["A", "NEWTRTDT"]) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        ("A >", "'A >' is not an SQL expression"),
        ("A = 1; DROP TABLE X", "is not an SQL expression"),
        ("A = (SELECT 1)", "a rule reads one row: SELECT has no place in it"),
        ("ADT < CURRENT_DATE", "a rule must not read the clock"),
        ("NOSUCHFUNCTION(A)", "is not an SQL expression"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises(BadExpression, match=message):
        parse(text)
