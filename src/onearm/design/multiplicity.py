"""Several outcomes called primary: which rule says what may be claimed, and adjusted p-values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from onearm.design.arguments import check_share
from onearm.stats.arguments import InvalidArgument, check_choice
from onearm.stats.notes import Note, Sides

Raw = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Procedure:
    """One rule for several outcomes: a line of `PROCEDURES`; ``is_confirmatory`` allows claims."""

    name: str
    title: str
    adjust: Callable[[Raw], Raw]
    source: str
    is_confirmatory: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome's raw and adjusted one-sided p-value; ``is_claimed`` where it may be claimed.

    ``adjusted`` is None where the outcome was not tested; it is then descriptive.
    """

    name: str
    p_value: float | None
    adjusted: float | None
    is_claimed: bool
    procedure: str
    alpha: float
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()


def _fixed_sequence(p_values: Raw) -> Raw:
    """The largest p so far; nothing after an outcome that was not tested."""
    adjusted: list[float | None] = []
    worst: float | None = 0.0
    for p in p_values:
        worst = None if worst is None or p is None else max(worst, p)
        adjusted.append(worst)
    return tuple(adjusted)


def _holm(p_values: Raw) -> Raw:
    """Step down from the smallest; an outcome without a p-value counts as one that failed."""
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    worst = 0.0
    for rank, (p, place) in enumerate(tested):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p))
        adjusted[place] = worst
    return tuple(adjusted)


def _bonferroni(p_values: Raw) -> Raw:
    return tuple(None if p is None else min(1.0, len(p_values) * p) for p in p_values)


def _all_must_win(p_values: Raw) -> Raw:
    """The largest p for all of them: a claim needs every outcome."""
    tested = [p for p in p_values if p is not None]
    whole = max(tested) if len(tested) == len(p_values) else None
    return tuple(whole for _ in p_values)


def _descriptive(p_values: Raw) -> Raw:
    return tuple(None for _ in p_values)


PROCEDURES = {
    procedure.name: procedure
    for procedure in (
        Procedure(
            "fixed_sequence",
            "Fixed sequence, each at full alpha, stop at the first failure",
            _fixed_sequence,
            "Maurer, Hothorn and Lehmacher (1995)",
        ),
        Procedure("holm", "Holm", _holm, "Scandinavian Journal of Statistics 6:65-70 (1979)"),
        Procedure("bonferroni", "Bonferroni", _bonferroni, "JASA 56:52-64 (1961)"),
        Procedure(
            "all_must_win",
            "Every outcome must succeed, no adjustment",
            _all_must_win,
            "Berger, Technometrics 24:295-300 (1982)",
        ),
        Procedure("descriptive", "No test is planned", _descriptive, "none", is_confirmatory=False),
    )
}


def adjust(
    p_values: Mapping[str, float | None], *, procedure: str, alpha: float = 0.05
) -> tuple[Outcome, ...]:
    """Adjusted p-values of the outcomes, in the order in which they were written down.

    None for a p-value means not tested, as after a stop for futility: nothing later in a fixed
    sequence is then tested. Raises `InvalidArgument` for a p-value outside 0 to 1, no outcome,
    or an unknown procedure.

    >>> results = adjust({"ORR": 0.01, "PFS": 0.2, "DCR": 0.001}, procedure="fixed_sequence")
    >>> [(one.name, one.adjusted, one.is_claimed) for one in results]
    [('ORR', 0.01, True), ('PFS', 0.2, False), ('DCR', 0.2, False)]
    """
    check_choice("procedure", procedure, list(PROCEDURES))
    check_share("alpha", alpha)
    if not p_values:
        raise InvalidArgument("p_values", {}, "at least one outcome with its p-value")
    for name, p in p_values.items():
        if p is not None and not 0 <= p <= 1:
            raise InvalidArgument(f"p_values[{name!r}]", p, "a number from 0 to 1, or None")
    adjusted = PROCEDURES[procedure].adjust(tuple(p_values.values()))
    return tuple(
        Outcome(
            name,
            p,
            after,
            after is not None and after <= alpha,
            procedure,
            alpha,
            notes=(Note.DESCRIPTIVE,) if after is None else (),
        )
        for (name, p), after in zip(p_values.items(), adjusted, strict=True)
    )
