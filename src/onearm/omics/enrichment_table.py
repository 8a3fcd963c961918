"""What an enrichment gives back: one row a set, the method in words, the file the sets are from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control

from onearm.errors import OnearmError
from onearm.omics.gene_sets import GeneSets
from onearm.stats.arguments import Floats, Integers, InvalidArgument

Method = Literal[
    "sample permutation", "variance inflation", "gene permutation", "over-representation"
]

NOTES: Mapping[Method, str] = {
    "sample permutation": "patients are permuted, so the correlation between genes is kept",
    "variance inflation": "variance inflated by the correlation between genes of a set (CAMERA)",
    "gene permutation": "anticonservative: genes are taken as independent, which they are not",
    "over-representation": "genes are taken as independent; background: the tested genes",
}
"""What is printed with the results of each method."""

TABLE: Mapping[str, pl.DataType] = {
    "set": pl.String(),
    "n_set": pl.Int64(),  # genes in the file
    "n_tested": pl.Int64(),  # of these among the tested genes
    "effect": pl.Float64(),  # mean statistic of the set's genes less that of the others
    "statistic": pl.Float64(),
    "correlation": pl.Float64(),  # between genes of the set; variance inflation only
    "p": pl.Float64(),
    "p_adjusted": pl.Float64(),  # over all sets, step-down max-T; sample permutation only
    "mc_se": pl.Float64(),
    "q": pl.Float64(),  # Benjamini and Hochberg over all sets
}


@dataclass(frozen=True, slots=True, eq=False)
class Enrichment:
    """One row a set (`TABLE`), sorted by p; how it was done; which sets, from which file."""

    table: pl.DataFrame
    method: Method
    sets: GeneSets
    left_out: int
    permutations: int = 0

    @property
    def note(self) -> str:
        """What has to be said of the method beside the table."""
        return NOTES[self.method]

    @property
    def provenance(self) -> dict[str, str]:
        """File, hash, version, licence and attribution of the sets, for the report."""
        return {
            "file": self.sets.file,
            "sha256": self.sets.sha256,
            "version": self.sets.version or "not stated",
            "licence": self.sets.licence or "not stated",
            "attribution": self.sets.attribution or "not stated",
        }


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sets with fewer or more tested genes than this are left out, and counted."""

    least: int = 5
    most: int = 500


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The sets that are tested: rows of the genes in order of the set's name."""

    names: tuple[str, ...]
    n_set: tuple[int, ...]
    rows: tuple[Integers, ...] = field(repr=False)
    left_out: int = 0

    @property
    def sizes(self) -> Integers:
        """Tested genes of each set."""
        return np.array([rows.size for rows in self.rows], dtype=np.int64)


def members_of(genes: tuple[str, ...], sets: GeneSets, sizes: Sizes) -> Members:
    """Rows of each set's tested genes; a set of all tested genes has no others to compare with."""
    if len(set(genes)) != len(genes):
        raise InvalidArgument("genes", "a list with repeats", "each gene once")
    at = {gene: row for row, gene in enumerate(genes)}
    kept: list[tuple[str, int, Integers]] = []
    for name, members in sets.sets.items():
        rows = np.array([at[gene] for gene in members if gene in at], dtype=np.int64)
        if sizes.least <= rows.size <= min(sizes.most, len(genes) - 1):
            kept.append((name, len(members), rows))
    if not kept:
        raise OnearmError(
            f"{sets.file}: no set has {sizes.least} to {sizes.most} of the {len(genes)} tested "
            "genes; are both gene symbols?"
        )
    names, n_set, rows_of = zip(*kept, strict=True)
    return Members(names, n_set, rows_of, len(sets.sets) - len(kept))


def frame_of(members: Members, **columns: Floats) -> pl.DataFrame:
    """`TABLE` with the columns given and q over all sets; the others are null."""
    given: dict[str, object] = {
        "set": members.names,
        "n_set": members.n_set,
        "n_tested": members.sizes,
        **columns,
        "q": false_discovery_control(np.clip(columns["p"], 0, 1)),
    }
    frame = pl.DataFrame(given).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in TABLE.items() if name not in given
    )
    ordered = frame.select(pl.col(name).cast(dtype) for name, dtype in TABLE.items())
    return ordered.sort(pl.col("p"), -pl.col("statistic").abs(), pl.col("set"))
