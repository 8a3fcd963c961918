"""ADBM: one row a subject, parameter and time point; only markers of the plan."""

from __future__ import annotations

from datetime import date

import polars as pl

from onearm.adam import derive_biomarkers, specs
from onearm.adam.adbm import derive_markers
from onearm.omics.measure import MARKERS
from tests import markers

ROWS = [
    # subject, tier, name, modality, timepoint, day, value, unit, cut, source
    ("X-2", "candidates", "TMB", "mutations", "C1D1", -7.0, 3.6, "log2", 3.46, "tmb"),
    ("X-1", "candidates", "TMB", "mutations", "C1D1", -9.0, 1.2, "log2", 3.46, "tmb"),
    ("X-1", "candidates", "CTDNAM1", "ctdna", "C1D1 to M1", 30.0, -1.5, "log2", None, "MTM"),
    ("X-1", "programmes", "HALLMARK_HYPOXIA", "rna", "C1D1", -9.0, 0.4, "score", None, "HALL"),
    ("X-1", "candidates", "IL8", "cytokines", "C1D1", 1.0, None, "log2", None, "CXCL8"),
    ("X-9", "candidates", "TMB", "mutations", "C1D1", -7.0, 2.0, "log2", 3.46, "tmb"),
]


def frame() -> pl.DataFrame:
    return pl.DataFrame(ROWS, schema=dict(MARKERS), orient="row")


def adbm() -> pl.DataFrame:
    study = markers.study()
    subjects = pl.DataFrame(
        {
            "STUDYID": "X", "USUBJID": ["X-1", "X-2"], "SUBJID": ["1", "2"], "SITEID": "01",
            "TRTSDT": [date(2020, 1, 10), date(2020, 2, 1)],
        }
    )  # fmt: skip
    return derive_biomarkers(study, {"ADSL": subjects}, frame())


def test_a_row_is_a_subject_parameter_and_time_point_in_the_order_of_the_key() -> None:
    rows = adbm().select("USUBJID", "PARCAT1", "PARAMCD", "ATPT", "ASEQ").rows()
    assert rows == [
        ("X-1", "ctdna", "CTDNAM1", "C1D1 to M1", 1),
        ("X-1", "mutations", "TMB", "C1D1", 2),
        ("X-1", "rna", "P04", "C1D1", 3),
        ("X-2", "mutations", "TMB", "C1D1", 1),
    ]


def test_the_criterion_is_the_cutpoint_of_the_plan() -> None:
    tmb = adbm().filter(pl.col("PARAMCD") == "TMB").sort("USUBJID")
    assert tmb["CRIT1"].to_list() == [">= 3.46", ">= 3.46"]
    assert tmb["CRIT1FL"].to_list() == ["N", "Y"]
    assert adbm().filter(pl.col("PARAMCD") == "CTDNAM1")["CRIT1FL"].to_list() == [None]


def test_a_change_is_no_baseline_record() -> None:
    flags = dict(adbm().filter(pl.col("USUBJID") == "X-1").select("PARAMCD", "ABLFL").iter_rows())
    assert flags == {"CTDNAM1": None, "TMB": "Y", "P04": "Y"}


def test_labels_are_one_to_one_with_codes() -> None:
    plan = markers.study().biomarkers
    assert plan is not None
    rows = derive_markers(frame(), plan).select("PARAMCD", "PARAM").unique()
    assert rows["PARAM"].n_unique() == rows["PARAMCD"].n_unique() == rows.height


def test_it_has_exactly_the_columns_of_its_specification() -> None:
    spec = specs(markers.study())["ADBM"]
    assert tuple(adbm().columns) == spec.names
    assert "COHORT" in spec.names  # carried from ADSL, as in every dataset
