"""Groups of patients who are alike over all modalities, and whether there are groups at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from onearm.omics.assay import Block
from onearm.omics.views import View, independent, make_views
from onearm.stats.arguments import Floats, Integers

MODALITY = "clusters"
FEWEST = 8
"""Clusters of fewer patients are shown, not tested."""
MOST = 5

_SUBSAMPLES = 100
_SHARE = 0.8
_NULLS = 50

GAP: Mapping[str, pl.DataType] = {
    "clusters": pl.Int64(),
    "gap": pl.Float64(),
    "std_err": pl.Float64(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Clusters of patients.

    label: (patients,) 1, 2, ..., the largest cluster first; all 1 where the gap statistic finds no
    groups. consensus: (patients, patients) share of the subsamples with both in which both were in
    one cluster; NaN where no subsample had both. gap: one row a number of clusters (`GAP`).
    """

    subjects: tuple[str, ...]
    label: Integers
    consensus: Floats
    gap: pl.DataFrame

    @property
    def number(self) -> int:
        """How many clusters there are."""
        return int(self.label.max())

    @property
    def block(self) -> Block | None:
        """Membership in each cluster large enough to be tested; None where there is none.

        Of two clusters only the first: the other is its complement.
        """
        sizes = np.bincount(self.label)[1:]
        tested = [at + 1 for at, size in enumerate(sizes) if size >= FEWEST]
        if self.number == 2 and len(tested) == 2:
            tested = tested[:1]
        if self.number < 2 or not tested:
            return None
        values = np.column_stack([(self.label == one) * 1.0 for one in tested])
        names = tuple(f"cluster {one}" for one in tested)
        day = np.full(len(self.subjects), np.nan)
        return Block(MODALITY, "baseline", "binary", names, self.subjects, values, day)


def clusters(blocks: Sequence[Block], *, seed: int, most: int = MOST) -> Clusters:
    """Cluster patients on the mean of their similarities over the modalities both have.

    The number of clusters is the smallest k with gap(k) >= gap(k + 1) - its standard error, against
    modalities whose features were made independent; the consensus of 100 subsamples of 80% of the
    patients then decides who belongs together. No outcome is looked at.
    Source: Wang and others, Nature Methods 11:333-337 (2014), with plain averaging of the networks;
    Tibshirani, Walther and Hastie, JRSS B 63:411-423 (2001); Monti and others, Machine Learning
    52:91-118 (2003).
    """
    subjects, views = make_views(blocks)
    most = max(1, min(most, len(subjects) // 2 - 1))
    nulls, subsamples = np.random.SeedSequence(seed).spawn(2)
    distance = distances(views)
    gap = _gap(views, distance, most, np.random.default_rng(nulls))
    number = _number(gap)
    consensus = _consensus(distance, max(number, 2), np.random.default_rng(subsamples))
    if number == 1:
        return Clusters(subjects, np.ones(len(subjects), dtype=np.int64), consensus, gap)
    apart = 1 - np.where(np.isnan(consensus), 0.0, consensus)
    tree = linkage(squareform(apart, checks=False), "average")
    return Clusters(subjects, _by_size(fcluster(tree, number, "maxclust")), consensus, gap)


def distances(views: tuple[View, ...]) -> Floats:
    """Mean squared distance of every two patients over the modalities both have.

    Each modality is divided by its median distance. Two patients without a common modality are as
    far from each other as the two farthest others.
    """
    n = len(views[0].values)
    total, count = np.zeros((n, n)), np.zeros((n, n))
    for view in views:
        product = view.values @ view.values.T
        size = np.diag(product)
        own = np.maximum(size[:, None] + size[None, :] - 2 * product, 0.0)
        both = np.outer(view.has, view.has)
        middle = float(np.median(own[np.triu(both, 1)]))
        total += np.where(both, own / middle if middle > 0 else 0.0, 0.0)
        count += both
    mean = np.divide(total, count, out=np.full((n, n), np.nan), where=count > 0)
    mean = np.where(np.isnan(mean), np.nanmax(mean), mean)
    np.fill_diagonal(mean, 0.0)
    return np.asarray((mean + mean.T) / 2)


def grouped(distance: Floats, number: int) -> Integers:
    """Clusters by Ward's method on the leading eigenvectors of the similarity network."""
    if number == 1:
        return np.ones(len(distance), dtype=np.int64)
    network = np.exp(-distance)
    root = 1 / np.sqrt(network.sum(axis=1))
    vectors = np.linalg.eigh(network * root[:, None] * root[None, :])[1][:, -number:]
    length = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    tree = linkage(vectors / np.maximum(length, 1e-300), "ward")
    return np.asarray(fcluster(tree, number, "maxclust"), dtype=np.int64)


def _spread(distance: Floats, label: Integers) -> float:
    """log of the distances within clusters, each over twice its size."""
    total = 0.0
    for one in np.unique(label):
        inside = label == one
        total += float(distance[np.ix_(inside, inside)].sum()) / (2 * int(inside.sum()))
    return float(np.log(max(total, 1e-300)))


def _gap(
    views: tuple[View, ...], distance: Floats, most: int, rng: np.random.Generator
) -> pl.DataFrame:
    numbers = range(1, most + 1)
    seen = np.array([_spread(distance, grouped(distance, k)) for k in numbers])
    null = np.empty((_NULLS, most))
    for draw in range(_NULLS):
        shuffled = tuple(replace(view, values=independent(view, rng)) for view in views)
        own = distances(shuffled)
        null[draw] = [_spread(own, grouped(own, k)) for k in numbers]
    error = null.std(axis=0) * np.sqrt(1 + 1 / _NULLS)
    columns = (list(numbers), null.mean(axis=0) - seen, error)
    return pl.DataFrame(dict(zip(GAP, columns, strict=True)), schema=pl.Schema(GAP))


def _number(gap: pl.DataFrame) -> int:
    value, error = gap["gap"].to_numpy(), gap["std_err"].to_numpy()
    for at in range(value.size - 1):
        if value[at] >= value[at + 1] - error[at + 1]:
            return at + 1
    return int(value.size)


def _consensus(distance: Floats, number: int, rng: np.random.Generator) -> Floats:
    n = len(distance)
    together, sampled = np.zeros((n, n)), np.zeros((n, n))
    for _ in range(_SUBSAMPLES):
        rows = np.sort(rng.permutation(n)[: max(number + 1, round(_SHARE * n))])
        label = grouped(distance[np.ix_(rows, rows)], number)
        place = np.ix_(rows, rows)
        together[place] += label[:, None] == label[None, :]
        sampled[place] += 1
    return np.asarray(np.divide(together, sampled, out=np.full((n, n), np.nan), where=sampled > 0))


def _by_size(label: Integers) -> Integers:
    """The labels as 1, 2, ... from the largest cluster; equal sizes by their first patient."""
    found, first, size = np.unique(label, return_index=True, return_counts=True)
    order = np.lexsort((first, -size))
    new = np.empty(found.size, dtype=np.int64)
    new[order] = np.arange(1, found.size + 1)
    return np.asarray(new[np.searchsorted(found, label)])
