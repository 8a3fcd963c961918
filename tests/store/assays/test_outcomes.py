"""The plain table of outcomes: what its columns mean, and which times are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onearm.errors import Problems
from onearm.store.assays import OutcomeColumns, load_outcomes, read_outcomes
from tests.shared import needs_shared, shared

TABLE = """subject_id,ORR,PFS_months,PFS_event,OS_days,OS_status,best_change_pct,tumour_type
P1,PR,2,1,100.5,0,-40,HCC
P2,SD,3.5,0,200,1,,BTC
P3,NE,1,1,30,1,12,HCC
"""


def table(folder: Path, text: str) -> Path:
    path = folder / "outcomes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_known_by_their_names_and_months_become_days(tmp_path: Path) -> None:
    found = read_outcomes(table(tmp_path, TABLE))
    assert found.subjects == ("P1", "P2", "P3")
    np.testing.assert_array_equal(found.responses["ORR"], [1, 0, np.nan])
    np.testing.assert_array_equal(found.times["PFS"].time, [60.875, 106.53125, 30.4375])
    assert found.times["PFS"].event.tolist() == [True, False, True]
    np.testing.assert_array_equal(found.times["OS"].time, [100.5, 200, 30])
    np.testing.assert_array_equal(found.amounts["best_change_pct"], [-40, np.nan, 12])
    assert found.columns.columns == ["subject_id", "tumour_type"]


def test_the_unit_must_be_said_by_the_column_or_the_caller(tmp_path: Path) -> None:
    path = table(tmp_path, "subject_id,OS_time,OS_event\nP1,2,1\n")
    _, findings = load_outcomes(path)
    assert [(f.rule, f.value) for f in findings] == [("outcome.unit", "OS_time")]
    months = read_outcomes(path, columns=OutcomeColumns(unit="months"))
    assert months.times["OS"].time.tolist() == [60.875]


def test_near_equal_times_stay_as_they_are(tmp_path: Path) -> None:
    a, b = 12.000000000001, 12.0000000000037
    text = f"subject_id,OS_months,OS_event\nP1,{a},1\nP2,{b},1\n"
    time = read_outcomes(table(tmp_path, text)).times["OS"].time
    assert time.tolist() == [a * 30.4375, b * 30.4375]
    assert time[0] != time[1]


def test_bad_values_are_refused_with_their_rows_in_one_pass(tmp_path: Path) -> None:
    text = (
        "subject_id,ORR,OS_days,OS_event,best_change\nP1,maybe,,1,1\nP1,1,-3,1,x\n,1,Inf,1,1\n"
        "P4,1,5,2,inf\nP5,1,abc,0,1\n"
    )
    _, findings = load_outcomes(table(tmp_path, text))
    assert sorted((f.rule, f.place.line) for f in findings) == [
        ("outcome.amount", 3), ("outcome.amount", 5), ("outcome.event", 5),
        ("outcome.response", 2), ("outcome.subject", 3), ("outcome.subject", 4),
        ("outcome.time", 2), ("outcome.time", 3), ("outcome.time", 4), ("outcome.time", 6),
    ]  # fmt: skip
    said = [f.message.rpartition(" is ")[2] for f in findings if f.rule == "outcome.time"]
    assert said == ["missing", "negative", "infinite", "no number"]


def test_a_table_without_the_subject_or_an_endpoint_is_refused(tmp_path: Path) -> None:
    for text, lacking in (("patient,ORR\nP1,1\n", "subject_id"), ("subject_id,x\nP1,1\n", "x")):
        _, findings = load_outcomes(table(tmp_path, text))
        assert [(f.rule, f.value) for f in findings] == [("outcome.column", lacking)]


def test_stable_disease_is_no_word_for_disease_control(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="not a word for a response"):
        read_outcomes(table(tmp_path, "subject_id,DCR\nP1,SD\n"))


LAML = OutcomeColumns(
    subject="Tumor_Sample_Barcode",
    times={"OS": ("days_to_last_followup", "Overall_Survival_Status")},
    unit="days",
)


@needs_shared
def test_twelve_follow_up_times_of_a_public_cohort_are_refused_with_their_rows() -> None:
    path = shared("omics", "tcga_laml_maf", "tcga_laml_annot.tsv")
    with pytest.raises(Problems) as caught:
        read_outcomes(path, columns=LAML)
    told = caught.value.findings
    lines = path.read_text().splitlines()
    assert len(told) == 12
    assert {f.rule for f in told} == {"outcome.time"}
    assert all("-Inf" in lines[f.place.line - 1] for f in told)
    left, findings = load_outcomes(path, columns=LAML, bad_times="leave out")
    assert left is not None
    assert [(f.rule, f.severity) for f in findings] == [("outcome.left", "warning")] * 12
    time = left.times["OS"]
    assert (len(left.subjects), int(np.isfinite(time.time).sum())) == (200, 188)
    assert int(time.event[np.isfinite(time.time)].sum()) == 122


@needs_shared
def test_the_two_pairs_of_near_ties_of_a_public_cohort_are_kept() -> None:
    path = shared("omics", "inspire_pembro", "patients.parquet")
    columns = OutcomeColumns(
        subject="id",
        responses=("orr",),
        times={"OS": ("os_time", "os_status"), "PFS": ("pfs_time", "pfs_status")},
        unit="months",
    )
    found = read_outcomes(path, columns=columns)
    gaps = np.diff(np.sort(found.times["OS"].time))
    assert int(((gaps > 0) & (gaps < 1e-9)).sum()) == 2
    assert int(np.nansum(found.responses["orr"])) > 0
