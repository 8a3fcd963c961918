"""Every number that a reader looks for first, worked out twice: by the package and by hand.

A trial of 60 virtual patients runs once through the pipeline. Beside it, plain Python works from
the SDTM rows alone (`by_hand.py`, `by_hand_tumours.py`), written from the specification. Whoever
wants to check a number can read those two files against the specification.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from onearm import pipeline
from onearm.cli.demo import shipped_study
from onearm.simulate import trial as simulate_trial
from onearm.study import load
from tests.whole import by_hand
from tests.whole.by_hand import MONTH, Curve, Row, exact_limits
from tests.whole.by_hand_tumours import (
    CBR_DAYS,
    SD4_DAYS,
    best_response,
    first_confirmed,
    free_until,
    progression_free,
)

SUBJECTS, SEED = 60, 2


@dataclass
class Both:
    """The two sides: the subjects as read by hand, and the package's results by their id."""

    hand: by_hand.Trial
    results: dict[str, float | None]

    def agree(self, result: str, value: float | None) -> None:
        """One number; a value that does not exist must be empty in the results too."""
        assert result in self.results, f"no result {result}; by hand {value}"
        found = self.results[result]
        if value is None or math.isnan(value):
            assert found is None, f"{result} is {found}, by hand it does not exist"
        else:
            assert found == pytest.approx(value, rel=1e-9, abs=1e-12), result

    def agree_rate(self, analysis: str, members: Iterable[str]) -> None:
        """Count, share of the full analysis set and Clopper-Pearson limits."""
        x, n = len(list(members)), len(self.hand.treated)
        low, high = exact_limits(x, n)
        found = {"N": n, "n": x, "estimate": x / n, "ci_low": low, "ci_high": high}
        for operation, value in found.items():
            self.agree(f"{analysis}.{operation}.Total", value)

    def agree_curve(
        self, analysis: str, ends: Sequence[tuple[int, bool]], months: Sequence[int]
    ) -> None:
        """Events, median and rates with limits; the first day of a time is day 1 (AVAL)."""
        curve = Curve((day + 1, event) for day, event in ends)
        self.agree(f"{analysis}.n.Total", len(ends))
        self.agree(f"{analysis}.events.Total", curve.events)
        names = ("median", "median_low", "median_high")
        for name, day in zip(names, curve.median(), strict=True):
            self.agree(f"{analysis}.{name}.Total", None if day is None else day / MONTH)
        for month in months:
            there = curve.at(month * MONTH) or (None, None, None)
            for name, rate in zip(("rate", "rate_low", "rate_high"), there, strict=True):
                self.agree(f"{analysis}.{name}.Total.{month}", rate)

    def agree_summary(self, analysis: str, values: Sequence[float], *, group: str = "") -> None:
        """Number, mean, standard deviation and median."""
        found = {
            "n": len(values),
            "mean": statistics.mean(values),
            "sd": statistics.stdev(values),
            "median": statistics.median(values),
        }
        for operation, value in found.items():
            self.agree(f"{analysis}.{operation}.Total{group}", value)


@pytest.fixture(scope="module")
def both() -> Both:
    study = load(shipped_study())
    made = simulate_trial(study, subjects=SUBJECTS, seed=SEED)
    trial = pipeline.build(study, made.entries, cut=made.cut)
    rows = {n: f.to_dicts() for n, f in trial.domains.items() if "USUBJID" in f.columns}
    results = dict(trial.numbers.select("result_id", "value").iter_rows())
    return Both(by_hand.Trial(rows, made.cut), results)


@pytest.fixture(scope="module")
def best(both: Both) -> dict[str, str]:
    """Confirmed best response of every treated subject."""
    return {s: best_response(p.kept(), confirmed=True) for s, p in both.hand.patients.items()}


# -- Who was in the trial --------------------------------------------------------------------------


def test_disposition(both: Both) -> None:
    hand = both.hand
    died = {s for s in hand.enrolled if s in hand.death}
    left = {
        s
        for s in hand.enrolled - died
        for r in hand.of("DS", s)
        if r["DSSCAT"] == "STUDY PARTICIPATION" and r["DSDECOD"] not in ("DEATH", "COMPLETED")
    }
    stopped = {
        s
        for s in hand.treated
        if {g[2]["EXTRT"] for g in hand.given(s)}
        <= {v for (_, name), v in hand.supp("DS", s).items() if name == "DSTRT"}
    }
    both.agree("screening.n.Total.Screened", len(hand.dm))
    both.agree("screening.n.Total.Enrolled", len(hand.enrolled))
    both.agree("screening.n.Total.Treated", len(hand.treated))
    both.agree("analysis_sets.n.Total.Full analysis set", len(hand.treated))
    both.agree("disposition_treatment.n.Total.Both drugs stopped", len(stopped))
    both.agree(
        "disposition_treatment.n.Total.On treatment at the data cut-off",
        len(hand.treated) - len(stopped),
    )
    both.agree("disposition_study.n.Total.Died", len(died))
    both.agree("disposition_study.n.Total.Left the study", len(left))
    both.agree("disposition_study.n.Total.In follow-up", len(hand.enrolled - died - left))


