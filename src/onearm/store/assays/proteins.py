"""Proteins: MaxQuant, DIA-NN, Olink."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import polars as pl

from onearm.stats.arguments import Floats
from onearm.store.assays.matrices import from_columns, read_any
from onearm.store.assays.reading import Log, Options, Raw
from onearm.store.assays.text import Table, needed, numbers, read_table

MARKS = {
    "Reverse": "reverse hits (decoys)",
    "Potential contaminant": "potential contaminants",
    "Contaminant": "potential contaminants",
    "Only identified by site": "identified by a modified site only",
}
"""Columns of MaxQuant that mark, with a +, rows that are no proteins of the sample."""
QUANTITIES = {"lfq": "LFQ intensity ", "intensity": "Intensity ", "ibaq": "iBAQ "}
DIANN_BESIDES = (
    "Protein.Group", "Protein.Ids", "Protein.Names", "Genes", "First.Protein.Description",
    "N.Sequences", "N.Proteotypic.Sequences", "Precursor.Id",
)  # fmt: skip
RUN_ENDINGS = (".raw", ".d", ".mzml", ".wiff", ".dia", ".mzml.gz", ".raw.dia")


def read_maxquant(path: Path, log: Log, options: Options) -> Raw:
    """proteinGroups.txt: LFQ intensities by default; 0 means not quantified and becomes missing.

    Reverse hits, contaminants and groups identified by site only are left out and counted.
    """
    table = read_table(path, log, separator="\t")
    needed(table, ("Protein IDs", "Majority protein IDs", "Reverse"), log)
    rows = table.cells.with_columns(_line=pl.Series(list(table.lines), dtype=pl.Int64))
    for column, why in MARKS.items():
        if column in rows.columns:
            kept = rows.filter((pl.col(column) != "+").fill_null(value=True))
            if kept.height < rows.height:
                said = f"{rows.height - kept.height} protein groups: {why}"
                log.say("file.control", said, value=rows.height - kept.height)
            log.step("features", rows.height, kept.height, why)
            rows = kept
    prefix = QUANTITIES[options.text("value", "lfq")]
    columns = [c for c in table.header if c.startswith(prefix)]
    if not columns:
        raise log.stop("file.layout", f"no column begins with {prefix!r}", line=1)
    named = {c: c.removeprefix(prefix).strip() for c in columns}
    gene = "Gene names" if "Gene names" in rows.columns else "Majority protein IDs"
    cells = rows.rename(named).with_columns(
        protein=pl.col("Majority protein IDs").str.split(";").list.first(),
        gene=pl.col(gene).str.split(";").list.first(),
    )
    raw = _named(cells, list(named.values()), log, options)
    values = np.where(raw.values == 0, np.nan, raw.values)
    log.step("values", values.size, int((values == values).sum()), "0: not quantified")
    return _intensity(raw, values)


def _named(cells: pl.DataFrame, samples: Sequence[str], log: Log, options: Options) -> Raw:
    """Rows named by protein (default) or gene; the other name becomes annotation."""
    name = options.text("name", "protein")
    other = "gene" if name == "protein" else "protein"
    lines = cells.get_column("_line").to_list()
    table = Table(tuple(cells.columns), cells, lines)
    if cells.is_empty():
        raise log.stop("file.empty", "no protein is left")
    return from_columns(table, log, options, name=name, samples=samples, besides=(other,))


def _intensity(raw: Raw, values: Floats) -> Raw:
    return Raw(
        raw.features,
        raw.samples,
        values,
        raw.lines,
        scale="linear",
        unit="intensity",
        info=raw.info,
    )


def run_name(text: str) -> str:
    """The name of a run without folders and without the ending of the instrument's file.

    >>> run_name("D:\\\\data\\\\P01_C1D1.raw"), run_name("/data/P02.mzML")
    ('P01_C1D1', 'P02')
    """
    name = PureWindowsPath(PurePosixPath(text).name).name
    for ending in sorted(RUN_ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def read_diann_matrix(path: Path, log: Log, options: Options) -> Raw:
    """DIA-NN's pg_matrix: protein groups by runs, MaxLFQ intensities, empty where missing."""
    table = read_table(path, log, separator="\t")
    needed(table, ("Protein.Group", "Genes"), log)
    runs = [c for c in table.header if c not in DIANN_BESIDES]
    named = {c: run_name(c) for c in runs}
    if len(set(named.values())) < len(runs):
        raise log.stop("sample.duplicate", "two runs have the same file name", line=1)
    cells = _diann_names(table.cells.rename(named)).with_columns(
        _line=pl.Series(list(table.lines), dtype=pl.Int64)
    )
    raw = _named(cells, list(named.values()), log, options)
    return _intensity(raw, np.where(raw.values == 0, np.nan, raw.values))


