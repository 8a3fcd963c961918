"""The accrual curve as numbers for an SVG in a template: no script, no picture file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MONTH_DAYS = 30.4375

WIDTH, HEIGHT = 760, 280
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 14, 34


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Everything the drawing needs, in the drawing's own units.

    steps: path of the enrolled; plan: path of what was planned, empty where no pace was.
    target: height of the planned number, None where none was planned.
    """

    steps: str
    plan: str
    target: float | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    enrolled: int
    planned: int | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def accrual_curve(
    days: Sequence[date], today: date, *, planned: int | None, per_month: float | None
) -> Curve | None:
    """The enrolled so far as steps against the planned pace; None before the first enrolment.

    days: of enrolment, in order. The planned line begins at the first of them with ``per_month``
    (of 30.4375 days) and ends at ``planned``. The axis runs to today, or to the planned end where
    that lies within as long again.
    """
    if not days:
        return None
    start = days[0]
    full = None
    if planned and per_month:
        full = start + timedelta(days=planned / per_month * MONTH_DAYS)
    so_far = max((today - start).days, 30)
    end = start + timedelta(days=so_far)
    if full is not None:
        end = max(end, min(full, start + timedelta(days=2 * so_far)))
    most = max(len(days), planned or 0, 1)

    def x(day: date) -> float:
        share = (day - start).days / (end - start).days
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(number: float) -> float:
        return round(HEIGHT - BOTTOM - number / most * (HEIGHT - TOP - BOTTOM), 1)

    steps = [f"M{x(start)} {y(0)}"]
    for number, day in enumerate(days, 1):
        steps.append(f"H{x(day)} V{y(number)}")
    steps.append(f"H{x(min(today, end))}")
    plan = ""
    if per_month:
        last = min(full, end) if full else end
        reached = (last - start).days / MONTH_DAYS * per_month
        plan = f"M{x(start)} {y(0)} L{x(last)} {y(reached)}"
    return Curve(
        " ".join(steps),
        plan,
        y(planned) if planned else None,
        tuple(Tick(x(day), f"{day:%Y-%m}") for day in _months(start, end)),
        tuple(Tick(y(number), str(number)) for number in _numbers(most)),
        len(days),
        planned,
    )


def _months(start: date, end: date) -> list[date]:
    """First days of months, at most nine of them."""
    found = []
    year, month = start.year, start.month
    while (day := date(year, month, 1)) <= end:
        if day >= start:
            found.append(day)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    step = -(-len(found) // 9) or 1
    return found[::step]


def _numbers(most: int) -> list[int]:
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if most / s <= 6), 1000)
    return list(range(0, most + 1, step))
