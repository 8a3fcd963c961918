"""Does the analysis keep its promises? Error rates on noise and power on planted signals.

The tables of omics.md, sections 15 and 16: each line is a generator of cohorts, a question put to
each cohort through the same functions that a trial's analysis uses, and what the share of cohorts
in which something was found must reach or must not exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from onearm.omics.assay import Times
from onearm.omics.cutpoints import search_cutpoint
from onearm.omics.derived import programme, scores
from onearm.omics.landmark import from_landmark
from onearm.omics.nulls import Generator, Trial, bound, draw
from onearm.omics.permute import Group, max_t
from onearm.omics.predict import Prediction, predict
from onearm.omics.prediction_data import Question
from onearm.omics.residuals import centred, linear_residual, survival_residual
from onearm.omics.screen import Family, screen
from onearm.omics.visits import after_landmark
from onearm.pieces import SERIAL, Workers, each, streams
from onearm.stats.arguments import Floats

ALPHA = 0.05
PERMUTATIONS = 399
_PIECE = 10
"""Trials in a piece of work."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table.

    question: a key of `QUESTIONS`. least, most: what the share of trials may be; ``most`` of NaN
    stands for the bound of `nulls.bound`, which depends on the number of trials.
    """

    name: str
    generator: Generator
    question: str
    least: float = 0.0
    most: float = 1.0

    def limits(self, trials: int) -> tuple[float, float]:
        """The share that may be, for so many trials."""
        return self.least, bound(trials) if np.isnan(self.most) else self.most


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something was found in the trials of a line, and whether that is as required."""

    line: Line
    found: int
    trials: int

    @property
    def share(self) -> float:
        """Of the trials."""
        return self.found / self.trials

    @property
    def is_kept(self) -> bool:
        """Whether the share lies within its limits."""
        low, high = self.line.limits(self.trials)
        return low <= self.share <= high


def adjusted(trial: Trial, endpoint: str, *, seed: int = 1, by_batch: bool = False) -> Floats:
    """Adjusted p of every feature: what `screen.screen` prints, without its effect sizes."""
    there = np.flatnonzero(~np.isnan(trial.values).any(axis=1))
    strata = trial.batch[there] if by_batch else np.zeros(there.size, dtype=np.int64)
    none = np.empty((there.size, 0))
    information = None
    if endpoint == "survival":
        times = Times(trial.times.time[there], trial.times.event[there])
        residual, information = survival_residual(times, strata, none)
    else:
        residual = linear_residual(trial.response[there], strata, none)
    # `screen` scales by the exact information where that is cheap; so does this.
    is_small = trial.values.shape[1] <= 784
    values = centred(trial.values[there], strata, none)
    group = Group(values, residual, information if is_small else None)
    judged = max_t([group], strata=strata, seed=seed, permutations=PERMUTATIONS, most=PERMUTATIONS)
    return judged.p_adjusted[0]


def _anything(endpoint: str, trial: Trial, seed: int, *, by_batch: bool = False) -> bool:
    return bool(adjusted(trial, endpoint, seed=seed, by_batch=by_batch).min() <= ALPHA)


def _tied(trial: Trial, seed: int) -> bool:
    """Survival known to two months only: nearly every time is shared."""
    time = 2 * np.ceil(trial.times.time / 2)
    return _anything("survival", replace(trial, times=Times(time, trial.times.event)), seed)


def _joint(trial: Trial, seed: int) -> bool:
    """Progression-free and overall survival and response of one family."""
    outcomes = trial.outcomes()
    overall = replace(trial.times, time=trial.times.time + 2)
    outcomes = replace(outcomes, times={"PFS": trial.times, "OS": overall})
    family = Family("candidates", (trial.block(),), ("PFS", "OS", "response"))
    found = screen(family, outcomes, seed=seed, permutations=PERMUTATIONS, most=PERMUTATIONS)
    return float(found.table["p_adjusted"].min()) <= ALPHA  # type: ignore[arg-type]  # numbers


def _by_q(trial: Trial, seed: int) -> bool:
    """q of permutation p, so many that the smallest p can give a q below alpha."""
    family = Family("", (trial.block(),), ("survival",))
    found = screen(family, trial.outcomes(), seed=seed, permutations=999, most=999)
    return float(found.table["q"].min()) <= ALPHA  # type: ignore[arg-type]  # numbers


def _cutpoint(trial: Trial, seed: int) -> bool:
    """The adjusted p of the best cutpoint of one feature."""
    feature = trial.values[:, 0]
    found = search_cutpoint(feature, trial.times, seed=seed, permutations=PERMUTATIONS, resamples=1)
    return found.p <= ALPHA


def _responders(trial: Trial, seed: int, *, day: float) -> bool:
    """Responders against the others; a response is seen at month 2, 4 or 6 by who lives so long."""
    chance = np.random.default_rng(seed)
    month = chance.choice([2.0, 4.0, 6.0], trial.response.size)
    would = chance.random(trial.response.size) < 0.5
    seen = would & (trial.times.time > month)
    known = seen & (month <= day) if day else seen
    moved = from_landmark(trial.times, day).times
    still = np.isfinite(moved.time)
    if not moved.event.any() or known[still].all() or not known[still].any():
        return False
    return after_landmark(known.astype(np.float64), trial.times, day).p <= ALPHA


def _planted(trial: Trial, seed: int) -> bool:
    return bool(adjusted(trial, "survival", seed=seed)[0] <= ALPHA)


