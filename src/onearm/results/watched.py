"""The running trial against its design: where every rule stands at the data cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from onearm import expr
from onearm.dates import MONTH_DAYS
from onearm.design import (
    EnrolmentForecast,
    EventsAhead,
    EventsNow,
    Future,
    LogRankNow,
    OneStageNow,
    TwoStageNow,
    enrolment_forecast,
    events_ahead,
    events_now,
    log_rank_now,
    one_stage_now,
    two_stage_now,
)
from onearm.results.model import both, quoted
from onearm.results.roll import Roll, members_of, roll, with_signs
from onearm.results.rules import (
    Planned,
    boundary_of,
    log_rank_of,
    one_stage_of,
    two_stage_of,
    unread_rules,
)
from onearm.results.select import rows_behind
from onearm.study.analyses import Analysis
from onearm.study.design import SafetyRule
from onearm.study.text import Text

PROBABILITIES = (0.1, 0.5, 0.9)
"""A forecast date is given as early, likely and late: it is later with 90, 50 and 10 %."""


@dataclass(frozen=True, slots=True)
class EnrolmentNow:
    """Patients dosed at the cut against the plan, and when the planned ones will be.

    ``months`` from the first dose to the cut, ``rate`` patients a month in them (None on the first
    day), ``expected`` patients at the planned rate. ``forecast``: dates by number of patients, as
    early, likely and late; a number that is reached already has none.
    """

    dosed: int
    planned: int | None
    first: date | None
    last: date | None
    months: float
    rate: float | None
    planned_rate: float | None
    expected: float | None
    is_closed: bool
    forecast: dict[int, tuple[date, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RateNow:
    """The test of a rate at the cut: the rule, the patients behind it, and who is awaited."""

    rule: str
    outcome: str
    now: TwoStageNow | OneStageNow
    roll: Roll

    @property
    def awaited(self) -> int:
        """Earlier patients who cannot be judged yet and will count in place of a later one."""
        return self.roll.awaited(self.now.n)


@dataclass(frozen=True, slots=True)
class BoundaryNow:
    """A safety boundary at the cut."""

    rule: SafetyRule
    now: EventsNow
    roll: Roll


@dataclass(frozen=True, slots=True)
class SurvivalNow:
    """The test of a time to an event at the cut.

    ``due``: the day of its analysis as early, likely and late (three times the same once the last
    patient is in); empty before anybody is dosed. ``ahead``: events expected by the likely day,
    None once it has passed.
    """

    outcome: str
    now: LogRankNow
    due: tuple[date, ...]
    is_due: bool
    ahead: EventsAhead | None


@dataclass(frozen=True, slots=True)
class Watched:
    """Where everything stands at ``as_of``. Parts that the design does not have are None or empty.

    ``unread``: by rule, what its conditions read and the data do not have: it cannot be judged.
    """

    as_of: date | None
    enrolment: EnrolmentNow
    response: RateNow | None
    disease_control: RateNow | None
    survival: SurvivalNow | None
    safety: tuple[BoundaryNow, ...]
    titles: dict[str, Text]
    unread: dict[str, tuple[str, ...]]


def watch(planned: Planned) -> Watched:
    """Where every rule of the design stands, by the data.

    The cut is ADSL's DCUTDT; without one, the last day any subject was known alive.
    """
    day, missing = as_of(planned), unread_rules(planned)
    enrolment = enrolment_now(planned)
    rates = {
        rule: rate_now(planned, rule)
        for rule in ("response", "disease_control")
        if rule in planned.design.tests and rule not in missing
    }
    has_survival = planned.design.survival is not None and "survival" not in missing
    safety = [r for r in planned.design.safety if r.id not in missing]
    return Watched(
        day,
        enrolment,
        rates.get("response"),
        rates.get("disease_control"),
        survival_now(planned, enrolment) if has_survival else None,
        tuple(boundary_now(planned, rule) for rule in safety),
        {rule.id: rule.title for rule in planned.design.safety},
        missing,
    )


def as_of(planned: Planned) -> date | None:
    """The data cut, or the last day on which a subject was known alive; None without either."""
    for name in ("DCUTDT", "LSTALVDT"):
        if name in planned.datasets["ADSL"].columns:
            latest = planned.datasets["ADSL"][name].max()
            if isinstance(latest, date):
                return latest
    return None


def rate_now(planned: Planned, rule: str) -> RateNow:
    """Where the test of a rate stands: the first evaluable patients in order of first dose."""
    test, interim = planned.rate_test(rule), planned.design.interim
    about = planned.plan.analysis(test.analysis)
    patients = response_roll(planned, about)
    prior = interim.predictive_prior.pair if interim and interim.predictive_prior else None
    now: TwoStageNow | OneStageNow
    if test.stage_1 is None:
        now = one_stage_now(one_stage_of(test), patients.counts, prior=None)
    else:
        now = two_stage_now(
            two_stage_of(test, interim),
            patients.counts,
            prior=prior,
            is_closed=is_closed(planned),
            alpha=test.alpha,
        )
    return RateNow(rule, test.outcome, now, patients)


def response_roll(planned: Planned, about: Analysis) -> Roll:
    """The patients of an analysis in order: evaluable by the design, and with a success.

    From the day of the final analysis on everybody counts: whoever has no assessment by then has
    no response (full analysis set).
    """
    interim = None if is_final(planned) else planned.design.interim
    chosen = planned.plan.sets[about.set].when
    parameter = f"PARAMCD = {quoted(about.parameter)}" if about.parameter else ""
    condition = both(chosen, parameter, about.when, about.success)
    happened = rows_behind(planned.datasets, about.dataset, condition)["USUBJID"].to_list()
    return roll(
        members_of(planned.datasets, chosen),
        order=planned.design.interim.order if planned.design.interim else "TRTSDT",
        judged=with_signs(planned.datasets, interim.evaluable) if interim else None,
        happened=set(happened),
    )


def is_final(planned: Planned) -> bool:
    """Whether the day of the final analysis has come: the follow-up after the last first dose.

    Without a test of a time to an event the design names no such day; then it has not.
    """
    if planned.design.survival is None:
        return False
    day, due = as_of(planned), _due(planned, enrolment_now(planned))
    return bool(due) and day is not None and due[-1] <= day


def boundary_now(planned: Planned, rule: SafetyRule) -> BoundaryNow:
    """Where a safety boundary stands: those with the event, and those observed long enough."""
    members = members_of(planned.datasets, planned.plan.sets[rule.set].when)
    happened = with_signs(planned.datasets, rule.event)
    judged = None
    if rule.observed:
        # An event counts from the day it is known; only its absence needs the whole time at risk.
        observed = members.filter(expr.parse(rule.observed).holds())
        judged = happened | set(observed["USUBJID"].to_list())
    patients = roll(members, order=rule.order, judged=judged, happened=happened)
    prior = rule.prior.pair if rule.prior else None
    return BoundaryNow(rule, events_now(boundary_of(rule), patients.counts, prior=prior), patients)


def is_closed(planned: Planned) -> bool:
    """Whether enrolment was closed for good by the cut."""
    day, enrolment = as_of(planned), planned.design.enrolment
    closed = enrolment.closed if enrolment else None
    return closed is not None and day is not None and closed <= day


def enrolment_now(planned: Planned) -> EnrolmentNow:
    """Patients dosed against the plan; their dates come from the first rule's set, or from ADSL."""
    doses = planned.datasets["ADSL"]["TRTSDT"].drop_nulls().sort().to_list()
    day, plan = as_of(planned), planned.design.enrolment
    first, last = (doses[0], doses[-1]) if doses else (None, None)
    months = (day - first).days / MONTH_DAYS if day and first else 0.0
    closed = is_closed(planned)
    forecast: dict[int, tuple[date, ...]] = {}
    if day and months > 0 and not closed:
        forecast = {
            target: _dates(day, _forecast(target, len(doses), months))
            for target in _targets(planned)
            if target > len(doses)
        }
    return EnrolmentNow(
        len(doses),
        planned.patients,
        first,
        last,
        months,
        (len(doses) - 1) / months if months > 0 else None,
        plan.per_month if plan else None,
        _expected(planned, months) if first else None,
        closed,
        forecast,
    )


