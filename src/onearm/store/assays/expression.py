"""RNA as quantifiers write it: salmon, STAR, featureCounts, RSEM, NanoString RCC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from onearm.stats.arguments import Floats
from onearm.store.assays.matrices import from_columns, texts
from onearm.store.assays.reading import Log, Options, Raw
from onearm.store.assays.text import Table, needed, numbers, read_lines, read_table, table_of

STRANDS = {"unstranded": "2", "forward": "3", "reverse": "4"}
"""Column of a STAR count file by the strand of the library."""
FEATURE_COUNTS = ("Geneid", "Chr", "Start", "End", "Strand", "Length")


def read_salmon(path: Path, log: Log, options: Options) -> Raw:
    """One sample: quant.sf or quant.genes.sf with Name, Length, EffectiveLength, TPM, NumReads."""
    table = read_table(path, log, separator="\t")
    needed(table, ("Name", "Length", "EffectiveLength", "TPM", "NumReads"), log)
    column = "TPM" if options.text("value", "counts") == "tpm" else "NumReads"
    return _one_sample(table, log, options, name="Name", column=column, counts=column != "TPM")


def read_rsem(path: Path, log: Log, options: Options) -> Raw:
    """One sample: genes.results or isoforms.results with expected_count, TPM, FPKM."""
    table = read_table(path, log, separator="\t")
    columns = {"counts": "expected_count", "tpm": "TPM", "fpkm": "FPKM"}
    column = columns[options.text("value", "counts")]
    name = "transcript_id" if table.header[0] == "transcript_id" else "gene_id"
    needed(table, (name, "expected_count", "TPM", "FPKM"), log)
    counts = column == "expected_count"
    return _one_sample(table, log, options, name=name, column=column, counts=counts)


def read_star(path: Path, log: Log, options: Options) -> Raw:
    """One sample: ReadsPerGene.out.tab, four columns without header; ``strand`` chooses one.

    The rows N_unmapped, N_multimapping, N_noFeature and N_ambiguous are no genes.
    """
    table = read_table(path, log, separator="\t", header=False)
    if len(table.header) != 4:
        said = f"a STAR count file has 4 columns, this one {len(table.header)}"
        raise log.stop("file.layout", said, line=1)
    genes = ~pl.col("1").str.starts_with("N_")
    kept = table.cells.with_columns(_line=pl.Series(list(table.lines))).filter(genes)
    log.step("features", table.cells.height, kept.height, "reads of no gene (N_ rows)")
    if "strand" not in options.values:
        sums = kept.select(pl.col("2", "3", "4").cast(pl.Float64, strict=False).sum()).row(0)
        told = ", ".join(f"{s} {n:.0f}" for s, n in zip(STRANDS, sums, strict=True))
        said = f"the strand of the library is not said; the reads in genes are {told}"
        raise log.stop("manifest.missing", said)
    table = Table(table.header, kept.drop("_line"), kept.get_column("_line").to_list())
    column = STRANDS[options.text("strand")]
    return _one_sample(table, log, options, name="1", column=column, counts=True)


def _one_sample(
    table: Table, log: Log, options: Options, *, name: str, column: str, counts: bool
) -> Raw:
    """One column as one sample; estimated reads are rounded, transcripts summed into genes."""
    if not table.cells.height:
        raise log.stop("file.empty", "the file holds no genes")
    features = texts(table, name)
    values = numbers(table.cells.select(column), log, lines=table.lines, features=features)
    lines = list(table.lines)
    if (path := options.file("tx2gene")) is not None:
        features, values, lines = _genes(path, features, values, lines, log)
    if counts:
        values = rounded(values, log)
    return Raw(
        tuple(features),
        (options.sample,),
        values,
        lines,
        scale="counts" if counts else "linear",
        unit="reads" if counts else column,
        info=pl.DataFrame({"feature": features}),
    )


def rounded(values: Floats, log: Log) -> Floats:
    """Estimated reads as whole numbers, as count models need them (half to even)."""
    finite = np.isfinite(values)
    broken = int((values[finite] != np.rint(values[finite])).sum())
    if broken:
        why = f"{broken} estimated counts rounded"
        log.step("values", values.size, values.size, why, always=True)
    whole: Floats = np.rint(values)
    return whole


def _genes(
    path: Path, names: list[str], values: Floats, lines: list[int], log: Log
) -> tuple[list[str], Floats, list[int]]:
    """Transcripts summed into genes by a table of two columns: transcript, gene."""
    there = Log(log.modality, path.name)
    lookup = read_table(path, there)
    if len(lookup.header) < 2:
        raise there.stop("file.layout", "transcript and gene need two columns", line=1)
    key, gene = lookup.header[:2]
    genes = dict(lookup.cells.select(key, gene).drop_nulls().iter_rows())
    known = [(at, genes[name]) for at, name in enumerate(names) if name in genes]
    log.step("features", len(names), len(known), f"transcripts without a gene in {path.name}")
    if not known:
        raise log.stop("file.empty", f"no transcript is in {path.name}", value=names[0])
    order = sorted({gene for _, gene in known})
    row = {gene: at for at, gene in enumerate(order)}
    sums = np.zeros((len(order), values.shape[1]))
    first: dict[str, int] = {}
    for at, gene in known:
        sums[row[gene]] += values[at]
        first.setdefault(gene, lines[at])
    return order, sums, [first[gene] for gene in order]


def read_feature_counts(path: Path, log: Log, options: Options) -> Raw:
    """Several samples: featureCounts' table with Geneid, Chr, Start, End, Strand, Length first."""
    table = read_table(path, log, comment="# ", separator="\t")
    needed(table, FEATURE_COUNTS, log)
    given = [c for c in table.header if c not in FEATURE_COUNTS]
    names = {c: Path(c).name.removesuffix(".bam").removesuffix(".sam") for c in given}
    if len(set(names.values())) < len(given):
        raise log.stop("sample.duplicate", "two columns have the same file name", line=1)
    cells = table.cells.rename(names)
    table = Table(tuple(cells.columns), cells, table.lines)
    raw = from_columns(
        table, log, options, name="Geneid", samples=list(names.values()), besides=("Length",)
    )
    return Raw(
        raw.features,
        raw.samples,
        raw.values,
        raw.lines,
        scale="counts",
        unit="reads",
        info=raw.info,
    )


