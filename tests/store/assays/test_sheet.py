"""The sample sheet: every rule broken once, all in one pass, with line numbers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from onearm.errors import Problems
from onearm.omics.assay import SHEET
from onearm.store.assays import check_days, load_sheet, read_sheet

HEAD = "sample_id,subject_id,modality,timepoint,collection_date,study_day,tumour_content,qc_pass\n"


def sheet(folder: Path, text: str) -> Path:
    path = folder / "samples.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_have_types_and_every_further_column_is_a_batch(tmp_path: Path) -> None:
    text = (
        "Sample_ID,subject_id,modality,timepoint,collection_date,study_day,tumour_content,"
        "qc_pass,run,plate\nS1,P1,rna,C1D1,2021-03-31,-3,0.6,yes,R1,7\n\nS2,P2,rna,C1D1,,,,,R2,\n"
    )
    frame = read_sheet(sheet(tmp_path, text))
    assert frame.columns == [*SHEET, "run", "plate"]
    assert frame.schema["collection_date"] == pl.Date
    assert frame.row(0)[:9] == (
        "S1", "P1", "rna", "C1D1", date(2021, 3, 31), -3, None, None, 0.6,
    )  # fmt: skip
    assert frame["qc_pass"].to_list() == [True, None]
    assert frame["plate"].to_list() == ["7", None]


def test_every_problem_is_told_with_its_line_in_one_pass(tmp_path: Path) -> None:
    text = HEAD + (
        "S1,P1,rna,C1D1,31.03.2021,0,60,maybe\n"  # line 2: date, day, share, flag
        "S1,P2,rna,C1D1,2021-02-30,x,0.5,yes\n"  # line 3: twice, two subjects, date, day
        ",P3,rna,C1D1,,,,\n"  # line 4: empty
        "S4,p1,RNA,C1D1,,,,\n"  # line 5: two spellings
        "S5,P5,rna,C1D1,,8,,\n"  # line 6: baseline after first dose
    )
    with pytest.raises(Problems) as caught:
        read_sheet(sheet(tmp_path, text))
    told = [(f.rule, f.place.line) for f in caught.value.findings]
    assert sorted(told) == sorted(
        [
            ("sheet.date", 2), ("sheet.day", 2), ("sheet.number", 2), ("sheet.flag", 2),
            ("sheet.date", 3), ("sheet.day", 3), ("sheet.unique", 3), ("sheet.subject", 3),
            ("sheet.empty", 4), ("sheet.case", 5), ("sheet.case", 5), ("sheet.baseline", 6),
        ]
    )  # fmt: skip
    assert all(f.place.file == "samples.csv" for f in caught.value.findings)


def test_a_missing_column_is_named_and_a_misspelt_one_is_a_warning(tmp_path: Path) -> None:
    with pytest.raises(Problems) as caught:
        read_sheet(sheet(tmp_path, "sample_id,modality,timepoint\nS1,rna,C1D1\n"))
    assert [(f.rule, f.value) for f in caught.value.findings] == [("sheet.column", "subject_id")]
    text = "sample_id,subject_id,modality,timepoint,colection_date\nS1,P1,rna,C1D1,2021-01-01\n"
    frame, _, findings = load_sheet(sheet(tmp_path, text))
    assert [(f.rule, f.severity) for f in findings] == [("sheet.spelling", "warning")]
    assert "colection_date" in frame.columns


def days(*rows: tuple[str, str, str, str | None, int | None]) -> pl.DataFrame:
    given = [
        dict(zip(("sample_id", "subject_id", "timepoint", "collection_date", "study_day"), r))  # noqa: B905
        for r in rows
    ]
    return pl.DataFrame(given).with_columns(
        pl.col("collection_date").cast(pl.String).str.to_date(),
        pl.col("study_day").cast(pl.Int64),
        modality=pl.lit("rna"),
        qc_pass=pl.lit(None, pl.Boolean),
        exclude_reason=pl.lit(None, pl.String),
    )


def test_the_study_day_counts_from_first_dose_without_a_day_0() -> None:
    frame = days(
        ("S1", "P1", "C1D1", "2021-03-01", None),
        ("S2", "P1", "screen", "2021-02-28", None),
        ("S3", "P1", "M1", "2021-03-31", None),
    )
    with_days, findings = check_days(frame, {"P1": date(2021, 3, 1)})
    assert with_days["study_day"].to_list() == [1, -1, 31]
    assert findings == []


def test_a_baseline_sample_after_first_dose_is_refused_and_days_must_agree() -> None:
    frame = days(
        ("S1", "P1", "C1D1", "2021-03-02", None),
        ("S2", "P2", "M1", "2021-03-10", 9),
        ("S3", "P3", "C1D1", "2021-03-01", None),
    )
    start = {"P1": date(2021, 3, 1), "P2": date(2021, 3, 1)}
    _, findings = check_days(frame, start, file="samples.csv")
    assert [(f.rule, f.severity, f.place.line) for f in findings] == [
        ("sheet.baseline", "error", 2),
        ("sheet.days", "error", 3),
        ("sheet.dose", "warning", 4),
    ]
    assert "study day 2" in findings[0].message


def test_two_baseline_samples_are_listed_unless_one_failed_or_was_excluded() -> None:
    frame = days(
        ("S1", "P1", "C1D1", None, -7), ("S2", "P1", "screening", None, -1),
        ("S3", "P2", "C1D1", None, -7), ("S4", "P2", "C1D1", None, -1),
    ).with_columns(qc_pass=pl.Series([None, None, False, None]))  # fmt: skip
    _, findings = check_days(frame)
    assert [(f.rule, f.value, f.severity) for f in findings] == [("sheet.two", "S1, S2", "note")]


def test_the_names_of_baseline_are_configurable() -> None:
    frame = days(("S1", "P1", "Biopsy 1", None, 5))
    assert check_days(frame)[1] == []
    assert [f.rule for f in check_days(frame, baseline=["biopsy 1"])[1]] == ["sheet.baseline"]
