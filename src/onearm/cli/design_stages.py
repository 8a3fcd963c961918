"""The commands for one and two stages, and for what comes after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onearm.cli.design_printing import (
    P0,
    P1,
    Alpha,
    Beta,
    FigureFile,
    Given,
    Json,
    NMax,
    Printout,
    Row,
    operating_rows,
    rates_around,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onearm.design.onestage import OneStage
    from onearm.design.twostage import TwoStage

R1 = Annotated[int, typer.Option(help="Stop with this many responders or fewer.")]
N1 = Annotated[int, typer.Option(help="Patients of the first stage.")]
R = Annotated[int, typer.Option("-r", help="Promising with more than this many.")]
N = Annotated[int, typer.Option("-n", help="Patients in all.")]


def one_stage_command(
    p0: P0,
    p1: P1,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    n: Given = None,
    needs: Annotated[
        int | None,
        typer.Option(help="With -n: what so many responders would show, whatever --alpha."),
    ] = None,
    n_max: NMax = 500,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Exact single stage (A'Hern): the first size with the power, and the stable one."""
    from onearm.design import one_stage, one_stage_at, one_stage_design

    if n is None:
        found = one_stage(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=n_max)
        design, sentence = found.first, found.sentence()
        rows = [
            _one_stage_row("first", found.first, beta),
            _one_stage_row("stable", found.stable, beta),
        ]
    else:
        design = (
            one_stage_at(n, p0=p0, p1=p1, alpha=alpha)
            if needs is None
            else one_stage_design(n, needs - 1, p0=p0, p1=p1)
        )
        rows, sentence = [_one_stage_row("given", design, beta)], design.sentence()
    printout = Printout(
        "Exact single stage",
        design,
        rows,
        sentence,
        boundary=[{"patients": design.n, "good if >=": design.needs}],
        operating=operating_rows(design, p0, p1),
    )
    show(printout, as_json=as_json, figure=figure)


