"""The figures of the course on design: made from the engine, the same bytes every time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from onearm import design
from onearm.outputs.figures import design_ahead, styled
from onearm.outputs.figures.design_kinds import draw_design
from onearm.outputs.figures.design_panels import Line, draw_curves, sheet
from onearm.outputs.figures.style import Drawn, axes
from onearm.outputs.labels import Labels
from printing.gallery import small

FOLDER = "guides/design"
ENGLISH = Labels("en")
MEDIAN = design.SurvivalHypothesis(survival=0.5, time=3.0, hazard_ratio=0.6)
ENTRY = design.Accrual(rate=2.5, follow_up=6.0)
PLAN = design.two_stage(r1=2, n1=20, r=8, n=50, p0=0.10, p1=0.25)


def question() -> Drawn:
    """Patients needed over the target rate, by the first and the stable size of one stage."""
    targets = np.round(np.arange(0.18, 0.405, 0.01), 2)
    found = [design.one_stage(p0=0.10, p1=float(p1), alpha=0.05, beta=0.15) for p1 in targets]
    figure = sheet(2.4)
    plot = axes(figure, left=0.5, right=0.2, bottom=0.42, top=0.15)
    lines = [
        Line(np.array([one.first.n for one in found]), "first size with the power"),
        Line(np.array([one.stable.n for one in found]), "every larger size has it too"),
    ]
    plot.set_ylim(0, None)
    draw_curves(
        plot, targets, lines, across="Target rate p1", up=ENGLISH("design_patients"),
        is_probability=False,
    )  # fmt: skip
    plot.set_ylim(0, float(max(lines[1].heights)) * 1.05)
    return Drawn(figure, "Patients needed over the target rate")


def _predictive() -> object:
    return design.predictive_search(
        p0=0.10, p1=0.25, prior=(0.10, 0.90), alpha=0.05, beta=0.15, n_max=60
    )


def _after() -> object:
    result = design.after_two_stages(PLAN, 9, stage=2, level=0.90)
    return design_ahead.After(PLAN, result)


def _outcomes() -> object:
    p_values = {"ORR": 0.012, "PFS": 0.030, "DCR": 0.200}
    return design_ahead.Outcomes(design.adjust(p_values, procedure="holm"))


def _response_toxicity() -> object:
    return design.response_toxicity(
        response=(0.10, 0.25),
        safe=(0.70, 0.90),
        alpha_response=0.05,
        alpha_toxicity=0.10,
        beta=0.15,
    ).optimal


FIGURES: dict[str, Callable[[], object]] = {
    "one_stage": lambda: design.one_stage_at(50, p0=0.10, p1=0.25),
    "two_stages": lambda: PLAN,
    "after_two_stages": _after,
    "early_activity": lambda: (
        design.early_activity(p0=0.10, p1=0.25, alpha=0.05, beta=0.15, n_max=80).optimal
    ),
    "response_toxicity": _response_toxicity,
    "predictive": _predictive,
    "safety": lambda: design.bayesian_toxicity(
        limit=0.25, prior=(0.5, 1.5), cutoff=0.90, looks=(10, 20, 30, 40, 50)
    ),
    "log_rank": lambda: design.log_rank_design_at(50, MEDIAN, ENTRY),
    "landmark": lambda: design.landmark_design_at(50, MEDIAN, ENTRY, at=6.0),
    "several_outcomes": _outcomes,
    "looking_ahead": lambda: design_ahead.Assured(PLAN, design.assurance(PLAN, prior=(3, 9))),
    "enrolment": lambda: design.enrolment_forecast(50, enrolled=20, elapsed=8.0),
}
"""The designs that are drawn, by the name of their file."""


def pictures() -> Iterator[tuple[str, bytes]]:
    """Every SVG file of the course by its path under docs/."""
    with styled(), tempfile.TemporaryDirectory() as folder:
        for name in ("question", *FIGURES):
            drawn = question() if name == "question" else draw_design(FIGURES[name](), ENGLISH)
            path = Path(folder) / f"{name}.svg"
            about = {"Date": None, "Creator": None}
            drawn.figure.savefig(path, format="svg", metadata=about)
            yield f"{FOLDER}/{name}.svg", small(path.read_text(encoding="utf-8")).encode()
