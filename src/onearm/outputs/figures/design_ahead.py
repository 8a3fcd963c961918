"""Figures that look ahead or back: assurance, dates of entry, events, several outcomes, results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlog1py, xlogy

from onearm.design import (
    Assurance,
    ChangedFirstStage,
    ChangedSecondStage,
    EnrolmentForecast,
    ExpectedEvents,
    Outcome,
    TwoStage,
    TwoStageResult,
    after_two_stages,
)
from onearm.design.forecast import OfRate
from onearm.design.onestage import OneStage
from onearm.outputs.figures.design_panels import (
    Boundary,
    Line,
    Mark,
    draw_boundary,
    draw_curves,
    sheet,
)
from onearm.outputs.figures.style import COLOURS, FAINT, INK, SOFT, Drawn, axes
from onearm.outputs.labels import Labels
from onearm.stats.arguments import Floats


@dataclass(frozen=True, slots=True)
class Assured:
    """An assurance with its design, for the figure."""

    design: OneStage | OfRate
    found: Assurance


@dataclass(frozen=True, slots=True)
class After:
    """A result after two stages with its design, for the figure."""

    design: TwoStage
    result: TwoStageResult


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of one trial under a rule for several of them."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """Forecasts of events at increasing times."""

    forecasts: tuple[ExpectedEvents, ...]


def of_assurance(shown: Assured, labels: Labels) -> Drawn:
    """The power over the true rate, with the prior's density behind it."""
    figure = sheet(2.4)
    plot = axes(figure, left=0.5, right=1.2, bottom=0.42, top=0.2)
    a, b = shown.found.prior
    grid = np.linspace(0.002, 0.998, 250)
    log_density = xlogy(a - 1, grid) + xlog1py(b - 1, -grid)
    density = np.exp(log_density - log_density.max())
    plot.fill_between(grid, 0, density, color=FAINT, label=labels("design_prior"), zorder=0)
    power = Line(_values(shown.design.reject, grid), labels("design_p_promising"))
    lines = [power]
    if not isinstance(shown.design, OneStage):
        lines.append(Line(_values(shown.design.stop_early, grid), labels("design_p_stop_early")))
    draw_curves(
        plot, grid, lines, (), across=labels("design_rate"), up=labels("design_probability")
    )
    plot.set_xlim(0, 1)
    plot.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return Drawn(figure, shown.found.sentence())


def _values(chance: object, grid: Floats) -> Floats:
    if not callable(chance):
        raise TypeError("a function of the rate is needed")
    return np.array([float(chance(float(p))) for p in grid])


def of_enrolment(forecast: EnrolmentForecast, labels: Labels) -> Drawn:
    """The chance to have reached the target by a time, with the quantiles asked for."""
    figure = sheet(2.4)
    plot = axes(figure, left=0.5, right=0.2, bottom=0.42, top=0.32)
    times, chances = np.array(forecast.curve_times), np.array(forecast.curve_chances)
    points = tuple(
        (t, q, f"{t:.1f}") for t, q in zip(forecast.times, forecast.probabilities, strict=True)
    )
    line = Line(chances, "", points)
    marks = [
        Mark(t, f"{q:.0%}") for t, q in zip(forecast.times, forecast.probabilities, strict=True)
    ]
    draw_curves(
        plot, times, [line], marks, across=labels("design_from_now"),
        up=labels("design_chance_by"), is_rate=False,
    )  # fmt: skip
    return Drawn(figure, forecast.sentence())


