"""The commands for Bayesian rules, for toxicity, and for response and toxicity together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onearm.cli.design_printing import (
    P0,
    P1,
    Alpha,
    Beta,
    FigureFile,
    Json,
    Looks,
    NMax,
    Printout,
    PriorText,
    Row,
    operating_rows,
    pair,
    show,
    whole_numbers,
)

if TYPE_CHECKING:
    from onearm.design.bop2 import Bop2
    from onearm.design.predictive import PredictiveDesign
    from onearm.design.toxicity import ToxicityRule


def response_toxicity_command(
    response: Annotated[str, typer.Option(help="Response rates, no interest and wished: 0.1,0.3.")],
    safe: Annotated[str, typer.Option(help="Rates of acceptable toxicity, likewise: 0.6,0.8.")],
    alpha_response: Annotated[float, typer.Option(help="Error allowed for response.")] = 0.1,
    alpha_toxicity: Annotated[float, typer.Option(help="Error allowed for toxicity.")] = 0.1,
    beta: Beta = 0.1,
    n_max: NMax = 100,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Two stages for response and toxicity together (Bryant-Day), also with the two tied."""
    from onearm.design import response_toxicity

    found = response_toxicity(
        response=pair("response", response),
        safe=pair("safe", safe),
        alpha_response=alpha_response,
        alpha_toxicity=alpha_toxicity,
        beta=beta,
        n_max=n_max,
    )
    rows: list[Row] = [
        {
            "design": one.kind,
            "alpha response": one.alpha_response,
            "alpha toxicity": one.alpha_toxicity,
            "power": one.power,
            "EN(r0,s1)": one.en01,
            "EN(r1,s0)": one.en10,
            "EN(r1,s1)": one.en11,
        }
        for one in (found.optimal, found.minimax)
    ]
    boundary: list[Row] = [
        {"design": one.kind, "patients": n, "responses >=": r + 1, "without toxicity >=": s + 1}
        for one in (found.optimal, found.minimax)
        for n, r, s in (
            (one.n1, one.response1, one.safe1),
            (one.n, one.response, one.safe),
        )
    ]
    operating: list[Row] = [
        {
            "odds ratio": tied.odds_ratio,
            "alpha response": tied.alpha_response,
            "alpha toxicity": tied.alpha_toxicity,
            "power": tied.power,
        }
        for tied in (found.optimal.tied(ratio) for ratio in (0.25, 1.0, 4.0))
    ]
    printout = Printout(
        "Response and toxicity", found.optimal, rows, found.sentence(), boundary, operating
    )
    show(printout, as_json=as_json, figure=figure)