def read_rcc(path: Path, log: Log, options: Options) -> Raw:
    """One sample: a NanoString RCC file; endogenous and housekeeping genes of Code_Summary.

    Positive and negative controls and other classes are left out and counted. The counts are raw:
    nothing is normalised here. The housekeeping genes are told by the column code_class.
    """
    lines = read_lines(path, log)
    start = next((at for at, line in enumerate(lines) if line.strip() == "<Code_Summary>"), None)
    end = next((at for at, line in enumerate(lines) if line.strip() == "</Code_Summary>"), None)
    if start is None or end is None or end <= start + 1:
        raise log.stop("file.layout", "the part <Code_Summary> is not there or not closed")
    inside = [(at + 1, lines[at]) for at in range(start + 1, end) if lines[at].strip()]
    if not inside:
        raise log.stop("file.empty", "the part <Code_Summary> is empty", line=start + 1)
    table = table_of(inside, log, separator=",")
    needed(table, ("CodeClass", "Name", "Accession", "Count"), log)
    genes = pl.col("CodeClass").str.starts_with("Endogenous") | (
        pl.col("CodeClass") == "Housekeeping"
    )
    kept = table.cells.with_columns(_line=pl.Series(list(table.lines))).filter(genes)
    log.step("features", table.cells.height, kept.height, "control probes")
    shorter = Table(table.header, kept.drop("_line"), kept.get_column("_line").to_list())
    raw = _one_sample(shorter, log, options, name="Name", column="Count", counts=True)
    info = kept.select(
        feature=pl.col("Name"), code_class=pl.col("CodeClass"), accession=pl.col("Accession")
    )
    return Raw(
        raw.features, raw.samples, raw.values, raw.lines, scale="counts", unit="reads", info=info
    )
