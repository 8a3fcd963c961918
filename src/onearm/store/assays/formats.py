"""Every format that is accepted, its reader, and the options of the manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from onearm.omics.assay import Scale
from onearm.omics.checks import TOGETHER
from onearm.store.assays import (
    annotated,
    communities,
    copynumber,
    expression,
    matrices,
    metabolites,
    proteins,
    variants,
    vcf,
)
from onearm.store.assays.reading import Log, Options, Raw

Reader = Callable[[Path, Log, Options], Raw]


@dataclass(frozen=True, slots=True)
class Format:
    """A layout of files: how it is read and what its numbers are.

    scale: what the format settles, None where the manifest must say it. one_sample: a file holds
    one sample, whose name is that of its folder or file, or is given. options: those that it reads
    beside `COMMON`.
    """

    name: str
    used_for: str
    layout: str
    read: Reader
    scale: Scale | None = None
    one_sample: bool = False
    options: tuple[str, ...] = ()


COMMON = ("duplicates", "date_symbols", "feature_table", "feature_key", "array")
"""Options of every format."""

_TABLE = ("feature", "annotation", "decimal", "percent", "estimated")
_VARIANTS = ("sequenced", "callable_mb", "nonsynonymous", "genes")

FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format(
            "matrix",
            "any modality",
            "features in rows, samples in columns; text or Parquet",
            matrices.read_matrix,
            options=_TABLE,
        ),
        Format(
            "samples",
            "laboratory scalars (fusions, MSI, TMB, HRD), RPPA, flow cytometry, radiomics, scores",
            "samples in rows, features in columns; text or Parquet",
            matrices.read_samples,
            options=("feature", "decimal", "percent", "ignore", "levels"),
        ),
        Format(
            "long",
            "cytokines, ctDNA, clinical laboratory values over time",
            "one row a measurement: sample_id (or subject_id and timepoint), analyte, value; "
            "optional unit, below_lod, lod",
            matrices.read_long,
            options=("decimal",),
        ),
        Format(
            "maf",
            "small variants",
            "Mutation Annotation Format 2.4, plain or gzip",
            variants.read_maf,
            "binary",
            options=_VARIANTS,
        ),
        Format(
            "vcf",
            "small variants",
            "VCF, plain or gzip, one or several samples, with CSQ (VEP), ANN (SnpEff) or "
            "Func/ExonicFunc/Gene (ANNOVAR); BCF with the extra",
            vcf.read_vcf,
            "binary",
            options=(*_VARIANTS, "normal", "filters"),
        ),
        Format(
            "seg",
            "copy number",
            "segments: ID, chrom, loc.start, loc.end, num.mark, seg.mean",
            copynumber.read_segments,
            "log",
            options=("build", "genes"),
        ),
        Format(
            "gistic",
            "copy number by gene",
            "GISTIC 2: Gene Symbol, Locus ID, Cytoband, then samples",
            copynumber.read_gistic,
        ),
        Format(
            "arms",
            "copy number by arm",
            "chromosome arm, then samples (GISTIC broad_values_by_arm)",
            copynumber.read_arms,
        ),
        Format(
            "salmon",
            "RNA",
            "quant.sf or quant.genes.sf: Name, Length, EffectiveLength, TPM, NumReads",
            expression.read_salmon,
            "counts",
            one_sample=True,
            options=("value", "tx2gene"),
        ),
        Format(
            "star",
            "RNA",
            "ReadsPerGene.out.tab: gene and three columns of counts, no header",
            expression.read_star,
            "counts",
            one_sample=True,
            options=("strand",),
        ),
        Format(
            "featurecounts",
            "RNA",
            "Geneid, Chr, Start, End, Strand, Length, then samples",
            expression.read_feature_counts,
            "counts",
        ),
        Format(
            "rsem",
            "RNA",
            "genes.results or isoforms.results: expected_count, TPM, FPKM",
            expression.read_rsem,
            "counts",
            one_sample=True,
            options=("value", "tx2gene"),
        ),
        Format(
            "rcc",
            "RNA (NanoString)",
            "RCC: the part Code_Summary with CodeClass, Name, Accession, Count",
            expression.read_rcc,
            "counts",
            one_sample=True,
        ),
        Format(
            "maxquant",
            "proteomics",
            "proteinGroups.txt with Majority protein IDs, Reverse and LFQ intensity columns",
            proteins.read_maxquant,
            "linear",
            options=("value", "name"),
        ),
        Format(
            "diann_matrix",
            "proteomics",
            "DIA-NN report.pg_matrix.tsv: Protein.Group, Genes, then runs",
            proteins.read_diann_matrix,
            "linear",
            options=("name",),
        ),
        Format(
            "diann",
            "proteomics",
            "DIA-NN report.tsv or report.parquet: Run, Protein.Group, Genes, Q.Value, PG.Q.Value, "
            "PG.MaxLFQ",
            proteins.read_diann_report,
            "linear",
            options=("name", "q_value"),
        ),
        Format(
            "olink",
            "proteomics",
            "long NPX: SampleID, OlinkID, Assay, NPX; optional LOD, QC_Warning, SampleType",
            proteins.read_olink,
            "log",
        ),
        Format(
            "mwtab",
            "metabolomics, lipidomics",
            "mwTab: the block MS_METABOLITE_DATA (or NMR) and METABOLITES",
            metabolites.read_mwtab,
        ),
        Format(
            "biom",
            "microbiome",
            "BIOM 1.0 (JSON); BIOM 2.1 (HDF5) with the extra",
            communities.read_biom,
            "compositional",
        ),
        Format(
            "features",
            "microbiome",
            "taxa by samples: QIIME's #OTU ID table, any matrix, or Parquet",
            communities.read_feature_table,
            "compositional",
            options=("feature", "annotation", "decimal"),
        ),
        Format(
            "motus",
            "microbiome",
            "mOTUs profile: comments, a header that begins with #, consensus_taxonomy, samples",
            communities.read_motus,
            "compositional",
        ),
        Format(
            "metaphlan",
            "microbiome",
            "MetaPhlAn profile or merged table: clade_name, then per cent",
            communities.read_metaphlan,
            "compositional",
            options=("level",),
        ),
        Format(
            "kraken",
            "microbiome",
            "Kraken 2 report: 6 or 8 columns, no header",
            communities.read_kraken,
            "compositional",
            one_sample=True,
            options=("level",),
        ),
        Format(
            "h5ad",
            "any modality",
            "AnnData (samples by features); with the extra",
            annotated.read_h5ad,
            options=("percent", "estimated"),
        ),
        Format(
            "h5mu",
            "any modality",
            "one modality of a MuData file, chosen by `key`; with the extra",
            annotated.read_h5mu_modality,
            options=("key", "percent", "estimated"),
        ),
    )
}
"""Every accepted format by name."""

SCALES: Mapping[str, tuple[Scale, str]] = {
    "counts": ("counts", "reads"),
    "tpm": ("linear", "TPM"),
    "fpkm": ("linear", "FPKM"),
    "linear": ("linear", ""),
    "intensity": ("linear", "intensity"),
    "log2": ("log", "log2"),
    "log10": ("log", "log10"),
    "log": ("log", "log"),
    "npx": ("log", "NPX"),
    "m": ("log", "M value"),
    "beta": ("share", "beta"),
    "share": ("share", "share"),
    "compositional": ("compositional", "counts"),
    "copy_number": ("copy_number", "copies"),
    "binary": ("binary", "altered"),
    "score": ("score", ""),
}
"""What ``scale:`` in the manifest may say: the scale and the unit that it stands for."""

Kind = Literal["word", "words", "number", "flag", "file", "mapping", "file, word or list"]


@dataclass(frozen=True, slots=True)
class OptionRule:
    """One option of the manifest: what it may hold and what it means."""

    name: str
    kind: Kind
    meaning: str
    choices: tuple[str, ...] = ()


OPTIONS: Mapping[str, OptionRule] = {
    o.name: o
    for o in (
        OptionRule("feature", "word", "the column that names the features (or the samples)"),
        OptionRule("annotation", "words", "columns that describe features and are no samples"),
        OptionRule("decimal", "word", "the decimal mark", ("point", "comma")),
        OptionRule("percent", "flag", "the values are per cent; they are divided by 100"),
        OptionRule("estimated", "flag", "counts are estimates with fractions; they are rounded"),
        OptionRule("duplicates", "word", "what is done with features of one name", TOGETHER),
        OptionRule(
            "date_symbols", "word", "what is done with symbols made into dates", ("refuse", "drop")
        ),
        OptionRule("feature_table", "file", "a table that describes the features"),
        OptionRule("feature_key", "word", "its column of feature names; the first by default"),
        OptionRule("array", "word", "the name of the methylation array's manifest, kept as said"),
        OptionRule("ignore", "words", "columns that are left out"),
        OptionRule("levels", "mapping", "columns of words with their order, low < high"),
        OptionRule(
            "value",
            "word",
            "the quantity that is read",
            ("counts", "tpm", "fpkm", "lfq", "intensity", "ibaq"),
        ),
        OptionRule("strand", "word", "the strand of the library", tuple(expression.STRANDS)),
        OptionRule("tx2gene", "file", "transcripts and their genes, two columns"),
        OptionRule(
            "sequenced",
            "file, word or list",
            "who was sequenced: the word sheet, a file with one sample a line, or a list",
        ),
        OptionRule("callable_mb", "number", "megabases in which a variant could have been called"),
        OptionRule("nonsynonymous", "words", "classes of variants that count, instead of the nine"),
        OptionRule(
            "genes",
            "file",
            "genes of a panel, one a line; for segments a table gene, chromosome, start, end",
        ),
        OptionRule("normal", "words", "samples that are no tumours"),
        OptionRule("filters", "word", "which variants are read", ("pass", "all")),
        OptionRule("build", "word", "the genome", ("GRCh37", "GRCh38")),
        OptionRule("name", "word", "what names a protein group", ("protein", "gene")),
        OptionRule("q_value", "number", "the largest q value that is read; 0.01 by default"),
        OptionRule("level", "word", "the rank that is read", communities.RANKS),
        OptionRule("key", "word", "the name of the modality in a MuData file"),
    )
}
"""Every option of the manifest by name."""

VALUES: Mapping[str, tuple[str, ...]] = {
    "salmon": ("counts", "tpm"),
    "rsem": ("counts", "tpm", "fpkm"),
    "maxquant": tuple(proteins.QUANTITIES),
}
"""What ``value`` may be in each format that has it."""