def test_demographics_and_prior_therapy(both: Both) -> None:
    hand = both.hand
    ages = [float(hand.dm[s]["AGE"]) for s in hand.treated]
    both.agree_summary("age", ages)
    both.agree("age.min.Total", min(ages))
    both.agree("age.max.Total", max(ages))
    for sex in ("M", "F"):
        both.agree(f"sex.n.Total.{sex}", sum(hand.dm[s]["SEX"] == sex for s in hand.treated))
    both.agree_summary("weight", [w for s in hand.treated if (w := hand.weight(s)) is not None])
    for domain, group, kind in (
        ("CM", "prior_systemic", "SCAT"),
        ("PR", "prior_procedures", "TRT"),
    ):
        had: dict[str, set[str]] = {}
        for s in hand.treated:
            for r in hand.of(domain, s):
                if r[f"{domain}CAT"] == "PRIOR ANTICANCER" and r[domain + kind]:
                    had.setdefault(r[domain + kind], set()).add(s)
        assert had
        for term, subjects in had.items():
            both.agree(f"{group}.n.Total.{term}", len(subjects))


def test_tumour_assessments_done_late_and_missed(both: Both) -> None:
    plan = [42, 84, 126, 168, 231, 294, 357, 420, 483]
    patients = both.hand.patients.values()
    for number, planned in enumerate(plan, start=1):
        visit = 300 + number
        days = [s.day for p in patients for s in p.scans if s.visit == visit]
        missed = [
            p
            for p in patients
            if visit not in {s.visit for s in p.scans}
            and any(visit < s.visit < 400 for s in p.scans)
        ]
        if days:
            row = f"scans.n.Total.TUMOUR ASSESSMENT {number}"
            both.agree(f"{row}.Done", len(days))
            both.agree(f"{row}.Late, more than 7 days", sum(d > planned + 7 for d in days))
            both.agree(f"{row}.Early, more than 7 days", sum(d < planned - 7 for d in days))
        both.agree(f"scans_missed.n.Total.Tumour assessment {number}", len(missed))


# -- What the tumours did --------------------------------------------------------------------------


def test_best_response(both: Both, best: dict[str, str]) -> None:
    loose = {s: best_response(p.kept(), confirmed=False) for s, p in both.hand.patients.items()}
    for analysis, found in (("bor_confirmed", best), ("bor_unconfirmed", loose)):
        for value in ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"):
            count = sum(v == value for v in found.values())
            both.agree(f"{analysis}.n.Total.{value}", count)
    for kind, found in (("confirmed", best), ("unconfirmed", loose)):
        both.agree_rate(f"orr_{kind}", [s for s, v in found.items() if v in ("CR", "PR")])
        both.agree_rate(f"dcr_{kind}", [s for s, v in found.items() if v in ("CR", "PR", "SD")])


def test_stable_disease_and_clinical_benefit(both: Both, best: dict[str, str]) -> None:
    stable = {s: free_until(p) for s, p in both.hand.patients.items() if best[s] == "SD"}
    responders = [s for s, v in best.items() if v in ("CR", "PR")]
    both.agree_rate("sd4m", [s for s, days in stable.items() if days >= SD4_DAYS])
    both.agree_rate("cbr", responders + [s for s, days in stable.items() if days >= CBR_DAYS])


def test_best_change_of_the_sum(both: Both) -> None:
    changes = []
    for p in both.hand.patients.values():
        sums = [s.total for s in p.kept() if s.total is not None]
        if p.baseline and sums:
            changes.append(float(100 * (min(sums) - p.baseline) / p.baseline))
    both.agree_summary("best_change", changes)


def test_progression_free_survival(both: Both) -> None:
    patients = both.hand.patients.values()
    both.agree_curve("pfs", [progression_free(p) for p in patients], (3, 6, 9, 12))
    policy = [progression_free(p, policy=True) for p in patients]
    both.agree_curve("pfs_treatment_policy", policy, (3, 6, 9, 12))
    both.agree_curve("ttp", [progression_free(p, deaths=False) for p in patients], (3, 6, 9, 12))


