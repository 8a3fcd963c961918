"""Compute every cut, error and boundary of design.yaml again, and say where the file is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from onearm.design import TwoStage, one_stage_at, one_stage_design, simon, two_stage
from onearm.errors import OnearmError
from onearm.study.design import SafetyRule, TrialDesign
from onearm.study.designrules import alpha_of, rate_design, safety_rule, survival_design
from onearm.study.hypotheses import RateTest, SurvivalTest
from onearm.study.notebook import Notebook
from onearm.study.yamlfile import KeyPath

FILE = "design.yaml"
N_MAX = 200
"""Simon's search goes to this number of patients, or to the file's own where that is larger."""


def check_numbers(notes: Notebook, design: TrialDesign) -> None:
    """One error for each number that the rules named beside it do not give."""
    for key, test in design.tests.items():
        with _refused(notes, (key,)):
            if isinstance(test, RateTest):
                _check_rate(notes, key, test)
            else:
                _check_survival(notes, key, test, design)
    for at, rule in enumerate(design.safety):
        with _refused(notes, ("safety", at)):
            _check_boundary(notes, ("safety", at), rule)


@contextmanager
def _refused(notes: Notebook, path: KeyPath) -> Iterator[None]:
    """What the engine refuses (errors that leave nothing to tell, no such design) is an error."""
    try:
        yield
    except OnearmError as problem:
        notes.error(FILE, path, None, str(problem))


def _check_rate(notes: Notebook, key: str, test: RateTest) -> None:
    alpha, power = alpha_of(test), rate_design(test).power
    _check_stated(notes, (key, "alpha_reached"), test.alpha_reached, alpha, "type I error")
    _check_stated(notes, (key, "power"), test.power, power, "power")
    if alpha > test.alpha:
        message = f"{_cuts(test)} has a type I error of {alpha:.4f}, above the {test.alpha:g}"
        notes.error(
            FILE,
            (key, "final", "promising_from"),
            test.final.promising_from,
            f"{message} asked for",
            _smallest(test),
        )
    if test.beta is not None and power < 1 - test.beta:
        message = f"{_cuts(test)} has a power of {power:.4f}, below the {1 - test.beta:g}"
        hint = "Take more patients, a larger beta, or another target rate."
        notes.error(FILE, (key, "beta"), test.beta, f"{message} asked for", hint)
    _check_method(notes, key, test)
    _check_overruled(notes, key, test)


def _check_method(notes: Notebook, key: str, test: RateTest) -> None:
    """The cuts are what ``method`` says they are."""
    path: KeyPath = (key, "final", "promising_from")
    if test.method == "exact":
        given = one_stage_at(test.final.patients, p0=test.null_rate, p1=test.target_rate,
                             alpha=test.alpha)  # fmt: skip
        if given.needs != test.final.promising_from:
            message = (
                f"promising from {test.final.promising_from} of {test.final.patients} is stated; "
                f"the smallest cut that keeps {test.alpha:g} is {given.needs} "
                f"(type I error {given.alpha:.4f})"
            )
            notes.error(FILE, path, test.final.promising_from, message, "Write that cut.")
    elif test.method in ("optimal", "minimax") and test.beta is not None:
        n_max = max(N_MAX, test.final.patients)
        found = simon(
            p0=test.null_rate, p1=test.target_rate, alpha=test.alpha, beta=test.beta, n_max=n_max
        )
        best = found.optimal if test.method == "optimal" else found.minimax
        stated = rate_design(test)
        if isinstance(stated, TwoStage) and _sizes(stated) != _sizes(best):
            message = f"{_words(stated)} is stated; the {test.method} design is {_words(best)}"
            hint = "Write those cuts, or `method: given`."
            notes.error(FILE, path, test.final.promising_from, message, hint)


def _check_overruled(notes: Notebook, key: str, test: RateTest) -> None:
    """Without the stop the trial is one stage with the same patients."""
    other, n, p0, p1 = (
        test.if_futility_is_overruled,
        test.final.patients,
        test.null_rate,
        test.target_rate,
    )
    if other is None:
        return
    path: KeyPath = (key, "if_futility_is_overruled")
    if other.promising_from > n:
        message = f"{other.promising_from} responders of {n} patients cannot be"
        notes.error(FILE, (*path, "promising_from"), other.promising_from, message)
        return
    alpha = one_stage_design(n, other.promising_from - 1, p0=p0, p1=p1).alpha
    _check_stated(notes, (*path, "alpha_reached"), other.alpha_reached, alpha, "type I error")
    best = one_stage_at(n, p0=p0, p1=p1, alpha=test.alpha)
    if best.needs != other.promising_from:
        message = (
            f"promising from {other.promising_from} of {n} is stated; without the stop the "
            f"smallest cut that keeps {test.alpha:g} is {best.needs} (type I error "
            f"{best.alpha:.4f})"
        )
        notes.error(FILE, (*path, "promising_from"), other.promising_from, message)


def _check_survival(notes: Notebook, key: str, test: SurvivalTest, design: TrialDesign) -> None:
    rule = survival_design(test, design)
    if rule is not None:
        _check_stated(notes, (key, "power"), test.power, rule.power, "power")
    elif test.power is not None:
        hint = "Add patients: and enrolment: {per_month: ...}, or leave the power out."
        message = "the power cannot be computed without patients and their enrolment"
        notes.error(FILE, (key, "power"), test.power, message, hint)
    if test.landmark is not None:
        survival, months = test.null_point
        null = survival ** math.pow(test.landmark.months / months, test.shape)
        target = null**test.target_ratio
        at = f"share without the event at {test.landmark.months:g} months"
        path: KeyPath = (key, "landmark")
        _check_stated(notes, (*path, "null_rate"), test.landmark.null_rate, null, at)
        _check_stated(notes, (*path, "target_rate"), test.landmark.target_rate, target, at)


def _check_boundary(notes: Notebook, path: KeyPath, rule: SafetyRule) -> None:
    given = safety_rule(rule)
    for look, count in zip(given.looks, given.stop_at, strict=True):
        stated = rule.stop_at[look]
        if stated != count:
            says = f"at {count} or more of {look}" if count is not None else f"never at {look}"
            message = (
                f"{rule.id}: stop at {_count(stated)} of {look} patients is stated; "
                f"the rule stops {says} ({given.words})"
            )
            notes.error(FILE, (*path, "stop_at", str(look)), _count(stated), message)


def _check_stated(
    notes: Notebook, path: KeyPath, stated: float | None, exact: float, what: str
) -> None:
    """A number written with so many decimals is the exact one rounded to them."""
    if stated is None:
        return
    decimals = -int(Decimal(repr(stated)).as_tuple().exponent)
    # Half a unit of the last place, and the error of the float that was read.
    if abs(stated - exact) > 0.5 * 10.0**-decimals + 1e-12:
        message = f"a {what} of {stated:g} is stated; the rule gives {exact:.{decimals + 1}f}"
        notes.error(FILE, path, stated, message, f"Write {exact:.{decimals}f}.")


def _smallest(test: RateTest) -> str:
    """The smallest final cut that keeps alpha with the same patients, as a hint."""
    n, p0, p1 = test.final.patients, test.null_rate, test.target_rate
    for r in range(test.r, n):
        if test.stage_1 is None:
            alpha = one_stage_design(n, r, p0=p0, p1=p1).alpha
        else:
            first = test.stage_1
            design = two_stage(r1=first.stop_if_at_most, n1=first.patients, r=r, n=n, p0=p0, p1=p1)
            binding = test.futility == "binding"
            alpha = design.alpha if binding else design.alpha_non_binding
        if alpha <= test.alpha:
            return f"From {r + 1} of {n} on the type I error is {alpha:.4f}."
    return f"No cut of {n} patients keeps {test.alpha:g}."


def _cuts(test: RateTest) -> str:
    design = rate_design(test)
    if isinstance(design, TwoStage):
        return _words(design)
    return f"promising from {design.needs} of {design.n}"


def _words(design: TwoStage) -> str:
    return f"stop at {design.r1} of {design.n1}, promising from {design.needs} of {design.n}"


def _sizes(design: TwoStage) -> tuple[int, int, int, int]:
    return design.r1, design.n1, design.r, design.n


def _count(stated: int | None) -> str:
    return "no number" if stated is None else str(stated)
