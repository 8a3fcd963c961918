"""Somatic mutations of made-up tumours, as the rows of a MAF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onearm.simulate.chance import Texts, pick_key

CLASSES = {
    "Missense_Mutation": 0.62,
    "Silent": 0.24,
    "Nonsense_Mutation": 0.06,
    "Frame_Shift_Del": 0.04,
    "Splice_Site": 0.02,
    "In_Frame_Del": 0.02,
}
"""Weight of the classes of exonic mutations; drivers are never silent."""
CHANGES = {"C>T": 0.48, "C>A": 0.14, "C>G": 0.08, "T>C": 0.16, "T>A": 0.08, "T>G": 0.06}
BURDEN_SPREAD = 0.6
"""Standard deviation of the logarithm of the number of mutations of a tumour."""
PASSENGERS = 4000
"""So many genes without a role may be hit."""


def mutation_rows(
    chance: np.random.Generator,
    samples: Sequence[str],
    drivers: Mapping[str, float],
    burden: float,
) -> pl.DataFrame:
    """One row a mutation in the columns of a MAF; a sample may have none.

    drivers: share of samples with a mutation, by gene. burden: median number of other mutations.
    """
    n = len(samples)
    hit = chance.random((n, len(drivers))) < np.array(list(drivers.values()))
    number = np.round(burden * np.exp(BURDEN_SPREAD * chance.standard_normal(n))).astype(int)
    names = np.array(list(drivers), dtype=object)
    owner = np.concatenate(
        [np.repeat(np.arange(n), hit.sum(axis=1)), np.repeat(np.arange(n), number)]
    )
    passengers = chance.integers(PASSENGERS, size=int(number.sum()))
    genes = np.concatenate([names[np.nonzero(hit)[1]], [f"PSG{g:04d}" for g in passengers]])
    total, first = len(owner), int(hit.sum())
    kinds = pick_key(chance.random(total), CLASSES)
    kinds[:first] = np.where(kinds[:first] == "Silent", "Missense_Mutation", kinds[:first])
    change = pick_key(chance.random(total), CHANGES)
    is_gap = np.isin(kinds, ["Frame_Shift_Del", "In_Frame_Del"])
    start = chance.integers(1_000_000, 100_000_000, size=total)
    chromosome = 1 + chance.integers(22, size=total)
    rows = pl.DataFrame(
        {
            "Hugo_Symbol": genes.tolist(),
            "Chromosome": [f"chr{c}" for c in chromosome],
            "Start_Position": start,
            "End_Position": start,
            "Reference_Allele": _letters(change, 0),
            "Tumor_Seq_Allele2": np.where(is_gap, "-", np.array(_letters(change, 2))).tolist(),
            "Variant_Classification": kinds.tolist(),
            "Variant_Type": np.where(is_gap, "DEL", "SNP").tolist(),
            "Tumor_Sample_Barcode": [samples[at] for at in owner],
        }
    )
    return rows.sort("Tumor_Sample_Barcode", "Hugo_Symbol", "Start_Position")


def _letters(change: Texts, at: int) -> list[str]:
    return [str(text)[at] for text in change]
