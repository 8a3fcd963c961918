"""A folder of SDTM files becomes typed domains, whatever the forms, or every problem is told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from onearm.errors import OnearmError, Problems
from onearm.store import read_entries, read_sdtm

DM = "STUDYID,DOMAIN,USUBJID,SUBJID,SITEID,SEX,COUNTRY,AGE\nS,DM,S-01-001,001,01,F,CHN,61\n"
RS = "STUDYID,DOMAIN,USUBJID,RSSEQ,RSTESTCD\nS,RS,S-01-001,1,OVRLRESP\n"


def folder(tmp_path: Path, **files: str) -> Path:
    for name, content in files.items():
        (tmp_path / f"{name}.csv").write_text(content)
    return tmp_path


def test_numbers_are_numbers_and_codes_stay_text(tmp_path: Path) -> None:
    domains = read_sdtm(folder(tmp_path, dm=DM, rs=RS))
    assert list(domains) == ["DM", "RS"]
    assert domains["DM"]["SITEID"].to_list() == ["01"]
    assert domains["DM"]["AGE"].to_list() == [61]
    assert domains["DM"].schema["AGE"].is_numeric()


def test_the_domain_column_names_the_dataset(tmp_path: Path) -> None:
    assert list(read_sdtm(folder(tmp_path, response_data=RS))) == ["RS"]


def test_a_file_named_as_its_domain_wins_over_another(tmp_path: Path) -> None:
    other = RS.replace("OVRLRESP", "TRGRESP")
    domains = read_sdtm(folder(tmp_path, rs=RS, rs_other=other))
    assert domains["RS"]["RSTESTCD"].to_list() == ["OVRLRESP"]


def test_two_files_of_one_domain_are_a_question(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"several files hold RS.*(?s:.*)--use RS=rs_a\.csv"):
        read_sdtm(folder(tmp_path, rs_a=RS, rs_b=RS))


def test_the_answer_is_taken(tmp_path: Path) -> None:
    other = RS.replace("OVRLRESP", "TRGRESP")
    domains = read_sdtm(folder(tmp_path, rs=RS, rs_b=other), use={"RS": "rs_b.csv"})
    assert domains["RS"]["RSTESTCD"].to_list() == ["TRGRESP"]


def test_an_answer_that_fits_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"--use names a file that does not hold RS(?s:.*)rs\.csv"):
        read_sdtm(folder(tmp_path, rs=RS), use={"RS": "rss.csv"})


def test_all_problems_of_all_files_are_told_in_one_pass(tmp_path: Path) -> None:
    folder(tmp_path, dm=DM.replace(",61", ",sixty"), rs="")
    (tmp_path / "ae.xpt").write_bytes(b"broken")
    with pytest.raises(Problems) as caught:
        read_sdtm(tmp_path)
    text = str(caught.value)
    assert "dm.csv:2: S-01-001 / DM.AGE: expected integer (Age)" in text
    assert "found sixty" in text
    assert "rs.csv: cannot be read: the file is empty" in text
    assert "ae.xpt: cannot be read" in text


def test_an_empty_or_absent_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="no dataset found"):
        read_sdtm(tmp_path)
    with pytest.raises(OnearmError, match="there is no such folder"):
        read_sdtm(tmp_path / "nowhere")


def test_entries_come_from_csv_with_whole_numbers(tmp_path: Path) -> None:
    head = "SITEID,SUBJID,VISIT,VISIT_REPEAT,FORM,ROW,ITEM,VALUE,REASON\n"
    (tmp_path / "entries.csv").write_text(head + "01,001,SCREENING,1,VS,1,WEIGHT,60.0,\n")
    entries = read_entries(tmp_path)
    assert entries.schema["ROW"] == pl.Int32
    assert entries["VALUE"].to_list() == ["60.0"]
    assert entries["REASON"].to_list() == [None]
    (tmp_path / "entries.csv").write_text(head + "01,001,SCREENING,one,VS,1,WEIGHT,60.0,\n")
    with pytest.raises(Problems, match=r"entries\.csv:2: VISIT_REPEAT: expected a whole number"):
        read_entries(tmp_path / "entries.csv")


def test_entries_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(Problems, match=r"there is no .*entries\.parquet or .*entries\.csv"):
        read_entries(tmp_path)
