"""The fixed list of notes a result may carry, with the sentence each stands for."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Sides = Literal["two-sided", "one-sided"]


class Note(StrEnum):
    """Something the reader of a number must know; ``explanation`` is the sentence to print.

    >>> Note("not_reached").explanation
    'not reached: the curve or its limit stays above the height that was asked for'
    """

    NOT_REACHED = "not_reached"
    BEYOND_FOLLOW_UP = "beyond_follow_up"
    NO_EVENT_YET = "no_event_yet"
    SURVIVAL_ZERO = "survival_zero"
    FLAT_AT_QUANTILE = "flat_at_quantile"
    FEW_EVENTS = "few_events"
    NO_FINITE_ESTIMATE = "no_finite_estimate"
    DESIGN_IGNORED = "design_ignored"
    BINDING_FUTILITY_ASSUMED = "binding_futility_assumed"
    STAGE_SIZE_CHANGED = "stage_size_changed"
    MC_ERROR = "mc_error"
    EXTENDED = "extended"
    EXPLORATORY = "exploratory"
    DESCRIPTIVE = "descriptive"
    N_TOO_SMALL = "n_too_small"

    @property
    def explanation(self) -> str:
        """The sentence that stands for this note in a footnote."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    Note.NOT_REACHED: (
        "not reached: the curve or its limit stays above the height that was asked for"
    ),
    Note.BEYOND_FOLLOW_UP: "the time lies beyond the last observed time",
    Note.NO_EVENT_YET: "no event yet: the estimate is 1 and its limits are 1",
    Note.SURVIVAL_ZERO: "the estimate is 0 and its limits do not exist",
    Note.FLAT_AT_QUANTILE: "flat at the quantile to the end of follow-up",
    Note.FEW_EVENTS: "too few events to lean on this number",
    Note.NO_FINITE_ESTIMATE: "no finite estimate exists",
    Note.DESIGN_IGNORED: "computed as if the trial had had one stage",
    Note.BINDING_FUTILITY_ASSUMED: "holds only if the futility rule is obeyed",
    Note.STAGE_SIZE_CHANGED: "a stage had another size than planned",
    Note.MC_ERROR: "simulated: see the Monte-Carlo standard error",
    Note.EXTENDED: "the last value was carried on beyond follow-up",
    Note.EXPLORATORY: "exploratory",
    Note.DESCRIPTIVE: "descriptive: no test was planned",
    Note.N_TOO_SMALL: "too few patients to lean on this number",
}
