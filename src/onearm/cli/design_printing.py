"""How a design is printed: tables with a sentence, JSON for machines, and a figure in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from onearm.design.onestage import OneStage

Row = Mapping[str, object]


class Looking(Protocol):
    """A design on a rate that may stop early."""

    def reject(self, p: float) -> float: ...

    def stop_early(self, p: float) -> float: ...

    def expected_n(self, p: float) -> float: ...


P0 = Annotated[float, typer.Option("--p0", help="Response rate of no interest (null).")]
P1 = Annotated[float, typer.Option("--p1", help="Response rate wished for (target).")]
Alpha = Annotated[float, typer.Option(help="One-sided type I error allowed.")]
Beta = Annotated[float, typer.Option(help="1 - power.")]
NMax = Annotated[int, typer.Option(help="The largest size to try.")]
Given = Annotated[int | None, typer.Option("-n", help="Patients, where the size is given.")]
Looks = Annotated[
    str, typer.Option(help="Numbers of patients at the looks: 10,20,30, or 10-50 for each.")
]
PriorText = Annotated[str, typer.Option("--prior", help="The Beta prior as two numbers: 0.5,1.5.")]
Rate = Annotated[float, typer.Option(help="Patients entered a unit of time.")]
FollowUp = Annotated[float, typer.Option(help="Follow-up after the last patient.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]
FigureFile = Annotated[
    Path | None,
    typer.Option(
        "--figure",
        help="Also draw the boundary and the operating characteristics: FILE.svg, .png or .pdf.",
    ),
]


@dataclass(frozen=True, slots=True)
class Printout:
    """One answer: the designs, the boundary, what follows from the truth, and the sentence.

    ``design`` is the value that the sentence and the figure are about; its ``method``, ``source``,
    ``sides``, ``notes`` and ``remarks`` are printed with it. ``drawn`` makes what the figure
    shows where that is more than the design.
    """

    title: str
    design: Any  # Any: each kind of design has its own class
    rows: Sequence[Row]
    sentence: str
    boundary: Sequence[Row] = ()
    operating: Sequence[Row] = ()
    drawn: Callable[[], object] | None = None


def show(printout: Printout, *, as_json: bool, figure: Path | None) -> None:
    """Draw the figure where one is asked for, then print tables or JSON."""
    if figure is not None:
        _save_figure(printout, figure)
    if as_json:
        typer.echo(json.dumps(_as_json(printout), indent=1))
        return
    from rich.console import Console

    console = Console(highlight=False)
    tables = (
        (printout.title, printout.rows),
        ("Boundary", printout.boundary),
        ("Operating characteristics", printout.operating),
    )
    for title, rows in tables:
        if rows:
            # Above the table, not as its title: a title is folded to the table's width.
            console.print(title, style="italic", markup=False)
            console.print(_table(rows))
    console.print(printout.sentence, markup=False)
    for words in _footnotes(printout.design):
        console.print(words, markup=False)


def _as_json(printout: Printout) -> dict[str, object]:
    design = printout.design
    return {
        "title": printout.title,
        "method": design.method,
        "source": design.source,
        "sides": getattr(design, "sides", None),
        "notes": {note.value: note.explanation for note in design.notes},
        "remarks": list(getattr(design, "remarks", ())),
        "rows": list(printout.rows),
        "boundary": list(printout.boundary),
        "operating": list(printout.operating),
        "sentence": printout.sentence,
    }


def _footnotes(design: Any) -> Iterable[str]:  # Any: as in `Printout`
    from onearm.stats.notes import Note

    # The sentence says in its own words that the stop is binding.
    notes = [n.explanation for n in design.notes if n is not Note.BINDING_FUTILITY_ASSUMED]
    for words in (*notes, *getattr(design, "remarks", ())):
        yield f"Note: {words}."


def _table(rows: Sequence[Row]) -> Any:  # Any: rich's table, imported when needed
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=0)
    for name in rows[0]:
        # In a narrow window a number is folded, never cut.
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(name, value) for name, value in row.items()))
    return table


def _cell(name: str, value: object) -> str:
    """A number as it is printed: sizes to a tenth, errors to four decimals, the rest to three."""
    if value is None:
        return "never" if name.startswith(("stop", "futility", "efficacy", "good")) else "-"
    if not isinstance(value, float):
        return str(value)
    if name.startswith(("EN", "patients", "expected")):
        return f"{value:.1f}"
    return f"{value:.4f}" if name.startswith(("alpha", "power", "p", "P(")) else f"{value:.3f}"


def _save_figure(printout: Printout, path: Path) -> None:
    """Write the figure beside its place and move it there, so that nothing half-written stays."""
    import tempfile

    from onearm.outputs.figures import save, styled
    from onearm.outputs.figures.design_kinds import draw_design
    from onearm.outputs.labels import Labels
    from onearm.stats.arguments import InvalidArgument

    if path.suffix not in (".svg", ".png", ".pdf"):
        valid = "the name of a file that ends with .svg, .png or .pdf"
        raise InvalidArgument("figure", str(path), valid)
    design = printout.design if printout.drawn is None else printout.drawn()
    path.parent.mkdir(parents=True, exist_ok=True)
    with styled(), tempfile.TemporaryDirectory(dir=path.parent) as folder:
        found = save(draw_design(design, Labels("en")), Path(folder), "design")
        next(one for one in found if one.suffix == path.suffix).replace(path)


def rates_around(p0: float, p1: float) -> list[float]:
    """The null, the target, and rates below, between and above them."""
    step = (p1 - p0) / 2
    return [p for p in (p0 - step, p0, p0 + step, p1, p1 + step) if 0 < p < 1]


def operating_rows(design: OneStage | Looking, p0: float, p1: float) -> list[Row]:
    """What the design does at rates around the null and the target, exactly."""
    from onearm.design.onestage import OneStage

    rows: list[Row] = []
    for p in rates_around(p0, p1):
        row: dict[str, object] = {"true rate": p, "P(promising)": design.reject(p)}
        if not isinstance(design, OneStage):
            row |= {"P(stop early)": design.stop_early(p), "EN": design.expected_n(p)}
        rows.append(row)
    return rows


def whole_numbers(name: str, text: str) -> tuple[int, ...]:
    """Whole numbers from '10,20,30', or from '10-50' all of them."""
    from onearm.stats.arguments import InvalidArgument

    try:
        first, dash, last = text.partition("-")
        if dash:
            # No trial is that long: a range beyond is refused later, and must not fill memory.
            return tuple(range(int(first), min(int(last), 100_000) + 1))
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        valid = "whole numbers with commas, as 10,20,30, or a range, as 10-50"
        raise InvalidArgument(name, text, valid) from None


def numbers(name: str, text: str) -> tuple[float, ...]:
    """Numbers from '0.05,0.5,0.95'."""
    from onearm.stats.arguments import InvalidArgument

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InvalidArgument(name, text, "numbers with commas, as 0.05,0.5,0.95") from None


def pair(name: str, text: str) -> tuple[float, float]:
    """Two numbers from '0.5,1.5'."""
    from onearm.stats.arguments import InvalidArgument

    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidArgument(name, text, "two numbers with a comma, as 0.5,1.5") from None
    return first, second
