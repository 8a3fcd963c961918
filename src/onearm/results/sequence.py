"""Kinds for the test of a time against the design, and for what may be claimed of all outcomes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from onearm import stats
from onearm.dates import MONTH_DAYS
from onearm.design import Outcome, adjust
from onearm.results.cells import SHARE, Operations, Record, from_numbers, numbers_of
from onearm.results.estimating import notes
from onearm.results.model import COLUMN, Task, level_text
from onearm.results.planned import COUNT, DATE, NUMBER, P_VALUE, given, need, said, whole
from onearm.results.rules import Planned
from onearm.results.timing import Stratum, times
from onearm.results.watched import SurvivalNow, enrolment_now, survival_now
from onearm.stats import Note

MONTHS = ("months", "months")
RATIO = ("ratio", "")


def one_sample_log_rank(task: Task) -> pl.DataFrame:
    """The one-sample log-rank test against the null of the design, and what stands beside it.

    Operations: n, observed and expected events, z, critical; ratio (O / E) with exact Poisson
    limits; p_value (one-sided) and landmark_p, only from the day of the planned analysis on;
    information and events_planned; most_events, the largest number of events that would exceed the
    critical value now; power_null, power_target, power_seen, of exceeding it on the likely day;
    standing (a word). Group ANALYSIS: the day, as early, likely and late. Group MONTH, where the
    design has a landmark: rate with limits, null_rate, target_rate, landmark_z, landmark_p. Group
    MODEL: the exponential median with exact limits. Nobody followed: null, note `n_too_small`.
    Source: Wu, Pharmaceutical Statistics 13:26-33 (2014); `onearm.stats.landmark_test`.
    """
    planned = need(task)
    column = task.columns[-1]
    stratum = next(s for s in times(task) if s.record[COLUMN] == column)
    found = survival_now(planned, enrolment_now(planned))
    if found is None:
        raise TypeError("the design has no patients or no enrolment to plan the test with")
    record = stratum.record
    numbers: list[Record] = [*_test(record, found)]
    numbers += said(record, "standing", _standing(found))
    for name, day in zip(("early", "likely", "late"), found.due, strict=False):
        here = {"group2": "ANALYSIS", "level2": "day", "text": day.isoformat()}
        numbers += numbers_of(record | here, {name: DATE})
    numbers += _landmark(task, planned, stratum, is_due=found.is_due)
    numbers += _exponential(task, stratum)
    return from_numbers(numbers)


def _standing(found: SurvivalNow) -> str:
    if found.now.z is None:
        return "no_follow_up"
    if not found.is_due:
        return "before_analysis"
    return "significant" if found.now.exceeds else "not_significant"


def _test(record: Record, found: SurvivalNow) -> Iterator[Record]:
    now, test = found.now, found.now.test
    nobody = {"note": str(Note.N_TOO_SMALL)} if now.z is None else {}
    counts = {"n": test.n, "observed": test.observed, "most_events": now.most_events}
    yield from given(record | counts, dict.fromkeys(counts, COUNT))
    values = {"expected": test.expected, "z": now.z, "critical": now.design.critical}
    values |= {"events_planned": now.design.expected_events}
    yield from given(record | nobody | values, dict.fromkeys(values, NUMBER))
    ratio = {"ratio": test.ratio, "ratio_low": test.ratio_lower, "ratio_high": test.ratio_upper}
    yield from given(record | nobody | ratio, dict.fromkeys(ratio, RATIO))
    ahead = found.ahead
    shares = {"information": now.information, "power_null": ahead and ahead.null.power}
    shares |= {"power_target": ahead and ahead.target.power}
    shares |= {"power_seen": ahead.seen.power if ahead and ahead.seen else None}
    yield from given(record | nobody | shares, dict.fromkeys(shares, SHARE))
    is_wu = now.z == test.z
    p = (test.p_value if is_wu else test.p_value_breslow) if found.is_due else None
    yield from given(record | nobody | {"p_value": p}, {"p_value": P_VALUE})


def _landmark(task: Task, planned: Planned, stratum: Stratum, *, is_due: bool) -> Iterator[Record]:
    landmark = planned.survival_test.landmark
    if landmark is None:
        return
    here: Record = {"group2": "MONTH", "level2": level_text(landmark.months)}
    here |= {"null_rate": landmark.null_rate, "target_rate": landmark.target_rate}
    operations: Operations = dict.fromkeys(
        ("rate", "rate_low", "rate_high", "null_rate", "target_rate"), SHARE
    )
    here["note"] = str(Note.N_TOO_SMALL)
    if stratum.n:
        curve = stats.kaplan_meier(stratum.time, stratum.event, level=task.analysis.level)
        tested = stats.landmark_test(curve, landmark.months * MONTH_DAYS, null=landmark.null_rate)
        read = tested.found
        here |= {"rate": read.value, "rate_low": read.lower, "rate_high": read.upper}
        here |= {"landmark_z": tested.z, "note": notes(tested.notes)}
        here["landmark_p"] = tested.p_value if is_due else None
    tests: Operations = {"landmark_z": NUMBER, "landmark_p": P_VALUE}
    yield from given(stratum.record | here, {**operations, **tests})


def _exponential(task: Task, stratum: Stratum) -> Iterator[Record]:
    here: Record = {"group2": "MODEL", "level2": "exponential", "note": str(Note.N_TOO_SMALL)}
    if stratum.n and stratum.time.sum() > 0:
        # In order of time, so that the sum does not depend on the order of the rows.
        order = np.argsort(stratum.time, kind="stable")
        months = stratum.time[order] / MONTH_DAYS
        fit = stats.exponential(months, stratum.event[order], level=task.analysis.level)
        here |= {"median": fit.median, "median_low": fit.lower, "median_high": fit.upper}
        here["note"] = notes(fit.notes)
    operations = dict.fromkeys(("median", "median_low", "median_high"), MONTHS)
    yield from numbers_of(stratum.record | here, operations)


def sequence(task: Task) -> pl.DataFrame:
    """What may be claimed of several outcomes by the rule of the design; p-values raw and adjusted.

    Group OUTCOME, in the order of the tests: p_value, p_adjusted (both one-sided), alpha; standing:
    claimed, failed, after_failure (descriptive: an earlier outcome failed), not_tested (after a
    stop for futility), open (not analysed yet), descriptive (the design allows no claim). An
    outcome that is not tested has no p-value, note `descriptive`.
    Source: `onearm.design.adjust`.
    """
    planned = need(task)
    record = whole(task)
    numbers: list[Record] = []
    for outcome, standing in judged(planned):
        values = {"p_value": outcome.p_value, "p_adjusted": outcome.adjusted}
        here = record | {"group2": "OUTCOME", "level2": outcome.name} | values
        if standing in ("after_failure", "descriptive"):
            here["note"] = str(Note.DESCRIPTIVE)
        numbers += given(here, dict.fromkeys(values, P_VALUE))
        numbers += numbers_of(here | {"alpha": outcome.alpha}, {"alpha": SHARE})
        numbers += said(here, "standing", standing)
    return from_numbers(numbers)


def judged(planned: Planned) -> list[tuple[Outcome, str]]:
    """The outcomes in order with what may be said of each."""
    multiplicity = planned.design.multiplicity
    if multiplicity is None:
        return []
    tests = {test.outcome: rule for rule, test in planned.design.tests.items()}
    stopped = _word(planned, "response", "standing") == "stopped_for_futility"
    response = planned.design.response
    p_values = {
        outcome: None
        if stopped and (response is None or outcome != response.outcome)
        else _number(planned, tests[outcome], "p_value")
        for outcome in multiplicity.order
        if outcome in tests
    }
    if not p_values:
        return []
    outcomes = adjust(p_values, procedure=multiplicity.method, alpha=multiplicity.alpha)
    found: list[tuple[Outcome, str]] = []
    for outcome in outcomes:
        failed = any(word in ("failed", "after_failure") for _, word in found)
        found.append((outcome, _word_for(planned, outcome, stopped=stopped, failed=failed)))
    return found


def _word_for(planned: Planned, outcome: Outcome, *, stopped: bool, failed: bool) -> str:
    if outcome.p_value is None:
        return "not_tested" if stopped else "open"
    if not planned.design.is_confirmatory:
        return "descriptive"
    if outcome.is_claimed:
        return "claimed"
    multiplicity = planned.design.multiplicity
    in_sequence = multiplicity is not None and multiplicity.method == "fixed_sequence"
    if outcome.adjusted is None:
        return "open"
    return "after_failure" if failed and in_sequence else "failed"


def _rows(planned: Planned, rule: str, operation: str) -> pl.DataFrame:
    """The results of that operation, of the analyses that carry out a rule."""
    names = [a.id for a in planned.plan.analyses if a.rule == rule]
    return planned.earlier.filter(
        pl.col("analysis").is_in(names),
        pl.col("operation") == operation,
        pl.col("group2").is_null(),
    )


def _number(planned: Planned, rule: str, operation: str) -> float | None:
    values = _rows(planned, rule, operation)["value"].to_list()
    return values[0] if values else None


def _word(planned: Planned, rule: str, operation: str) -> str:
    texts = _rows(planned, rule, operation)["text"].to_list()
    return str(texts[0]) if texts else ""
