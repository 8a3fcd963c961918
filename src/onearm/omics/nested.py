"""One split of nested cross-validation: everything fitted in the training part, for every column.

A column is an outcome: the true one first, then permuted ones. Scaling, imputation, kernels, the
choice of penalty and of model, and the weights of fusion come from the training patients alone; a
held-out patient is scored with them on his own.
Source: omics.md, section 11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from onearm.omics.elastic_net import FEATURES, PATH, net_scores
from onearm.omics.folds import Split, inner_splits, splits, stratified_folds
from onearm.omics.fusion import fuse, fusion_weights
from onearm.omics.kernels import PENALTIES, products, ridge, scaled, scaling, similarity
from onearm.omics.targets import Target, within
from onearm.stats.arguments import Floats, Integers

Method = Literal["ridge", "kernel ridge", "elastic net", "best single"]

_OPTIONS: Mapping[Method, tuple[float, ...]] = {
    "ridge": PENALTIES,
    "kernel ridge": PENALTIES,
    "elastic net": PATH,
    "best single": (0.0,),
}
"""The penalties that each method tries."""

FUSION = "late fusion"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The features of one modality, as measured.

    values: (patients with it, features), NaN where a value is missing. at: (patients,) the row of
    each patient, -1 for one without this modality. methods: what is tried on it. is_pooled: trained
    without regard to strata, for a label that may be one of them.
    """

    name: str
    values: Floats
    at: Integers
    methods: tuple[Method, ...]
    is_pooled: bool = False

    @property
    def options(self) -> tuple[tuple[Method, float], ...]:
        """Every method with every penalty."""
        return tuple((method, own) for method in self.methods for own in _OPTIONS[method])


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """What is cross-validated.

    cells: (patients,) numbers that folds are stratified by. permuted: (patients, columns), whose
    outcome a patient has; the first column is the truth. groups: by name of a model the parts it
    may choose from and fuse.
    """

    target: Target
    cells: Integers
    permuted: Integers
    parts: tuple[Part, ...]
    groups: Mapping[str, tuple[str, ...]]
    outer: int
    inner: int


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model fitted in a training part, for every column.

    inside: (train, columns) scores of the inner folds. outside: (test, columns) of the patients
    held out. error: (columns,) squared error of ``inside``. chosen: for the true outcome, in words.
    """

    inside: Floats
    outside: Floats
    error: Floats
    chosen: str

    @property
    def standardised(self) -> Floats:
        """``outside`` over the root mean square of ``inside``, column by column."""
        size = np.sqrt((self.inside**2).mean(axis=0))
        return np.asarray(
            np.divide(self.outside, size, out=np.zeros_like(self.outside), where=size > 1e-300)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Out-of-fold scores of one repeat.

    fold: (patients,). scores: by model (patients, columns), each over the size of the inner scores
    of its training part: otherwise folds whose training part seems to promise much would weigh
    more, and just these do worse in the patients held out. raw: by model (patients,) on the scale
    of the outcome, for the true one. inside: by model and fold the inner scores of that training
    part, likewise. chosen: by model and fold, in words.
    """

    fold: Integers
    scores: Mapping[str, Floats]
    raw: Mapping[str, Floats]
    inside: Mapping[str, tuple[Floats, ...]]
    chosen: Mapping[str, tuple[str, ...]]


def one_repeat(study: Study, stream: np.random.SeedSequence) -> Scores:
    """Deal the patients to outer folds and score each fold by models fitted in the others."""
    rng = np.random.default_rng(stream)
    return by_folds(study, stratified_folds(study.cells, study.outer, rng), rng)


def by_folds(study: Study, fold: Integers, rng: np.random.Generator) -> Scores:
    """Score each fold by models fitted in the others; ``fold`` may be a batch as well."""
    shape = study.permuted.shape
    scores = {name: np.zeros(shape) for name in study.groups}
    raw = {name: np.zeros(shape[0]) for name in study.groups}
    inside: dict[str, list[Floats]] = {name: [] for name in study.groups}
    chosen: dict[str, list[str]] = {name: [] for name in study.groups}
    for split in splits(fold):
        inner = inner_splits(split.train, study.cells, study.inner, rng)
        for name, fitted in held_out(study, split, inner).items():
            scores[name][split.test] = fitted.standardised
            raw[name][split.test] = fitted.outside[:, 0]
            inside[name].append(fitted.inside[:, 0].copy())
            chosen[name].append(fitted.chosen)
    return Scores(
        fold,
        scores,
        raw,
        {name: tuple(rows) for name, rows in inside.items()},
        {name: tuple(words) for name, words in chosen.items()},
    )


