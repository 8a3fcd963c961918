"""Specifications shape frames at a border, and problems read as people expect."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from onearm.errors import Finding, Place, Problems
from onearm.frames import check_columns, load_spec, load_specs, shape

CSV = """#DM,Demographics,One record per subject
variable,label,type,core,key,codelist,origin,source,method
STUDYID,Study Identifier,text,Req,1,,Protocol,Sponsor,
USUBJID,Unique Subject Identifier,text,Req,2,,Assigned,Sponsor,
AGE,Age,integer,Exp,,,Derived,Sponsor,AGE
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "DM.csv").write_text(CSV)
    return tmp_path


def test_a_specification_is_read_whole(folder: Path) -> None:
    spec = load_spec(folder / "DM.csv")
    assert (spec.name, spec.label, spec.structure) == (
        "DM",
        "Demographics",
        "One record per subject",
    )
    assert spec.names == ("STUDYID", "USUBJID", "AGE")
    assert spec.key == ("STUDYID", "USUBJID")
    assert spec.labels["AGE"] == "Age"
    assert spec.empty().schema == {"STUDYID": pl.String, "USUBJID": pl.String, "AGE": pl.Int32}
    assert list(load_specs(folder)) == ["DM"]


def test_a_frame_gets_the_columns_order_and_types_of_its_specification(folder: Path) -> None:
    spec = load_spec(folder / "DM.csv")
    shaped = shape(pl.DataFrame({"AGE": [61.0], "USUBJID": ["S-1"], "REST": [0]}), spec)
    assert shaped.columns == ["STUDYID", "USUBJID", "AGE"]
    assert shaped.rows() == [(None, "S-1", 61)]


def test_missing_and_mistyped_columns_are_findings(folder: Path) -> None:
    spec = load_spec(folder / "DM.csv")
    found = check_columns(pl.DataFrame({"USUBJID": ["S-1"], "AGE": ["old"]}), spec, file="dm.csv")
    assert str(Problems(found)) == (
        "dm.csv: DM.STUDYID: required column STUDYID (Study Identifier) is missing\n"
        "  (rule DM specification). Add the column to the source and read it again.\n"
        "dm.csv: DM.AGE: expected integer, found String\n"
        "  (found String; rule DM specification). "
        "Write the column with the type that the specification names."
    )


def test_a_finding_names_subject_visit_form_field_value_and_rule() -> None:
    finding = Finding(
        Place(subject="01-007", visit="SCREENING", form="TUMOR", field="DIAM"),
        "4.0 mm",
        "TUM-012",
        "a target tumour measures at least 10 mm at screening",
        "Correct the diameter, or follow it as a non-target lesion.",
    )
    assert str(finding) == (
        "01-007 / SCREENING / TUMOR.DIAM: a target tumour measures at least 10 mm at screening\n"
        "  (found 4.0 mm; rule TUM-012). "
        "Correct the diameter, or follow it as a non-target lesion."
    )


def test_problems_tell_all_findings_in_one_pass() -> None:
    line = Finding(Place(file="endpoints.yaml", line=14), None, "", "no such column", "Mend it.")
    bare = Finding(Place(), None, "", "nothing to analyse")
    assert str(Problems([line, bare], "the study cannot be used")) == (
        "the study cannot be used\n"
        "endpoints.yaml:14: no such column\n  Mend it.\nnothing to analyse"
    )
