"""What mutations say of a patient: burden, altered genes and pathways; unsequenced is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.errors import Finding, OnearmError, Place, Problems
from onearm.omics.assay import Assay
from onearm.stats.arguments import Floats

NON_SYNONYMOUS = (
    "Frame_Shift_Del",
    "Frame_Shift_Ins",
    "In_Frame_Del",
    "In_Frame_Ins",
    "Missense_Mutation",
    "Nonsense_Mutation",
    "Nonstop_Mutation",
    "Splice_Site",
    "Translation_Start_Site",
)
"""The nine classes of a MAF that change a protein, as maftools counts them by default."""

VARIANTS: Mapping[str, pl.DataType] = {
    "sample_id": pl.String(),
    "gene": pl.String(),
    "variant_class": pl.String(),
    "ref": pl.String(),
    "alt": pl.String(),
}
"""Columns of a frame of small variants, one row a variant of a sample; ``context`` may follow."""

RULE = "omics.md, section 3"


@dataclass(frozen=True, slots=True)
class Conversion:
    """A burden of one platform on the scale of another: intercept + slope x burden."""

    platform: str
    into: str
    slope: float
    intercept: float
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One way a gene can be altered, and who was looked at.

    pairs: columns sample_id and gene, one row an alteration. assessed: the samples that were
    measured. genes: those the assay covers (a panel), None for all.
    """

    pairs: pl.DataFrame
    assessed: tuple[str, ...]
    genes: tuple[str, ...] | None = None


def mutational_burden(
    variants: pl.DataFrame,
    sequenced: pl.DataFrame,
    *,
    classes: Sequence[str] = NON_SYNONYMOUS,
    conversions: Sequence[Conversion] = (),
) -> pl.DataFrame:
    """Non-synonymous mutations per callable megabase, one row a sequenced sample.

    variants: `VARIANTS`. sequenced: sample_id, platform (such as exome or a panel's name) and
    callable_mb; a sample without a variant has a burden of 0 because it stands here. classes: the
    variant classes that count. Burdens of several platforms are not on one scale: where there are
    several, conversions must bring all to one, or nothing is computed.
    Returns sample_id, platform, callable_mb, mutations, tmb (per Mb, of its own platform),
    tmb_common (on the common scale), converted (the conversion's source, empty where none).
    Raises `Problems` for variants of samples that are not in ``sequenced``, megabases that are
    missing or not positive, and platforms without a conversion.
    """
    _refuse_strangers(variants, tuple(sequenced["sample_id"]))
    bad = sequenced.filter(~(pl.col("callable_mb") > 0).fill_null(value=False))
    if bad.height:
        raise Problems(
            Finding(
                Place(field=f"sample {row['sample_id']}"),
                row["callable_mb"],
                RULE,
                "callable megabases must be known and above 0",
                "State them in the manifest or the sample's table.",
            )
            for row in bad.iter_rows(named=True)
        )
    counts = variants.filter(pl.col("variant_class").is_in(list(classes)))
    counts = counts.group_by("sample_id").agg(pl.len().cast(pl.Int64).alias("mutations"))
    frame = (
        sequenced.select("sample_id", "platform", pl.col("callable_mb").cast(pl.Float64))
        .join(counts, on="sample_id", how="left")
        .with_columns(pl.col("mutations").fill_null(0))
        .with_columns(tmb=pl.col("mutations") / pl.col("callable_mb"))
        .sort("sample_id")
    )
    return _on_one_scale(frame, conversions)


def gene_alterations(sources: Mapping[str, Source], *, modality: str = "mutations") -> Assay:
    """Altered or not, gene by sample: 1 where any source says so.

    sources: by name, such as SNV, copy number, fusion. 0 needs every source to have looked at the
    sample and the gene; where one did not, the value is missing, also where another source found an
    alteration: otherwise a patient with fewer assays could be altered or missing but never wild
    type. Genes are those altered in any sample. feature_info counts samples by source.
    Raises `Problems` for alterations in samples the source says it did not assess.
    """
    for name, source in sources.items():
        _refuse_strangers(source.pairs, source.assessed, name)
    genes = sorted({gene for source in sources.values() for gene in source.pairs["gene"]})
    samples = sorted({sample for source in sources.values() for sample in source.assessed})
    altered = np.zeros((len(genes), len(samples)), dtype=bool)
    missing = np.zeros_like(altered)
    counts: dict[str, list[int]] = {}
    row = {gene: at for at, gene in enumerate(genes)}
    column = {sample: at for at, sample in enumerate(samples)}
    for name, source in sources.items():
        found = np.zeros_like(altered)
        for sample, gene in source.pairs.select("sample_id", "gene").iter_rows():
            found[row[gene], column[sample]] = True
        altered |= found
        missing[:, ~np.isin(samples, source.assessed)] = True
        if source.genes is not None:
            missing[~np.isin(genes, source.genes)] = True
        counts[f"samples_{name}"] = found.sum(axis=1).tolist()
    values = np.where(missing, np.nan, altered.astype(np.float64))
    info = pl.DataFrame({"feature": genes, **counts})
    return Assay(modality, "binary", tuple(genes), tuple(samples), values, feature_info=info)