def _expected(planned: Planned, months: float) -> float | None:
    """Patients by the planned rate, the first at the start; never more than are planned."""
    plan = planned.design.enrolment
    if plan is None:
        return None
    count = 1 + plan.per_month * months
    return count if planned.patients is None else min(float(planned.patients), count)


def _targets(planned: Planned) -> list[int]:
    """Numbers of patients at which something is looked at."""
    design = planned.design
    first = design.response.stage_1 if design.response else None
    found = {planned.patients, first.patients if first else None}
    found |= {look for rule in design.safety for look in rule.looks}
    return sorted(size for size in found if size)


def _forecast(target: int, dosed: int, months: float) -> EnrolmentForecast:
    # The clock starts with the first patient, who therefore tells nothing about the rate.
    return enrolment_forecast(
        target - 1, enrolled=dosed - 1, elapsed=months, probabilities=PROBABILITIES
    )


def _dates(day: date, forecast: EnrolmentForecast) -> tuple[date, ...]:
    return tuple(_later(day, months) for months in forecast.times)


def _later(day: date, months: float) -> date:
    """So many months after a day; what lies beyond the calendar is its last day."""
    days = months * MONTH_DAYS
    return day + timedelta(days=round(days)) if days < (date.max - day).days else date.max


def survival_now(planned: Planned, enrolment: EnrolmentNow) -> SurvivalNow | None:
    """Where the test of a time stands; None where the design has no size or enrolment for it."""
    test, design = planned.survival_test, log_rank_of(planned)
    if design is None:
        return None
    rows = survival_rows(planned, planned.plan.analysis(test.analysis))
    months = (rows["AVAL"].cast(pl.Float64) / MONTH_DAYS).to_list()
    events = (rows["CNSR"] == 0).to_list()
    now = log_rank_now(design, months, events, variance=test.variance)
    day, due = as_of(planned), _due(planned, enrolment)
    is_due = is_final(planned)
    ahead = None
    if due and day is not None and due[1] > day:
        missing = max(0, (planned.patients or 0) - enrolment.dosed)
        entering = 0 if enrolment.is_closed else missing
        wait = (due[1] - day).days / MONTH_DAYS
        entry = max(wait - test.follow_up_months, 1 / MONTH_DAYS) if entering else 0.0
        future = Future(_at_risk(planned, rows), wait, entering, entry)
        ahead = events_ahead(design, now, future, exposure=float(sum(months)))
    return SurvivalNow(test.outcome, now, due, is_due, ahead)


