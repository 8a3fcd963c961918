"""``onearm new``: a study's folder drafted from its registry record."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer


def new(
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must not exist yet.")],
    from_registry: Annotated[
        Path | None,
        typer.Option(
            "--from-registry",
            help="A ClinicalTrials.gov record: JSON (API v2 or classic), XML, or plain text.",
        ),
    ] = None,
    odm: Annotated[
        Path | None, typer.Option(help="A CDISC ODM file (1.3 or 2.0), from whatever system.")
    ] = None,
    redcap: Annotated[Path | None, typer.Option(help="A REDCap data dictionary, as CSV.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="The data: a second ODM file, or REDCap's export of records as CSV."),
    ] = None,
) -> None:
    """Draft a study from its registry record or another system, and list what could not be told."""
    from onearm.cli.exchange import new_from_odm, new_from_redcap
    from onearm.errors import OnearmError

    sources = [source for source in (from_registry, odm, redcap) if source is not None]
    if len(sources) != 1:
        raise OnearmError("name one source: --from-registry FILE, --odm FILE or --redcap FILE")
    if odm is not None:
        new_from_odm(folder, odm, data)
    elif redcap is not None:
        new_from_redcap(folder, redcap, data)
    elif from_registry is not None:
        _from_registry(folder, from_registry)


def _from_registry(folder: Path, from_registry: Path) -> None:
    from onearm.cli.lint import catalogue, operations
    from onearm.study import load
    from onearm.study.draft import draft_study
    from onearm.study.lint import check
    from onearm.study.registry import read_record

    record = read_record(from_registry)
    text = from_registry.read_bytes().decode("utf-8-sig")
    draft = draft_study(record, original=(from_registry.name, text))
    write_new(folder, draft.files)
    study = load(folder)
    errors = [f for f in check(study, catalogue(study), operations()) if f.severity == "error"]
    for finding in errors:
        typer.echo(f"error: {finding}")
    typer.echo(f"{record.nct_id} {record.title}")
    typer.echo(f"{len(draft.files)} files written to {folder}. To be filled in by hand:")
    for gap in draft.gaps:
        typer.echo(f"  - {gap}")
    if errors:
        raise typer.Exit(1)


def write_new(folder: Path, files: dict[str, str]) -> None:
    """Write the files into a folder that does not exist yet: all of them or none.

    They are written beside it and moved when complete. Raises ``OnearmError`` where something is
    there already, and the system's ``OSError`` where it cannot be written.
    """
    from onearm.errors import OnearmError

    if folder.exists():
        raise OnearmError(f"{folder} exists already; name a new folder (nothing was changed)")
    beside = folder.with_name(f"{folder.name}.part")
    if beside.exists():
        raise OnearmError(f"{beside} is left from an earlier try; delete it and try again")
    try:
        for name, text in files.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
