"""Study folders and entries from other systems: ODM files and REDCap's own, for ``onearm new``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from onearm.store.odm import OdmFile

REPORT = "odm/report.csv"


def new_from_odm(folder: Path, odm: Path, data: Path | None) -> None:
    """Draft a study from an ODM file, with its data (or those of a second file) beside it."""
    from dataclasses import replace

    from onearm.store.odm import read_odm

    file = read_odm(odm)
    if data is not None:
        both = read_odm(data)
        merged = file.account
        merged.read.update(both.account.read)
        merged.reasons.update(both.account.reasons)
        file = replace(both, metadata=file.metadata, account=merged)
    _write(folder, file, odm.name)


def new_from_redcap(folder: Path, dictionary: Path, data: Path | None) -> None:
    """Draft a study from a REDCap data dictionary, with the records of a data export beside it."""
    from dataclasses import replace

    from onearm.store.redcap import read_data, read_dictionary

    file = read_dictionary(dictionary)
    if data is not None:
        both = read_data(data, file)
        both.account.read.update(file.account.read)
        both.account.reasons.update(file.account.reasons)
        file = replace(both)
    _write(folder, file, dictionary.name)


def _write(folder: Path, file: OdmFile, name: str) -> None:
    import polars as pl

    from onearm.cli.new import write_new
    from onearm.store import write_entries
    from onearm.store.odm import odm_entries
    from onearm.study import load
    from onearm.study.odm import draft_from_odm

    draft, names = draft_from_odm(file.metadata, file.account, sites=file.sites)
    entries = odm_entries(file, names, file.account)
    lines = list(file.account.lines())
    report = pl.DataFrame(
        [
            (
                line.kind,
                line.read,
                line.carried,
                line.left,
                "; ".join(f"{r} ({n})" for r, n in line.reasons),
            )
            for line in lines
        ],
        schema={
            "kind": pl.String,
            "read": pl.Int64,
            "carried": pl.Int64,
            "left": pl.Int64,
            "why": pl.String,
        },
        orient="row",
    )
    tables = {REPORT: report.write_csv()}
    for part, frame in (("history", file.values), ("acts", file.acts), ("queries", file.queries)):
        if not frame.is_empty():
            tables[f"odm/{part}.csv"] = frame.write_csv()
    write_new(folder, draft.files | tables)
    if not entries.is_empty():
        write_entries(entries, folder / "entries.parquet")
    study = load(folder)
    items = sum(len(form.items) for form in study.forms.values())
    typer.echo(f"{study.id} from {name}: {len(study.forms)} forms, {items} items.")
    if not entries.is_empty():
        typer.echo(f"{entries.height} values in {folder / 'entries.parquet'}.")
    left = sum(line.left for line in lines)
    total = sum(line.read for line in lines)
    typer.echo(f"{total} things read: {total - left} carried, {left} named in {folder / REPORT}.")
    for gap in draft.gaps:
        typer.echo(f"  - {gap}")