def pathway_alterations(genes: Assay, pathways: Mapping[str, Sequence[str]]) -> Assay:
    """Altered or not, pathway by sample: 1 where any of its genes is.

    genes: of `gene_alterations`; genes it does not have were altered in nobody. Missing where no
    gene is altered and one is missing. Pathways without an altered gene are left out.
    """
    at = {gene: row for row, gene in enumerate(genes.features)}
    rows: dict[str, Floats] = {}
    for name in sorted(pathways):
        members = [at[gene] for gene in sorted(set(pathways[name])) if gene in at]
        if members:
            values = genes.values[members]
            any_altered = (values == 1).any(axis=0)
            unknown = np.isnan(values).any(axis=0)
            rows[name] = np.where(any_altered, 1.0, np.where(unknown, np.nan, 0.0))
    values = np.array(list(rows.values())).reshape(len(rows), len(genes.samples))
    return Assay(f"{genes.modality} pathways", "binary", tuple(rows), genes.samples, values)


def by_variants(
    variants: pl.DataFrame,
    sequenced: Sequence[str],
    *,
    classes: Sequence[str] = NON_SYNONYMOUS,
    genes: Sequence[str] | None = None,
) -> Source:
    """Genes altered by small variants of the given classes; SNVs and indels alike."""
    kept = variants.filter(pl.col("variant_class").is_in(list(classes)))
    pairs = kept.select("sample_id", "gene").unique().sort("sample_id", "gene")
    return Source(pairs, tuple(sequenced), None if genes is None else tuple(genes))


def by_copy_number(copies: Assay, *, at_least: float = 2.0) -> Source:
    """Genes amplified or lost on both copies: copy number of at least +2 or at most -2.

    copies: scale copy_number; a sample is assessed where any of its genes has a value, and a gene
    where every assessed sample has one.
    """
    if copies.scale != "copy_number":
        raise OnearmError(f"{copies.modality}: scale is {copies.scale}; copy_number is needed")
    assessed = ~np.isnan(copies.values).all(axis=0)
    covered = ~np.isnan(copies.values[:, assessed]).any(axis=1)
    rows, columns = np.nonzero(np.nan_to_num(np.abs(copies.values)) >= at_least)
    pairs = pl.DataFrame(
        {
            "sample_id": [copies.samples[column] for column in columns],
            "gene": [copies.features[row] for row in rows],
        },
        schema={"sample_id": pl.String, "gene": pl.String},
    )
    names = np.array(copies.samples, dtype=object)
    return Source(
        pairs,
        tuple(names[assessed]),
        tuple(np.array(copies.features, dtype=object)[covered]),
    )


def _refuse_strangers(frame: pl.DataFrame, assessed: Sequence[str], source: str = "") -> None:
    """Alterations in samples nobody says were measured: the list of samples is wrong."""
    strangers = frame.filter(~pl.col("sample_id").is_in(list(assessed)))
    if strangers.is_empty():
        return
    rows = strangers.group_by("sample_id").len().sort("sample_id")
    raise Problems(
        (
            Finding(
                Place(field=f"{source} sample {sample}".strip()),
                f"{n} alterations",
                RULE,
                "the sample is not in the list of sequenced samples",
                "Add it to the list, or drop its variants.",
            )
            for sample, n in rows.iter_rows()
        ),
        "the list of sequenced samples does not fit the variants",
    )


def _on_one_scale(frame: pl.DataFrame, conversions: Sequence[Conversion]) -> pl.DataFrame:
    platforms = sorted(frame["platform"].unique())
    of = {conversion.platform: conversion for conversion in conversions}
    targets = {of[name].into if name in of else name for name in platforms}
    if len(targets) > 1:
        counted = frame.group_by("platform").len().sort("platform").iter_rows()
        told = ", ".join(f"{n} samples of {name}" for name, n in counted)
        raise OnearmError(
            f"mutational burden: {told} are not on one scale; state a conversion from each "
            "platform to one of them, with its source, or analyse them apart"
        )
    slope = {name: of[name].slope if name in of else 1.0 for name in platforms}
    intercept = {name: of[name].intercept if name in of else 0.0 for name in platforms}
    source = {name: of[name].source if name in of else "" for name in platforms}
    platform = pl.col("platform")
    return frame.with_columns(
        tmb_common=platform.replace_strict(intercept, return_dtype=pl.Float64)
        + platform.replace_strict(slope, return_dtype=pl.Float64) * pl.col("tmb"),
        converted=platform.replace_strict(source, return_dtype=pl.String),
    )
