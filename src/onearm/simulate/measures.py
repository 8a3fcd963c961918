"""Numbers measured again and again: laboratory values, vital signs, and grades made from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from onearm.simulate.chance import NEVER, Bools, Floats, Ints, Streams
from onearm.study.simulation import Measurement, Simulation


class Measures:
    """Values by test code. The same visit of the same person always has the same value."""

    def __init__(
        self, plan: Simulation, streams: Streams, *, cohort: Ints, female: Bools, first_dose: Ints
    ) -> None:
        self.tests: Mapping[str, Measurement] = plan.measurements
        self._codes = [kind.code for kind in plan.cohorts]
        self._streams = streams
        self._screening = plan.places.screening
        self._cohort, self._female, self._first_dose = cohort, female, first_dose

    def value(
        self, test: str, visit: str, *, person: Ints, repeat: Ints, day: Ints, width: int
    ) -> Floats:
        """Values at the given visits; NaN where the test was not done.

        ``day``: days since 1970-01-01. ``width``: the most repeats the visit can have.
        """
        law = self.tests[test]
        whole: Floats | float = 1.0
        if law.of:
            whole = self.value(law.of, visit, person=person, repeat=repeat, day=day, width=width)
        n = len(self._cohort)
        own = self._streams(f"{test} level").standard_normal(n)[person]
        noise = self._streams(f"{test} {visit}").standard_normal((n, width))
        moved = law.drift * np.clip(day - self._first_dose[person], 0, NEVER) / 182.625
        shift = law.between * own + law.within * noise[person, repeat - 1] + moved
        mean = self._mean(law)[person]
        value = mean * np.exp(shift) if law.log else mean + shift
        if (law.least, law.most) != (None, None):
            value = np.clip(value, law.least, law.most)
        if law.screening and visit == self._screening:
            value = np.clip(value, *law.screening)
        if law.missing:
            u = self._streams(f"{test} {visit} not done").random((n, width))
            value = np.where(u[person, repeat - 1] < law.missing, np.nan, value)
        return np.asarray(value * whole)

    def _mean(self, law: Measurement) -> Floats:
        mean = np.full(len(self._cohort), law.mean)
        for code, other in law.by_cohort.items():
            if code in self._codes:
                mean = np.where(self._cohort == self._codes.index(code), other, mean)
        for sex, other in law.by_sex.items():
            mean = np.where(self._female == (sex == "F"), other, mean)
        return mean


def child_pugh(bilirubin: Floats, albumin: Floats, inr: Floats, ascites: Ints) -> dict[str, Ints]:
    """Points by CDISC test code, total and class (0 A, 1 B, 2 C); encephalopathy is none.

    ``bilirubin`` in umol/L, ``albumin`` in g/L; a missing value gets one point.
    Source: Pugh et al., Br J Surg 60:646 (1973); test codes of the CDISC Child-Pugh supplement.
    """
    points = {
        "CPS0101": np.ones(len(inr), dtype=np.int64),
        "CPS0102": ascites,
        "CPS0103": 1 + (bilirubin >= 34).astype(np.int64) + (bilirubin > 51),
        "CPS0104": 1 + (albumin <= 35).astype(np.int64) + (albumin < 28),
        "CPS0105B": 1 + (inr >= 1.7).astype(np.int64) + (inr > 2.3),
    }
    total = np.sum(list(points.values()), axis=0)
    return {**points, "CPS0106": total, "CPS0107": (total > 6).astype(np.int64) + (total > 9)}


def performance(u: Floats, day_to_end: Ints, start: Ints) -> Ints:
    """ECOG grade: that at screening, worse as the end of life comes near."""
    near = np.select([day_to_end < 30, day_to_end < 90, day_to_end < 180], [1.6, 0.9, 0.35], 0.05)
    return np.clip(start + (u < near).astype(np.int64) + (u + 1 < near), 0, 4)
