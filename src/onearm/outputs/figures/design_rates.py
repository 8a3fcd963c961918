"""Figures of designs on a rate: boundary, chance of each decision, expected patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from onearm.design import (
    Bop2,
    EarlyActivity,
    MonitoringRule,
    OneStage,
    PredictiveDesign,
    ToxicityRule,
    TwoStage,
)
from onearm.outputs.figures.design_panels import (
    Boundary,
    Line,
    Mark,
    draw_boundary,
    draw_curves,
    sheet,
)
from onearm.outputs.figures.style import Drawn, axes, wrapped
from onearm.outputs.labels import Labels
from onearm.stats.arguments import Floats

Chance = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What one figure of a design on a rate shows, as functions of the true rate.

    ``marks`` are the rates to mark with their label keys; ``reject_words`` and ``early_words``
    name the two probabilities. ``expected_n`` is None where the size is fixed.
    """

    title: str
    boundary: Boundary
    reject: Chance
    reject_words: str
    marks: tuple[tuple[float, str], ...]
    early: Chance | None = None
    early_words: str = "design_p_stop_early"
    expected_n: Chance | None = None
    across: str = "design_rate"
    smallest: int = 0


def draw_sketch(sketch: Sketch, labels: Labels) -> Drawn:
    """Boundary on the left; on the right the probabilities, and below them the expected patients.

    The rates reach from 0 to well past the highest mark.
    """
    figure = sheet(2.75)
    half = axes(figure, left=0.5, right=3.75, bottom=0.42, top=0.32)
    draw_boundary(half, sketch.boundary, labels)
    highest = max((rate for rate, _ in sketch.marks), default=0.5)
    grid = np.linspace(0.0, min(1.0, max(2 * highest, highest + 0.25)), 121)
    marks = [Mark(rate, labels(key, rate=rate)) for rate, key in sketch.marks]
    has_size = sketch.expected_n is not None
    upper = axes(figure, left=3.72, right=0.2, bottom=1.2 if has_size else 0.42, top=0.32)
    reject = _line(sketch.reject, grid, labels(sketch.reject_words), sketch.marks, ".3f")
    lines = [reject]
    if sketch.early is not None:
        lines.append(_line(sketch.early, grid, labels(sketch.early_words), (), ".3f"))
    draw_curves(
        upper, grid, lines, marks,
        across="" if has_size else labels(sketch.across),
        up=labels("design_probability") if len(lines) > 1 else labels(sketch.reject_words),
    )  # fmt: skip
    if sketch.expected_n is not None:
        upper.tick_params(labelbottom=False)
        lower = axes(figure, left=3.72, right=0.2, bottom=0.42, top=1.72)
        line = _line(sketch.expected_n, grid, "", sketch.marks, ".1f")
        lower.set_ylim(sketch.smallest, sketch.boundary.looks[-1] * 1.05)
        draw_curves(
            lower, grid, [line], [Mark(mark.at, "") for mark in marks],
            across=labels(sketch.across), up=wrapped(labels("design_expected"), 9),
            is_probability=False,
        )  # fmt: skip
        for plot in (upper, lower):
            plot.yaxis.set_label_coords(-0.11, 0.5)
    return Drawn(figure, sketch.title)


def _line(
    chance: Chance, grid: Floats, name: str, marks: tuple[tuple[float, str], ...], form: str
) -> Line:
    heights = np.array([chance(float(p)) for p in grid])
    points = tuple((rate, chance(rate), f"{chance(rate):{form}}") for rate, _ in marks)
    return Line(heights, name, points)


def _marks(p0: float, p1: float) -> tuple[tuple[float, str], ...]:
    return (p0, "design_null"), (p1, "design_target")


def of_one_stage(design: OneStage, labels: Labels) -> Drawn:
    """One bar and the power curve."""
    boundary = Boundary((design.n,), (design.r,), (design.needs,))
    sketch = Sketch(
        design.sentence(),
        boundary,
        design.reject,
        "design_p_promising",
        _marks(design.p0, design.p1),
    )
    return draw_sketch(sketch, labels)


def of_two_stages(design: TwoStage, labels: Labels) -> Drawn:
    """Two bars; promising, stopping early, expected patients."""
    boundary = Boundary((design.n1, design.n), (design.r1, design.r), (None, design.needs))
    sketch = Sketch(
        design.sentence(),
        boundary,
        design.reject,
        "design_p_promising",
        _marks(design.p0, design.p1),
        design.stop_early,
        expected_n=design.expected_n,
    )
    return draw_sketch(sketch, labels)


def of_early_activity(design: EarlyActivity, labels: Labels) -> Drawn:
    """Two bars, the first with both kinds of stop."""
    low = design.r1 if design.r1 >= 0 else None
    high = design.e1 if design.e1 <= design.n1 else None
    boundary = Boundary((design.n1, design.n), (low, design.r), (high, design.r + 1))
    sketch = Sketch(
        design.sentence(),
        boundary,
        design.reject,
        "design_p_promising",
        _marks(design.p0, design.p1),
        design.stop_early,
        expected_n=design.expected_n,
    )
    return draw_sketch(sketch, labels)


def of_looks(design: Bop2 | PredictiveDesign, labels: Labels) -> Drawn:
    """The bounds of BOP2 and of predictive probability at all their looks."""
    last = (*(None for _ in design.looks[:-1]), design.needs)
    high = design.efficacy if isinstance(design, PredictiveDesign) else last
    sketch = Sketch(
        design.sentence(),
        Boundary(design.looks, design.futility, high),
        design.reject,
        "design_p_promising",
        _marks(design.p0, design.p1),
        design.stop_early,
        expected_n=design.expected_n,
    )
    return draw_sketch(sketch, labels)


def of_monitoring(rule: MonitoringRule, labels: Labels) -> Drawn:
    """Both bounds of a posterior rule; the standard's rate is marked where it is fixed."""
    marks = () if rule.p0 is None else ((rule.p0, "design_null"),)
    words = ("design_futility", "design_go_on", "design_efficacy")
    sketch = Sketch(
        rule.sentence(),
        Boundary(rule.looks, rule.futility, rule.efficacy, words),
        rule.reject,
        "design_p_efficacy",
        marks,
        rule.stop_early,
        "design_p_futility",
        rule.expected_n,
    )
    return draw_sketch(sketch, labels)


def of_toxicity(rule: ToxicityRule, labels: Labels) -> Drawn:
    """The boundary for every number of patients where that fits, and P(ever stop)."""
    none = (None,) * len(rule.looks)
    words = ("design_go_on", "design_go_on", "design_too_toxic")
    boundary = Boundary(rule.looks, none, rule.stop_at, words, "design_events", is_alarm=True)
    sketch = Sketch(
        rule.sentence(),
        boundary,
        lambda p: rule.operating(p).stop_high,
        "design_p_ever_stop",
        ((rule.limit, "design_limit"),),
        expected_n=lambda p: rule.operating(p).expected_n,
        across="design_event_rate",
    )
    return draw_sketch(sketch, labels)
