"""Who comes to the trial: screening, enrolment over time, cohort, sex, age, site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from onearm.simulate.chance import Bools, Floats, Ints, Streams, Texts, between, pick, shaped
from onearm.study.simulation import Simulation

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who was screened, in order of number. Arrays have one element a person.

    ``consent`` and ``first_dose`` are days since 1970-01-01; ``first_dose`` is the planned day for
    those who get no drug. ``horizon`` is the data cut in days from first dose.
    """

    site: Texts
    subject: Texts
    failed: Bools
    dosed: Bools
    consent: Ints
    first_dose: Ints
    horizon: Ints
    cohort: Ints
    female: Bools
    age: Ints
    birth: Ints

    def __len__(self) -> int:
        return len(self.site)

    @property
    def treated(self) -> Ints:
        """Row numbers of those who got a drug by the cut."""
        return np.flatnonzero(self.dosed)


def days_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def people(plan: Simulation, streams: Streams, *, subjects: int, cut: date) -> People:
    """Screen people until ``subjects`` of them are enrolled; consents after the cut are left out.

    Consents come as a Poisson process whose rate fills the trial in the planned time, so that a
    larger trial has more patients a month, not more years.
    """
    n = _screened(plan, streams, subjects)
    failed = streams("screen failure").random(n) < plan.screening.failure
    gaps = -np.log1p(-streams("accrual").random(n))
    rate = subjects / (1 - plan.screening.failure) / (plan.accrual_months * 30.4375)
    consent = days_of(plan.start) + np.floor(np.cumsum(gaps) / rate).astype(np.int64)
    lead = between(streams("screening days").random(n), plan.screening.days)
    never = streams("never dosed").random(n) < plan.screening.never_dosed
    first_dose = consent + lead
    horizon = days_of(cut) - first_dose
    cohort = pick(streams("cohort").random(n), [c.share for c in plan.cohorts])
    age = _ages(plan, streams, cohort)
    numbers = np.arange(1, n + 1)
    everybody = People(
        site=np.array([s.id for s in plan.sites], dtype=object)[
            pick(streams("site").random(n), [s.share for s in plan.sites])
        ],
        subject=np.array([plan.subject_number.format(n=k) for k in numbers], dtype=object),
        failed=failed,
        dosed=~failed & ~never & (horizon >= 0),
        consent=consent,
        first_dose=first_dose,
        horizon=horizon,
        cohort=cohort,
        female=streams("sex").random(n) < np.array([c.female for c in plan.cohorts])[cohort],
        age=np.floor(age).astype(np.int64),
        birth=consent - np.floor(age * 365.25).astype(np.int64),
    )
    return _take(everybody, np.flatnonzero(consent <= days_of(cut)))


def _screened(plan: Simulation, streams: Streams, subjects: int) -> int:
    """How many are screened until so many are enrolled."""
    most = int(subjects / (1 - plan.screening.failure) * 1.5) + 50
    enrolled = np.cumsum(streams("screen failure").random(most) >= plan.screening.failure)
    return int(np.searchsorted(enrolled, subjects)) + 1


def _ages(plan: Simulation, streams: Streams, cohort: Ints) -> Floats:
    z = streams("age").standard_normal(len(cohort))
    age = np.zeros(len(cohort))
    for index, kind in enumerate(plan.cohorts):
        age = np.where(cohort == index, shaped(z, kind.age), age)
    return age


def _take(everybody: People, rows: Ints) -> People:
    return People(**{name: getattr(everybody, name)[rows] for name in People.__slots__})