def predictive_command(
    p0: P0,
    p1: P1,
    prior: PriorText = "",
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    first_look: Annotated[int, typer.Option(help="Patients at the first look.")] = 10,
    step: Annotated[int, typer.Option(help="Patients between looks.")] = 1,
    theta_u: Annotated[
        float,
        typer.Option(help="Stop for success above this predictive probability; 1: never."),
    ] = 1.0,
    n_max: NMax = 100,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Predictive probability (Lee-Liu); the prior is Beta(p0, 1 - p0) unless given."""
    from onearm.design import predictive_search

    found = predictive_search(
        p0=p0,
        p1=p1,
        prior=pair("prior", prior) if prior else (p0, 1 - p0),
        alpha=alpha,
        beta=beta,
        first_look=first_look,
        step=step,
        theta_u=theta_u,
        n_max=n_max,
    )
    row = _looks_row(found) | {"theta_L": found.theta_l, "theta_T": found.theta_t}
    stops: list[Row] = [{"stop if <=": k, "from patient": first} for k, first in found.regions()]
    printout = Printout(
        f"Predictive probability, {found.n} patients",
        found,
        [row],
        found.sentence(),
        boundary=_both(found) if theta_u < 1 else stops,
        operating=operating_rows(found, p0, p1),
    )
    show(printout, as_json=as_json, figure=figure)


def bop2_command(
    p0: P0,
    p1: P1,
    looks: Looks,
    alpha: Alpha = 0.05,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """BOP2 with one binary endpoint: the most power the grid has at these looks."""
    from onearm.design import bop2

    found = bop2(p0=p0, p1=p1, looks=whole_numbers("looks", looks), alpha=alpha)
    printout = Printout(
        "BOP2",
        found,
        [_looks_row(found) | {"lambda": found.lam, "gamma": found.gamma}],
        found.sentence(),
        boundary=[
            {"patients": n, "stop if <=": k, "good if >=": found.needs if n == found.n else None}
            for n, k in zip(found.looks, found.futility, strict=True)
        ],
        operating=operating_rows(found, p0, p1),
    )
    show(printout, as_json=as_json, figure=figure)


def posterior_command(
    looks: Looks,
    prior: PriorText,
    p0: Annotated[float | None, typer.Option("--p0", help="The standard's rate, fixed.")] = None,
    standard: Annotated[
        str, typer.Option(help="Instead of --p0: the standard's own Beta, as 15,35.")
    ] = "",
    delta: Annotated[float, typer.Option(help="Gain wished for over the standard.")] = 0.0,
    futility_below: Annotated[
        float, typer.Option(help="Futility if P(p > standard + delta) is below.")
    ] = 0.05,
    efficacy_above: Annotated[
        float, typer.Option(help="Efficacy if P(p > standard) is above; 1: never.")
    ] = 0.95,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Watch a rate by its posterior (Thall-Simon), against a fixed or an uncertain standard."""
    from onearm.design import posterior_monitoring

    rule = posterior_monitoring(
        p0=p0,
        standard=pair("standard", standard) if standard else None,
        prior=pair("prior", prior),
        looks=whole_numbers("looks", looks),
        futility_below=futility_below,
        efficacy_above=efficacy_above if efficacy_above < 1 else None,
        delta=delta,
    )
    boundary: list[Row] = [
        {"patients": n, "futility if <=": low, "efficacy if >=": high}
        for n, low, high in zip(rule.looks, rule.futility, rule.efficacy, strict=True)
    ]
    operating: list[Row] = [
        {
            "true rate": p,
            "P(futility)": rule.stop_early(p),
            "P(efficacy)": rule.reject(p),
            "EN": rule.expected_n(p),
        }
        for p in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
    ]
    printout = Printout("Posterior monitoring", rule, boundary, rule.sentence(), (), operating)
    show(printout, as_json=as_json, figure=figure)


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
    figure: FigureFile = None,
) -> None:
    """Stop for toxicity: at least so many events of so many patients, for every number."""
    from onearm.design import bayesian_toxicity, pocock_toxicity

    sizes = whole_numbers("looks", looks)
    if cross is not None:
        rule = pocock_toxicity(rate=limit, cross=cross, looks=sizes)
    else:
        chosen = pair("prior", prior) if prior else (limit, 1 - limit)
        rule = bayesian_toxicity(limit=limit, prior=chosen, cutoff=cutoff, looks=sizes)
    show(_toxicity_printout(rule), as_json=as_json, figure=figure)


def toxicity_crossing_command(
    low: Annotated[float, typer.Option(help="The event rate that is acceptable.")],
    high: Annotated[float, typer.Option(help="The event rate that is not.")],
    looks: Looks,
    cross_low: Annotated[float, typer.Option(help="P(ever stop) allowed at --low.")] = 0.1,
    cross_high: Annotated[float, typer.Option(help="P(ever stop) wished at --high.")] = 0.9,
    delta: Annotated[float, typer.Option(help="Shape: 0 Pocock, 0.5 O'Brien-Fleming.")] = 0.0,
    priority: Annotated[
        str, typer.Option(help="null keeps --cross-low, alt --cross-high.")
    ] = "null",
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Toxicity boundaries of one shape between two rates, by the probability of crossing."""
    from onearm.design import NoDesign, crossing_toxicity

    sizes = whole_numbers("looks", looks)
    found = crossing_toxicity(
        low=low,
        high=high,
        looks=sizes,
        cross_low=cross_low,
        cross_high=cross_high,
        delta=delta,
        priority=priority,
    )
    rule = found.late if priority == "null" else found.early
    if rule is None:
        raise NoDesign("toxicity boundary at these looks", sizes[-1], None, sizes[-1] + 10)
    show(_toxicity_printout(rule), as_json=as_json, figure=figure)


def _toxicity_printout(rule: ToxicityRule) -> Printout:
    every: list[Row] = [
        {"patients": n, "stop if >=": k, "look": "yes" if n in rule.looks else ""}
        for n, k in rule.every_n
    ]
    rates = sorted({round(rule.limit * share, 6) for share in (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)})
    walks = [rule.operating(p) for p in rates if p < 1]
    operating: list[Row] = [
        {"true rate": one.p, "P(ever stop)": one.stop_high, "EN": one.expected_n} for one in walks
    ]
    return Printout(rule.method, rule, every, rule.sentence(), (), operating)


def _looks_row(found: Bop2 | PredictiveDesign) -> dict[str, object]:
    return {
        "good if >=": found.needs,
        "of n": found.looks[-1],
        "alpha": found.alpha,
        "power": found.power,
        "PET(p0)": found.pet0,
        "PET(p1)": found.pet1,
        "EN(p0)": found.en0,
        "EN(p1)": found.en1,
    }


def _both(found: PredictiveDesign) -> list[Row]:
    return [
        {"patients": n, "stop if <=": low, "good if >=": high}
        for n, low, high in zip(found.looks, found.futility, found.efficacy, strict=True)
    ]
