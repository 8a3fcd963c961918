"""Who has which modality when: every subject by every modality and time point."""

from __future__ import annotations

import numpy as np
import polars as pl

from onearm.omics.assay import Assay
from onearm.omics.availability import AVAILABILITY, availability, counts


def assay(modality: str, *samples: str) -> Assay:
    return Assay(modality, "score", ("f",), samples, np.zeros((1, len(samples))))


ROWS = [
    # sample, subject, modality, time point, day, passed, excluded
    ("A1", "P1", "rna", "C1D1", -7, None, None),
    ("A2", "P1", "rna", "C1D1", -1, True, None),
    ("A3", "P2", "rna", "C1D1", -3, False, None),
    ("A4", "P3", "rna", "C1D1", -3, None, "wrong tissue"),
    ("A5", "P4", "rna", "C1D1", -3, None, None),  # not in the assay
    ("B1", "P1", "rna", "M2", 60, None, None),
    ("C1", "P1", "rna", "M1", 30, None, None),
    ("D1", "P2", "gut", "C1D1", None, None, None),
]


def sheet() -> pl.DataFrame:
    columns = ["sample_id", "subject_id", "modality", "timepoint", "study_day", "qc_pass"]
    return pl.DataFrame(ROWS, schema=[*columns, "exclude_reason"], orient="row").with_columns(
        pl.col("qc_pass").cast(pl.Boolean), collection_date=pl.lit(None, pl.Date)
    )


RNA = assay("rna", "A1", "A2", "A3", "A4", "B1", "C1")


def test_every_subject_has_a_row_for_every_modality_and_time_point() -> None:
    found = availability({"rna": RNA, "gut": assay("gut", "D1")}, sheet())
    assert found.schema == pl.Schema(AVAILABILITY)
    assert found.height == 4 * 4
    order = found.select("modality", "timepoint").unique(maintain_order=True).rows()
    assert order == [("gut", "C1D1"), ("rna", "C1D1"), ("rna", "M1"), ("rna", "M2")]


def test_the_sample_that_is_used_and_why_others_are_not() -> None:
    found = availability({"rna": RNA}, sheet()).filter(modality="rna", timepoint="C1D1")
    assert found.drop("modality", "timepoint").rows() == [
        ("P1", 2, "A2", -1, ""),
        ("P2", 1, None, None, "failed QC"),
        ("P3", 1, None, None, "excluded: wrong tissue"),
        ("P4", 1, None, None, "not in the data of rna"),
    ]


def test_subjects_without_a_sample_and_modalities_without_data_are_shown() -> None:
    found = availability({"rna": RNA}, sheet(), subjects=["P1", "P9"])
    assert found.filter(subject_id="P9")["reason"].unique().to_list() == ["no sample"]
    gut = availability({"rna": RNA}, sheet()).filter(modality="gut", subject_id="P2")
    assert gut.select("n_samples", "sample_id", "reason").row(0) == (1, None, "not loaded")


def test_the_counts_are_those_of_the_table() -> None:
    table = availability({"rna": RNA, "gut": assay("gut", "D1")}, sheet())
    assert counts(table).rows() == [
        ("gut", "C1D1", 1, 4), ("rna", "C1D1", 1, 4), ("rna", "M1", 1, 4), ("rna", "M2", 1, 4),
    ]  # fmt: skip


def test_the_order_of_the_rows_of_the_sheet_changes_nothing() -> None:
    assays = {"rna": RNA, "gut": assay("gut", "D1")}
    assert availability(assays, sheet()).equals(availability(assays, sheet().reverse()))


def test_a_sheet_without_samples_gives_no_rows() -> None:
    assert availability({}, sheet().clear()).height == 0
