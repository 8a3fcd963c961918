"""Factors of several modalities and clusters of patients: planted ones come back."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from onearm.errors import OnearmError
from onearm.omics.assay import Block, Outcomes
from onearm.omics.clusters import FEWEST, clusters, distances
from onearm.omics.factors import factors
from onearm.omics.screen import Family, screen
from onearm.omics.views import make_views
from onearm.pieces import Workers
from tests.shared import needs_shared, shared


def block(modality: str, values: np.ndarray, rows: np.ndarray | None = None) -> Block:
    rows = np.arange(len(values)) if rows is None else rows
    names = tuple(f"{modality}{column:04d}" for column in range(values.shape[1]))
    own = tuple(f"S{row:03d}" for row in rows)
    return Block(modality, "baseline", "log", names, own, values[rows], np.full(rows.size, np.nan))


def planted(rng: np.random.Generator, n: int = 50) -> tuple[np.ndarray, list[Block]]:
    """Three factors: of both modalities, of the first, of the second; a third of B is missing."""
    z = rng.standard_normal((n, 3))
    a = 1.2 * np.outer(z[:, 0], rng.standard_normal(400)) + rng.standard_normal((n, 400))
    a[:, :200] += np.outer(z[:, 1], rng.standard_normal(200))
    b = np.outer(z[:, 0], rng.standard_normal(150)) + rng.standard_normal((n, 150))
    b[:, :75] += 1.1 * np.outer(z[:, 2], rng.standard_normal(75))
    there = np.sort(rng.permutation(n)[: n - n // 3])
    return z, [block("A", a), block("B", b, there)]


def recovered(z: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Multiple correlation of each factor with all that were found, whatever their rotation."""
    z, scores = z - z.mean(axis=0), scores - scores.mean(axis=0)
    fitted = scores @ np.linalg.lstsq(scores, z, rcond=None)[0]
    return np.sqrt((fitted**2).sum(axis=0) / (z**2).sum(axis=0))


@pytest.mark.slow
def test_planted_factors_come_back_from_every_start_although_a_block_is_missing():
    z, blocks = planted(np.random.default_rng(1))
    found = factors(blocks, seed=1)
    assert recovered(z[:, :2], found.scores).min() > 0.97
    # The third is in B alone, which a third of the patients lack.
    has = np.array([subject in blocks[1].subjects for subject in found.subjects])
    assert recovered(z[has, 2:], found.scores[has])[0] > 0.95
    assert (found.stability["r"] >= 0.9).all()
    assert len(found.names) + found.dropped == 10
    share = {(f, m): s for f, m, s in found.variance.iter_rows()}
    assert share["F01", "A"] > 0.2
    assert share["F01", "B"] > 0.2


def test_with_one_complete_modality_the_factors_are_its_principal_components():
    rng = np.random.default_rng(2)
    values = rng.standard_normal((40, 4)) @ (
        np.array([8, 4, 2, 1])[:, None] * rng.standard_normal((4, 90))
    )
    values += 0.5 * rng.standard_normal((40, 90))
    found = factors([block("A", values)], seed=1, most=2)
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    left = np.linalg.svd(z, full_matrices=False)[0][:, :2]
    assert recovered(left, found.scores).min() > 1 - 1e-6


def test_noise_has_no_factor():
    rng = np.random.default_rng(3)
    made = [block(name, rng.standard_normal((50, 300))) for name in "AB"]
    assert factors(made, seed=1).names == ()


@pytest.mark.slow
def test_factors_do_not_depend_on_order_or_workers():
    rng = np.random.default_rng(4)
    _, blocks = planted(rng)
    one = factors(blocks, seed=1)
    rows, columns = rng.permutation(50), rng.permutation(400)
    first = blocks[0]
    turned = replace(
        first,
        features=tuple(np.array(first.features)[columns]),
        subjects=tuple(np.array(first.subjects)[rows]),
        values=first.values[np.ix_(rows, columns)],
    )
    assert np.array_equal(one.scores, factors([blocks[1], turned], seed=1).scores)
    spread = factors(blocks, seed=1, workers=Workers("processes", 2))
    assert np.array_equal(one.scores, spread.scores)
    assert one.loadings.equals(spread.loadings)


def test_factors_are_screened_as_a_family_of_programmes():
    z, blocks = planted(np.random.default_rng(5))
    found = factors(blocks, seed=1)
    y = (z[:, 0] > np.quantile(z[:, 0], 0.6)).astype(float)
    family = Family("programmes", (found.block,), ("response",))
    table = screen(
        family, Outcomes(found.subjects, {"response": y}), seed=1, permutations=999
    ).table
    assert table["tier"].unique().to_list() == ["programmes"]
    assert table["p_adjusted"][0] <= 0.01
    assert table.height == len(found.names)


