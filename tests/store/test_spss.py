"""SPSS files of columns that SPSS would not name so: written, and read with the values they had."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pyreadstat

from onearm.store.spss import RESERVED, Labels, variable_names, write_sav

AT = datetime(2026, 5, 5, tzinfo=UTC)


def test_columns_with_names_that_spss_lacks_are_written_under_others(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "TO": ["left", None],
            "PAIN.LOW BACK": [1, 0],
            "PAIN.low back": [0, None],
            "PAIN.背部": [1, 1],
            "DAY": [date(2026, 5, 5), None],
        }
    )
    labels = Labels("Form", {"TO": "Towards", "PAIN.LOW BACK": "Low back"}, {"TO": {"left": "L"}})
    write_sav(frame, labels, tmp_path / "x.sav", created=AT)
    read, about = pyreadstat.read_sav(str(tmp_path / "x.sav"), output_format="polars")
    assert read.columns == ["TO_", "PAIN.LOW_BACK", "PAIN.low_back_2", "PAIN.背部", "DAY"]
    assert read["TO_"].to_list() == ["left", ""]
    assert read["PAIN.LOW_BACK"].to_list() == [1, 0]
    assert read["DAY"].to_list() == [date(2026, 5, 5), None]
    assert about.column_names_to_labels["TO_"] == "Towards"
    assert about.column_names_to_labels["PAIN.LOW_BACK"] == "Low back"
    assert about.variable_value_labels["TO_"] == {"left": "L"}


def test_every_word_of_the_language_can_be_an_item(tmp_path: Path) -> None:
    frame = pl.DataFrame({word: [1] for word in sorted(RESERVED)})
    write_sav(frame, Labels("Form"), tmp_path / "x.sav", created=AT)
    read, _ = pyreadstat.read_sav(str(tmp_path / "x.sav"), output_format="polars")
    assert read.columns == [f"{word}_" for word in sorted(RESERVED)]


def test_long_names_stay_apart_and_within_their_limit() -> None:
    columns = [f"ITEM.{'回答' * 20}{n}" for n in range(12)]
    names = list(variable_names(columns).values())
    assert len({name.casefold() for name in names}) == len(columns)
    assert max(len(name.encode()) for name in names) <= 64
