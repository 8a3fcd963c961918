"""The commands for designs on a time to an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onearm.cli.design_printing import (
    Alpha,
    Beta,
    FigureFile,
    FollowUp,
    Given,
    Json,
    NMax,
    Printout,
    Rate,
    Row,
    show,
)

if TYPE_CHECKING:
    from onearm.design.timetoevent import Accrual, SurvivalHypothesis

Survival = Annotated[float, typer.Option(help="Null survival at --time; 0.5 for a median.")]
Time = Annotated[float, typer.Option(help="The time of --survival; any unit, the same always.")]
Ratio = Annotated[float, typer.Option(help="The hazard ratio wished for, below 1.")]
Shape = Annotated[float, typer.Option(help="Weibull shape of the null.")]
Restricted = Annotated[
    bool, typer.Option("--restricted", help="Nobody is followed longer than --follow-up.")
]


def log_rank_command(
    survival: Survival,
    time: Time,
    hazard_ratio: Ratio,
    rate: Rate,
    follow_up: FollowUp,
    shape: Shape = 1.0,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    n: Given = None,
    n_max: NMax = 1000,
    restricted: Restricted = False,
    two_stage: Annotated[
        bool, typer.Option("--two-stage", help="With a look for futility during accrual.")
    ] = False,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """One-sample log-rank test, in one stage or with a look for futility: patients and power."""
    from onearm.design import (
        Accrual,
        SurvivalHypothesis,
        log_rank_design,
        log_rank_design_at,
    )

    null = SurvivalHypothesis(survival, time, hazard_ratio, shape)
    accrual = Accrual(rate, follow_up, restricted)
    if two_stage:
        printout = _two_stage_printout(null, accrual, alpha, beta, n_max)
        show(printout, as_json=as_json, figure=figure)
        return
    found = (
        log_rank_design(null, accrual, alpha=alpha, beta=beta, n_max=n_max)
        if n is None
        else log_rank_design_at(n, null, accrual, alpha=alpha)
    )
    row: Row = {
        "n": found.n,
        "accrual time": found.accrual_time,
        "study time": found.study_time,
        "good if Z >": found.critical,
        "alpha": found.alpha,
        "power": found.power,
        "expected events": found.expected_events,
    }
    printout = Printout("One-sample log-rank", found, [row], found.sentence())
    show(printout, as_json=as_json, figure=figure)


def _two_stage_printout(
    null: SurvivalHypothesis, accrual: Accrual, alpha: float, beta: float, n_max: int
) -> Printout:
    from onearm.design import two_stage_log_rank

    search = two_stage_log_rank(null, accrual, alpha=alpha, beta=beta, n_max=n_max)
    rows: list[Row] = [
        {
            "design": one.kind,
            "n": one.n,
            "alpha": one.alpha,
            "power": one.power,
            "PET(null)": one.stop0,
            "PET(target)": one.stop1,
            "EN(null)": one.en0,
            "EN(target)": one.en1,
        }
        for one in (search.optimal, search.minimax)
    ]
    best = search.optimal
    boundary: list[Row] = [
        {
            "at time": best.look,
            "patients": best.entered,
            "stop if Z <": best.first,
            "good if Z >": None,
        },
        {
            "at time": best.accrual_time + accrual.follow_up,
            "patients": float(best.n),
            "stop if Z <": best.last,
            "good if Z >": best.last,
        },
    ]
    sentence = f"{search.sentence()} In one stage {search.n_single} patients would be needed."
    return Printout("One-sample log-rank, two stages", best, rows, sentence, boundary)


def landmark_command(
    survival: Survival,
    time: Time,
    hazard_ratio: Ratio,
    at: Annotated[float, typer.Option(help="The landmark, in the unit of --time.")],
    rate: Rate,
    follow_up: FollowUp,
    shape: Shape = 1.0,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    n: Given = None,
    n_max: NMax = 1000,
    restricted: Restricted = False,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Survival at one time against a null, from the Kaplan-Meier curve: patients and power."""
    from onearm.design import Accrual, SurvivalHypothesis, landmark_design, landmark_design_at

    null = SurvivalHypothesis(survival, time, hazard_ratio, shape)
    accrual = Accrual(rate, follow_up, restricted)
    found = (
        landmark_design(null, accrual, at=at, alpha=alpha, beta=beta, n_max=n_max)
        if n is None
        else landmark_design_at(n, null, accrual, at=at, alpha=alpha)
    )
    row: Row = {
        "n": found.n,
        "null at landmark": found.null,
        "target": found.wished,
        "good if Z >": found.critical,
        "alpha": found.alpha,
        "power": found.power,
        "alpha by enumeration": found.alpha_exact,
        "power by enumeration": found.power_exact,
    }
    printout = Printout("Survival at a landmark", found, [row], found.sentence())
    show(printout, as_json=as_json, figure=figure)


def exponential_command(
    null_median: Annotated[float, typer.Option(help="Median of no interest.")],
    median: Annotated[float, typer.Option(help="Median wished for.")],
    rate: Rate,
    follow_up: FollowUp,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    events: Annotated[int | None, typer.Option(help="Events, where their number is given.")] = None,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """A median with exponential times and a fixed number of events, exactly."""
    from onearm.design import Accrual, exponential_design, exponential_design_at

    accrual = Accrual(rate, follow_up)
    found = (
        exponential_design(
            null_median=null_median, wished_median=median, accrual=accrual, alpha=alpha, beta=beta
        )
        if events is None
        else exponential_design_at(
            events, null_median=null_median, wished_median=median, accrual=accrual, alpha=alpha
        )
    )
    lower, upper = found.limits(found.total_time)
    row: Row = {
        "events": found.events,
        "good if follow-up >": found.total_time,
        "median >": found.median_needed,
        "its 95% limits from": lower,
        "to": upper,
        "alpha": found.alpha,
        "power": found.power,
        "patients": found.n,
    }
    operating: list[Row] = [
        {"true median": m, "P(promising)": found.reject(m)}
        for m in (null_median, (null_median + median) / 2, median, 1.5 * median - null_median / 2)
    ]
    printout = Printout("Exponential median", found, [row], found.sentence(), (), operating)
    show(printout, as_json=as_json, figure=figure)
