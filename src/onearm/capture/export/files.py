"""An export as files: a folder of tables with their codebook, or one zip file of it."""

from __future__ import annotations

import csv
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from onearm.capture.export.history import acts, people
from onearm.capture.export.layout import KEYS, Sheet
from onearm.capture.export.spss import for_spss
from onearm.capture.trail import plain_cell
from onearm.frames import Column, Spec
from onearm.store.spss import write_sav
from onearm.store.write import write_datasets

if TYPE_CHECKING:
    from onearm.capture.export.tables import Selection, Table
    from onearm.store.odm import Version
    from onearm.study import Study

TABLES = ("parquet", "csv", "sheet", "json", "xpt", "spss")
"""Formats of tables; ``sheet`` is CSV for spreadsheets: a byte-order mark, no formulas."""

WHOLE = ("odm", "odm_audit", "odm2", "odm2_audit")
"""ODM 1.3.2 or 2.0 of everything in one file: as it stands, or with the record of every change."""

HISTORIES = ("odm_audit", "odm2_audit")
"""Those that hold every change, with true dates and the names of who made it."""

FORMATS = (*TABLES, *WHOLE)
ABOUT = (
    "form", "item", "xpt_dataset", "xpt_name", "type", "unit", "en", "zh", "is_asked", "source",
)  # fmt: skip
"""Columns of ``items.csv``."""

LABELS = {
    "SITEID": "Site", "SUBJID": "Subject", "VISIT": "Visit", "VISIT_REPEAT": "Repeat of the visit",
    "ROW": "Row of the form", "ITEM": "Item", "REASON": "Why missing",
    "TEST": "Laboratory test", "VALUE": "Result as entered", "UNIT": "Unit of the result",
    "LOW": "Lower limit of normal", "HIGH": "Upper limit of normal",
    "SOURCE": "Whose normal range", "FLAG": "Below (L) or above (H) the range",
    "SI_VALUE": "Result in SI units", "SI_UNIT": "SI unit",
}  # fmt: skip


def write_tables(
    tables: Iterable[Table],
    folder: Path,
    *,
    formats: Collection[str],
    study: str,
    created: datetime,
    language: str = "en",
) -> int:
    """Every table in every format, with ``items.csv`` and ``codes.csv``; returns the rows written.

    language: of the labels in SPSS files, which hold them in one. Missing reasons stand in a table
    of their own beside each form that has some, in SPSS files beside each item; ranges, flags and
    SI values of results in one beside each form that asks for results, rows or not. Transport files
    (XPT) shorten names to 8 characters; ``items.csv`` says which is which. Raises ``Problems``
    where a transport file cannot hold the data.
    """
    rows = 0
    written: list[Sheet] = []
    datasets: dict[str, str] = {}
    for table in tables:
        rows += table.frame.height
        written.append(table.sheet)
        short = _short([*datasets.values(), table.sheet.form], 8)[-1]
        datasets[table.sheet.form] = short
        _write(table.sheet, table.frame, table.sheet.form, short, folder, formats, study, created)
        if "spss" in formats:
            path = folder / f"{table.sheet.form.lower()}.sav"
            write_sav(*for_spss(table, language), path, created=created)
        if not table.missing.is_empty():
            name = f"{table.sheet.form}_MISSING"
            short = _short([*datasets.values(), name], 8)[-1]
            datasets[name] = short
            _write(None, table.missing, name, short, folder, formats, study, created)
        if table.results is not None:
            name = f"{table.sheet.form}_RESULTS"
            short = _short([*datasets.values(), name], 8)[-1]
            datasets[name] = short
            _write(None, table.results, name, short, folder, formats, study, created)
    _codebook(written, datasets, folder)
    return rows


def write_whole(
    study: Study,
    selection: Selection,
    entries: pl.DataFrame,
    folder: Path,
    *,
    formats: Collection[str],
    created: datetime,
    files: Mapping[str, str],
    former: Iterable[Study] = (),
) -> None:
    """The ODM files of an export.

    files: the study's folder, kept word for word, so that it comes back whole. former: earlier
    versions of the study, newest first, for values that only they ask for.
    """
    from onearm.store.odm import write_odm  # with its readers: no page but this needs them

    former = tuple(former)
    versions: Mapping[str, Version] = {"odm": "1.3.2", "odm2": "2.0"}
    for name, version in versions.items():
        ending = f"{name}.xml"
        if name in formats:
            path = folder / f"{study.id}.{ending}"
            write_odm(
                study,
                path,
                created=created,
                entries=entries,
                files=files,
                former=former,
                version=version,
            )
        if f"{name}_audit" in formats:
            path = folder / f"{study.id}.audit.{ending}"
            write_odm(
                study,
                path,
                created=created,
                history=acts(selection),
                who=people(),
                files=files,
                former=former,
                version=version,
            )


