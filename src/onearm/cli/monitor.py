"""``onearm monitor``: where the stopping rules of a study's design stand at a data cut."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import date

    import polars as pl
    from rich.console import Console

CROSSED = 3
"""Exit status where a stopping boundary is crossed; 0 where none is, 1 for a problem."""

HIDDEN = ("flag", "sentence")


def monitor(
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
    cut: Annotated[
        str | None,
        typer.Option(
            help="Data cut-off, for example 2024-06-30; a simulated trial brings its own."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for machines instead of tables.")
    ] = False,
) -> None:
    """Where each boundary of the design stands today, what would cross it, and forecast dates.

    Exit status: 0 where no boundary is crossed, 3 where one is and the trial stops by its own
    rules (futility, toxicity, deaths), 1 for a problem with the study or the data.
    """
    from rich.console import Console

    from onearm.cli.steps import (
        build_trial,
        load_study,
        read_date,
        shown_progress,
        simulated_cut,
        source_of_data,
    )
    from onearm.results import monitor as watch
    from onearm.results import need_rules

    data = source_of_data(entries, sdtm, use)
    cut_off = read_date(cut or simulated_cut(data))
    with shown_progress(f"Monitoring {study.name}") as progress:
        progress("study files")
        loaded = load_study(study)
        need_rules(loaded)
        # The rules read datasets; the numbers of the report and the assays are not needed.
        bare = replace(loaded, analyses=None, biomarkers=None)
        trial = build_trial(bare, entries, sdtm, use, cut=cut_off, progress=progress)
        progress("rules")
        facts = watch(loaded, {**trial.domains, **trial.datasets})
    crossed = facts.filter(item="stops", value=1.0)["rule"].to_list()
    if as_json:
        typer.echo(json.dumps(as_mapping(facts, trial.cut), indent=2))
    else:
        _show(facts, Console(), f"{loaded.name}, data cut {trial.cut or 'not set'}")
    if crossed:
        raise typer.Exit(CROSSED)


def as_mapping(facts: pl.DataFrame, cut: date | None) -> dict[str, object]:
    """The facts by rule, for JSON: numbers as numbers, dates as text, ``stops`` true or false."""
    rules: dict[str, dict[str, object]] = {}
    for fact in facts.iter_rows(named=True):
        rule = rules.setdefault(fact["rule"], {"title": fact["title"]})
        value = fact["text"] if fact["value"] is None else fact["value"]
        if fact["kind"] == "flag":
            value = bool(value)
        elif fact["kind"] == "count" and value is not None:
            value = int(value)
        rule[fact["item"]] = value
    crossed = [rule for rule, found in rules.items() if found["stops"]]
    return {"cut": cut.isoformat() if cut else None, "crossed": crossed, "rules": rules}


def _show(facts: pl.DataFrame, console: Console, title: str) -> None:
    """One table a rule, with its sentence below; a crossed boundary stands out."""
    from rich.markup import escape
    from rich.table import Table

    console.print(f"[bold]{escape(title)}[/bold]")
    for _, group in facts.group_by("rule", maintain_order=True):
        rows = group.to_dicts()
        stops = any(row["item"] == "stops" and row["value"] == 1 for row in rows)
        style = "bold red" if stops else "bold"
        console.print(f"\n[{style}]{escape(rows[0]['title'])}[/{style}]")
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(max_width=52)
        table.add_column(justify="right")
        for row in rows:
            if row["kind"] not in HIDDEN and shown(row) != "":
                table.add_row(escape(row["item"]), shown(row))
        console.print(table)
        sentence = next(row["text"] for row in rows if row["kind"] == "sentence")
        console.print(escape(sentence), style="red" if stops else None)


def shown(row: dict[str, object]) -> str:
    """A fact as text; empty where there is nothing to say.

    >>> shown({"kind": "proportion", "value": 0.0962, "text": None})
    '0.096'
    >>> shown({"kind": "text", "value": None, "text": "before_interim"})
    'before interim'
    """
    value, text = row["value"], row["text"]
    if isinstance(text, str):
        return text.replace("_", " ") if row["kind"] == "text" else text
    if not isinstance(value, float):
        return ""
    if row["kind"] == "proportion" and 0 < value < 0.0005:
        return "<0.001"
    digits = {"count": 0, "proportion": 3}.get(str(row["kind"]), 2)
    return f"{value:.{digits}f}"