def test_blocks_that_cannot_be_integrated_are_refused():
    made = block("A", np.random.default_rng(6).standard_normal((10, 5)))
    with pytest.raises(OnearmError, match="one block a modality; given: A, A"):
        factors([made, made], seed=1)
    with pytest.raises(OnearmError, match="A: no feature varies"):
        factors([block("A", np.ones((10, 5)))], seed=1)


@pytest.mark.slow
def test_mofa_finds_the_planted_factors_too():
    pytest.importorskip("mofapy2")
    z, blocks = planted(np.random.default_rng(7))
    found = factors(blocks, seed=1, engine="mofa")
    assert recovered(z[:, :2], found.scores).min() > 0.9
    assert found.names[0] == "F01"
    assert (found.stability["r"] >= 0.9).all()


def test_without_mofapy2_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mofapy2.run.entry_point", None)
    _, blocks = planted(np.random.default_rng(8))
    with pytest.raises(OnearmError, match=r"pip install 'onearm\[omics\]'"):
        factors(blocks, seed=1, engine="mofa")


# Clusters


def groups(rng: np.random.Generator, sizes: tuple[int, ...]) -> tuple[np.ndarray, list[Block]]:
    label = np.repeat(np.arange(len(sizes)), sizes)
    made = []
    for name in "AB":
        centre = 1.5 * rng.standard_normal((len(sizes), 80))
        made.append(block(name, centre[label] + rng.standard_normal((label.size, 80))))
    return label, made


def test_planted_groups_are_found_and_the_small_one_is_not_tested():
    label, made = groups(np.random.default_rng(9), (20, 18, 5))
    found = clusters(made, seed=1)
    assert found.number == 3
    assert [len(set(found.label[label == one])) for one in range(3)] == [1, 1, 1]
    assert found.block is not None
    assert found.block.features == ("cluster 1", "cluster 2")
    assert found.block.values.sum(axis=0).min() >= FEWEST
    inside = found.consensus[np.ix_(label == 0, label == 0)]
    assert np.nanmin(inside) > 0.95


def test_two_clusters_are_one_hypothesis():
    _, made = groups(np.random.default_rng(10), (20, 15))
    found = clusters(made, seed=1)
    assert found.block is not None
    assert found.block.features == ("cluster 1",)


@pytest.mark.slow
def test_noise_has_no_clusters():
    rng = np.random.default_rng(11)
    numbers = [
        clusters([block(name, rng.standard_normal((40, 100))) for name in "AB"], seed=1).number
        for _ in range(5)
    ]
    assert numbers.count(1) >= 4
    one = clusters([block("A", rng.standard_normal((40, 100)))], seed=1)
    assert one.number > 1 or one.block is None


def test_distances_average_over_the_modalities_both_patients_have():
    rng = np.random.default_rng(12)
    a, b = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))
    _, views = make_views([block("A", a, np.arange(4)), block("B", b, np.arange(2, 6))])
    found = distances(views)
    alone = distances(make_views([block("A", a[:4])])[1])
    other = distances(make_views([block("B", b[2:])])[1])
    assert np.allclose(found[:2, :2], alone[:2, :2])
    assert np.allclose(found[2:4, 2:4], (alone[2:, 2:] + other[:2, :2]) / 2)
    assert found[0, 5] == found.max()


@needs_shared
def test_the_first_factor_of_breast_cancers_tells_basal_from_the_others():
    made = []
    for name in ("mrna", "mirna", "protein"):
        frame = pl.read_parquet(shared("omics", "brca_diablo", f"train_{name}.parquet"))
        values = frame.drop("sample").to_numpy().astype(np.float64)
        features = tuple(column for column in frame.columns if column != "sample")
        day = np.full(len(values), np.nan)
        made.append(Block(name, "baseline", "log", features, tuple(frame["sample"]), values, day))
    subtype = pl.read_parquet(shared("omics", "brca_diablo", "train_subtype.parquet"))
    found = factors(made, seed=1)
    label = dict(subtype.iter_rows())
    is_basal = np.array([label[subject] == "Basal" for subject in found.subjects])
    scores = found.scores[:, 0]
    apart = np.abs(scores[is_basal].mean() - scores[~is_basal].mean())
    assert apart > 1.5
    assert found.names[0] == "F01"