def _diann_names(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.with_columns(
        protein=pl.col("Protein.Group").cast(pl.String),
        gene=pl.col("Genes").cast(pl.String).str.split(";").list.first(),
    )


def read_diann_report(path: Path, log: Log, options: Options) -> Raw:
    """DIA-NN's long report (tsv or Parquet): PG.MaxLFQ of rows with Q.Value and PG.Q.Value small.

    ``q_value`` is the limit, 0.01 by default. All precursors of a protein group in a run carry the
    same PG.MaxLFQ; where they do not, the file is refused.
    """
    table = read_any(path, log)
    needed(table, ("Run", "Protein.Group", "Genes", "Q.Value", "PG.Q.Value", "PG.MaxLFQ"), log)
    columns = table.cells.select("Q.Value", "PG.Q.Value", "PG.MaxLFQ")
    number = numbers(columns, log, lines=table.lines)
    limit = options.number("q_value", 0.01)
    rows = _diann_names(table.cells).with_columns(
        sample=pl.col("Run").cast(pl.String).map_elements(run_name, return_dtype=pl.String),
        value=pl.Series(number[:, 2]),
        _line=pl.Series(list(table.lines), dtype=pl.Int64),
    )
    for line in rows.filter(pl.col("Run").is_null() | pl.col("protein").is_null())["_line"]:
        log.say("file.layout", "the run or the protein group is empty", line=line)
    good = rows.filter(pl.Series((number[:, 0] <= limit) & (number[:, 1] <= limit)))
    log.step("rows", rows.height, good.height, f"Q.Value or PG.Q.Value above {limit:g}")
    if good.is_empty():
        raise log.stop("file.empty", f"no row has q values up to {limit:g}")
    named = good.drop_nulls(["sample", "protein"])
    spread = named.group_by("protein", "sample", maintain_order=True).agg(
        pl.col("gene").first(),
        pl.col("value").first(),
        pl.col("_line").first(),
        _n=pl.col("value").n_unique(),
    )
    for row in spread.filter(pl.col("_n") > 1).iter_rows(named=True):
        said = "the precursors of one protein group in one run have different PG.MaxLFQ"
        log.say(
            "file.layout", said, line=row["_line"], sample=row["sample"], feature=row["protein"]
        )
    lines = spread.group_by("protein").agg(pl.col("_line").min(), pl.col("gene").first())
    wide = spread.pivot("sample", index="protein", values="value").join(
        lines, on="protein", how="left", maintain_order="left"
    )
    samples = sorted(set(spread.get_column("sample")))
    raw = _named(wide.sort("protein"), samples, log, options)
    return _intensity(raw, np.where(raw.values == 0, np.nan, raw.values))


OLINK = ("SampleID", "OlinkID", "Assay", "NPX")


def read_olink(path: Path, log: Log, options: Options) -> Raw:
    """Olink's long NPX table (csv with ; or , or Parquet): one row a sample and assay.

    NPX is on a log2 scale. Values below LOD are kept and flagged where the file has a LOD; the
    highest LOD of an assay becomes the column ``lod``. Control samples and internal control assays
    are left out and counted; QC warnings are counted. Features are assays (gene symbols); two
    panels' assays of one name are told apart by OlinkID.
    """
    table = read_any(path, log)
    needed(table, OLINK, log)
    rows = table.cells.with_columns(_line=pl.Series(list(table.lines), dtype=pl.Int64))
    rows = _without_controls(rows, log)
    flagged = [c for c in ("QC_Warning", "SampleQC", "AssayQC") if c in rows.columns]
    for column in flagged:
        warned = rows.filter(
            pl.col(column)
            .str.to_lowercase()
            .is_in(["warn", "warning", "fail"])
            .fill_null(value=False)
        ).height
        if warned:
            log.say(
                "file.control", f"{warned} values with a warning in {column} are kept", value=warned
            )
    lod = "LOD" if "LOD" in rows.columns else None
    given = rows.select("NPX", *([lod] if lod else []))
    number = numbers(given, log, lines=rows.get_column("_line").to_list())
    rows = rows.with_columns(
        _value=pl.Series(number[:, 0]),
        _lod=pl.Series(number[:, 1]) if lod else pl.lit(np.nan),
    )
    ids = rows.group_by("Assay").agg(_ids=pl.col("OlinkID").n_unique())
    rows = rows.join(ids, on="Assay", how="left", maintain_order="left").with_columns(
        feature=pl.when(pl.col("_ids") > 1)
        .then(pl.col("Assay") + " " + pl.col("OlinkID"))
        .otherwise(pl.col("Assay"))
    )
    return _olink_wide(rows, log)


def _without_controls(rows: pl.DataFrame, log: Log) -> pl.DataFrame:
    for column, kept in (
        ("SampleType", ("SAMPLE",)),
        ("Sample_Type", ("SAMPLE",)),
        ("AssayType", ("ASSAY",)),
    ):
        if column in rows.columns:
            good = rows.filter(
                pl.col(column).str.to_uppercase().is_in(list(kept)).fill_null(value=True)
            )
            if good.height < rows.height:
                said = f"{rows.height - good.height} rows of controls ({column}) are left out"
                log.say("file.control", said, value=rows.height - good.height)
            log.step("rows", rows.height, good.height, f"controls ({column})")
            rows = good
    return rows


def _olink_wide(rows: pl.DataFrame, log: Log) -> Raw:
    rows = rows.filter(pl.col("feature").is_not_null() & pl.col("SampleID").is_not_null())
    if rows.is_empty():
        raise log.stop("file.empty", "no row has a sample and an assay")
    for row in rows.filter(~pl.struct("feature", "SampleID").is_first_distinct()).iter_rows(
        named=True
    ):
        said = "the assay has a value for this sample already"
        hint = "Keep one plate's value; bridge samples belong into one of the two files."
        log.say(
            "feature.duplicate",
            said,
            value=row["NPX"],
            line=row["_line"],
            sample=row["SampleID"],
            feature=row["feature"],
            hint=hint,
        )
    features = sorted(set(rows.get_column("feature")))
    samples = sorted(set(rows.get_column("SampleID").cast(pl.String)))
    at_feature = {name: at for at, name in enumerate(features)}
    at_sample = {name: at for at, name in enumerate(samples)}
    values = np.full((len(features), len(samples)), np.nan)
    below = np.zeros(values.shape, dtype=np.bool_)
    for feature, sample, value, limit in rows.select(
        "feature", pl.col("SampleID").cast(pl.String), "_value", "_lod"
    ).iter_rows():
        place = at_feature[feature], at_sample[sample]
        values[place], below[place] = value, value < limit
    info = rows.group_by("feature").agg(
        pl.col("OlinkID").first().alias("olink_id"),
        pl.col("_lod").fill_nan(None).max().alias("lod"),
    )
    if below.any():
        said = f"{int(below.sum())} of {rows.height} values are below the limit of detection"
        log.say("value.below", said, value=int(below.sum()))
    has_limit = info.get_column("lod").is_not_null().any()
    return Raw(
        tuple(features),
        tuple(samples),
        values,
        scale="log",
        unit="NPX",
        below_lod=below if has_limit else None,
        info=info.sort("feature"),
    )
