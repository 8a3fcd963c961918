"""The commands that look ahead: assurance, enrolment, events; and several outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from onearm.cli.design_printing import (
    P0,
    FigureFile,
    Json,
    Printout,
    PriorText,
    Rate,
    Row,
    numbers,
    pair,
    show,
)
from onearm.cli.design_stages import N, R

if TYPE_CHECKING:
    from onearm.design.forecast import ExpectedEvents
    from onearm.stats.notes import Note


def assurance_command(
    r: R,
    n: N,
    p0: P0,
    prior: PriorText,
    r1: Annotated[int | None, typer.Option(help="Two stages: stop with so many or fewer.")] = None,
    n1: Annotated[int | None, typer.Option(help="Two stages: patients of the first.")] = None,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """The power averaged over a prior of the true rate; with --r1 and --n1 for two stages."""
    from onearm.design import assurance, one_stage_design, two_stage
    from onearm.stats.arguments import InvalidArgument

    if (r1 is None) != (n1 is None):
        raise InvalidArgument("r1", r1, "given together with n1")
    # p1 plays no part in an average over the true rate.
    p1 = (1 + p0) / 2
    design = (
        one_stage_design(n, r, p0=p0, p1=p1)
        if r1 is None or n1 is None
        else two_stage(r1=r1, n1=n1, r=r, n=n, p0=p0, p1=p1)
    )
    found = assurance(design, prior=pair("prior", prior))
    row: Row = {"P(promising)": found.value, "P(stop early)": found.stop_early}

    def drawn() -> object:
        from onearm.outputs.figures.design_ahead import Assured

        return Assured(design, found)

    printout = Printout("Assurance", found, [row], found.sentence(), drawn=drawn)
    show(printout, as_json=as_json, figure=figure)


def enrolment_command(
    target: Annotated[int, typer.Option(help="The patient whose date is asked for: 50.")],
    enrolled: Annotated[int, typer.Option(help="Patients entered so far.")],
    elapsed: Annotated[float, typer.Option(help="Time since the first site opened.")],
    probabilities: Annotated[
        str, typer.Option(help="Quantiles of the date: 0.05,0.5,0.95.")
    ] = "0.05,0.5,0.95",
    prior: Annotated[
        str, typer.Option(help="Gamma prior of the rate: patients, time (10,4).")
    ] = "",
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """When a coming patient enters, from those who came (Gamma-Poisson)."""
    from onearm.design import enrolment_forecast

    asked = numbers("probabilities", probabilities)
    known = pair("prior", prior) if prior else (0.5, 1e-9)
    found = enrolment_forecast(
        target, enrolled=enrolled, elapsed=elapsed, prior=known, probabilities=asked
    )
    rows: list[Row] = [
        {"probability": q, "time from now": t}
        for q, t in zip(found.probabilities, found.times, strict=True)
    ]
    printout = Printout(f"Entry of patient {target}", found, rows, found.sentence())
    show(printout, as_json=as_json, figure=figure)


def events_command(
    patients: Annotated[int, typer.Option("-n", help="Patients in all.")],
    rate: Rate,
    median: Annotated[float, typer.Option(help="Median time to the event.")],
    until: Annotated[float, typer.Option(help="Time from the first patient.")],
    dropout: Annotated[float, typer.Option(help="Hazard of dropping out.")] = 0.0,
    steps: Annotated[int, typer.Option(help="Rows of the table, from 0 to --until.")] = 10,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Expected events by a time, with uniform entry and exponential times."""
    import math

    from onearm.design import expected_events
    from onearm.stats.arguments import check_between, check_count

    check_between("median", median, 0.0, math.inf)
    check_between("rate", rate, 0.0, math.inf)
    steps = check_count("steps", steps, low=1, high=1000)

    def at(time: float) -> ExpectedEvents:
        return expected_events(
            n=patients,
            accrual_time=patients / rate,
            hazard=math.log(2) / median,
            dropout=dropout,
            time=time,
        )

    def drawn() -> object:
        from onearm.outputs.figures.design_ahead import Events

        return Events(tuple(at(until * step / 100) for step in range(101)))

    found = [at(until * step / steps) for step in range(steps + 1)]
    rows: list[Row] = [
        {
            "time": one.time,
            "patients entered": one.enrolled,
            "expected events": one.events,
            "expected dropouts": one.dropouts,
        }
        for one in found
    ]
    printout = Printout("Events", found[-1], rows, found[-1].sentence(), drawn=drawn)
    show(printout, as_json=as_json, figure=figure)


def outcomes_command(
    p_value: Annotated[
        list[str],
        typer.Option("--p", help="NAME=p-value, in the order of testing; NAME= for not tested."),
    ],
    procedure: Annotated[
        str, typer.Option(help="fixed_sequence, holm, bonferroni, all_must_win or descriptive.")
    ] = "fixed_sequence",
    alpha: Annotated[float, typer.Option(help="One-sided error for all of them.")] = 0.05,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Several outcomes called primary: adjusted p-values and what may be claimed."""
    from onearm.design import PROCEDURES, adjust

    found = adjust(dict(_named(text) for text in p_value), procedure=procedure, alpha=alpha)
    rows: list[Row] = [
        {
            "outcome": one.name,
            "p": one.p_value,
            "p adjusted": one.adjusted,
            "claimed": "yes" if one.is_claimed else "no",
        }
        for one in found
    ]
    rule = PROCEDURES[procedure]

    def drawn() -> object:
        from onearm.outputs.figures.design_ahead import Outcomes

        return Outcomes(found)

    claimed = [one.name for one in found if one.is_claimed]
    sentence = (
        f"{rule.title}: at a one-sided level of {alpha:g} "
        f"{'may be claimed: ' + ', '.join(claimed) if claimed else 'nothing may be claimed'} "
        f"({rule.source})."
    )
    printout = Printout(rule.title, _Rule(rule.title, rule.source), rows, sentence, drawn=drawn)
    show(printout, as_json=as_json, figure=figure)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is printed with several outcomes: their rule."""

    method: str
    source: str
    sides: str = "one-sided"
    notes: tuple[Note, ...] = ()


def _named(text: str) -> tuple[str, float | None]:
    from onearm.stats.arguments import InvalidArgument

    name, equals, value = text.partition("=")
    try:
        if name and equals:
            return name, float(value) if value else None
    except ValueError:
        pass
    raise InvalidArgument("p", text, "a name and a p-value, as ORR=0.012, or ORR= for not tested")
