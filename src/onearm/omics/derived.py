"""Numbers computed from a whole assay: one a subject, in the order of its block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Assay, Block
from onearm.omics.gene_sets import Signature
from onearm.omics.mutations import mutational_burden
from onearm.omics.samples import choose_samples
from onearm.omics.signatures import expression_scores
from onearm.stats.arguments import Floats

NUMBERS = ("tmb",)
"""What can be derived: ``tmb``, non-synonymous mutations per callable megabase."""


def derived_number(
    key: str, assay: Assay, sheet: pl.DataFrame, whole: Block, variants: pl.DataFrame | None
) -> Floats:
    """The number of each subject of the block, NaN where its sample has none.

    variants: one row a variant with ``sample_id`` and ``class`` (or ``variant_class``). The
    callable megabases stand in the assay's details. Raises ``OnearmError`` where something it needs
    is not there.
    """
    if key not in NUMBERS:
        raise OnearmError(f"{key!r} cannot be derived; known are {', '.join(NUMBERS)}")
    if variants is None:
        raise OnearmError(f"{assay.modality}: the burden needs the variants, not only the genes")
    if "callable_mb" not in assay.details:
        hint = "give callable_mb in the manifest"
        raise OnearmError(f"{assay.modality}: the callable megabases are not known; {hint}")
    sequenced = pl.DataFrame({"sample_id": assay.samples}).with_columns(
        platform=pl.lit(str(assay.details.get("platform", "one"))),
        callable_mb=pl.lit(float(assay.details["callable_mb"])),
    )
    if "variant_class" not in variants.columns:
        variants = variants.rename({"class": "variant_class"})
    burden = mutational_burden(variants, sequenced).select("sample_id", "tmb_common")
    chosen = choose_samples(assay, sheet, timepoint=whole.timepoint).filter("used")
    by_subject = chosen.join(burden, on="sample_id", how="left")
    values = dict(by_subject.select("subject_id", "tmb_common").iter_rows())
    return np.array([_number(values.get(subject)) for subject in whole.subjects])


def scores(whole: Block, wanted: Sequence[Signature]) -> tuple[dict[str, Floats], dict[str, str]]:
    """Expression scores of a block's subjects by name, and why the others have none.

    The block's values are logarithms already; each score compares the subjects of the block.
    """
    if not wanted:
        return {}, {}
    as_assay = Assay(whole.modality, "log", whole.features, whole.subjects, whole.values.T)
    made = expression_scores(as_assay, chosen=list(wanted))
    values = dict(zip(made.assay.features, made.assay.values, strict=True))
    told = made.found.filter(pl.col("verdict") != "scored").select("score", "verdict")
    return values, dict(told.iter_rows())


def programme(name: str, genes: Sequence[str]) -> Signature:
    """A gene set as a score: the mean of the z-scores of its genes."""
    return Signature(name, name, "mean_z", tuple(genes), "", "")


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
