"""``onearm build``: a study and its data in, datasets, results and a report out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def build(
    study: Annotated[Path, typer.Argument(help="The study folder.")],
    entries: Annotated[
        Path | None, typer.Option(help="Captured entries: a Parquet or CSV file, or its folder.")
    ] = None,
    sdtm: Annotated[
        Path | None,
        typer.Option(help="A folder of SDTM datasets: XPT, Dataset-JSON, SAS7BDAT, Parquet, CSV."),
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option(help="Which file holds a domain that several do: RS=rs_onco.parquet."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write; replaced whole.")] = Path("build"),
    cut: Annotated[str | None, typer.Option(help="Data cut-off, for example 2024-06-30.")] = None,
    formats: Annotated[
        str, typer.Option(help="Dataset formats, separated by commas: parquet,csv,json,xpt.")
    ] = "parquet",
    language: Annotated[str, typer.Option(help="Language of the report: en or zh.")] = "en",
) -> None:
    """Derive everything from captured entries or SDTM: datasets, results, tables, report.

    The folder named by --out is replaced only when the whole build has succeeded.
    """
    from onearm import pipeline, store
    from onearm.cli.steps import (
        is_made_up,
        load_study,
        read_date,
        read_uses,
        shown_progress,
        write_trial,
    )
    from onearm.errors import OnearmError
    from onearm.store.folder import refuse_foreign

    if entries is not None and sdtm is not None:
        raise OnearmError("name one source of data: --entries FILE or --sdtm FOLDER, not both")
    refuse_foreign(out)
    cut_off = read_date(cut)
    with shown_progress(f"Building {study.name}") as progress:
        progress("study files")
        loaded = load_study(study)
        progress("reading")
        if entries is not None:
            captured = store.read_entries(entries)
            trial = pipeline.build(loaded, captured, cut=cut_off, progress=progress)
        elif sdtm is not None:
            domains = store.read_sdtm(sdtm, use=read_uses(use or []))
            trial = pipeline.build_from_sdtm(loaded, domains, cut=cut_off, progress=progress)
        else:
            raise OnearmError("name the data: --entries FILE or --sdtm FOLDER")
        report = write_trial(
            trial,
            out,
            formats=formats.split(","),
            language=language,
            progress=progress,
            is_simulated=is_made_up(entries or sdtm or Path()),
        )
    typer.echo(f"{len(trial.findings)} data findings, {trial.numbers.height} results")
    if loaded.outputs is None:
        typer.echo(f"No report was made: the study has no outputs.yaml. Results: {report}")
    else:
        typer.echo(f"Report: {report}")
