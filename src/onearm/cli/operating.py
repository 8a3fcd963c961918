"""``onearm simulate --trials``: whole trials, drawn from rates and through the real derivations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from rich.table import Table

    from onearm.operating import Work
    from onearm.pieces import Workers

DECIDING = (
    "dates", "expr", "frames", "terms", "stats", "response", "design", "study", "records", "sdtm",
    "simulate", "adam", "results", "operating",
)  # fmt: skip
"""The parts of the program that decide what a simulated trial comes to."""

INTERRUPTED = 130
"""Exit code of a command that was interrupted, as shells have it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for; ``given`` are changes to the plan, by key of a scenario."""

    study: Path
    out: Path
    trials: int
    entered: int
    seed: int | None
    scenarios: tuple[str, ...]
    given: dict[str, float | bool | None]
    formats: str
    fresh: bool


def simulate_trials(asked: Asked, workers: Workers) -> None:
    """Simulate the trials, write folder and figure, print the tables; goes on where it was cut off.

    Finished pieces are kept beside the folder until it is written. Raises ``OnearmError`` where the
    study or the options cannot be used, or the kept pieces belong to another run.
    """
    from onearm.cli.steps import load_study
    from onearm.errors import OnearmError
    from onearm.operating import Work, chosen, given, outline, pieces, run, summary_of, trials_of
    from onearm.store.folder import refuse_foreign
    from onearm.store.kept import kept_frames, program

    refuse_foreign(asked.out)
    study = load_study(asked.study)
    if study.simulation is None:
        raise OnearmError(f"{study.name} cannot be simulated: it has no simulation.yaml")
    is_given = any(value is not None for value in asked.given.values())
    if is_given and asked.scenarios:
        raise OnearmError("give scenarios by --scenario, or one by its values, not both")
    scenarios = given(study, asked.given) if is_given else chosen(study, asked.scenarios)
    seed = study.simulation.seed if asked.seed is None else asked.seed
    work = Work(study, scenarios, asked.trials, asked.entered, seed)
    listed = pieces(work)  # every message about the study before anything is written
    facts = {**outline(work), "program": program(DECIDING)}
    kept = kept_frames(pieces_folder(asked.out), facts, fresh=asked.fresh)
    if kept.count():
        typer.echo(f"Going on: {kept.count()} of {len(listed)} pieces were finished before")
    try:
        with _shown(len(listed)) as progress:
            parts = run(work, workers=workers, kept=kept, progress=progress)
    except KeyboardInterrupt:
        typer.echo(
            f"\nInterrupted: {kept.count()} of {len(listed)} pieces are kept in {kept.folder}. "
            "The same command goes on from there.",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    trials = trials_of(parts)
    summary = summary_of(trials)
    _write(asked, work, trials, summary)
    kept.remove()
    _print(work, summary)
    typer.echo(f"Trials, summary and figure: {asked.out}")


def pieces_folder(out: Path) -> Path:
    """Where finished pieces are kept until the folder ``out`` is written."""
    return out.with_name(f"{out.name}.pieces")


@contextmanager
def _shown(total: int) -> Iterator[Callable[[int, int], None]]:
    """A bar of pieces done with the time that is left; silent where nobody looks."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Simulating trials, pieces", total=total)
        yield lambda done, all_of: bar.update(task, completed=done, total=all_of)


def _write(asked: Asked, work: Work, trials: pl.DataFrame, summary: pl.DataFrame) -> None:
    from onearm.outputs.figures import save, styled
    from onearm.outputs.figures.operating import draw
    from onearm.outputs.labels import Labels
    from onearm.store import replaced_folder
    from onearm.store.folder import MARK

    words = {scenario.id: scenario.label for scenario in work.scenarios}
    with replaced_folder(asked.out) as folder:
        if asked.formats == "csv":
            trials.write_csv(folder / "trials.csv")
        else:
            trials.write_parquet(folder / "trials.parquet", compression="zstd")
        summary.write_csv(folder / "summary.csv")
        with styled():
            save(draw(summary, words, Labels()), folder, "operating")
        facts = {
            "study": work.study.id,
            "study_version": work.study.version,
            "seed": work.seed,
            "trials": work.trials,
            "entered": work.entered,
            "scenarios": [scenario.model_dump(mode="json") for scenario in work.scenarios],
        }
        (folder / MARK).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