def survival_rows(planned: Planned, about: Analysis) -> pl.DataFrame:
    """The rows of the time to an event in order of time: AVAL in days and CNSR known.

    In order, so that sums do not depend on the order of the data.
    """
    chosen = planned.plan.sets[about.set].when
    condition = both(chosen, f"PARAMCD = {quoted(about.parameter)}", about.when)
    rows = rows_behind(planned.datasets, about.dataset, condition)
    known = rows.filter(pl.col("AVAL").is_not_null() & pl.col("CNSR").is_not_null())
    return known.sort("AVAL", "CNSR", "USUBJID")


def _at_risk(planned: Planned, rows: pl.DataFrame) -> int:
    """Patients without the event who are still followed: those who have left have none to come.

    A censoring earlier than the study's end for the subject cannot be told from one by the cut;
    whoever is in the study counts.
    """
    adsl = planned.datasets["ADSL"]
    if "EOSSTT" not in adsl.columns:
        return int((rows["CNSR"] != 0).sum())
    left = set(adsl.filter(pl.col("EOSSTT") != "ONGOING")["USUBJID"].to_list())
    open_rows = rows.filter(pl.col("CNSR") != 0)
    return sum(subject not in left for subject in open_rows["USUBJID"].to_list())


def _due(planned: Planned, enrolment: EnrolmentNow) -> tuple[date, ...]:
    """The day of the planned analysis: the follow-up after the last planned first dose."""
    wait = planned.survival_test.follow_up_months
    is_full = planned.patients is not None and enrolment.dosed >= planned.patients
    if enrolment.last and (is_full or enrolment.is_closed):
        return (_later(_last_planned(planned, enrolment), wait),) * len(PROBABILITIES)
    dates = enrolment.forecast.get(planned.patients or 0, ())
    return tuple(_later(day, wait) for day in dates)


def _last_planned(planned: Planned, enrolment: EnrolmentNow) -> date:
    """The first dose of the last planned patient: overruns do not put the analysis off."""
    doses = planned.datasets["ADSL"]["TRTSDT"].drop_nulls().sort().to_list()
    size = min(planned.patients or len(doses), enrolment.dosed)
    found: date = doses[size - 1]
    return found