def held_out(study: Study, split: Split, inner: tuple[Split, ...]) -> dict[str, Fitted]:
    """Every model fitted in ``split.train`` and applied to ``split.test``."""
    wanted = {name for names in study.groups.values() for name in names}
    by_part: dict[str, Fitted] = {}
    for is_pooled, goal in ((False, study.target), (True, study.target.pooled)):
        own = [p for p in study.parts if p.name in wanted and p.is_pooled == is_pooled]
        if own:
            aims = _Aims.of(goal, study.permuted, split, inner)
            by_part |= {part.name: _fit_part(part, split, inner, aims) for part in own}
    target = study.target.target(split.train, study.permuted)
    at = {part.name: part.at >= 0 for part in study.parts}
    return {
        group: _fit_group({name: by_part[name] for name in names}, at, split, target)
        for group, names in study.groups.items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Aims:
    """What is aimed at in a training part, and in the training part of each inner fold."""

    strata: Integers
    outer: Floats
    inner: tuple[Floats, ...]

    @classmethod
    def of(
        cls, target: Target, permuted: Integers, split: Split, inner: tuple[Split, ...]
    ) -> _Aims:
        return cls(
            target.strata,
            target.target(split.train, permuted),
            tuple(target.target(split.train[part.train], permuted) for part in inner),
        )


def _fit_part(part: Part, split: Split, inner: tuple[Split, ...], aims: _Aims) -> Fitted:
    """The option with the smallest squared error over the inner folds, column by column."""
    inside = np.empty((len(part.options), *aims.outer.shape))
    for own, toward in zip(inner, aims.inner, strict=True):
        train, held = split.train[own.train], split.train[own.test]
        inside[:, own.test] = _scores(part, train, held, toward, aims.strata)
    error = _squared_error(inside, aims.outer)
    best = error.argmin(axis=0)
    outside = _scores(part, split.train, split.test, aims.outer, aims.strata)
    method, penalty = part.options[int(best[0])]
    words = f"{part.name}: {method}" + (f", penalty {penalty:g}" if penalty else "")
    return Fitted(_take(inside, best), _take(outside, best), error.min(axis=0), words)


def _squared_error(scores: Floats, target: Floats) -> Floats:
    """Mean squared error of each option and column: (options, columns)."""
    left = scores - target
    return np.asarray(np.einsum("otc,otc->oc", left, left) / max(len(target), 1))


def _take(scores: Floats, best: Integers) -> Floats:
    """The scores of each column's own option."""
    return np.asarray(np.take_along_axis(scores, best[None, None, :], axis=0)[0])


def _scores(
    part: Part, train: Integers, test: Integers, target: Floats, strata: Integers
) -> Floats:
    """Scores of ``test`` by every option: (options, test, columns); 0 for one without the part.

    target: (train, columns) for all training patients; those with the part are used.
    """
    there, asked = part.at[train] >= 0, part.at[test] >= 0
    scores = np.zeros((len(part.options), test.size, target.shape[1]))
    if there.sum() < 2 or not asked.any():
        return scores
    own, held = part.at[train][there], part.at[test][asked]
    y = within(target[there], strata[train[there]])
    is_kernel = any(method in ("ridge", "kernel ridge") for method in part.methods)
    product = products(part.values, own) if is_kernel else np.empty((0, 0))
    done = []
    for method in part.methods:
        if method == "ridge" or method == "kernel ridge":
            done.append(ridge(similarity(product, own, method), own, held, y))
        elif method == "elastic net":
            kept = most_variable(part.values, own)
            centre, inverse = scaling(kept, own)
            done.append(
                net_scores(
                    scaled(kept[own], centre, inverse), scaled(kept[held], centre, inverse), y
                )
            )
        else:
            done.append(_best_single(part.values, own, held, y))
    scores[:, asked] = np.concatenate(done)
    return scores


def most_variable(values: Floats, train: Integers) -> Floats:
    """The columns that vary most among the training patients, at most `FEATURES` of them."""
    if values.shape[1] <= FEATURES:
        return values
    _, inverse = scaling(values, train)
    spread = np.divide(1.0, inverse, out=np.zeros_like(inverse), where=inverse > 0)
    kept = np.sort(np.argsort(-spread, kind="stable")[:FEATURES])
    return values[:, kept]


def _best_single(values: Floats, train: Integers, test: Integers, y: Floats) -> Floats:
    """Least squares on the one feature that goes best with each column in the training part."""
    centre, inverse = scaling(values, train)
    slope = scaled(values[train], centre, inverse).T @ y / train.size
    best = np.abs(slope).argmax(axis=0)
    own = np.take_along_axis(slope, best[None, :], axis=0)[0]
    return np.asarray((scaled(values[test], centre, inverse)[:, best] * own)[None])


def _fit_group(
    parts: Mapping[str, Fitted], at: Mapping[str, np.ndarray], split: Split, target: Floats
) -> Fitted:
    """The best of the parts and of their fusion, by the error over the inner folds."""
    fitted = list(parts.values())
    if len(fitted) > 1:
        fitted.append(_fuse(parts, at, split, target))
    error = np.stack([one.error for one in fitted])
    best = error.argmin(axis=0)
    return Fitted(
        _take(np.stack([one.inside for one in fitted]), best),
        _take(np.stack([one.outside for one in fitted]), best),
        error.min(axis=0),
        fitted[int(best[0])].chosen,
    )


def _fuse(
    parts: Mapping[str, Fitted], at: Mapping[str, np.ndarray], split: Split, target: Floats
) -> Fitted:
    """Late fusion: the mean over the parts a patient has, weighted by their skill."""
    error = np.stack([one.error for one in parts.values()])
    weight = fusion_weights(error, (target**2).mean(axis=0))
    inside = np.stack([one.inside for one in parts.values()])
    outside = np.stack([one.outside for one in parts.values()])
    train = np.stack([at[name][split.train] for name in parts])
    test = np.stack([at[name][split.test] for name in parts])
    fused = fuse(inside, train, weight)
    own = _squared_error(fused[None], target)[0]
    return Fitted(fused, fuse(outside, test, weight), own, FUSION)