ROUTE_TITLES = {
    "drawn": "Trials drawn from rates",
    "entered": "Trials as entries, through the real derivations",
}
DECISIONS = {
    "past stage 1": "go", "promising": "promising", "PFS": "pfs_win", "both": "joint",
}  # fmt: skip
ESTIMATES = (
    ("ORR true", "orr_true", 100, False),
    ("bias", "orr_bias", 100, True),
    ("covered", "orr_exact_coverage", 100, False),
    ("PFS true", "pfs_median_true", 1, False),
    ("bias", "pfs_median_bias", 1, True),
    ("covered", "pfs_median_coverage", 100, False),
)
"""Column, measure, what a unit is worth, and whether a sign is printed."""


def _print(work: Work, summary: pl.DataFrame) -> None:
    """Two tables a way of making trials: decisions, and estimates against truth."""
    from rich.console import Console

    console = Console(highlight=False)
    for route, title in ROUTE_TITLES.items():
        mine = summary.filter(route=route)
        if mine.is_empty():
            continue
        found = {
            (row["scenario"], row["measure"]): (row["value"], row["std_err"])
            for row in mine.iter_rows(named=True)
        }
        trials = int(mine.filter(measure="go")["trials"][0])
        console.print(_decisions(work, found, f"{title}: {trials:,} a scenario"))
        console.print(_estimates(work, found))
    console.print(NOTES, markup=False)


NOTES = """\
In brackets the Monte-Carlo standard error. PFS: significant, had nobody stopped; both: promising
and PFS. ORR: responders of those treated when the stop is obeyed, in %, bias in points; PFS: median
in months. Covered: share of 95 % limits that hold the truth, for ORR those that take the two stages
into account. All numbers: summary.csv."""

Found = dict[tuple[str, str], tuple[float | None, float | None]]


def _decisions(work: Work, found: Found, title: str) -> Table:
    table = _table(title, ["decisions, % of trials", *DECISIONS, "patients"])
    for scenario in work.scenarios:
        cells = [
            _cell(found[scenario.id, name], factor=100, decimals=1) for name in DECISIONS.values()
        ]
        patients = _cell(found[scenario.id, "patients"], factor=1, decimals=1)
        table.add_row(str(scenario.label), *cells, patients)
    return table


def _estimates(work: Work, found: Found) -> Table:
    table = _table("", ["estimates", *(column for column, *_ in ESTIMATES)])
    for scenario in work.scenarios:
        cells = [
            _cell(
                found[scenario.id, name],
                factor=factor,
                decimals=1 if factor == 100 else 2,
                is_signed=is_signed,
                is_bare=name.endswith("_true"),
            )
            for _, name, factor, is_signed in ESTIMATES
        ]
        table.add_row(str(scenario.label), *cells)
    return table


def _table(title: str, heads: list[str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1))
    for place, head in enumerate(heads):
        # In a narrow window a number is folded, never cut.
        table.add_column(head, justify="left" if place == 0 else "right", overflow="fold")
    return table


def _cell(
    number: tuple[float | None, float | None],
    *,
    factor: int,
    decimals: int,
    is_signed: bool = False,
    is_bare: bool = False,
) -> str:
    """A value with its standard error in brackets; a dash where it does not exist."""
    value, error = number
    if value is None:
        return "-"
    sign = "+" if is_signed else ""
    text = f"{value * factor:{sign}.{decimals}f}"
    if is_bare or error is None:
        return text
    return f"{text} ({error * factor:.{decimals}f})"
