"""Datasets come back from each file form as they were written, or are refused with a message."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onearm.errors import Problems
from onearm.frames import Column, Spec
from onearm.store import read_table, write_datasets
from onearm.store.sas import write_xpt
from tests.shared import needs_shared, shared

CREATED = datetime(2024, 6, 30, tzinfo=UTC)
SPEC = Spec(
    "ADX",
    "Analysis of X",
    "one record a subject",
    (
        Column("ADX", "USUBJID", "Unique Subject Identifier", "text", "Req", 1),
        Column("ADX", "AVAL", "Analysis Value", "float"),
        Column("ADX", "ADT", "Analysis Date", "date"),
        Column("ADX", "CNSR", "Censor", "integer"),
        Column("ADX", "NOTE", "Note", "text"),
    ),
)
DATA = pl.DataFrame(
    {
        "USUBJID": ["S-01-001", "S-01-002", "S-01-003"],
        "AVAL": [2 / 3, 1e-6, None],
        "ADT": [date(2021, 2, 28), None, date(1999, 12, 31)],
        "CNSR": pl.Series([0, 1, None], dtype=pl.Int32),
        "NOTE": ["a", None, "1.0"],
    }
)


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "xpt"])
def test_what_is_written_is_read_back(form: str, tmp_path: Path) -> None:
    (path,) = write_datasets(
        {"ADX": DATA}, {"ADX": SPEC}, tmp_path, formats=[form], study="S", created=CREATED
    )
    back = read_table(path).with_columns(
        pl.col("ADT").cast(pl.String),
        pl.col("AVAL").cast(pl.Float64),
        pl.col("CNSR").cast(pl.Float64).cast(pl.Int32),
    )
    assert path.name == f"adx.{form}"
    assert_frame_equal(back, DATA.with_columns(pl.col("ADT").cast(pl.String)), check_exact=True)


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "xpt"])
def test_the_same_data_give_the_same_bytes(form: str, tmp_path: Path) -> None:
    first, second = (
        write_datasets(
            {"ADX": DATA}, {"ADX": SPEC}, tmp_path / str(n), formats=[form], study="S",
            created=CREATED,
        )[0].read_bytes()
        for n in (1, 2)
    )  # fmt: skip
    assert first == second


def test_a_transport_file_carries_the_given_time_and_no_other(tmp_path: Path) -> None:
    write_xpt(DATA, SPEC, tmp_path / "adx.xpt", created=CREATED)
    head = (tmp_path / "adx.xpt").read_bytes()[:720]
    assert head.count(b"30JUN24:00:00:00") == 4


@needs_shared
def test_dataset_json_is_valid_against_the_published_schema(tmp_path: Path) -> None:
    write_datasets(
        {"ADX": DATA}, {"ADX": SPEC}, tmp_path, formats=["json"], study="S", created=CREATED
    )
    schema = json.loads(shared("schema", "dataset.schema.json").read_text())
    content = json.loads((tmp_path / "adx.json").read_text())
    jsonschema.validate(content, schema)
    assert content["records"] == 3
    assert content["rows"][1] == ["S-01-002", 1e-6, None, 1, ""]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.DataFrame({"LONGNAMES": ["x"]}), r"LONGNAMES.*at most 8 characters"),
        (pl.DataFrame({"lower": ["x"]}), r"lower.*at most 8 characters"),
        (pl.DataFrame({"NOTE": ["x" * 201]}), r"ADX\.NOTE.*text over 200 bytes"),
        (pl.DataFrame({"NOTE": ["肝癌"]}), r"(?s)ADX\.NOTE.*not ASCII.*肝癌"),
    ],
)
def test_what_a_transport_file_cannot_hold_is_refused(
    frame: pl.DataFrame, message: str, tmp_path: Path
) -> None:
    with pytest.raises(Problems, match=message):
        write_xpt(frame, SPEC, tmp_path / "adx.xpt", created=CREATED)
    assert not (tmp_path / "adx.xpt").exists()


def test_a_label_over_forty_bytes_is_refused(tmp_path: Path) -> None:
    spec = Spec("ADX", "X", "", (Column("ADX", "NOTE", "x" * 41, "text"),))
    with pytest.raises(Problems, match="at most 40 bytes"):
        write_xpt(pl.DataFrame({"NOTE": ["a"]}), spec, tmp_path / "adx.xpt", created=CREATED)


def test_signs_with_a_plain_form_are_written_in_it(tmp_path: Path) -> None:
    write_xpt(pl.DataFrame({"NOTE": ["≥ 5 µg"]}), SPEC, tmp_path / "adx.xpt", created=CREATED)
    assert read_table(tmp_path / "adx.xpt")["NOTE"].to_list() == [">= 5 ug"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dm.xpt", b"not a transport file", r"dm\.xpt.*cannot be read"),
        ("dm.sas7bdat", b"\x00" * 100, r"dm\.sas7bdat.*cannot be read"),
        ("dm.parquet", b"PAR1", r"dm\.parquet.*cannot be read"),
        ("dm.json", b"{", r"dm\.json.*cannot be read"),
        ("dm.json", b"[]", r"no 'columns'"),
        ("dm.ndjson", b"", r"first line has no 'columns'"),
        ("dm.csv", b"", "the file is empty"),
        ("dm.csv", "SEX\nM\n男".encode("gb18030"), r"not UTF-8 \(line 3, byte 0x..\)"),
        ("dm.csv", b"A,B\n1,2,3\n", r"dm\.csv.*cannot be read"),
        ("dm.xlsx", b"", r"the ending '\.xlsx' is not one of"),
        (
            "dm.json",
            json.dumps(
                {"columns": [{"name": "A", "dataType": "integer"}], "rows": [["x"]]}
            ).encode(),
            "'x' is not of its dataType integer",
        ),
        (
            "dm.json",
            json.dumps({"columns": [{"name": "A", "dataType": "string"}], "rows": [[]]}).encode(),
            "row 1 has 0 values for 1 columns",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Problems, match=message):
        read_table(tmp_path / name)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"dm\.csv: cannot be read"):
        read_table(tmp_path / "dm.csv")
