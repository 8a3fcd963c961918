"""Figures of designs on a time to an event: the two hypotheses, and the power over the truth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from onearm.design import (
    ExponentialDesign,
    LandmarkDesign,
    LogRankDesign,
    SurvivalHypothesis,
    TwoStageLogRank,
    log_rank_design_at,
    two_stage_log_rank_design,
)
from onearm.outputs.figures.design_panels import Line, Mark, draw_curves, sheet
from onearm.outputs.figures.style import COLOURS, FAINT, LINES, SOFT, Drawn, axes, wrapped
from onearm.outputs.labels import Labels
from onearm.stats.arguments import Floats


def of_log_rank(design: LogRankDesign, labels: Labels) -> Drawn:
    """Both survival curves; the power over the true median."""
    figure = sheet(2.5)
    h = design.hypothesis
    left = axes(figure, left=0.5, right=3.75, bottom=0.42, top=0.32)
    _survival(left, h, design.study_time, labels)
    right = axes(figure, left=3.72, right=0.2, bottom=0.42, top=0.32)
    medians = _medians(h)

    def power(median: float) -> float:
        true = replace(h, hazard_ratio=_ratio(h, median))
        return log_rank_design_at(design.n, true, design.accrual, alpha=design.alpha).power

    target = _median(h) * h.hazard_ratio ** (-1 / h.shape)
    points = ((target, design.power, f"{design.power:.3f}"),)
    line = Line(np.array([power(float(m)) for m in medians]), "", points)
    _power_panel(right, medians, [line], (_median(h), target), labels)
    return Drawn(figure, design.sentence())


def of_two_stage_log_rank(design: TwoStageLogRank, labels: Labels) -> Drawn:
    """Both survival curves with the look; power, stopping early and expected patients."""
    figure = sheet(2.75)
    h = design.hypothesis
    left = axes(figure, left=0.5, right=3.75, bottom=0.42, top=0.32)
    _survival(left, h, design.accrual_time + design.accrual.follow_up, labels)
    medians = _medians(h)
    found = [
        two_stage_log_rank_design(
            design.n,
            look=design.look,
            first=design.first,
            last=design.last,
            hypothesis=replace(h, hazard_ratio=_ratio(h, float(median))),
            accrual=design.accrual,
        )
        for median in medians
    ]
    target = _median(h) * h.hazard_ratio ** (-1 / h.shape)
    upper = axes(figure, left=3.72, right=0.2, bottom=1.2, top=0.32)
    powers = ((target, design.power, f"{design.power:.3f}"),)
    lines = [
        Line(np.array([one.power for one in found]), labels("design_p_promising"), powers),
        Line(np.array([one.stop1 for one in found]), labels("design_p_stop_early")),
    ]
    _power_panel(upper, medians, lines, (_median(h), target), labels)
    upper.set_xlabel("")
    upper.tick_params(labelbottom=False)
    lower = axes(figure, left=3.72, right=0.2, bottom=0.42, top=1.72)
    sizes = ((target, design.en1, f"{design.en1:.1f}"),)
    lower.set_ylim(0, design.n * 1.05)
    draw_curves(
        lower, medians, [Line(np.array([one.en1 for one in found]), "", sizes)],
        [Mark(_median(h), ""), Mark(target, "")], across=labels("design_true_median"),
        up=wrapped(labels("design_expected"), 9), is_probability=False, is_rate=False,
    )  # fmt: skip
    lower.set_xlim(upper.get_xlim())
    for plot in (upper, lower):
        plot.yaxis.set_label_coords(-0.11, 0.5)
    return Drawn(figure, design.sentence())


def of_landmark(design: LandmarkDesign, labels: Labels) -> Drawn:
    """Both survival curves with the landmark; the power over the true survival there."""
    figure = sheet(2.5)
    left = axes(figure, left=0.5, right=3.75, bottom=0.42, top=0.32)
    _survival(left, design.hypothesis, 2 * design.at, labels)
    for place, height in enumerate((design.null, design.wished)):
        left.plot([design.at], [height], "o", color=COLOURS[place], markersize=3.5)
        left.annotate(
            f"{height:.1%}", (design.at, height), xytext=(4, 3), textcoords="offset points",
            fontsize=6.5, color=COLOURS[place],
        )  # fmt: skip
    left.axvline(design.at, color=SOFT, linewidth=0.6, linestyle=(0, (2, 2)), zorder=0)
    right = axes(figure, left=3.72, right=0.2, bottom=0.42, top=0.32)
    spread = design.wished - design.null
    ends = (max(0.01, design.null - spread / 2), min(0.99, design.wished + spread))
    grid = np.linspace(*ends, 81)
    values = [(rate, design.reject(rate)) for rate in (design.null, design.wished)]
    points = tuple((rate, chance, f"{chance:.3f}") for rate, chance in values)
    line = Line(np.array([design.reject(float(s)) for s in grid]), "", points)
    keys = ("design_null", "design_target")
    marks = [
        Mark(rate, labels(key, rate=rate)) for (rate, _), key in zip(values, keys, strict=True)
    ]
    draw_curves(
        right, grid, [line], marks, across=labels("design_true_survival", at=design.at),
        up=labels("design_p_promising"),
    )  # fmt: skip
    return Drawn(figure, design.sentence())


def of_exponential(design: ExponentialDesign, labels: Labels) -> Drawn:
    """Both survival curves; the exact power over the true median."""
    figure = sheet(2.5)
    null, wished = design.null_median, design.wished_median
    left = axes(figure, left=0.5, right=3.75, bottom=0.42, top=0.32)
    h = SurvivalHypothesis(survival=0.5, time=null, hazard_ratio=null / wished)
    _survival(left, h, design.accrual_time + design.accrual.follow_up, labels)
    right = axes(figure, left=3.72, right=0.2, bottom=0.42, top=0.32)
    grid = np.linspace(null * 0.8, wished * 1.4, 81)
    points = tuple((m, design.reject(m), f"{design.reject(m):.3f}") for m in (null, wished))
    line = Line(np.array([design.reject(float(m)) for m in grid]), "", points)
    _power_panel(right, grid, [line], (null, wished), labels)
    return Drawn(figure, design.sentence())


def _median(h: SurvivalHypothesis) -> float:
    return float(h.time * (math.log(2) / -math.log(h.survival)) ** (1 / h.shape))


def _ratio(h: SurvivalHypothesis, median: float) -> float:
    """The hazard ratio at which the median is ``median``."""
    return float((_median(h) / median) ** h.shape)


def _medians(h: SurvivalHypothesis) -> Floats:
    """True medians from just above the null to well past the target."""
    null = _median(h)
    target = null * h.hazard_ratio ** (-1 / h.shape)
    return np.linspace(null * 1.0001, target + 0.4 * (target - null), 41)


def _power_panel(
    plot: Axes, grid: Floats, lines: list[Line], marks: tuple[float, float], labels: Labels
) -> None:
    keys = ("design_null_time", "design_target_time")
    shown = [Mark(m, labels(key, median=m)) for m, key in zip(marks, keys, strict=True)]
    up = labels("design_probability") if len(lines) > 1 else labels("design_p_promising")
    draw_curves(plot, grid, lines, shown, across=labels("design_true_median"), up=up, is_rate=False)
    plot.set_xlim(min(float(grid[0]), marks[0]) * 0.97, float(grid[-1]))


def _survival(plot: Axes, h: SurvivalHypothesis, last: float, labels: Labels) -> None:
    """The null and the wished survival, with the medians marked."""
    t = np.linspace(0.0, min(last, 5 * h.time * max(1.0, 1 / h.hazard_ratio)), 200)
    for place, (ratio, key) in enumerate(
        ((1.0, "design_survival_null"), (h.hazard_ratio, "design_survival_target"))
    ):
        curve = np.exp(-ratio * h.cumulative(t))
        median = _median(h) * ratio ** (-1 / h.shape)
        plot.plot(
            t, curve, color=COLOURS[place], linestyle=LINES[place],
            label=f"{labels(key)} ({median:.3g})",
        )  # fmt: skip
        plot.plot([median], [0.5], "o", color=COLOURS[place], markersize=3)
    plot.set_xlim(0, float(t[-1]))
    plot.set_ylim(0, 1.02)
    plot.grid(axis="y", color=FAINT, linewidth=0.5)
    plot.set_axisbelow(True)
    plot.set_xlabel(labels("design_time"))
    plot.set_ylabel(labels("design_survival"))
    plot.legend(loc="upper right")
