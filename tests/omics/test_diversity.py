"""Diversity of communities, and analytes below their limit of detection."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.omics.cytokines import censored, flags, seen
from onearm.omics.diversity import diversity, rarefied_richness, richness, shannon
from tests.shared import needs_shared, shared


def test_equal_shares_of_s_taxa_have_the_logarithm_of_s_and_one_taxon_has_none() -> None:
    counts = np.array([[5.0, 9, 0], [5, 0, 0], [5, 0, 0], [5, 0, 0]])
    found = shannon(counts)
    assert found[:2].tolist() == [pytest.approx(np.log(4)), 0]
    assert np.isnan(found[2])
    assert richness(counts).tolist() == [4, 1, 0]


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any))
def test_shannon_is_the_entropy_of_scipy_and_at_most_the_logarithm_of_the_richness(
    column: list[int],
) -> None:
    counts = np.array([column], dtype=float).T
    assert shannon(counts)[0] == pytest.approx(entropy(column), abs=1e-12)
    assert shannon(counts)[0] <= np.log(richness(counts)[0]) + 1e-12


@given(st.lists(st.integers(0, 3), min_size=2, max_size=4).filter(lambda c: 2 <= sum(c) <= 8))
def test_rarefied_richness_is_the_mean_over_all_ways_to_draw(column: list[int]) -> None:
    reads = [taxon for taxon, n in enumerate(column) for _ in range(n)]
    for depth in (1, 2, len(reads)):
        drawn = [len(set(part)) for part in combinations(reads, depth)]
        found = rarefied_richness(np.array([column], dtype=float).T, depth)[0]
        assert found == pytest.approx(np.mean(drawn))


def test_a_sample_shallower_than_the_depth_has_no_rarefied_richness() -> None:
    assert np.isnan(rarefied_richness(np.array([[2.0], [1.0]]), 4)[0])


@needs_shared
def test_rarefying_takes_the_depth_out_of_the_richness_of_the_gut_samples() -> None:
    frame = pl.read_parquet(shared("omics", "gut_icb_motus", "motus_counts.parquet")).drop("motu")
    names = tuple(f"m{i}" for i in range(frame.height))
    data = Assay(
        "stool", "compositional", names, tuple(frame.columns), frame.to_numpy().astype(float)
    )
    made = diversity(data)
    assert made.features == ("richness", "shannon", "richness_rarefied")
    depth = data.values.sum(axis=0)
    assert made.details["rarefied_to"] == depth.min()
    assert (made.values[2] <= made.values[0] + 1e-9).all()
    plain, rarefied = (abs(np.corrcoef(np.log(depth), made.values[i])[0, 1]) for i in (0, 2))
    assert rarefied < plain


def test_diversity_of_logarithms_is_refused() -> None:
    with pytest.raises(OnearmError, match="scale is log; compositional is needed"):
        diversity(Assay("x", "log", ("a",), ("s",), np.array([[1.0]])))


# Analytes ----------------------------------------------------------------------------------------


def analytes() -> Assay:
    values = np.array([[1.0, 1, 7, 3, np.nan], [2, 5, 2, 2, 2]])
    low = np.array([[True, True, False, False, False], [True, False, True, True, True]])
    return Assay("cytokines", "linear", ("IL6", "IL10"), tuple("abcde"), values, below_lod=low)


def test_censored_values_tie_below_all_others_whatever_stands_for_them() -> None:
    data = analytes()
    scores = censored(data).values[0]
    assert scores[0] == scores[1] < scores[3] < scores[2]
    assert np.isnan(scores[4])
    assert np.nanstd(scores, ddof=1) == pytest.approx(1)
    moved = data.values.copy()
    moved[0, :2] = [0.001, 99]
    again = Assay(
        "cytokines", "linear", data.features, data.samples, moved, below_lod=data.below_lod
    )
    np.testing.assert_array_equal(censored(again).values[0], scores)


def test_an_analyte_is_seen_or_not_and_flagged_where_mostly_not() -> None:
    data = analytes()
    np.testing.assert_array_equal(seen(data).values, [[0, 0, 1, 1, np.nan], [0, 1, 0, 0, 0]])
    assert flags(data).rows() == [("IL10", 0.8)]
