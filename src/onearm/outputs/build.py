"""Rendering a study's outputs into a folder: files of each output, the report, the results."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from onearm.errors import Finding, OnearmError
from onearm.frames import Frames
from onearm.omics.chapter import Chapter as MarkerChapter
from onearm.outputs import figures
from onearm.outputs.biomarkers import About, write_files
from onearm.outputs.biomarkers import blocks as marker_blocks
from onearm.outputs.document import Block, Cards, Facts, Paragraph, Picture
from onearm.outputs.figures.style import Material
from onearm.outputs.labels import Labels, Language
from onearm.outputs.listing import build_listing, capped
from onearm.outputs.numbers import Numbers, Piece
from onearm.outputs.render.csvfile import write_csv
from onearm.outputs.render.page import write_page
from onearm.outputs.render.pdf import write_pdf
from onearm.outputs.report import Parts, build_report
from onearm.outputs.table import Table, TableBuilder
from onearm.study import Study
from onearm.study.outputs import AnyFigure, Outputs

Progress = Callable[[str], None]
Shown = tuple[str, str, str, str]
"""Output, row label, column label, result id."""


def render(
    study: Study,
    datasets: Frames,
    results: pl.DataFrame,
    findings: Sequence[Finding],
    folder: Path,
    *,
    language: Language = "en",
    is_simulated: bool = False,
    markers: MarkerChapter | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write every output of ``outputs.yaml`` into ``folder`` and return the files in order.

    tables/ and listings/ hold CSV; figures/ SVG, PDF and PNG; report.html is one file for any
    browser, report.pdf the same on pages; words inside figures stay English;
    results.csv and results.json are the results; shown_in.csv says where each number is printed.
    markers: what the assays say; its chapter stands where the report has the part ``biomarkers``,
    its frames in markers/. Where ``is_simulated``, each page says that its patients do not exist.
    The same study, data and results give the same bytes. ``progress`` is told what is being made.
    Raises ``OnearmError`` where the study has no outputs.yaml, or an output reads a column that its
    dataset does not have.
    """
    if study.outputs is None:
        raise OnearmError(
            f"{study.id}: the study has no outputs.yaml, so there is nothing to print"
        )
    build = _Build(study, study.outputs, datasets, results, findings, folder, language)
    build.is_simulated, build.markers = is_simulated, markers
    return build.run(progress or (lambda _: None))