def simon_command(
    p0: P0,
    p1: P1,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    n: Given = None,
    n_max: NMax = 200,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Two stages with a stop for futility (Simon): optimal, minimax and admissible designs.

    With -n: what that many patients can buy, from the most power to the fewest expected.
    """
    from onearm.design import simon, simon_at

    if n is not None:
        designs = simon_at(n, p0=p0, p1=p1, alpha=alpha, beta=beta)
        design = designs[-1]
        rows: list[Row] = [_two_stage_row(design.kind, design) for design in designs]
        title = f"Two stages, {n} patients"
    else:
        found = simon(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=n_max)
        design, title, rows = found.optimal, "Simon's two-stage designs", []
        for one in found.admissible:
            names = [
                kind
                for kind, cuts in (("minimax", found.minimax), ("optimal", found.optimal))
                if (one.design.n, one.design.n1) == (cuts.n, cuts.n1)
            ]
            kind = " and ".join(names) or "between"
            weights = {"q min": one.q_low, "q max": one.q_high}
            rows.append(_two_stage_row(kind, one.design) | weights)
    show(_two_stage_printout(title, design, rows), as_json=as_json, figure=figure)


def two_stage_command(
    r1: R1,
    n1: N1,
    r: R,
    n: N,
    p0: P0,
    p1: P1,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """What a two-stage design with these cuts and sizes attains, exactly."""
    from onearm.design import two_stage

    design = two_stage(r1=r1, n1=n1, r=r, n=n, p0=p0, p1=p1)
    rows = [_two_stage_row("given", design)]
    printout = _two_stage_printout("Two stages with these cuts", design, rows)
    show(printout, as_json=as_json, figure=figure)


def after_two_stages_command(
    r1: R1,
    n1: N1,
    r: R,
    n: N,
    p0: P0,
    responders: Annotated[int, typer.Option("-k", help="Responders seen in all.")],
    stage: Annotated[int, typer.Option(help="The stage in which the trial ended: 1 or 2.")],
    level: Annotated[float, typer.Option(help="Two-sided level of the limits.")] = 0.95,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Estimate, exact p-value and limits after a two-stage trial, beside the naive ones."""
    from onearm.design import after_two_stages, two_stage

    # p1 plays no part in the inference; any rate above p0 makes the design whole.
    design = two_stage(r1=r1, n1=n1, r=r, n=n, p0=p0, p1=(1 + p0) / 2)
    found = after_two_stages(design, responders, stage=stage, level=level)
    row: Row = {
        "estimate": found.estimate,
        "lower": found.lower,
        "upper": found.upper,
        "upper (Koyama-Chen)": found.upper_koyama_chen,
        "p": found.p_value,
        "median unbiased": found.median_unbiased,
        "naive": found.naive.estimate,
        "naive lower": found.naive.lower,
        "naive upper": found.naive.upper,
    }

    def drawn() -> object:
        from onearm.outputs.figures.design_ahead import After

        return After(design, found)

    printout = Printout("After two stages", found, [row], found.sentence(), drawn=drawn)
    show(printout, as_json=as_json, figure=figure)


def changed_first_stage_command(
    r1: R1,
    n1: N1,
    r: R,
    n: N,
    p0: P0,
    p1: P1,
    new_n1: Annotated[int, typer.Option(help="Patients that stage 1 really had.")],
    new_n: Annotated[int | None, typer.Option(help="Patients in all, if they change too.")] = None,
    alpha: Alpha = 0.05,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Stage 1 had another number of patients: the planned cuts and new ones, with their errors.

    First ask whether the first planned patients, in order of first dose, can decide.
    """
    from onearm.design import changed_first_stage, two_stage

    plan = two_stage(r1=r1, n1=n1, r=r, n=n, p0=p0, p1=p1)
    found = changed_first_stage(plan, n1=new_n1, n=new_n, alpha=alpha)
    designs = [("planned", plan), ("planned cuts", found.kept)]
    if found.adjusted is not None:
        designs.append(("new cuts", found.adjusted))
    rows = [_two_stage_row(kind, one) for kind, one in designs]
    printout = Printout("First stage of another size", found, rows, found.sentence())
    show(printout, as_json=as_json, figure=figure)


def changed_second_stage_command(
    r1: R1,
    n1: N1,
    r: R,
    n: N,
    p0: P0,
    x1: Annotated[int, typer.Option(help="Responders of the first stage.")],
    x2: Annotated[int, typer.Option(help="Responders of the second stage.")],
    m2: Annotated[int, typer.Option(help="Patients that stage 2 really had.")],
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Stage 2 had another number of patients: the test that keeps the error (Koyama-Chen)."""
    from onearm.design import changed_second_stage, two_stage

    plan = two_stage(r1=r1, n1=n1, r=r, n=n, p0=p0, p1=(1 + p0) / 2)
    found = changed_second_stage(plan, x1=x1, x2=x2, m2=m2)
    row: Row = {
        "conditional p": found.conditional_p,
        "alpha allowed": found.conditional_alpha,
        "p": found.p_value,
        "good if x2 >=": found.needs,
        "promising": "yes" if found.is_promising else "no",
    }
    printout = Printout("Second stage of another size", found, [row], found.sentence())
    show(printout, as_json=as_json, figure=figure)


def early_activity_command(
    p0: P0,
    p1: P1,
    alpha: Alpha = 0.05,
    beta: Beta = 0.2,
    optimise: Annotated[str, typer.Option(help="en0 or en1: size under p0 or p1.")] = "en0",
    n_max: NMax = 120,
    as_json: Json = False,
    figure: FigureFile = None,
) -> None:
    """Two stages that may also stop because the drug works (Mander-Thompson)."""
    from onearm.design import early_activity

    found = early_activity(p0=p0, p1=p1, alpha=alpha, beta=beta, optimise=optimise, n_max=n_max)
    rows: list[Row] = [
        {
            "design": one.kind,
            "stop if <=": one.r1 if one.r1 >= 0 else None,
            "stop if >=": one.e1 if one.e1 <= one.n1 else None,
            "of n1": one.n1,
            "good if >=": one.r + 1,
            "of n": one.n,
            "alpha": one.alpha,
            "power": one.power,
            "PET(p0)": one.pet0,
            "PET(p1)": one.pet1,
            "EN(p0)": one.en0,
            "EN(p1)": one.en1,
        }
        for one in (found.optimal, found.minimax)
    ]
    best = found.optimal
    printout = Printout(
        "Stops for futility and activity",
        best,
        rows,
        found.sentence(),
        boundary=[
            {
                "patients": best.n1,
                "stop if <=": rows[0]["stop if <="],
                "good if >=": rows[0]["stop if >="],
            },
            {"patients": best.n, "stop if <=": best.r, "good if >=": best.r + 1},
        ],
        operating=operating_rows(best, p0, p1),
    )  # fmt: skip
    show(printout, as_json=as_json, figure=figure)


def _one_stage_row(kind: str, design: OneStage, beta: float) -> Row:
    from onearm.design import detectable_rate

    return {
        "design": kind,
        "good if >=": design.needs,
        "of n": design.n,
        "alpha": design.alpha,
        "power": design.power,
        # With very few patients no count is enough: no rate is then shown.
        f"p1 with power {1 - beta:g}": (
            detectable_rate(design.n, design.needs, power=1 - beta)
            if design.needs <= design.n
            else None
        ),
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


def _two_stage_printout(title: str, design: TwoStage, rows: Sequence[Row]) -> Printout:
    return Printout(
        title,
        design,
        rows,
        design.sentence(),
        boundary=[
            {"patients": design.n1, "stop if <=": design.r1, "good if >=": None},
            {"patients": design.n, "stop if <=": design.r, "good if >=": design.needs},
        ],
        operating=[
            {
                "true rate": p,
                "P(promising)": design.reject(p),
                "P(if overruled)": design.reject_overruled(p),
                "P(stop early)": design.stop_early(p),
                "EN": design.expected_n(p),
            }
            for p in rates_around(design.p0, design.p1)
        ],
    )
