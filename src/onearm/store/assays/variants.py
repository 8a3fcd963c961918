"""Small variants: MAF files, and genes by samples from variants of any source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from onearm.stats.arguments import Floats
from onearm.store.assays.classes import KNOWN, NONSYNONYMOUS
from onearm.store.assays.reading import Log, Options, Raw
from onearm.store.assays.text import MISSING, Table, needed, read_lines, read_table

VARIANTS: Mapping[str, pl.DataType] = {
    "sample_id": pl.String(),
    "gene": pl.String(),
    "chromosome": pl.String(),
    "position": pl.Int64(),
    "reference": pl.String(),
    "alternate": pl.String(),
    "type": pl.String(),
    "class": pl.String(),
    "nonsynonymous": pl.Boolean(),
    "allele_fraction": pl.Float64(),
}
"""One row a variant of a sample. ``type`` is SNP, DNP, TNP, ONP, INS or DEL; ``class`` a MAF class.

``allele_fraction`` is the share of reads with the variant, null where the file does not tell.
"""

MAF_NEEDED = (
    "Hugo_Symbol",
    "Chromosome",
    "Start_Position",
    "Variant_Classification",
    "Variant_Type",
    "Reference_Allele",
    "Tumor_Seq_Allele2",
    "Tumor_Sample_Barcode",
)


def read_maf(path: Path, log: Log, options: Options) -> Raw:
    """A MAF file, packed or not: lines that begin with # are comments.

    Column names count without regard to capitals. Rows that stand there twice count once. Variants
    without a gene (Unknown or empty) stay in the table of variants but make no feature.
    """
    table = read_table(path, log, comment="#", separator="\t")
    upper = {c.lower(): c for c in table.header}
    wanted = {upper[c.lower()]: c for c in MAF_NEEDED if c.lower() in upper}
    cells = table.cells.rename({old: new for old, new in wanted.items() if old != new})
    table = Table(tuple(cells.columns), cells, table.lines)
    needed(table, MAF_NEEDED, log)
    rows = cells.with_columns(_line=pl.Series(list(table.lines), dtype=pl.Int64))
    _check_maf(rows, log)
    variants = rows.select(
        sample_id=pl.col("Tumor_Sample_Barcode"),
        gene=pl.col("Hugo_Symbol"),
        chromosome=pl.col("Chromosome").str.replace("^chr", ""),
        position=pl.col("Start_Position").cast(pl.Int64, strict=False),
        reference=pl.col("Reference_Allele").fill_null("-"),
        alternate=pl.col("Tumor_Seq_Allele2").fill_null("-"),
        type=pl.col("Variant_Type"),
        **{"class": pl.col("Variant_Classification")},
        allele_fraction=_fraction(rows),
    )
    log.step("variants", variants.height, variants.height, "in the file", always=True)
    once = variants.unique(maintain_order=True)
    log.step("variants", variants.height, once.height, "rows that stand there twice")
    called = tuple(sorted(set(once.get_column("sample_id").drop_nulls())))
    return Raw((), called, np.empty((0, len(called))), variants=once)


def _check_maf(rows: pl.DataFrame, log: Log) -> None:
    """Rows without a sample, without a position, or of a class that is not known."""
    for name, rule in (("Tumor_Sample_Barcode", "sheet.empty"), ("Start_Position", "value.text")):
        wrong = pl.col(name).is_null()
        if name == "Start_Position":
            wrong = pl.col(name).cast(pl.Int64, strict=False).is_null()
        for row in rows.filter(wrong).iter_rows(named=True):
            said = f"{name} is empty" if row[name] is None else f"{name} is no whole number"
            hint = "Correct the row in the MAF file."
            log.say(rule, said, value=row[name], line=row["_line"], hint=hint)


def _fraction(rows: pl.DataFrame) -> pl.Expr:
    """Share of alternate reads: t_alt_count / t_depth where the file has them, else null."""
    if not {"t_alt_count", "t_ref_count"} <= set(rows.columns):
        return pl.lit(None, pl.Float64)
    alt = pl.col("t_alt_count").cast(pl.Float64, strict=False)
    depth = alt + pl.col("t_ref_count").cast(pl.Float64, strict=False)
    return pl.when(depth > 0).then(alt / depth)


def from_variants(variants: pl.DataFrame, called: Sequence[str], log: Log, options: Options) -> Raw:
    """Genes by sequenced samples, 1 where a non-synonymous variant was found.

    A sample is 0 for a gene only if it is known to have been sequenced: it is one of ``called`` (it
    has a variant, or the header of its VCF names it), or it is on the list of sequenced samples
    (``sequenced``: the word sheet, a file with one sample a line, or a list). Any other sample is
    not among the columns. Genes are those with a non-synonymous variant, or those of the panel
    where ``genes`` names a file of them.
    """
    classes = options.words("nonsynonymous") or NONSYNONYMOUS
    _check_classes(variants, classes, log)
    variants = variants.with_columns(
        nonsynonymous=pl.col("class").is_in(list(classes)).fill_null(value=False)
    ).select(pl.col(name).cast(dtype) for name, dtype in VARIANTS.items())
    changing = variants.filter("nonsynonymous")
    log.step("variants", variants.height, changing.height, "not of a non-synonymous class")
    named = changing.filter(~pl.col("gene").is_in([*MISSING, "Unknown"]).fill_null(value=True))
    log.step("variants", changing.height, named.height, "without a gene")
    samples = _sequenced(sorted(set(called)), log, options)
    genes = _panel(named, log, options)
    values = _matrix(named, genes, samples)
    details: dict[str, float | str] = {
        "nonsynonymous": "; ".join(classes),
        "sequenced": options.text("sequenced", "not given")
        if not isinstance(options.values.get("sequenced"), tuple)
        else "list in the manifest",
    }
    if "callable_mb" in options.values:
        details["callable_mb"] = options.number("callable_mb", np.nan)
    else:
        log.say("variants.callable", "the callable megabases are not given")
    return Raw(
        tuple(genes),
        tuple(samples),
        values,
        scale="binary",
        unit="altered",
        details=details,
        variants=variants,
        info=pl.DataFrame({"feature": genes}, schema={"feature": pl.String}),
    )


def _check_classes(variants: pl.DataFrame, classes: Sequence[str], log: Log) -> None:
    counted = variants.group_by("class").len().sort("class", nulls_last=True)
    for name, n in counted.iter_rows():
        if name not in KNOWN and name not in classes:
            said = f"{n} variants are of a class that is not known and count as silent"
            log.say("variants.class", said, value=name or "(empty)")


def _sequenced(found: list[str], log: Log, options: Options) -> list[str]:
    """Samples known to have been sequenced, sorted; says where only those with variants are."""
    given = options.values.get("sequenced")
    if given is None:
        listed = sorted(set(options.sheet.get_column("sample_id"))) if options.sheet.width else []
        seen = {name.casefold() for name in found}
        absent = [name for name in listed if name.casefold() not in seen]
        said = "the list of sequenced samples is not given"
        if absent:
            said += f"; {len(absent)} samples of the sheet have no variant and are left unknown"
        log.say("variants.sequenced", said, value=", ".join(absent[:5]) or None)
        return found
    if given == "sheet":
        listed = sorted(set(options.sheet.get_column("sample_id"))) if options.sheet.width else []
    elif isinstance(given, tuple):
        listed = sorted(set(given))
    else:
        file = options.folder / str(given)
        there = Log(log.modality, file.name)
        listed = sorted({line.strip() for line in read_lines(file, there) if line.strip()})
    spelled = {name.casefold(): name for name in listed}
    for name in found:
        if name.casefold() not in spelled and given != "sheet":
            said = "the sample has variants and is not on the list of sequenced samples"
            log.say("variants.unsequenced", said, value=name, sample=name)
    wild = set(spelled) - {name.casefold() for name in found}
    said = "sequenced without a variant: not altered"
    n = len(found) + len(wild)
    log.step("samples", n, n, f"{len(wild)} {said}", always=True)
    return sorted({*found, *(spelled[name] for name in wild)})


def _panel(changing: pl.DataFrame, log: Log, options: Options) -> list[str]:
    """The genes that were looked at: the panel's, or those in which something was found."""
    file = options.file("genes")
    altered = sorted(set(changing.get_column("gene")))
    if file is None:
        return altered
    there = Log(log.modality, file.name)
    panel = {line.strip() for line in read_lines(file, there) if line.strip()}
    log.step("features", len(altered), len(panel & set(altered)), f"genes not in {file.name}")
    return sorted(panel)


def _matrix(changing: pl.DataFrame, genes: Sequence[str], samples: Sequence[str]) -> Floats:
    values = np.zeros((len(genes), len(samples)))
    row = {gene: at for at, gene in enumerate(genes)}
    column = {sample: at for at, sample in enumerate(samples)}
    for gene, sample in changing.select("gene", "sample_id").unique().iter_rows():
        if gene in row and sample in column:
            values[row[gene], column[sample]] = 1.0
    return values


def kind_of(reference: str, alternate: str) -> str:
    """SNP, DNP, TNP, ONP, INS or DEL by the length of the alleles."""
    if len(reference) == len(alternate):
        return {1: "SNP", 2: "DNP", 3: "TNP"}.get(len(reference), "ONP")
    return "INS" if len(alternate) > len(reference) else "DEL"
