"""Enrichment: against limma's camera, against plain loops, and on data where nothing is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import fisher_exact

from onearm.errors import OnearmError
from onearm.omics.enrichment import (
    Question,
    by_gene_permutation,
    camera,
    enrich,
    over_representation,
)
from onearm.omics.enrichment_table import Enrichment, Sizes
from onearm.omics.gene_sets import GeneSets, parse_gmt, shipped
from onearm.omics.residuals import linear_residual

REFERENCE = Path(__file__).parent / "reference"


def gene_sets(**sets: list[str]) -> GeneSets:
    lines = ["\t".join([name, "x", *genes]) for name, genes in sets.items()]
    return parse_gmt("\n".join(lines).encode(), "my.gmt", version="3", licence="CC0")


def names(n: int) -> tuple[str, ...]:
    return tuple(f"g{i:03}" for i in range(n))


def question(
    values: np.ndarray, response: np.ndarray, strata: np.ndarray | None = None
) -> Question:
    none = np.zeros(len(response), dtype=np.int64) if strata is None else strata
    no_covariates = np.zeros((len(response), 0))
    residual = linear_residual(response, none, no_covariates)
    fewer = int(min(response.sum(), (1 - response).sum()))
    return Question(names(values.shape[1]), values, residual, fewer, none, no_covariates)


def by_set(found: Enrichment) -> dict[str, dict[str, float]]:
    return {row["set"]: row for row in found.table.iter_rows(named=True)}


# Variance inflation, against limma ---------------------------------------------------------------


def limma() -> tuple[tuple[str, ...], np.ndarray, np.ndarray, GeneSets, pl.DataFrame]:
    values = pl.read_csv(REFERENCE / "camera_values.csv")
    statistics = pl.read_csv(REFERENCE / "camera_statistics.csv")
    expected = pl.read_csv(REFERENCE / "camera.csv")
    sets = {name: genes.split() for name, genes in expected.select("set", "genes").iter_rows()}
    genes = tuple(statistics["gene"])
    y = values.select(values.columns[1:]).to_numpy().T
    return genes, statistics["statistic"].to_numpy(), y, gene_sets(**sets), expected


def test_the_test_with_estimated_correlations_is_limmas_camera() -> None:
    genes, z, y, sets, expected = limma()
    group = np.repeat([0.0, 1.0], [6, 8])
    residuals = y - np.stack([y[group == g].mean(axis=0) for g in (0, 1)])[group.astype(int)]
    got = by_set(camera(genes, z, sets, residuals=residuals, df=12))
    for row in expected.iter_rows(named=True):
        mine = got[row["set"]]
        assert mine["correlation"] == pytest.approx(row["correlation"], rel=1e-9, abs=1e-11)
        assert mine["p"] == pytest.approx(row["p_estimated"], rel=1e-9)
        assert ("Up" if mine["effect"] > 0 else "Down") == row["direction"]


def test_the_test_with_a_preset_correlation_is_limmas_camera() -> None:
    genes, z, _, sets, expected = limma()
    for preset, column in ((0.01, "p_preset"), (0.05, "p_ranked")):
        got = by_set(camera(genes, z, sets, correlation=preset))
        for row in expected.iter_rows(named=True):
            assert got[row["set"]]["p"] == pytest.approx(row[column], rel=1e-9)


def test_residuals_without_their_degrees_of_freedom_are_refused() -> None:
    genes, z, y, sets, _ = limma()
    with pytest.raises(OnearmError, match="give residuals and df together, or neither"):
        camera(genes, z, sets, residuals=y)


# Permutation of patients -------------------------------------------------------------------------


def test_the_p_of_a_set_is_that_of_shuffling_the_patients_one_by_one() -> None:
    rng = np.random.default_rng(3)
    response = np.repeat([1.0, 0.0], [8, 12])
    values = rng.normal(size=(20, 40)) + rng.normal(size=(20, 1))
    values[:8, :10] += 0.5
    sets = gene_sets(one=list(names(40)[:10]), two=list(names(40)[8:20]))
    found = by_set(enrich(question(values, response), sets, seed=1, permutations=4000))

    def effect(outcome: np.ndarray, rows: slice) -> float:
        x = values - values.mean(axis=0)
        m = outcome - outcome.mean()
        z = m @ x / np.sqrt((m @ m) * (x**2).sum(axis=0) / 19)
        inside = np.zeros(40, dtype=bool)
        inside[rows] = True
        return float(z[inside].mean() - z[~inside].mean())

    for name, rows in (("one", slice(0, 10)), ("two", slice(8, 20))):
        observed = effect(response, rows)
        assert found[name]["effect"] == pytest.approx(observed, abs=1e-10)
        null = np.array([effect(rng.permutation(response), rows) for _ in range(4000)])
        p = np.mean(np.abs(null) >= abs(observed))
        assert found[name]["p"] == pytest.approx(p, abs=4 * np.sqrt(2 * p * (1 - p) / 4000) + 5e-4)
        assert found[name]["statistic"] == pytest.approx(observed / null.std(), rel=0.06)


def correlated_noise(seed: int, patients: int = 24) -> np.ndarray:
    rng = np.random.default_rng(seed)
    module = np.repeat(rng.normal(size=(patients, 10)), 20, axis=1)
    return np.sqrt(0.5) * module + np.sqrt(0.5) * rng.normal(size=(patients, 200))


MODULES = {f"m{k}": list(names(200)[20 * k : 20 * k + 20]) for k in range(10)}


def test_on_correlated_noise_patients_keep_the_level_and_gene_permutation_does_not() -> None:
    sets, response = gene_sets(**MODULES), np.repeat([1.0, 0.0], [9, 15])
    few = np.repeat([1.0, 0.0], [5, 19])
    hits = {"patients": 0, "all sets": 0, "inflation": 0, "genes": 0}
    trials = 120
    for trial in range(trials):
        values = correlated_noise(trial)
        by_patients = enrich(question(values, response), sets, seed=trial, permutations=199).table
        hits["patients"] += (by_patients["p"] <= 0.05).sum()
        hits["all sets"] += (by_patients["p_adjusted"] <= 0.05).any()
        inflated = enrich(question(values, few), sets, seed=0).table
        hits["inflation"] += (inflated["p"] <= 0.05).sum()
        m = response - response.mean()
        x = values - values.mean(axis=0)
        z = m @ x / np.sqrt((m @ m) * (x**2).sum(axis=0) / 23)
        genes = by_gene_permutation(names(200), z, sets, seed=trial, permutations=99).table
        hits["genes"] += (genes["p"] <= 0.05).sum()
    bound = 0.05 + 1.96 * np.sqrt(0.05 * 0.95 / trials)
    assert hits["patients"] / (10 * trials) <= bound
    assert hits["all sets"] / trials <= bound
    assert hits["inflation"] / (10 * trials) <= bound
    assert hits["genes"] / (10 * trials) > 0.3


def test_a_planted_module_comes_first_with_its_direction() -> None:
    response = np.repeat([1.0, 0.0], [16, 24])
    first = []
    for trial in range(20):
        values = correlated_noise(trial, patients=40)
        values[:16, 60:80] -= 1.2
        found = enrich(question(values, response), gene_sets(**MODULES), seed=2, permutations=999)
        row = found.table.row(0, named=True)
        first.append(row["set"] == "m3" and row["effect"] < 0 and row["p_adjusted"] <= 0.05)
    assert sum(first) >= 18
    assert (found.method, found.permutations) == ("sample permutation", 999)


def test_below_seven_in_the_smaller_group_the_variance_is_inflated_instead() -> None:
    values = correlated_noise(6)
    sets = gene_sets(**MODULES)
    six = enrich(question(values, np.repeat([1.0, 0.0], [6, 18])), sets, seed=1, permutations=50)
    seven = enrich(question(values, np.repeat([1.0, 0.0], [7, 17])), sets, seed=1, permutations=50)
    assert (six.method, seven.method) == ("variance inflation", "sample permutation")
    assert six.table["correlation"].null_count() == 0
    assert six.table["p_adjusted"].null_count() == 10
    assert "CAMERA" in six.note


def test_a_stratum_that_carries_the_difference_makes_no_finding() -> None:
    rng = np.random.default_rng(8)
    strata = np.repeat([0, 1], 20)
    response = np.concatenate([rng.permutation([1.0] * 15 + [0.0] * 5), [1.0] * 4 + [0.0] * 16])
    values = correlated_noise(8, patients=40)
    values[:20, :20] += 2
    sets = gene_sets(**MODULES)
    ignored = by_set(enrich(question(values, response), sets, seed=1, permutations=999))
    kept = by_set(enrich(question(values, response, strata), sets, seed=1, permutations=999))
    assert ignored["m0"]["p"] < 0.01
    assert kept["m0"]["p"] > 0.05


def test_the_order_of_genes_and_sets_changes_no_byte() -> None:
    values = correlated_noise(4)
    values[3, 7] = np.nan
    one = question(values, np.repeat([1.0, 0.0], [10, 14]))
    order = np.random.default_rng(0).permutation(200)
    other = replace(one, genes=tuple(one.genes[i] for i in order), values=values[:, order])
    first = enrich(one, gene_sets(**MODULES), seed=5, permutations=300).table
    backwards = gene_sets(**dict(reversed(MODULES.items())))
    again = enrich(other, backwards, seed=5, permutations=300).table
    assert first.equals(again)


# Other methods -----------------------------------------------------------------------------------


def test_gene_permutation_says_that_it_is_anticonservative() -> None:
    z = np.random.default_rng(1).normal(size=60)
    found = by_gene_permutation(
        names(60), z, gene_sets(a=list(names(60)[:9])), seed=3, permutations=99
    )
    assert found.note.startswith("anticonservative")
    inside, outside = z[:9].mean(), z[9:].mean()
    assert found.table["effect"][0] == pytest.approx(inside - outside)
    assert found.table["p"][0] >= 0.01


def test_over_representation_is_fishers_one_sided_test_against_the_tested_genes() -> None:
    genes = names(100)
    selected = (*genes[:8], *genes[50:55])
    sets = gene_sets(hit=[*genes[:12], "NOT_MEASURED"], none=list(genes[60:70]))
    found = by_set(over_representation(selected, genes, sets))
    expected = fisher_exact([[8, 4], [5, 83]], alternative="greater").pvalue
    assert found["hit"]["p"] == pytest.approx(expected)
    assert (found["hit"]["n_set"], found["hit"]["n_tested"]) == (13, 12)
    assert found["hit"]["effect"] == pytest.approx(np.log2(8 / (12 * 13 / 100)))
    assert found["none"]["p"] == 1
    with pytest.raises(OnearmError, match="X is selected but was not tested"):
        over_representation(("X",), genes, sets)


def test_sets_too_small_or_too_large_are_left_out_and_counted() -> None:
    genes = names(40)
    sets = gene_sets(four=list(genes[:4]), five=list(genes[:5]), all=list(genes), ten=["X"] * 10)
    found = camera(genes, np.arange(40.0), sets)
    assert (found.table["set"].to_list(), found.left_out) == (["five"], 3)
    with pytest.raises(OnearmError, match=r"my.gmt: no set has 20 to 30 of the 40 tested genes"):
        camera(genes, np.arange(40.0), sets, sizes=Sizes(20, 30))


def test_file_hash_version_and_licence_travel_with_the_result() -> None:
    hallmark = shipped("hallmark")
    genes = tuple(sorted({gene for members in hallmark.sets.values() for gene in members}))
    found = camera(genes, np.random.default_rng(0).normal(size=len(genes)), hallmark)
    assert found.table.height == 50
    assert found.provenance["file"] == "hallmark.gmt.xz"
    assert found.provenance["sha256"] == hallmark.sha256
    assert found.provenance["licence"] == "CC BY 4.0"
    assert gene_sets(a=["X"]).version == "3"
