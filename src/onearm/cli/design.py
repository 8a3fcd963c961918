"""``onearm design``: the designs of a single-arm trial, as a table with a sentence, or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onearm.design.onestage import OneStage
    from onearm.design.twostage import TwoStage

design_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Sizes, cuts and stopping boundaries of a single-arm trial, with exact error rates.",
)

P0 = Annotated[float, typer.Option("--p0", help="Response rate of no interest (null).")]
P1 = Annotated[float, typer.Option("--p1", help="Response rate wished for (alternative).")]
Alpha = Annotated[float, typer.Option(help="One-sided type I error allowed.")]
Beta = Annotated[float, typer.Option(help="1 - power.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]
Looks = Annotated[str, typer.Option(help="Numbers of patients at the looks: 10,20,30.")]
PriorText = Annotated[str, typer.Option("--prior", help="The Beta prior as two numbers: 0.5,1.5.")]


@design_app.command("one-stage")
def one_stage_command(
    p0: P0,
    p1: P1,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    n: Annotated[int | None, typer.Option("-n", help="Patients, where the size is given.")] = None,
    n_max: Annotated[int, typer.Option(help="The largest size to try.")] = 500,
    as_json: Json = False,
) -> None:
    """Exact single stage (A'Hern): the first size with the power, and the stable one."""
    from onearm.design import one_stage, one_stage_at

    if n is not None:
        at = one_stage_at(n, p0=p0, p1=p1, alpha=alpha)
        _print("Exact single stage", [_one_stage_row("given", at)], at.sentence(), as_json)
        return
    found = one_stage(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=n_max)
    rows = [_one_stage_row("first", found.first), _one_stage_row("stable", found.stable)]
    _print("Exact single stage", rows, found.sentence(), as_json)


@design_app.command("simon")
def simon_command(
    p0: P0,
    p1: P1,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    n: Annotated[int | None, typer.Option("-n", help="Patients, where the size is given.")] = None,
    n_max: Annotated[int, typer.Option(help="The largest size to try.")] = 200,
    as_json: Json = False,
) -> None:
    """Two stages with a stop for futility (Simon): optimal, minimax and admissible designs."""
    from onearm.design import simon, simon_at

    if n is not None:
        designs = simon_at(n, p0=p0, p1=p1, alpha=alpha, beta=beta)
        rows = [_two_stage_row(design.kind, design) for design in designs]
        _print(f"Two stages, {n} patients", rows, designs[-1].sentence(), as_json)
        return
    found = simon(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=n_max)
    rows = []
    for one in found.admissible:
        names = [
            kind
            for kind, cuts in (("minimax", found.minimax), ("optimal", found.optimal))
            if (one.design.n, one.design.n1) == (cuts.n, cuts.n1)
        ]
        kind = " and ".join(names) or "between"
        rows.append(_two_stage_row(kind, one.design) | {"q min": one.q_low, "q max": one.q_high})
    sentence = " ".join([found.sentence(), *found.optimal.remarks])
    _print("Simon's two-stage designs", rows, sentence, as_json)


@design_app.command("after-two-stages")
def after_two_stages_command(
    r1: Annotated[int, typer.Option(help="Stop with this many responders or fewer.")],
    n1: Annotated[int, typer.Option(help="Patients of the first stage.")],
    r: Annotated[int, typer.Option("-r", help="Promising with more than this many.")],
    n: Annotated[int, typer.Option("-n", help="Patients in all.")],
    p0: P0,
    responders: Annotated[int, typer.Option("-k", help="Responders seen in all.")],
    stage: Annotated[int, typer.Option(help="The stage in which the trial ended: 1 or 2.")],
    level: Annotated[float, typer.Option(help="Two-sided level of the limits.")] = 0.95,
    as_json: Json = False,
) -> None:
    """Estimate, exact p-value and limits after a two-stage trial."""
    from onearm.design import after_two_stages, two_stage

    # p1 plays no part in the inference; any rate above p0 makes the design whole.
    design = two_stage(r1=r1, n1=n1, r=r, n=n, p0=p0, p1=(1 + p0) / 2)
    found = after_two_stages(design, responders, stage=stage, level=level)
    row: dict[str, object] = {
        "estimate": found.estimate,
        "lower": found.lower,
        "upper": found.upper,
        "p": found.p_value,
        "median unbiased": found.median_unbiased,
        "naive": found.naive.estimate,
        "naive lower": found.naive.lower,
        "naive upper": found.naive.upper,
    }
    _print("After two stages", [row], found.sentence(), as_json)


@design_app.command("early-activity")
def early_activity_command(
    p0: P0,
    p1: P1,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    optimise: Annotated[str, typer.Option(help="en0 or en1: size under p0 or p1.")] = "en0",
    n_max: Annotated[int, typer.Option(help="The largest size to try.")] = 120,
    as_json: Json = False,
) -> None:
    """Two stages that may also stop because the drug works (Mander-Thompson)."""
    from onearm.design import early_activity

    found = early_activity(p0=p0, p1=p1, alpha=alpha, beta=beta, optimise=optimise, n_max=n_max)
    rows = [
        {
            "design": one.kind,
            "stop if <=": one.r1,
            "stop if >=": one.e1,
            "of n1": one.n1,
            "good if >=": one.r + 1,
            "of n": one.n,
            "alpha": one.alpha,
            "power": one.power,
            "EN(p0)": one.en0,
            "EN(p1)": one.en1,
        }
        for one in (found.optimal, found.minimax)
    ]
    _print("Stops for futility and activity", rows, found.sentence(), as_json)


@design_app.command("response-toxicity")
def response_toxicity_command(
    response: Annotated[str, typer.Option(help="Response rates, no interest and wished: 0.1,0.3.")],
    safe: Annotated[str, typer.Option(help="Rates of acceptable toxicity, likewise: 0.6,0.8.")],
    alpha_response: Annotated[float, typer.Option(help="Error allowed for response.")] = 0.1,
    alpha_toxicity: Annotated[float, typer.Option(help="Error allowed for toxicity.")] = 0.1,
    beta: Beta = 0.1,
    n_max: Annotated[int, typer.Option(help="The largest size to try.")] = 100,
    as_json: Json = False,
) -> None:
    """Two stages for response and toxicity together (Bryant-Day)."""
    from onearm.design import response_toxicity

    found = response_toxicity(
        response=_pair("response", response),
        safe=_pair("safe", safe),
        alpha_response=alpha_response,
        alpha_toxicity=alpha_toxicity,
        beta=beta,
        n_max=n_max,
    )
    rows = [
        {
            "design": one.kind,
            "responses >": one.response1,
            "safe >": one.safe1,
            "of n1": one.n1,
            "then responses >": one.response,
            "then safe >": one.safe,
            "of n": one.n,
            "alpha response": one.alpha_response,
            "alpha toxicity": one.alpha_toxicity,
            "power": one.power,
        }
        for one in (found.optimal, found.minimax)
    ]
    _print("Response and toxicity", rows, found.sentence(), as_json)


@design_app.command("bayes")
def bayes_command(
    p0: P0,
    p1: P1,
    prior: PriorText = "",
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    first_look: Annotated[int, typer.Option(help="Patients at the first look.")] = 10,
    step: Annotated[int, typer.Option(help="Patients between looks.")] = 1,
    n_max: Annotated[int, typer.Option(help="The largest size to try.")] = 100,
    as_json: Json = False,
) -> None:
    """Predictive probability (Lee-Liu); the prior is Beta(p0, 1 - p0) unless given."""
    from onearm.design import predictive_search

    found = predictive_search(
        p0=p0,
        p1=p1,
        prior=_pair("prior", prior) if prior else (p0, 1 - p0),
        alpha=alpha,
        beta=beta,
        first_look=first_look,
        step=step,
        n_max=n_max,
    )
    rows: list[dict[str, object]] = [
        {"responders": k, "stop from patient": n} for k, n in found.regions()
    ]
    _print(f"Predictive probability, {found.n} patients", rows, found.sentence(), as_json)


@design_app.command("bop2")
def bop2_command(p0: P0, p1: P1, looks: Looks, alpha: Alpha = 0.05, as_json: Json = False) -> None:
    """BOP2 with one binary endpoint: the most power the grid has at these looks."""
    from onearm.design import bop2

    found = bop2(p0=p0, p1=p1, looks=_whole("looks", looks), alpha=alpha)
    rows: list[dict[str, object]] = [
        {"patients": n, "stop if <=": k} for n, k in zip(found.looks, found.futility, strict=True)
    ]
    _print("BOP2", rows, found.sentence(), as_json)


@design_app.command("monitor")
def monitor_command(
    p0: P0,
    looks: Looks,
    prior: PriorText,
    futility_below: Annotated[float, typer.Option(help="Futility if P(p > p0) is below.")] = 0.05,
    efficacy_above: Annotated[float, typer.Option(help="Efficacy if P(p > p0) is above.")] = 0.95,
    as_json: Json = False,
) -> None:
    """Watch a rate by its posterior (Thall-Simon)."""
    from onearm.design import posterior_monitoring

    rule = posterior_monitoring(
        p0=p0,
        prior=_pair("prior", prior),
        looks=_whole("looks", looks),
        futility_below=futility_below,
        efficacy_above=efficacy_above,
    )
    rows: list[dict[str, object]] = [
        {"patients": n, "futility if <=": low, "efficacy if >=": high}
        for n, low, high in zip(rule.looks, rule.futility, rule.efficacy, strict=True)
    ]
    _print("Posterior monitoring", rows, rule.sentence(), as_json)


@design_app.command("toxicity")
def toxicity_command(
    limit: Annotated[float, typer.Option(help="The event rate that is not acceptable.")],
    looks: Looks,
    prior: PriorText = "",
    cutoff: Annotated[float, typer.Option(help="Stop if P(rate > limit) exceeds this.")] = 0.9,
    cross: Annotated[
        float | None,
        typer.Option(help="Pocock-type instead: P(ever stop) allowed at the limit."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Stop for toxicity: at least so many events of so many patients, for every number."""
    from onearm.design import bayesian_toxicity, pocock_toxicity

    sizes = _whole("looks", looks)
    if cross is not None:
        rule = pocock_toxicity(rate=limit, cross=cross, looks=sizes)
    else:
        chosen = _pair("prior", prior) if prior else (limit, 1 - limit)
        rule = bayesian_toxicity(limit=limit, prior=chosen, cutoff=cutoff, looks=sizes)
    rows: list[dict[str, object]] = [
        {"patients": n, "stop if >=": k, "look": "yes" if n in rule.looks else ""}
        for n, k in rule.every_n
    ]
    _print(rule.method, rows, rule.sentence(), as_json)


@design_app.command("logrank")
def log_rank_command(
    survival: Annotated[float, typer.Option(help="Null survival at --time.")],
    time: Annotated[float, typer.Option(help="The time of --survival; any unit, the same always.")],
    hazard_ratio: Annotated[float, typer.Option(help="The hazard ratio wished for, below 1.")],
    rate: Annotated[float, typer.Option(help="Patients entered a time unit.")],
    follow_up: Annotated[float, typer.Option(help="Follow-up after the last patient.")],
    shape: Annotated[float, typer.Option(help="Weibull shape of the null.")] = 1.0,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    n: Annotated[int | None, typer.Option("-n", help="Patients, where the size is given.")] = None,
    two_stage: Annotated[
        bool, typer.Option("--two-stage", help="With a look for futility during accrual.")
    ] = False,
    as_json: Json = False,
) -> None:
    """One-sample log-rank test, in one stage or with a look for futility: patients and power."""
    from onearm.design import (
        Accrual,
        SurvivalHypothesis,
        log_rank_design,
        log_rank_design_at,
        two_stage_log_rank,
    )

    null = SurvivalHypothesis(survival, time, hazard_ratio, shape)
    accrual = Accrual(rate, follow_up)
    if two_stage:
        search = two_stage_log_rank(null, accrual, alpha=alpha, beta=beta)
        rows: list[dict[str, object]] = [
            {
                "design": one.kind,
                "look at": one.look,
                "stop if Z <": one.first,
                "n": one.n,
                "good if Z >": one.last,
                "alpha": one.alpha,
                "power": one.power,
                "PET(null)": one.stop0,
                "EN(null)": one.en0,
            }
            for one in (search.optimal, search.minimax)
        ]
        _print("One-sample log-rank, two stages", rows, search.sentence(), as_json)
        return
    found = (
        log_rank_design(null, accrual, alpha=alpha, beta=beta)
        if n is None
        else log_rank_design_at(n, null, accrual, alpha=alpha)
    )
    row: dict[str, object] = {
        "n": found.n,
        "accrual time": found.accrual_time,
        "Z above": found.critical,
        "power": found.power,
        "events": found.expected_events,
    }
    _print("One-sample log-rank", [row], found.sentence(), as_json)


def _one_stage_row(kind: str, design: OneStage) -> dict[str, object]:
    return {
        "design": kind,
        "good if >=": design.needs,
        "of n": design.n,
        "alpha": design.alpha,
        "power": design.power,
    }


def _two_stage_row(kind: str, design: TwoStage) -> dict[str, object]:
    return {
        "design": kind,
        "stop if <=": design.r1,
        "of n1": design.n1,
        "good if >=": design.needs,
        "of n": design.n,
        "alpha": design.alpha,
        "power": design.power,
        "PET(p0)": design.pet0,
        "EN(p0)": design.en0,
    }


def _whole(name: str, text: str) -> tuple[int, ...]:
    """Whole numbers from '10,20,30'."""
    from onearm.stats.arguments import InvalidArgument

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidArgument(name, text, "whole numbers with commas, as 10,20,30") from None


def _pair(name: str, text: str) -> tuple[float, float]:
    """Two numbers from '0.5,1.5'."""
    from onearm.stats.arguments import InvalidArgument

    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidArgument(name, text, "two numbers with a comma, as 0.5,1.5") from None
    return first, second


def _print(title: str, rows: Sequence[dict[str, object]], sentence: str, as_json: bool) -> None:
    """The rows as a table with the sentence below, or both as one JSON object."""
    if as_json:
        typer.echo(json.dumps({"title": title, "rows": list(rows), "sentence": sentence}, indent=1))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    for name in rows[0] if rows else ():
        # In a narrow window a number is folded, never cut.
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(name, value) for name, value in row.items()))
    console = Console(highlight=False)
    console.print(table)
    console.print(sentence, markup=False)


def _cell(name: str, value: object) -> str:
    """A number as it is printed: sizes to a tenth, errors to four decimals, the rest to three."""
    if value is None:
        return "never"
    if not isinstance(value, float):
        return str(value)
    if name.startswith("EN("):
        return f"{value:.1f}"
    return f"{value:.4f}" if name.startswith(("alpha", "power", "p")) else f"{value:.3f}"
