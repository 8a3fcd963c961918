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
    database: Annotated[
        str | None,
        typer.Option(help="The data of 'onearm serve': its folder, or postgres://... ."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="With --database: the data as they stood then, in UTC."),
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(help="With --database: the data of this named snapshot.")
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option(help="Which file holds a domain that several do: RS=rs_onco.parquet."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write; replaced whole.")] = Path("build"),
    assays: Annotated[
        Path | None,
        typer.Option(
            help="The folder of assays or its manifest; those beside the data if not given."
        ),
    ] = None,
    cut: Annotated[
        str | None,
        typer.Option(
            help="Data cut-off, for example 2024-06-30; a simulated trial brings its own."
        ),
    ] = None,
    formats: Annotated[
        str, typer.Option(help="Dataset formats, separated by commas: parquet,csv,json,xpt.")
    ] = "parquet",
    language: Annotated[str, typer.Option(help="Language of the report: en or zh.")] = "en",
) -> None:
    """Derive everything from captured entries or SDTM: datasets, results, tables, report.

    The folder named by --out is replaced only when the whole build has succeeded.
    """
    from contextlib import ExitStack

    from onearm.cli.database import entries_of_database, note_about_version, read_moment
    from onearm.cli.steps import (
        build_trial,
        load_study,
        read_date,
        read_formats,
        refusals,
        shown_progress,
        simulated_cut,
        source_of_data,
        write_trial,
    )
    from onearm.errors import OnearmError
    from onearm.store.folder import refuse_foreign

    if database is None and (as_of is not None or snapshot is not None):
        raise OnearmError("--as-of and --snapshot say which data of --database to take")
    if database is not None and (entries is not None or sdtm is not None):
        raise OnearmError("name one source of data: --entries, --sdtm or --database")
    if as_of is not None and snapshot is not None:
        raise OnearmError("name --as-of or --snapshot: a snapshot has its own moment")
    moment = read_moment(as_of)
    stack = ExitStack()
    if database is not None:
        source = entries_of_database(database, as_of=moment, snapshot=snapshot)
        entries = stack.enter_context(source)
    data = source_of_data(entries, sdtm, use)
    forms = read_formats(formats)
    refuse_foreign(out)
    made_up = simulated_cut(data)
    cut_off = read_date(cut or made_up)
    with stack, shown_progress(f"Building {study.name}") as progress:
        progress("study files")
        loaded = load_study(study)
        if database is not None and (note := note_about_version(loaded)):
            typer.echo(note)
        trial = build_trial(
            loaded, entries, sdtm, use, cut=cut_off, progress=progress, assays=assays
        )
        report = write_trial(
            trial,
            out,
            formats=forms,
            language=language,
            progress=progress,
            is_simulated=made_up is not None,
        )
    typer.echo(f"{len(trial.findings)} data findings, {trial.numbers.height} results")
    for line in refusals(trial.markers):
        typer.echo(line)
    if loaded.outputs is None:
        typer.echo(f"No report was made: the study has no outputs.yaml. Results: {report}")
    else:
        typer.echo(f"Report: {report}")