class _Build:
    """One rendering: what is read, and the files and numbers it has produced so far."""

    def __init__(
        self,
        study: Study,
        outputs: Outputs,
        datasets: Frames,
        results: pl.DataFrame,
        findings: Sequence[Finding],
        folder: Path,
        language: Language,
    ) -> None:
        self.study, self.outputs, self.datasets = study, outputs, datasets
        self.results, self.findings, self.folder = results, findings, folder
        self.is_simulated = False
        self.markers: MarkerChapter | None = None
        self.labels = Labels(language)
        self.numbers = Numbers(results)
        self.builder = TableBuilder(outputs, self.numbers, self.labels)
        self.made: dict[str, Table | Picture] = {}
        self.marker_blocks: Sequence[Block] = ()
        self.files: list[Path] = []
        self.shown: list[Shown] = []

    def run(self, progress: Progress) -> list[Path]:
        for name in ("tables", "listings", "figures"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._tables(progress)
        self._listings(progress)
        self._figures(progress)
        self._markers(progress)
        self._report(progress)
        self._data()
        return self.files

    def _tables(self, progress: Progress) -> None:
        progress("tables")
        for shell in self.outputs.tables:
            table = self.builder.build(shell)
            self.made[shell.number] = table
            self.files.append(write_csv(table, self.folder / "tables"))
            self.shown += [(table.number, *where) for where in table.ids()]

    def _listings(self, progress: Progress) -> None:
        progress("listings")
        for shell in self.outputs.listings:
            chosen = self.builder.set_label(shell.set)
            table = build_listing(shell, self.datasets, self.labels, chosen)
            self.files.append(write_csv(table, self.folder / "listings"))
            self.made[shell.number] = capped(table, shell.most, self.labels)

    def _figures(self, progress: Progress) -> None:
        codes = tuple(level.code for level in self.study.cohorts)
        # The typeface of the figures has no Chinese: their words stay English in every language.
        material = Material(self.outputs, self.numbers, self.datasets, Labels("en"), codes)
        with figures.styled():
            for shell in self.outputs.figures:
                progress(f"figure {shell.number}")
                self._figure(shell, material)

    def _figure(self, shell: AnyFigure, material: Material) -> None:
        drawn = figures.draw(shell, material)
        paths = figures.save(drawn, self.folder / "figures", shell.key)
        self.files += paths
        title = self.labels.of(shell.title)
        notes = (*drawn.notes, *map(self.labels.of, shell.footnotes))
        alt = drawn.alt if self.labels.language == "en" else title
        self.made[shell.number] = Picture(
            shell.number, title, self.builder.set_label(shell.set), alt, notes, paths[0],
            tuple(drawn.ids),
        )  # fmt: skip
        self.shown += [(shell.number, "", "", name) for name in drawn.ids]

    def _markers(self, progress: Progress) -> None:
        if self.markers is None or self.study.biomarkers is None:
            return
        progress("figures of markers")
        plan = self.study.biomarkers
        self.marker_blocks = marker_blocks(self.markers, plan, self.labels, self.folder)
        about = About(
            self.study.id,
            str(self.study.title),
            self.study.data_cut or _cut(self.datasets),
            self.study.version,
            self.is_simulated,
        )
        self.files += write_files(self.markers, plan, self.folder, about)

    def _report(self, progress: Progress) -> None:
        progress("report")
        cut = self.study.data_cut or _cut(self.datasets)
        document = build_report(
            Parts(
                self.study,
                self.outputs,
                self.numbers,
                self.labels,
                self.findings,
                self.made,
                cut,
                self.is_simulated,
                self.marker_blocks,
            )
        )
        self.files.append(write_page(document, self.folder / "report.html"))
        self.files += write_pdf(document, self.folder / "report.pdf")
        self.shown += [
            ("report", chapter.title, "", piece)
            for chapter in document.chapters
            for piece in _ids_of(chapter.blocks)
        ]

    def _data(self) -> None:
        path = self.folder / "results.csv"
        self.results.write_csv(path)
        self.files.append(path)
        path = self.folder / "results.json"
        path.write_text(_json(self.results), encoding="utf-8", newline="\n")
        self.files.append(path)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("output", "row", "column", "result_id"))
        writer.writerows(self.shown)
        path = self.folder / "shown_in.csv"
        path.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        self.files.append(path)


def _ids_of(blocks: Iterable[Block]) -> Iterator[str]:
    """Results in the report's own sentences, cards and facts; tables and figures have their own."""
    for block in blocks:
        groups: Iterable[Iterable[Piece]] = ()
        if isinstance(block, Paragraph):
            groups = (block.pieces,)
        elif isinstance(block, Cards):
            groups = (pieces for card in block.cards for pieces in (card.value, card.detail))
        elif isinstance(block, Facts):
            groups = (cell for row in block.rows for cell in row)
        yield from (piece.result_id for pieces in groups for piece in pieces if piece.result_id)


def _cut(datasets: Frames) -> date | None:
    """The data cut that ADSL carries (DCUTDT, the same for all), where it does."""
    frame = datasets.get("ADSL")
    if frame is None or "DCUTDT" not in frame.columns:
        return None
    found = frame["DCUTDT"].drop_nulls().max()
    return found if isinstance(found, date) else None


def _json(results: pl.DataFrame) -> str:
    """The results as JSON, one object a line; empty cells are left out."""
    rows: Iterable[Mapping[str, Any]] = results.iter_rows(named=True)  # Any: cells of any type
    lines = (
        json.dumps({k: v for k, v in row.items() if v is not None}, ensure_ascii=False)
        for row in rows
    )
    return "[\n" + ",\n".join(lines) + "\n]\n"
