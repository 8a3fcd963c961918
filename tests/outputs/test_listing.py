"""Listings show dataset rows as they are, in full in CSV and capped on the page."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from onearm.errors import OnearmError
from onearm.outputs.listing import build_listing, capped
from onearm.outputs.table import Table
from onearm.study.outputs import ListingShell
from tests.outputs.trial import EN

RESPONSES = pl.DataFrame(
    {
        "USUBJID": ["S-2", "S-1", "S-1", "S-2", "S-1", "S-1"],
        "AVISIT": ["SCAN 1", "SCAN 1", "SCAN 1", "SCAN 1", "SCAN 2", "SCAN 2"],
        "ADT": [date(2022, 3, d) for d in (1, 2, 2, 1, 30, 30)],
        "PARAMCD": ["OVRS", "OVRS", "OVRC", "OVRC", "OVRS", "OVRC"],
        "AVALC": ["SD", "SD", "PR", "SD", "PD", "SD"],
        "ASEQ": [1, 1, 2, 2, 3, 4],
    }
)
SHELL = {
    "number": "L 16.2",
    "title": "Differences",
    "dataset": "ADRS",
    "pivot": {"keys": ["USUBJID", "AVISIT", "ADT"], "names": "PARAMCD", "values": "AVALC"},
    "having": "OVRC <> OVRS",
    "sort": ["USUBJID", "ADT"],
    "columns": [
        {"variable": "USUBJID", "label": "Patient"},
        {"variable": "ADT", "label": "Date"},
        {"variable": "OVRS", "label": "Entered"},
        {"variable": "OVRC", "label": "Computed"},
    ],
}


def listing(frame: pl.DataFrame = RESPONSES, **changes: object) -> Table:
    shell = ListingShell.model_validate({**SHELL, **changes})
    return build_listing(shell, {"ADRS": frame}, EN, "Full analysis set")


def texts(table: Table) -> list[list[str]]:
    return [[row.label, *(cell.text for cell in row.cells)] for row in table.rows]


def test_entered_and_computed_stand_side_by_side_where_they_differ():
    assert texts(listing()) == [
        ["S-1", "2022-03-02", "SD", "PR"],
        ["S-1", "2022-03-30", "PD", "SD"],
    ]


def test_a_response_that_nobody_computed_is_an_empty_column():
    only_entered = RESPONSES.filter(pl.col("PARAMCD") == "OVRS")
    table = listing(only_entered, having="", where="AVISIT = 'SCAN 2'")
    assert texts(table) == [["S-1", "2022-03-30", "PD", ""]]


def test_each_row_carries_its_name():
    columns = [{"variable": "USUBJID", "label": "Patient"}, {"variable": "AVALC", "label": "R"}]
    table = listing(pivot=None, having="", where="AVALC = 'PD'", columns=columns)
    assert [row.source for row in table.rows] == ["ADRS/S-1/3"]


def test_a_long_listing_is_capped_with_a_note():
    table = capped(listing(), 1, EN)
    assert len(table.rows) == 1
    assert table.footnotes[0] == "Shown: the first 1 of 2 rows; the CSV file holds all of them."


def test_an_empty_listing_says_so():
    assert listing(RESPONSES.clear(), having="").empty == "No subject met the criteria"


def test_a_missing_column_is_named_with_a_suggestion():
    columns = [{"variable": "USUBJD", "label": "Patient"}]
    message = r"L 16\.2 reads USUBJD, which ADRS does not have; did you mean USUBJID"
    with pytest.raises(OnearmError, match=message):
        listing(pivot=None, having="", sort=[], columns=columns)
