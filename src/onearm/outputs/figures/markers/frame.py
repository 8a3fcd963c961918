"""What the figures of markers share: size, panels, colours, and the line of numbers below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from onearm.outputs.figures.style import COLOURS, FAINT, INK, SOFT, WIDTHS, Drawn, axes
from onearm.outputs.labels import Labels

WIDTH = WIDTHS["two"]
YES, NO, UNKNOWN = COLOURS[0], COLOURS[1], FAINT
"""Responders, the others, and those of whom it is not known."""
FOUND, REST = COLOURS[5], SOFT


@dataclass(frozen=True, slots=True)
class About:
    """What stands below every figure of markers: patients, tests, what else must be said.

    tests: how many hypotheses the whole analysis tested, of which the figure shows some.
    """

    labels: Labels
    n: int
    tests: int
    note: str = ""

    def line(self) -> str:
        """The line in words."""
        words = self.labels("marker_n_tests", n=self.n, tests=f"{self.tests:,}")
        return f"{words} {self.note}".strip()


def panels(
    number: int, about: About, *, height: float, left: float = 0.6, gap: float = 0.55
) -> tuple[Figure, list[Axes]]:
    """A figure with so many axes side by side, and the line of numbers at the bottom left."""
    figure = Figure(figsize=(WIDTH, height))
    # One panel alone is no wider than one of two: a line of two points needs no full page.
    places = max(number, 2)
    wide = (WIDTH - left - 0.15 - gap * (places - 1)) / places
    found = []
    for place in range(number):
        start = left + place * (wide + gap)
        box = {"left": start, "right": WIDTH - start - wide}
        found.append(axes(figure, **box, bottom=0.68, top=0.42))
    below(figure, about)
    return figure, found


def below(figure: Figure, about: About) -> None:
    """The line of numbers at the foot of a figure."""
    width, height = figure.get_size_inches()
    figure.text(0.08 / width, 0.07 / height, about.line(), size=6.2, color=SOFT, va="bottom")


def colour_of(response: float) -> str:
    """The colour of a patient by response: 1, 0, or NaN where it is not known."""
    if np.isnan(response):
        return UNKNOWN
    return YES if response == 1 else NO


def finished(figure: Figure, title: str, about: About) -> Drawn:
    """The figure with what a reader who cannot see it is told."""
    return Drawn(figure, f"{title}. {about.line()}")


def response_legend(figure: Figure, labels: Labels, *, has_unknown: bool = False) -> None:
    """Which colour is which response, at the top right."""
    width, height = figure.get_size_inches()
    entries = [("marker_responder", YES), ("marker_nonresponder", NO)]
    entries += [("marker_unknown", UNKNOWN)] if has_unknown else []
    x = 1 - 0.1 / width
    for key, colour in reversed(entries):
        words = figure.text(
            x, 1 - 0.1 / height, labels(key), size=6.5, color=INK, ha="right", va="center"
        )
        x -= (0.05 * len(words.get_text()) + 0.06) / width
        figure.text(x, 1 - 0.1 / height, "■", size=7, color=colour, ha="right", va="center")
        x -= 0.17 / width