def of_events(shown: Events, labels: Labels) -> Drawn:
    """Expected patients entered, with event, and dropped out, over calendar time."""
    figure = sheet(2.4)
    plot = axes(figure, left=0.5, right=0.2, bottom=0.42, top=0.2)
    grid = np.array([one.time for one in shown.forecasts])
    parts = (
        ("design_enrolled", "enrolled"),
        ("design_with_event", "events"),
        ("design_dropouts", "dropouts"),
    )
    lines = [
        Line(np.array([getattr(one, name) for one in shown.forecasts]), labels(key))
        for key, name in parts
    ]
    last = shown.forecasts[-1]
    plot.set_ylim(0, last.enrolled * 1.05)
    draw_curves(
        plot, grid, lines, (), across=labels("design_calendar"), up=labels("design_patients"),
        is_probability=False, is_rate=False,
    )  # fmt: skip
    plot.legend(loc="upper left")
    return Drawn(figure, last.sentence())


def of_outcomes(shown: Outcomes, labels: Labels) -> Drawn:
    """Raw and adjusted p-values of each outcome against alpha, in the order of testing."""
    outcomes = shown.outcomes
    figure = sheet(0.95 + 0.32 * len(outcomes))
    plot = axes(figure, left=1.2, right=0.9, bottom=0.42, top=0.4)
    alpha = outcomes[0].alpha
    for row, one in enumerate(outcomes):
        if one.p_value is not None:
            plot.plot([one.p_value], [row], "o", color=SOFT, markersize=4, zorder=3)
        if one.adjusted is not None:
            plot.plot([one.adjusted], [row], "D", color=COLOURS[0], markersize=4.5, zorder=2)
        words = labels("design_not_tested") if one.adjusted is None else f"{one.adjusted:.4f}"
        plot.text(1.02, row, words, transform=plot.get_yaxis_transform(), va="center", fontsize=7)
    plot.axvline(alpha, color=COLOURS[5], linewidth=0.8, linestyle="--")
    plot.plot([], [], "o", color=SOFT, markersize=4, label=labels("design_raw"))
    plot.plot([], [], "D", color=COLOURS[0], markersize=4.5, label=labels("design_adjusted"))
    plot.plot([], [], "--", color=COLOURS[5], linewidth=0.8, label=f"alpha = {alpha:g}")
    plot.set_yticks(range(len(outcomes)), [one.name for one in outcomes])
    plot.set_ylim(len(outcomes) - 0.5, -0.5)
    plot.set_xlim(0, 1)
    plot.set_xscale("function", functions=(np.sqrt, np.square))
    plot.set_xticks([0, 0.01, 0.05, 0.1, 0.25, 0.5, 1])
    plot.set_xlabel(labels("design_p_value"))
    plot.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0.3)
    words = ", ".join(
        f"{one.name}: {'claimed' if one.is_claimed else 'not claimed'}" for one in outcomes
    )
    return Drawn(figure, words)


def of_result(shown: After, labels: Labels) -> Drawn:
    """Estimates and limits of every total of the same stage, the one seen marked."""
    design, seen = shown.design, shown.result
    if seen.stage == 1:
        totals = range(design.r1 + 1)
    else:
        middle = max(seen.k, design.r + 1)
        totals = range(max(design.r1 + 1, middle - 10), min(design.n, middle + 10) + 1)
    every = [after_two_stages(design, k, stage=seen.stage, level=seen.level) for k in totals]
    figure = sheet(2.6)
    plot = axes(figure, left=0.5, right=0.2, bottom=0.42, top=0.32)
    for one in every:
        is_seen = one.k == seen.k
        naive = one.naive
        width = 2.2 if is_seen else 1.1
        plot.plot([one.k - 0.14] * 2, [one.lower, one.upper], color=COLOURS[0], lw=width)
        plot.plot([one.k - 0.14], [one.estimate], "o", color=COLOURS[0], markersize=3.5)
        plot.plot([one.k + 0.14] * 2, [naive.lower, naive.upper], color=COLOURS[1], lw=width)
        plot.plot([one.k + 0.14], [naive.estimate], "s", color=COLOURS[1], markersize=3)
    plot.plot([], [], "o-", color=COLOURS[0], markersize=3.5, label=labels("design_estimate"))
    plot.plot([], [], "s-", color=COLOURS[1], markersize=3, label=labels("design_naive"))
    plot.axhline(design.p0, color=INK, linewidth=0.7, linestyle="--")
    plot.annotate(
        labels("design_null", rate=design.p0), (1.0, design.p0), xycoords=("axes fraction", "data"),
        xytext=(-2, 2), textcoords="offset points", ha="right", fontsize=6.5, color=INK,
    )  # fmt: skip
    if seen.stage == 2:
        plot.axvline(design.r + 0.5, color=SOFT, linewidth=0.6, linestyle=(0, (2, 2)))
    plot.set_xticks(list(totals))
    plot.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    plot.set_ylim(0, None)
    plot.grid(axis="y", color=FAINT, linewidth=0.5)
    plot.set_axisbelow(True)
    plot.set_xlabel(labels("design_responders"))
    plot.set_ylabel(labels("design_response_rate"))
    plot.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.3)
    return Drawn(figure, seen.sentence())