def _programme(trial: Trial, seed: int) -> bool:
    """Fifty scores of twenty genes; the genes of the first carry the signal together."""
    block = trial.block()
    size = len(block.features) // 50
    sets = [
        programme(f"P{number:02d}", block.features[number * size : (number + 1) * size])
        for number in range(50)
    ]
    made, _ = scores(block, sets)
    values = np.column_stack([made[f"P{number:02d}"] for number in range(50)])
    return _planted(replace(trial, values=values), seed)


QUESTIONS: Mapping[str, Callable[[Trial, int], bool]] = {
    "survival": partial(_anything, "survival"),
    "response": partial(_anything, "response"),
    "survival in strata": partial(_anything, "survival", by_batch=True),
    "response in strata": partial(_anything, "response", by_batch=True),
    "survival, tied": _tied,
    "joint": _joint,
    "q": _by_q,
    "cutpoint": _cutpoint,
    "responders from landmark": partial(_responders, day=4.0),
    "responders from first dose": partial(_responders, day=0.0),
    "planted": _planted,
    "programme": _programme,
}
"""What is asked of a trial, with a seed for its permutations; True where it finds something."""

NAN = float("nan")


def null_lines(features: int) -> tuple[Line, ...]:
    """Section 15: noise, in which a finding must be as rare as alpha says."""
    noise = Generator(features=features)
    skewed, missing = replace(noise, skewed=True), replace(noise, missing=0.3)
    both = ("survival", "response")
    few = replace(noise, features=20)
    return (
        *(Line(f"max-T, {end}, Gaussian", noise, end, 0.02, NAN) for end in both),
        *(Line(f"max-T, {end}, exponentiated", skewed, end, 0.0, NAN) for end in both),
        *(Line(f"max-T, {end}, strata", noise, f"{end} in strata", 0.0, NAN) for end in both),
        Line("max-T, survival, ties of two months", noise, "survival, tied", 0.0, NAN),
        *(Line(f"max-T, {end}, 30% missing", missing, end, 0.0, NAN) for end in both),
        Line("joint max-T, 3 endpoints x 20 candidates", few, "joint", 0.0, NAN),
        Line("BH of permutation p, 20 features", few, "q", 0.0, NAN),
        Line("BH, exponentiated", replace(few, skewed=True), "q", 0.0, NAN),
        Line("searched cutpoint, adjusted p", replace(noise, features=1), "cutpoint", 0.0, NAN),
        Line("responders from a landmark", replace(noise, features=1), "responders from landmark",
             0.0, NAN),
        Line("responders from first dose (refused)", replace(noise, features=1),
             "responders from first dose", 0.15, 1.0),
    )  # fmt: skip


def power_lines(most: int) -> tuple[Line, ...]:
    """Section 16: one planted feature, or programme, in families of up to ``most`` features."""
    asked = [
        (20_000, 2.46, 0.25), (20_000, 3.0, 0.50), (20_000, 3.67, 0.75), (50, 2.0, 0.52),
        (20, 1.65, 0.28), (20, 1.82, 0.53), (20, 2.0, 0.70), (10, 2.0, 0.72),
    ]  # fmt: skip
    lines = [
        Line(
            f"{size:,} features, HR {ratio:g} per SD",
            Generator(features=size, hazard_ratio=ratio),
            "planted",
            reach,
        )
        for size, ratio, reach in asked
        if size <= most
    ]
    programme_of = Generator(features=1000, hazard_ratio=2.46, planted=20)
    return (
        *lines,
        Line("20-gene programme, HR 2.46, of 50 scores", programme_of, "programme", 0.82),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Some trials of a line."""

    line: Line
    seeds: tuple[np.random.SeedSequence, ...]


def rates(
    lines: Sequence[Line],
    trials: int,
    *,
    seed: int,
    workers: Workers = SERIAL,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Rate]:
    """Put each line's question to so many trials; the same seed gives the same rates."""
    # The same streams for every line, so that a line alone gives what it gives among others.
    own = streams(seed, trials)
    for line in lines:
        pieces = [
            _Piece(line, tuple(own[start : start + _PIECE])) for start in range(0, trials, _PIECE)
        ]
        found = sum(each(_found, pieces, workers=workers, progress=progress))
        yield Rate(line, found, trials)


def _found(piece: _Piece) -> int:
    asked = QUESTIONS[piece.line.question]
    return sum(
        asked(
            draw(piece.line.generator, np.random.default_rng(seed)), int(seed.generate_state(1)[0])
        )
        for seed in piece.seeds
    )


@dataclass(frozen=True, slots=True)
class Predicted:
    """Nested prediction in one trial: estimate of the AUC, whether its interval holds 0.5, p."""

    auc: float
    covers_half: bool
    p: float


def nested(
    generator: Generator, trials: int, *, seed: int, permutations: int, workers: Workers = SERIAL
) -> list[Predicted]:
    """The nested ridge of section 11 in so many trials, one deal of the folds each."""
    question = Question("response", methods=("ridge",), repeats=1, permutations=permutations)
    work = partial(_predicted, generator, question)
    return each(work, streams(seed, trials), workers=workers)


def _predicted(generator: Generator, question: Question, seed: np.random.SeedSequence) -> Predicted:
    trial = draw(generator, np.random.default_rng(seed))
    found: Prediction = predict([trial.block()], trial.outcomes(), question, seed=1)
    return Predicted(found.estimate, found.lower <= 0.5 <= found.upper, found.p)
