"""Chance spoils one cell or byte: the program builds or ends with a message, and never breaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from onearm.cli.demo import shipped_study
from tests.records.clinic import frame
from tests.whole.clinic import patient, study
from tests.whole.door import no_report, quick_study, typed
from tests.whole.test_bad_input_sdtm import sound, written

CASES = 20
WORDS = (
    None, "", " ", "-1", "0", "1e9", "1e400", "NaN", "inf", "<5", "12,5", "2020-02-30", "2020-13",
    "2091-01-01", "0000-00-00", "9999-12-31", "恶心", "'", '"', "a\nb", "\x07", "T01", "TARGET",
    "NE", "PD", "Y", "LOG", "x" * 5000, "99999999999999999999", "-0", "１２", "NULL",
)  # fmt: skip
NUMBERS = (None, -1.0, 0.0, 1e308, float("nan"), float("inf"), 0.1, 99999999.0)


def spoilt_cell(table: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """The table with another value in one cell, of the column's own type where it can be."""
    name = str(chance.choice(table.columns))
    values = table[name].to_list()
    pool = NUMBERS if table.schema[name].is_numeric() else WORDS
    values[int(chance.integers(len(values)))] = pool[int(chance.integers(len(pool)))]
    column = pl.Series(name, values, dtype=table.schema[name], strict=False)
    return table.with_columns(column)


def spoilt_bytes(raw: bytes, chance: np.random.Generator) -> bytes:
    """The bytes with one changed, taken away or doubled."""
    at = int(chance.integers(len(raw)))
    how = int(chance.integers(4))
    if how == 0:
        return raw[:at] + bytes([int(chance.integers(256))]) + raw[at + 1 :]
    if how == 1:
        return raw[:at] + raw[at + 1 :]
    return raw[:at] if how == 2 else raw[:at] + raw[at : at + 1] + raw[at:]


def judged(source: str, data: Path, out: Path) -> None:
    with quick_study(), no_report():
        ended = typed("build", shipped_study(), source, data, "--out", out)
    assert "Traceback" not in ended.text
    if ended.code == 0:
        assert (out / "findings.csv").is_file()
    else:
        assert ended.text.startswith("onearm: ")
        assert not out.exists()
        assert not list(out.parent.glob(".out*"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(CASES))
def test_entries_with_one_thing_spoilt_build_or_stop_with_a_message(
    seed: int, tmp_path: Path
) -> None:
    chance = np.random.default_rng(seed)
    entries = frame(patient("01-001"), patient("01-002"))
    if seed % 4:
        spoilt_cell(entries, chance).write_parquet(tmp_path / "e.parquet")
        judged("--entries", tmp_path / "e.parquet", tmp_path / "out")
    else:
        raw = entries.write_csv().encode()
        (tmp_path / "e.csv").write_bytes(spoilt_bytes(raw, chance))
        judged("--entries", tmp_path / "e.csv", tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(CASES, 3 * CASES))
def test_sdtm_with_one_thing_spoilt_builds_or_stops_with_a_message(
    seed: int, tmp_path: Path
) -> None:
    chance = np.random.default_rng(seed)
    assert study().id
    (tmp_path / "in").mkdir()
    names = sorted(sound())
    hit = str(chance.choice(names))
    form = ("parquet", "xpt", "json", "csv")[int(chance.integers(4))] if seed % 4 == 0 else ""
    for name in names:
        table = sound()[name]
        if name == hit and not form:
            table = spoilt_cell(table, chance)
        elif name == hit:
            raw = spoilt_bytes(written(name, form), chance)
            (tmp_path / "in" / f"{name.lower()}.{form}").write_bytes(raw)
            continue
        table.write_parquet(tmp_path / "in" / f"{name.lower()}.parquet")
    judged("--sdtm", tmp_path / "in", tmp_path / "out")
