"""Copy number: segments into arms or genes, gene-level and arm-level tables."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from onearm.store.assays.matrices import from_columns, read_any
from onearm.store.assays.reading import Log, Options, Raw
from onearm.store.assays.text import Table, needed, numbers, read_table

SEG = ("ID", "chrom", "loc.start", "loc.end", "num.mark", "seg.mean")
"""Columns of a segment file, in this order; their names differ between programs."""
GISTIC = ("Gene Symbol", "Locus ID", "Cytoband")
CHROMOSOMES = {"23": "X", "24": "Y"}


@cache
def centromeres() -> Mapping[tuple[str, str], int]:
    """Where the short arm ends and the long one begins, by build and chromosome (1, ..., 22, X).

    Source: UCSC cytoBand tables of hg19 and hg38, the end of band p11.
    """
    text = (files("onearm.store.assays") / "centromeres.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {(row["build"], row["chromosome"]): int(row["position"]) for row in rows}


def read_segments(path: Path, log: Log, options: Options) -> Raw:
    """A segment file: sample, chromosome, start, end, markers, mean log2 ratio.

    ``genes`` names a table (gene, chromosome, start, end) for one value a gene; without it every
    chromosome arm gets one, and ``build`` says which genome. A value is the mean of the segments
    that overlap, weighted by the overlapping bases; NaN where none does.
    """
    table = read_table(path, log, comment="#", separator="\t")
    if len(table.header) < len(SEG):
        raise log.stop("file.layout", f"a segment file has the columns {', '.join(SEG)}", line=1)
    cells = table.cells.select(table.header[: len(SEG)])
    cells = cells.rename(dict(zip(cells.columns, SEG, strict=True)))
    table = Table(SEG, cells, table.lines)
    where = numbers(cells.select("loc.start", "loc.end", "seg.mean"), log, lines=table.lines)
    segments = cells.select("ID", "chrom").with_columns(
        pl.col("chrom").str.replace("(?i)^chr", "").str.to_uppercase().replace(CHROMOSOMES),
        start=pl.Series(where[:, 0]),
        end=pl.Series(where[:, 1]),
        mean=pl.Series(where[:, 2]),
        line=pl.Series(list(table.lines), dtype=pl.Int64),
    )
    for row in segments.filter(pl.col("end") < pl.col("start")).iter_rows(named=True):
        said = "the segment ends before it starts"
        log.say("value.text", said, value=row["end"], line=row["line"], sample=row["ID"] or "")
    for row in segments.filter(
        pl.any_horizontal(pl.col("start", "end", "mean").is_infinite())
    ).iter_rows(named=True):
        said = "an infinite value"
        log.say("value.infinite", said, line=row["line"], sample=row["ID"] or "")
    finite = pl.all_horizontal(pl.col("start", "end", "mean").is_finite())
    whole = segments.drop_nulls().filter(finite)
    log.step("segments", segments.height, whole.height, "without place or value")
    if whole.is_empty():
        raise log.stop("file.empty", "no segment has a sample, a place and a value")
    return _over_regions(whole, _regions(whole, log, options))


def _regions(segments: pl.DataFrame, log: Log, options: Options) -> pl.DataFrame:
    """What gets one value each: feature, chrom, from, to."""
    file = options.file("genes")
    if file is None:
        if "build" not in options.values:
            raise log.stop("manifest.missing", "say the build, GRCh37 or GRCh38, to tell the arms")
        build = options.text("build")
        present = set(segments.get_column("chrom"))
        arms = [
            (f"{chromosome}{arm}", chromosome, start, end)
            for (of, chromosome), at in centromeres().items()
            if of == build and chromosome in present
            for arm, start, end in (("p", 0.0, float(at)), ("q", float(at), np.inf))
        ]
        return pl.DataFrame(arms, schema=["feature", "chrom", "from", "to"], orient="row")
    there = Log(log.modality, file.name)
    table = read_table(file, there)
    needed(table, ("gene", "chromosome", "start", "end"), there)
    where = numbers(table.cells.select("start", "end"), there, lines=table.lines)
    log.findings += there.findings
    return table.cells.select(
        feature=pl.col("gene"),
        chrom=pl.col("chromosome").str.replace("(?i)^chr", "").str.to_uppercase(),
    ).with_columns(pl.Series("from", where[:, 0]), pl.Series("to", where[:, 1]))


def _over_regions(segments: pl.DataFrame, regions: pl.DataFrame) -> Raw:
    samples = sorted(set(segments.get_column("ID")))
    values = np.full((regions.height, len(samples)), np.nan)
    parts = segments.partition_by("ID", "chrom", as_dict=True)
    for row, (_, chromosome, start, end) in enumerate(regions.iter_rows()):
        for column, sample in enumerate(samples):
            part = parts.get((sample, chromosome))
            if part is not None:
                values[row, column] = _mean(part, start, end)
    info = regions.select("feature", chromosome="chrom", start="from", end="to")
    features = tuple(regions.get_column("feature").fill_null(""))
    return Raw(features, tuple(samples), values, scale="log", unit="log2 ratio", info=info)


def _mean(part: pl.DataFrame, start: float, end: float) -> float:
    first, last, mean = (part.get_column(c).to_numpy() for c in ("start", "end", "mean"))
    overlap = np.minimum(last, end) - np.maximum(first, start)
    overlap = np.maximum(overlap, 0.0)
    total = overlap.sum()
    return float((overlap * mean).sum() / total) if total > 0 else float("nan")


def read_gistic(path: Path, log: Log, options: Options) -> Raw:
    """GISTIC's all_thresholded.by_genes (-2 to 2) or all_data_by_genes (log ratios)."""
    table = read_any(path, log)
    needed(table, (GISTIC[0],), log)
    besides = [c for c in table.header if c in (*GISTIC[1:], "Gene ID")]
    samples = [c for c in table.header if c not in (GISTIC[0], *besides)]
    return from_columns(table, log, options, name=GISTIC[0], samples=samples, besides=besides)


def read_arms(path: Path, log: Log, options: Options) -> Raw:
    """Chromosome arms by samples, as GISTIC's broad_values_by_arm: the first column is the arm."""
    table = read_any(path, log)
    return from_columns(table, log, options, name=table.header[0], samples=list(table.header[1:]))
