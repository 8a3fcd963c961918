"""Which features go with which endpoints: one family of tests, judged by permutation together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.errors import Finding, OnearmError, Place
from onearm.omics.assay import ASSOCIATIONS, Block, Outcomes
from onearm.omics.cohort import Cohort, cohort
from onearm.omics.effects import (
    amount_effects,
    response_effects,
    survival_effects,
)
from onearm.omics.permute import Group, Precision, max_t
from onearm.omics.plan import TIERS
from onearm.omics.residuals import centred, linear_residual, ranked, survival_residual
from onearm.omics.tidy import EFFECTS, Test, associations, effect_sizes
from onearm.pieces import SERIAL, Workers, one_thread
from onearm.stats.arguments import Floats, InvalidArgument, check_between

_CHEAP = 1_000_000
"""Products of pairs of subjects with features, a permutation, that take no time to speak of."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Tests that share one error rate: every feature of the blocks with every endpoint.

    design: columns in the model beside the feature; strata: columns that stratify the model and
    within which patients change places. Both are looked up in the outcomes, then in the blocks.
    landmark: day after first dose from which the times of the outcomes are counted (0: first
    dose); a block sampled after it is refused for them. is_exact: scale survival statistics by the
    information each permutation leaves, which finds a little more and takes longer, instead of by
    the permutation variance; None does so where it costs about a second at most. on_ranks:
    permute ranks within strata instead of values, for features with many zeros or long tails; for
    a response this is Wilcoxon's test, with strata van Elteren's.
    """

    tier: str
    blocks: tuple[Block, ...]
    endpoints: tuple[str, ...]
    design: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    alpha: float = 0.05
    analysis: str = "baseline"
    landmark: float = 0.0
    is_exact: bool | None = None
    on_ranks: bool = False

    def __post_init__(self) -> None:
        if self.tier and self.tier not in TIERS:
            raise InvalidArgument("tier", self.tier, f"one of {', '.join(TIERS)}, or empty")
        check_between("alpha", self.alpha)
        if not self.blocks or not self.endpoints:
            raise InvalidArgument("Family", "no block or no endpoint", "at least one of each")


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """What a family of tests found.

    table: columns of `ASSOCIATIONS`, one row a feature and endpoint, smallest adjusted p first;
    ``q`` is Benjamini and Hochberg's of the permutation p of single features, because asymptotic p
    values break for skewed and rare ones. effects: further effect sizes in long form, with ``p`` of
    their own tests (likelihood ratio for a hazard ratio, Wilcoxon for an AUC). n_tests: hypotheses
    that were tested. null_max: (permutations,) largest absolute statistics. refused: what was not
    tested, and why. notes: what a reader must know.
    """

    table: pl.DataFrame
    effects: pl.DataFrame
    n_tests: int
    permutations: int
    null_max: Floats
    refused: tuple[Finding, ...]
    notes: tuple[str, ...]


def screen(
    family: Family,
    outcomes: Outcomes,
    *,
    seed: int,
    permutations: int = 10_000,
    most: int = 100_000,
    precision: Precision = "float64",
    workers: Workers = SERIAL,
    progress: Callable[[int, int], None] | None = None,
) -> Screened:
    """Test a family and adjust over all of it jointly.

    Subjects are those with outcomes and at least one block. A missing feature is left out of its
    own test (``n`` is printed), a missing endpoint likewise. Adjusted p values do not depend on the
    order of features, subjects, blocks or endpoints. See `max_t` for ``permutations`` and ``most``.
    Raises `OnearmError` for an endpoint or column nobody has; what cannot be tested honestly is in
    ``refused``.
    """
    unknown = [name for name in family.endpoints if name not in outcomes.endpoints]
    if unknown:
        known = ", ".join(sorted(outcomes.endpoints))
        raise OnearmError(f"endpoint {unknown[0]!r} is not in the outcomes; endpoints: {known}")
    people = cohort(family.blocks, outcomes, design=family.design, strata=family.strata)
    refused: list[Finding] = []
    # One thread: how sums are split among threads would show in the last digits.
    with one_thread():
        tests = [
            test
            for at in range(len(people.blocks))
            for endpoint in sorted(set(family.endpoints))
            if (test := _prepare(family, people, at, endpoint, refused)) is not None
        ]
    if not tests:
        return _nothing(refused)
    judged = max_t(
        [test.group for test in tests],
        strata=people.strata,
        seed=seed,
        permutations=permutations,
        most=most,
        alpha=family.alpha,
        precision=precision,
        workers=workers,
        progress=progress,
    )
    return Screened(
        associations(tests, judged, analysis=family.analysis, tier=family.tier),
        effect_sizes(tests, judged),
        judged.tests,
        judged.permutations,
        judged.null_max,
        tuple(refused),
        _notes(people),
    )


def _prepare(
    family: Family, people: Cohort, at: int, endpoint: str, refused: list[Finding]
) -> Test | None:
    """The nominal tests and what is permuted; None and a finding where that would be dishonest."""
    block, covariates = people.blocks[at], people.covariates[at]
    outcomes, values, strata = people.outcomes, people.matrices[at], people.strata
    is_binary = block.scale == "binary"
    is_usable = np.isfinite(covariates).all(axis=1)
    information = None
    try:
        if endpoint in outcomes.times:
            times = outcomes.times[endpoint]
            _check_time_zero(family, block, endpoint)
            _check_contrast(endpoint, times.event[np.isfinite(times.time) & is_usable], "event")
            residual, exact = survival_residual(times, strata, covariates)
            information = exact if _is_exact(family, people) else None
            nominal = survival_effects(values, times, strata, covariates, is_binary=is_binary)
        elif endpoint in outcomes.responses:
            response = outcomes.responses[endpoint]
            _check_contrast(endpoint, response[np.isfinite(response) & is_usable], "responder")
            residual = linear_residual(response, strata, covariates)
            nominal = response_effects(values, response, strata, covariates, is_binary=is_binary)
        else:
            amount = outcomes.amounts[endpoint]
            _check_contrast(endpoint, amount[np.isfinite(amount) & is_usable], "")
            residual = linear_residual(amount, strata, covariates)
            nominal = amount_effects(values, amount, strata, covariates)
    except _Refusal as reason:
        place = Place(field=f"{block.modality} at {block.timepoint}, {endpoint}")
        refused.append(Finding(place, reason.seen, "omics.md", str(reason), reason.hint))
        return None
    shuffled = ranked(values, strata) if family.on_ranks else values
    group = Group(centred(shuffled, strata, covariates), residual, information)
    return Test(block, endpoint, group, nominal)


def _is_exact(family: Family, people: Cohort) -> bool:
    """Whether statistics are scaled by the information that each permutation leaves."""
    if family.is_exact is not None:
        return family.is_exact
    features = sum(matrix.shape[1] for matrix in people.matrices)
    n = len(people.subjects)
    return bool(features * n * (n + 1) // 2 <= _CHEAP)


class _Refusal(OnearmError):
    """An association that is not tested."""

    def __init__(self, message: str, seen: object, hint: str) -> None:
        super().__init__(message)
        self.seen, self.hint = seen, hint


def _check_time_zero(family: Family, block: Block, endpoint: str) -> None:
    """Refuse survival counted from before the sample: whoever died early was never sampled."""
    # Study day 1 is the day of first dose, so a sample of day d lies d - 1 days after it.
    after = np.where(block.study_day > 0, block.study_day - 1, block.study_day)
    late = np.flatnonzero(after > family.landmark)
    if late.size:
        worst = late[np.argmax(after[late])]
        raise _Refusal(
            f"{endpoint} is counted from day {family.landmark:g} after first dose, but "
            f"{late.size} samples were taken later",
            f"{block.subjects[worst]} on study day {block.study_day[worst]:g}",
            "Count the times from a landmark at or after the visit (landmark.from_landmark), or "
            "use a time-dependent covariate.",
        )


def _check_contrast(endpoint: str, seen: np.ndarray, what: str) -> None:
    # Survival varies by its times even where everybody has the event.
    varies = np.unique(seen).size > 1 or what == "event"
    if seen.size < 3 or not varies or not seen.any():
        raise _Refusal(
            f"{endpoint} does not vary among {seen.size} subjects",
            f"{int(seen.sum())} {what}s" if what else "one value",
            "Nothing can be associated with it.",
        )


def _notes(people: Cohort) -> tuple[str, ...]:
    if not people.alone:
        return ()
    note = (
        f"{people.alone} of {len(people.subjects)} subjects are alone in their stratum: they keep "
        "their place in every permutation and add nothing to a test"
    )
    return (note,)


def _nothing(refused: list[Finding]) -> Screened:
    empty = pl.DataFrame(schema=dict(ASSOCIATIONS))
    return Screened(empty, pl.DataFrame(schema=EFFECTS), 0, 0, np.empty(0), tuple(refused), ())