@contextmanager
def scratch_zip() -> Iterator[Path]:
    """A new temporary file for what leaves as a zip; gone again where the block fails."""
    handle, name = tempfile.mkstemp(prefix="onearm-", suffix=".zip")
    os.close(handle)
    try:
        yield Path(name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def zipped(folder: Path, target: Path) -> None:
    """Write the files of a folder into one zip file, the same bytes for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                about = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
                about.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as source, out.open(about, "w") as sink:
                    while block := source.read(1 << 20):
                        sink.write(block)


def _write(
    sheet: Sheet | None,
    frame: pl.DataFrame,
    name: str,
    short: str,
    folder: Path,
    formats: Collection[str],
    study: str,
    created: datetime,
) -> None:
    label = sheet.label.en if sheet else _beside(name)
    labels = LABELS | ({c.item.name: c.item.label.en for c in sheet.columns} if sheet else {})
    plain = [form for form in formats if form in ("parquet", "csv", "json")]
    if plain:
        spec = _spec(name, label, frame, labels)
        write_datasets(
            {name: frame}, {name: spec}, folder, formats=plain, study=study, created=created
        )
    if "sheet" in formats:
        _for_spreadsheet(frame, folder / f"{name.lower()}.sheet.csv")
    if "xpt" in formats:
        columns = _short(frame.columns, 8)
        narrow = frame.rename(dict(zip(frame.columns, columns, strict=True)))
        said = {s: _ascii(labels.get(c, c)) for c, s in zip(frame.columns, columns, strict=True)}
        spec = _spec(short, _ascii(label), narrow, said)
        write_datasets(
            {short: narrow}, {short: spec}, folder, formats=["xpt"], study=study, created=created
        )


def _beside(name: str) -> str:
    """What a table beside the table of a form is about."""
    if name.endswith("_RESULTS"):
        return f"Ranges and SI values of {name.removesuffix('_RESULTS')}"
    return f"Why values of {name.removesuffix('_MISSING')} are missing"


def _spec(name: str, label: str, frame: pl.DataFrame, labels: Mapping[str, str]) -> Spec:
    columns = tuple(
        Column(
            name,
            column,
            labels.get(column, column),
            "integer" if dtype.is_integer() else "text",
            key=KEYS.index(column) + 1 if column in KEYS else 0,
        )
        for column, dtype in frame.schema.items()
    )
    return Spec(name, label, "one row a row of the form", columns)


def _for_spreadsheet(frame: pl.DataFrame, path: Path) -> None:
    """UTF-8 with a byte-order mark, and no cell that a spreadsheet takes for a formula."""
    columns = [
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]"))
        .then("'" + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name, dtype in frame.schema.items()
        if dtype == pl.String
    ]
    with path.open("wb") as out:
        out.write(b"\xef\xbb\xbf")
        frame.with_columns(columns).write_csv(out)


def _codebook(sheets: Iterable[Sheet], datasets: Mapping[str, str], folder: Path) -> None:
    """``items.csv``: what each column is; ``codes.csv``: the answers of each coded item."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "items.csv").open("w", encoding="utf-8", newline="") as items,
        (folder / "codes.csv").open("w", encoding="utf-8", newline="") as codes,
    ):
        item_rows = csv.writer(items, lineterminator="\n")
        code_rows = csv.writer(codes, lineterminator="\n")
        item_rows.writerow(ABOUT)
        code_rows.writerow(("form", "item", "code", "en", "zh"))
        for sheet in sheets:
            short = _short([*KEYS, *sheet.names], 8)[len(KEYS) :]
            for column, name in zip(sheet.columns, short, strict=True):
                item = column.item
                asked = "yes" if column.is_asked else "no"
                about = (item.type, item.unit, item.label.en, item.label.zh, asked, column.source)
                row = (sheet.form, item.name, datasets[sheet.form], name, *about)
                item_rows.writerow(plain_cell(cell) for cell in row)
                for choice in column.choices:
                    said = (choice.code, choice.label.en, choice.label.zh)
                    code_rows.writerow((sheet.form, item.name, *said))


def _short(names: Iterable[str], longest: int) -> list[str]:
    """Names cut to a length, each once: the end of a name that is taken becomes a number."""
    found: list[str] = []
    for name in names:
        cut, number = name[:longest], 1
        while cut in found:
            number += 1
            cut = name[: longest - len(str(number))] + str(number)
        found.append(cut)
    return found


def _ascii(label: str) -> str:
    """A label that a transport file can hold."""
    return label.encode("ascii", "ignore").decode()[:40]