def test_overall_survival_and_follow_up(both: Both) -> None:
    ends = [
        (p.alive, False) if p.death is None else (p.death, True)
        for p in both.hand.patients.values()
    ]
    both.agree_curve("os", ends, (6, 12, 18, 24))
    reverse = Curve((day + 1, not died) for day, died in ends)
    names = ("median", "median_low", "median_high")
    for name, day in zip(names, reverse.median(), strict=True):
        both.agree(f"followup.{name}.Total", None if day is None else day / MONTH)
    both.agree("followup.alive.Total", sum(not died for _, died in ends))


def test_duration_of_response_and_time_to_it(both: Both, best: dict[str, str]) -> None:
    ends, waits = [], []
    for s, p in both.hand.patients.items():
        first = first_confirmed(p.kept())
        assert (first is not None) == (best[s] in ("CR", "PR"))
        if first is not None:
            day, event = progression_free(p, start=first.day)
            ends.append((day - first.day, event))
            waits.append((first.day + 1) / MONTH)
    both.agree_curve("dor", ends, (3, 6, 9, 12))
    both.agree("ttr.median.Total", statistics.median(waits))


# -- What the drugs did to the patients ------------------------------------------------------------


@pytest.mark.parametrize("analysis", ["teae", "trae"])
def test_events_by_term_and_worst_grade(both: Both, analysis: str) -> None:
    hand = both.hand
    organ = {r["AEDECOD"]: r["AEBODSYS"] for s in hand.treated for r in hand.of("AE", s)}
    table = hand.incidence(lambda r: analysis == "teae" or r["REL"])
    assert len(table) > 20
    for term, grades in table.items():
        row = f"Total.{organ[term]}.{term}" if term else "Total"
        both.agree(f"{analysis}.n.{row}", sum(grades.values()))
        for number in range(1, 6):
            both.agree(f"{analysis}.n_grade_{number}.{row}", grades.get(number, 0))


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("Any adverse event", lambda r: True),
        ("Related to any drug", lambda r: r["REL"]),
        ("Grade 3 or higher", lambda r: r["GRADE"] >= 3),
        ("Serious", lambda r: r["AESER"] == "Y"),
        ("Serious, related", lambda r: r["AESER"] == "Y" and r["REL"]),
        ("Fatal", lambda r: r["GRADE"] == 5),
        ("Immune-mediated", lambda r: r["AEIMM"] == "Y"),
    ],
)
def test_overview_of_events(both: Both, line: str, counts: Callable[[Row], bool]) -> None:
    of_each = [[r for r in both.hand.emergent(s) if counts(r)] for s in both.hand.treated]
    both.agree(f"ae_overview.n.Total.{line}", sum(bool(rows) for rows in of_each))
    both.agree(f"ae_overview.events.Total.{line}", sum(len(rows) for rows in of_each))


def test_deaths(both: Both) -> None:
    hand = both.hand
    died = {s: hand.death[s] for s in hand.treated if s in hand.death}
    both.agree("deaths.n.Total.All deaths", len(died))
    for days in (30, 90):
        soon = [s for s, day in died.items() if day <= hand.last[s] + timedelta(days)]
        both.agree(f"deaths.n.Total.Within {days} days of the last dose", len(soon))


@pytest.mark.parametrize("drug", ["LENVATINIB", "PEMBROLIZUMAB"])
def test_exposure(both: Both, drug: str) -> None:
    given = [e for s in both.hand.treated if (e := both.hand.exposure(s, drug)) is not None]
    both.agree_summary("exposure_duration", [e["days"] / MONTH for e in given], group=f".{drug}")
    both.agree_summary("exposure_dose", [e["mg"] for e in given], group=f".{drug}")
    both.agree_summary("exposure_intensity", [e["rdi"] for e in given], group=f".{drug}")
    reduced = sum(e["reductions"] >= 1 for e in given)
    both.agree(f"exposure_changes.n.Total.{drug}.At least one reduction", reduced)


@pytest.mark.parametrize(
    ("test", "direction"), [("ALT", "high"), ("BILI", "high"), ("PLAT", "low")]
)
def test_worst_laboratory_grade(both: Both, test: str, direction: str) -> None:
    table = both.hand.shift(test)
    assert sum(table.values()) > 0.9 * len(both.hand.treated)
    for before in range(5):
        for worst in range(5):
            row = f"lab_shift_{direction}.n.Total.{test}.{before} > {worst}"
            both.agree(row, table.get((before, worst), 0))
