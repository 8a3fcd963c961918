"""The chapter on markers: its conclusion in words, its figures, its REMARK table, its files."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from onearm.omics.chapter import Chapter, analyse
from onearm.outputs import marker_parts
from onearm.outputs.biomarkers import About, conclusion, write_report
from onearm.outputs.figures import styled
from onearm.outputs.labels import Labels
from onearm.outputs.marker_pictures import Words, sketches
from onearm.study.biomarkers import Biomarkers
from tests.omics import cohort


@cache
def plan() -> Biomarkers:
    """The plan of the small cohort, with words."""
    return Biomarkers.model_validate(
        {
            "statement": "Markers of a small cohort",
            "modalities": [
                {"name": "rna", "label": "Tumour RNA", "timepoint": "C1D1", "discovery": True,
                 "genes": ["G000", "G001", "G050"], "method": "sequencing"},
            ],
            "endpoints": [
                {"name": "ORR", "label": "Response", "kind": "response", "success": "X = 1"},
                {"name": "PFS", "label": "PFS", "kind": "time", "parameter": "PFS"},
            ],
            "columns": [
                {"name": "tumour_type", "label": "Type", "expr": "X", "use": "strata"},
                {"name": "sex", "label": "Sex", "expr": "SEX", "use": "sex"},
            ],
            "batch": ["run"],
            "candidates": [
                {"name": f"C{at}", "label": f"Gene {at}", "modality": "rna",
                 "feature": f"G{at:03d}", "cut": 6.0}
                for at in (0, 50, 90)
            ],
            "programmes": {"modality": "rna",
                           "own": {"TEN": [f"G{at:03d}" for at in range(10)]}},
            "permutations": 500,
            "seed": 7,
        }
    )  # fmt: skip


@cache
def chapter(shift: float = 0.0, aliased: bool = False) -> Chapter:
    known = cohort.outcomes()
    run = np.where(known.responses["ORR"] == 1, "1", "2") if aliased else None
    return analyse(plan().plan(), cohort.made(shift=shift, run=run), known)


def said(found: Chapter, language: str = "en") -> str:
    words = Words.of(plan(), Labels(language))  # type: ignore[arg-type]  # one of two languages
    return conclusion(found, words)


def test_a_cohort_of_noise_is_told_in_words_that_nothing_was_found() -> None:
    found = chapter()
    ratio = f"{found.conclusion.hazard_ratio:.2f}"
    assert said(found) == (
        f"No biomarker of response was identified; with n = 48 and {found.conclusion.events} "
        f"events, effects below HR {ratio} per SD could not be detected."
    )
    assert said(found, "zh").startswith("未发现疗效生物标志物")


def test_a_finding_is_told_with_its_tier_and_adjusted_p() -> None:
    text = said(chapter(shift=1.2))
    assert text.startswith("Associated on treatment")
    assert "; ten with Response (programmes, adjusted p 0.0" in text
    assert "could not be detected" in text


def test_a_refusal_is_told_with_both_columns() -> None:
    assert "the association with ORR was not tested because run" in said(chapter(aliased=True))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("markers")
    write_report(chapter(), plan(), folder, About("COHORT", "A small cohort"))
    return folder


def test_the_report_says_what_a_single_arm_cannot(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "may be prognostic, predictive or both" in page
    assert "No biomarker of response was identified" in page
    assert f"{chapter().n_tests} hypotheses were tested" in page
    assert (report / "report.pdf").stat().st_size > 20_000


def test_no_p_value_is_starred_and_the_nominal_ones_are_in_no_table(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    words = page.split("</style>", 1)[1]
    tables = "".join(part.split("</table>")[0] for part in words.split("<table")[1:])
    assert "*" not in tables
    nominal = chapter().tiers["candidates"].table["p_nominal"].drop_nulls()
    adjusted = set(chapter().associations["p_adjusted"].drop_nulls().round(4))
    rare = [p for p in nominal if round(p, 4) not in adjusted and p > 0.001]
    assert not any(f">{p:.4f}<" in tables for p in rare)


def test_the_remark_table_has_twenty_items_and_leaves_open_what_only_people_know(
    report: Path,
) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    table = page.split("REMARK")[-1]
    assert all(f"<td>{number}</td>" in table for number in range(1, 21))
    assert "to be completed" in table
    assert "500 permutations, seed 7" in table
    assert "Tumour RNA: sequencing" in table


def test_tidy_files_hold_every_association_and_the_manifest_what_made_them(report: Path) -> None:
    table = pl.read_parquet(report / "markers" / "associations.parquet")
    assert table.equals(chapter().associations)
    manifest = json.loads((report / "markers" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 7
    assert manifest["n_tests"] == chapter().n_tests
    assert manifest["conclusion"] == said(chapter())
    assert set(manifest["versions"]) == {"onearm", "numpy", "scipy", "polars"}


def test_the_same_chapter_gives_the_same_bytes(report: Path, tmp_path: Path) -> None:
    write_report(chapter(), plan(), tmp_path, About("COHORT", "A small cohort"))
    for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
        other = report / path.relative_to(tmp_path)
        assert path.read_bytes() == other.read_bytes(), path.name


def test_every_figure_says_n_and_the_number_of_tests() -> None:
    with styled():
        drawn = list(sketches(chapter(), plan(), Words.of(plan(), Labels("en"))))
    kinds = {sketch.key.split("_")[0] for sketch in drawn}
    assert kinds == {"available", "forest", "cutpoints", "volcano", "nulls", "heatmap"}
    for sketch in drawn:
        texts = [text.get_text() for text in sketch.drawn.figure.texts]
        line = next(text for text in texts if "tests in the whole analysis" in text)
        assert line.startswith("n = 48 patients"), sketch.key
        assert f"{chapter().n_tests} tests" in line


def test_a_chinese_report_is_chinese(tmp_path: Path) -> None:
    about = About("COHORT", "A small cohort")
    write_report(chapter(), plan(), tmp_path, about, language="zh")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "未发现疗效生物标志物" in page
    assert b"NotoSansCJKsc" in (tmp_path / "report.pdf").read_bytes()


def test_simulated_data_are_marked(tmp_path: Path) -> None:
    about = replace(About("COHORT", "A small cohort"), is_simulated=True)
    write_report(chapter(), plan(), tmp_path, about, language="zh")
    assert "模拟数据" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_searched_cutpoint_says_that_it_was_chosen_on_these_data(tmp_path: Path) -> None:
    found = chapter(shift=2.0)
    assert found.beside.closer.cutpoints.height
    write_report(found, plan(), tmp_path, About("COHORT", "A small cohort"), language="zh")
    write_report(found, plan(), tmp_path, About("COHORT", "A small cohort"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Each cutpoint was chosen on these data" in page
    assert "Adjusted p of the search" in page
    assert (tmp_path / "markers" / "searched_cutpoints.csv").is_file()


def test_every_word_of_the_chapter_is_there_in_both_languages() -> None:
    source = Path(marker_parts.__file__).parent
    paths = [*source.glob("marker*.py"), source / "biomarkers.py", source / "remark.py"]
    paths += (source / "figures" / "markers").glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    used = set(re.findall(r"\bmarker_[a-z_]+[a-z]\b", text))
    rows = (source / "labels.csv").read_text(encoding="utf-8").splitlines()
    table = {row["key"]: row for row in csv.DictReader(rows)}
    assert len(used & set(table)) > 100
    assert [key for key in used & set(table) if not (table[key]["en"] and table[key]["zh"])] == []