def of_changed_first(shown: ChangedFirstStage, labels: Labels) -> Drawn:
    """P(promising) of the plan, of its cuts at the new sizes, and of the new cuts."""
    designs = [("design_planned", shown.planned), ("design_kept", shown.kept)]
    if shown.adjusted is not None:
        designs.append(("design_new_cuts", shown.adjusted))
    figure = sheet(2.5)
    last = designs[-1][1]
    left = axes(figure, left=0.5, right=3.75, bottom=0.42, top=0.32)
    sizes, lows = (last.n1, last.n), (last.r1, last.r)
    draw_boundary(left, Boundary(sizes, lows, (None, last.needs)), labels)
    right = axes(figure, left=3.72, right=0.2, bottom=0.42, top=0.32)
    grid = np.linspace(0.0, min(1.0, 2 * shown.planned.p1), 121)
    lines = [Line(_values(one.reject, grid), labels(key)) for key, one in designs]
    marks = [
        Mark(shown.planned.p0, labels("design_null", rate=shown.planned.p0)),
        Mark(shown.planned.p1, labels("design_target", rate=shown.planned.p1)),
    ]
    draw_curves(
        right, grid, lines, marks, across=labels("design_rate"), up=labels("design_p_promising")
    )
    return Drawn(figure, shown.sentence())


def of_changed_second(shown: ChangedSecondStage, labels: Labels) -> Drawn:
    """The conditional p-value of every count of the second stage against what is allowed."""
    from onearm.design.binomial import at_least

    counts = np.arange(shown.m2 + 1)
    tails = at_least(counts, shown.m2, shown.design.p0)
    figure = sheet(2.4)
    plot = axes(figure, left=0.6, right=0.9, bottom=0.42, top=0.2)
    rejects = tails <= shown.conditional_alpha
    for flags, colour in ((rejects, COLOURS[0]), (~rejects, SOFT)):
        plot.plot(counts[flags], tails[flags], "o", color=colour, markersize=3)
    plot.plot([shown.x2], [shown.conditional_p], "o", mfc="none", mec=INK, markersize=8)
    plot.axhline(shown.conditional_alpha, color=COLOURS[5], linewidth=0.8, linestyle="--")
    plot.text(
        1.01, shown.conditional_alpha, f"{labels('design_allowed')} {shown.conditional_alpha:.3f}",
        transform=plot.get_yaxis_transform(), va="center", fontsize=6.5, color=COLOURS[5],
    )  # fmt: skip
    shown_to = max(_last_worth(tails), shown.x2)
    plot.set_xlim(-0.5, shown_to + 0.5)
    plot.set_ylim(0, 1.02)
    plot.set_xlabel(labels("design_second_responders"))
    plot.set_ylabel(labels("design_conditional_p"))
    return Drawn(figure, shown.sentence())


def _last_worth(tails: Sequence[float] | Floats) -> int:
    """The last count whose p-value can still be told from 0 in the figure."""
    return int(np.flatnonzero(np.asarray(tails) > 1e-4)[-1])
