"""The report holds every output, every number is a result, and the same input is the same bytes."""

from __future__ import annotations

import csv
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from onearm.errors import Finding, OnearmError, Place
from onearm.outputs import render
from onearm.outputs.layout import solid
from onearm.outputs.render.pdf import quote
from onearm.study import Study
from tests.outputs import trial

FINDINGS = [
    Finding(Place("01-007", "SCREENING", "TUMOR", "DIAM"), 4.0, "TUM-012", "a target is 10 mm"),
    Finding(Place("01-009", "SCREENING", "TUMOR", "DIAM"), 6.0, "TUM-012", "a target is 10 mm"),
    Finding(Place("01-010", "C2D1", "LB", "ALT"), None, "LB-001", "result missing", "", "warning"),
]


class Page(HTMLParser):
    """What a test asks a page: rows of tables as texts, results named, sections, links outward."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.results: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self._section = ""
        self._row: list[str] | None = None
        self._span: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {k: v or "" for k, v in attrs}
        self.sources += [given[k] for k in ("src", "href") if k in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag == "section" and given.get("class") != "chapter":
            self._section = given.get("id", "")
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th") and self._row is not None:
            self._row.append("")
        if "data-result" in given:
            self._span = (given["data-result"], "")
            if tag != "span":
                self.results.append(self._span)

    def handle_data(self, data: str) -> None:
        if self._row:
            self._row[-1] += data
        if self._span:
            self._span = (self._span[0], self._span[1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self._row is not None:
            self.tables.setdefault(self._section, []).append(self._row)
            self._row = None
        elif tag == "span" and self._span:
            self.results.append(self._span)
            self._span = None
        elif tag == "section":
            self._section = ""


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return trial.study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out")
    render(study, trial.datasets(), trial.results(), FINDINGS, out)
    return out


@pytest.fixture(scope="module")
def page(folder) -> Page:
    return Page((folder / "report.html").read_text("utf-8"))


def keys(study: Study) -> list[str]:
    outputs = study.outputs
    assert outputs is not None
    return [shell.key for shell in (*outputs.tables, *outputs.figures, *outputs.listings)]


def test_the_report_holds_every_output_once(study, folder, page):
    source = (folder / "report.typ").read_text("utf-8")
    assert len(keys(study)) >= 25
    for key in keys(study):
        assert page.ids.count(key) == 1, key
        kind = {"T": "Table", "F": "Figure", "L": "Listing"}[key[0]]
        assert f"{kind} {key[1:]}  " in source, key


def test_every_number_of_the_report_is_a_result(page):
    known = set(trial.results()["result_id"])
    assert len(page.results) > 1000
    assert {name for name, _ in page.results} <= known


def test_a_number_shown_is_the_result_rounded(page):
    values = dict(trial.results().select("result_id", "value").rows())
    percents = [(n, t) for n, t in page.results if re.fullmatch(r"-?\d+\.\d%", t)]
    assert len(percents) > 100
    for name, text in percents:
        assert abs(100 * values[name] - float(text[:-1])) <= 0.05 + 1e-9, name


def test_sentences_and_cards_have_no_digit_that_is_not_a_result(folder, study):
    text = (folder / "report.html").read_text("utf-8")
    body = text[text.index("<main") :]
    found = re.findall(r'<p(?: class="(?:value|detail|what)")?>(.*?)</p>', body, re.S)
    assert study.outputs is not None
    allowed = sorted(study.outputs.digits_allowed, key=len, reverse=True)
    notes = " ".join(re.findall(r'<div class="notes">(.*?)</div>', body, re.S))
    for paragraph in found:
        if paragraph in notes:
            continue
        rest = re.sub(r"<span data-result=.*?</span>", "", paragraph)
        for words in allowed:
            rest = rest.replace(words, "")
        assert not re.search(r"\d", unescape(rest)), paragraph


def test_page_csv_and_pdf_print_the_same_cells(study, folder, page):
    source = (folder / "report.typ").read_text("utf-8")
    outputs = study.outputs
    assert outputs is not None
    for shell in outputs.tables:
        path = folder / "tables" / f"{shell.key}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        shown = page.tables[shell.key][1:]
        assert len(rows) == len(shown), shell.key
        for row, cells in zip(rows, shown, strict=True):
            texts = [cell.replace("\u00a0", " ") for cell in cells]
            assert [x for x in texts if x] == [x for x in map(str.strip, row) if x], shell.key
            printed = ", ".join(quote(solid(x)) for x in row[1:])
            assert not any(row[1:]) or printed in source, (shell.key, row)


def test_listings_print_the_same_cells_and_name_their_rows(study, folder, page):
    outputs = study.outputs
    assert outputs is not None
    for shell in outputs.listings:
        with (folder / "listings" / f"{shell.key}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1 : 1 + shell.most]
        shown = page.tables[shell.key][1:]
        assert [[c.replace("\u00a0", " ") for c in r] for r in shown if len(r) > 1] == [
            r for r in rows if any(r[1:])
        ], shell.key
    assert 'data-row="ADAE/NCT' in (folder / "report.html").read_text("utf-8")


def test_the_page_needs_nothing_from_outside(page):
    assert all(source.startswith("#") for source in page.sources)


def test_no_id_stands_twice_on_the_page(page):
    assert sorted(set(page.ids)) == sorted(page.ids)


def test_findings_are_grouped_by_rule_with_counts_and_places(folder):
    text = unescape((folder / "report.html").read_text("utf-8"))
    assert "<td>TUM-012</td><td>error</td><td>2</td><td>a target is 10 mm</td>" in text
    assert "01-007 / SCREENING / TUMOR.DIAM; 01-009 / SCREENING / TUMOR.DIAM" in text
    assert "<td>LB-001</td><td>warning</td><td>1</td>" in text


def test_every_registered_outcome_stands_in_the_registry_table(study, folder):
    text = (folder / "report.html").read_text("utf-8")
    section = text[text.index("Registered outcomes</h2>") :]
    for outcome in study.outcomes:
        assert f"<td>{outcome.measure.en}</td>" in section
    assert "No result yet" not in section


def test_each_number_is_listed_with_the_place_where_it_is_shown(folder):
    with (folder / "shown_in.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    total = [r for r in rows if r["output"] == "T 14.2.1.1" and r["column"] == "Total"]
    assert {"output": "T 14.2.1.1", "row": "Rate", "column": "Total",
            "result_id": "orr_confirmed.estimate.Total"} in total  # fmt: skip
    assert {r["result_id"] for r in rows} <= set(trial.results()["result_id"])


def hashes(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(study, folder, tmp_path):
    made = render(study, trial.datasets(), trial.results(), FINDINGS, tmp_path)
    assert hashes(tmp_path) == hashes(folder)
    assert sorted(made) == sorted(p for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.slow
def test_the_chinese_report_is_a_page_and_a_pdf_with_its_own_font(study, tmp_path):
    steps: list[str] = []
    render(
        study, trial.datasets(), trial.results(), [], tmp_path, language="zh", progress=steps.append
    )
    text = (tmp_path / "report.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in text
    assert "客观缓解率" in text
    assert "核查未发现问题" in text
    made = (tmp_path / "report.pdf").read_bytes()
    assert b"NotoSansCJKsc" in made
    assert "客观缓解率" in (tmp_path / "report.typ").read_text("utf-8")
    assert steps[0] == "tables"
    assert steps[-1] == "report"


def test_a_trial_without_patients_still_makes_every_output(study, tmp_path):
    empty = {name: frame.clear() for name, frame in trial.datasets().items()}
    render(study, empty, trial.results().clear(), [], tmp_path)
    text = (tmp_path / "report.html").read_text("utf-8")
    tables = [key for key in keys(study) if key[0] in "TL"]
    assert text.count(">No subject met the criteria</td>") == len(tables)
    for key in keys(study):
        assert f'id="{key}"' in text


def test_a_study_without_outputs_is_told_so(tmp_path, study):
    from dataclasses import replace

    with pytest.raises(OnearmError, match=r"NCT03895970: the study has no outputs\.yaml"):
        render(replace(study, outputs=None), {}, trial.results(), [], tmp_path)
