"""Repeated samples with R's answers, made by reference/change.R."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from onearm.dates import MONTH_DAYS
from onearm.omics.assay import Block, Outcomes
from tests.omics.known import HERE


@dataclass(frozen=True)
class Repeated:
    """18 patients, three visits, 60 features, samples missing; log2 values."""

    rows: pl.DataFrame
    features: tuple[str, ...]
    answers: pl.DataFrame

    def block(self, visit: int) -> Block:
        """One visit; a month is 30.4375 days."""
        own = self.rows.filter(pl.col("visit") == visit).sort("subject")
        days = own["month"].cast(pl.Float64).to_numpy() * MONTH_DAYS + 1
        values = own.select(self.features).to_numpy()
        subjects = tuple(own["subject"])
        columns = pl.DataFrame({"subject_id": subjects})
        return Block("protein", f"V{visit}", "log", self.features, subjects, values, days, columns)

    def outcomes(self) -> Outcomes:
        """Who responded."""
        own = self.rows.unique("subject", maintain_order=True)
        response = own["response"].cast(pl.Float64).to_numpy()
        return Outcomes(tuple(own["subject"]), {"ORR": response})

    def answer(self, test: str, what: str) -> np.ndarray:
        """R's numbers of one test, in the order of the features."""
        rows = self.answers.filter((pl.col("test") == test) & (pl.col("what") == what))
        return rows["value"].to_numpy()


def _answers() -> pl.DataFrame:
    answers = pl.read_csv(HERE / "change.csv", schema_overrides={"value": pl.String})
    return answers.with_columns(pl.col("value").str.strip_chars().cast(pl.Float64))


@cache
def repeated() -> Repeated:
    rows = pl.read_csv(HERE / "change_values.csv")
    features = tuple(c for c in rows.columns if c.startswith("F"))
    return Repeated(rows, features, _answers())


@cache
def deseq() -> tuple[np.ndarray, np.ndarray, tuple[str, ...], pl.DataFrame]:
    """Counts (samples, genes) of 24 samples, the group, names of genes, and R's answers."""
    counts = pl.read_csv(HERE / "deseq_counts.csv")
    group = np.repeat([0.0, 1.0], [14, 10])
    return counts.to_numpy().astype(np.float64), group, tuple(counts.columns), _answers()
