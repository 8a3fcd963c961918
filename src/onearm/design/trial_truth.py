"""What is true of the patients of a simulated trial, and how they are looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from onearm.stats.arguments import Floats, InvalidArgument, check_between
from onearm.stats.roots import root_between

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


@dataclass(frozen=True, slots=True)
class Weibull:
    """A law of times: its median in any unit, and its shape; shape 1 is the exponential law."""

    median: float
    shape: float = 1.0

    def __post_init__(self) -> None:
        check_between("median", self.median, 0.0, math.inf)
        check_between("shape", self.shape, 0.0, math.inf)

    def survival(self, t: Floats) -> Floats:
        """P(later than ``t``); 1 before 0."""
        hazard = math.log(2) * (np.maximum(t, 0.0) / self.median) ** self.shape
        return np.asarray(np.exp(-hazard))

    def at(self, hazard: Floats) -> Floats:
        """The time at which the cumulative hazard is ``hazard``; Exp(1) numbers give draws."""
        scaled = hazard / math.log(2)
        return self.median * (scaled if self.shape == 1 else scaled ** (1 / self.shape))


@dataclass(frozen=True)
class Truth:
    """Rates and times as they are in the patients, whoever looks.

    ``response`` and ``control``: shares with a response, and with disease control (a responder
    has it). ``free``: time from entry to progression or death, of which the share ``deaths`` are
    deaths; the others live on for a time of the law ``after``. ``correlation`` ties tumour and
    time free of progression in one patient by a Gaussian copula: each rate and law stays what it
    is.
    """

    response: float
    control: float
    free: Weibull
    after: Weibull
    deaths: float = 0.1
    correlation: float = 0.0

    def __post_init__(self) -> None:
        check_between("response", self.response)
        check_between("control", self.control)
        if self.control < self.response:
            valid = f"at least the response rate, {self.response:g}"
            raise InvalidArgument("control", self.control, valid)
        if not 0 <= self.deaths <= 1:
            raise InvalidArgument("deaths", self.deaths, "a share from 0 to 1")
        check_between("correlation", self.correlation, -1.0, 1.0)

    def alive(self, t: float) -> float:
        """P(alive at ``t``): free of progression, or progressed and living on; by quadrature."""
        free = float(self.free.survival(np.asarray(t)))
        # Over the share that has ended until then instead of over time: the integrand is smooth.
        ended = (1 - free) / 2 * (1 + _NODES)
        rest = self.after.survival(t - self.free.at(-np.log1p(-ended)))
        return free + (1 - self.deaths) * (1 - free) / 2 * float((_WEIGHTS * rest).sum())

    @cached_property
    def median_alive(self) -> float:
        """The median of survival."""
        high = self.free.median
        while self.alive(high) > 0.5:
            high *= 2
        return root_between(lambda t: self.alive(t) - 0.5, 0.0, high)


@dataclass(frozen=True, slots=True)
class Looks:
    """How tumours are looked at. All times in the unit of the truth, counted from entry.

    ``scans``: planned days of scanning, ascending; none means that everything is seen at once and
    without error. ``missed``: share of scans not made. ``reader_error``: share read wrongly: a
    progression or a response as stable disease, stable disease as either, half and half.
    ``confirmation``: a response counts when a later one, at least ``confirm_after`` behind, repeats
    it with at most one scan without response between them. ``gap``: an event that comes longer
    than this after the last scan does not count, and the patient is censored at that scan (two
    missed scans; FDA guidance 2018, table A). ``dropout``: constant hazard of leaving the trial.
    """

    scans: tuple[float, ...] = ()
    missed: float = 0.0
    reader_error: float = 0.0
    confirmation: bool = False
    confirm_after: float = 0.0
    gap: float = math.inf
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("missed", "reader_error"):
            if not 0 <= getattr(self, name) < 1:
                raise InvalidArgument(name, getattr(self, name), "a share from 0 to below 1")
        for name in ("confirm_after", "dropout"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InvalidArgument(name, getattr(self, name), "a number of 0 or more")
        if not self.gap > 0:
            raise InvalidArgument("gap", self.gap, "a time above 0")
        if any(b <= a for a, b in zip((0.0, *self.scans), self.scans, strict=False)):
            raise InvalidArgument("scans", self.scans, "times above 0 in ascending order")
        if not self.scans and (self.missed or self.reader_error or self.confirmation):
            raise InvalidArgument("scans", self.scans, "days of scanning, since scans go wrong")


PERFECT = Looks()
"""Everything is seen at once, by nobody's error, and nobody leaves."""
