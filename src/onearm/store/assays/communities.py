"""Microbiome profiles: BIOM, feature tables, mOTUs, MetaPhlAn, Kraken reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onearm.stats.arguments import Floats
from onearm.store.assays.matrices import from_columns, read_matrix
from onearm.store.assays.reading import Log, Options, Raw, needs_extra
from onearm.store.assays.text import Table, needed, read_bytes, read_lines, table_of

HDF5 = b"\x89HDF\r\n\x1a\n"
RANKS = ("domain", "phylum", "class", "order", "family", "genus", "species", "strain")
METAPHLAN = dict(zip(RANKS, ("k__", "p__", "c__", "o__", "f__", "g__", "s__", "t__"), strict=True))
KRAKEN = dict(zip(RANKS[:7], ("D", "P", "C", "O", "F", "G", "S"), strict=True))


def read_biom(path: Path, log: Log, options: Options) -> Raw:
    """BIOM 1.0 (JSON) or, with the extra omics, 2.1 (HDF5); taxonomy becomes annotation."""
    raw = read_bytes(path, log)
    if raw.startswith(HDF5):
        return _hdf5(path, log)
    try:
        document = json.loads(raw)
        return _json(document, log)
    except (ValueError, RecursionError, KeyError, TypeError, IndexError, AttributeError) as problem:
        said = f"neither BIOM 1 (JSON) nor BIOM 2 (HDF5): {type(problem).__name__} {problem}"
        raise log.stop("file.layout", said[:200]) from problem


def _json(document: Any, log: Log) -> Raw:  # JSON from outside: any type until it is looked at
    features = tuple(str(row["id"]) for row in document["rows"])
    samples = tuple(str(column["id"]) for column in document["columns"])
    if not features or not samples:
        raise log.stop("file.empty", "the table has no features or no samples")
    if len(features) * len(samples) > 2_000_000_000:
        raise log.stop("file.layout", "the table has more than two thousand million cells")
    values = np.zeros((len(features), len(samples)))
    if document.get("matrix_type") == "sparse":
        for row, column, value in document["data"]:
            if not (0 <= row < len(features) and 0 <= column < len(samples)):
                raise log.stop("file.layout", f"a value lies outside the table: {row}, {column}")
            values[row, column] = float(value)
    else:
        values[:] = np.asarray(document["data"], dtype=np.float64)
    taxa = [_taxonomy(row.get("metadata")) for row in document["rows"]]
    return _profile(features, samples, values, taxa)


def _taxonomy(metadata: Any) -> str | None:  # as above
    found = metadata.get("taxonomy") if isinstance(metadata, dict) else None
    if isinstance(found, str):
        return found
    return "; ".join(map(str, found)) if found is not None and len(found) else None


def _profile(
    features: tuple[str, ...], samples: tuple[str, ...], values: Floats, taxa: list[str | None]
) -> Raw:
    info = pl.DataFrame(
        {"feature": features, "taxonomy": taxa},
        schema={"feature": pl.String, "taxonomy": pl.String},
    )
    return Raw(features, samples, values, scale="compositional", unit="counts", info=info)


def _hdf5(path: Path, log: Log) -> Raw:
    try:
        import biom
    except ImportError as problem:
        raise needs_extra(log, "a BIOM 2 file (BIOM 1 does not)") from problem
    try:
        table = biom.load_table(str(path))
        features = tuple(map(str, table.ids(axis="observation")))
        samples = tuple(map(str, table.ids(axis="sample")))
        values = np.asarray(table.matrix_data.toarray(), dtype=np.float64)
        given = table.metadata(axis="observation") or [None] * len(features)
        taxa = [_taxonomy(dict(each) if each else None) for each in given]
    except Exception as problem:  # the reader raises what it likes on a broken file
        first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise log.stop("file.unreadable", f"cannot be read as BIOM 2: {first}") from problem
    if not features or not samples:
        raise log.stop("file.empty", "the table has no features or no samples")
    return _profile(features, samples, values, taxa)


def read_feature_table(path: Path, log: Log, options: Options) -> Raw:
    """Taxa by samples: text as QIIME writes it (#OTU ID, a last column taxonomy) or Parquet.

    ``feature_table`` names a table of taxonomy. Counts or proportions: only the ratios within a
    sample are used.
    """
    if path.suffix.lower() == ".parquet":
        return _compositional(read_matrix(path, log, options))
    lines = read_lines(path, log)
    start = next((n for n, line in enumerate(lines) if line.startswith("#OTU ID")), None)
    if start is None:
        return _compositional(read_matrix(path, log, options))
    numbered = [(n + 1, line) for n, line in enumerate(lines) if n >= start and line.strip()]
    table = table_of(numbered, log, separator="\t")
    besides = [c for c in table.header if c.lower() in ("taxonomy", "consensus lineage")]
    samples = [c for c in table.header[1:] if c not in besides]
    raw = from_columns(table, log, options, name=table.header[0], samples=samples, besides=besides)
    return _compositional(raw)


def _compositional(raw: Raw, unit: str = "counts") -> Raw:
    return Raw(
        raw.features,
        raw.samples,
        raw.values,
        raw.lines,
        scale="compositional",
        unit=unit,
        info=raw.info,
    )


def read_motus(path: Path, log: Log, options: Options) -> Raw:
    """A mOTUs profile (single or merged): comments, then a header that begins with # and samples.

    Columns consensus_taxonomy and NCBI_tax_id are annotation; the row unassigned (or -1) is kept in
    the total by mOTUs itself and is left out here, and counted.
    """
    lines = read_lines(path, log)
    heads = [n for n, line in enumerate(lines) if line.startswith("#") and "\t" in line]
    if not heads:
        raise log.stop("file.layout", "no header line (# and tabs), as mOTUs writes it, is there")
    start = heads[-1]
    numbered = [(start + 1, lines[start].lstrip("#").strip(" "))]
    numbered += [(n + 1, line) for n, line in enumerate(lines) if n > start and line.strip()]
    table = table_of(numbered, log, separator="\t")
    besides = [
        c for c in table.header[1:] if c.lower() in ("consensus_taxonomy", "ncbi_tax_id", "mgs")
    ]
    name = table.header[0]
    rows = table.cells.with_columns(_line=pl.Series(list(table.lines), dtype=pl.Int64))
    kept = rows.filter(~pl.col(name).str.to_lowercase().is_in(["unassigned", "-1"]))
    log.step("features", rows.height, kept.height, "reads of no mOTU (unassigned)")
    table = Table(table.header, kept.drop("_line"), kept.get_column("_line").to_list())
    samples = [c for c in table.header if c not in (name, *besides)]
    raw = from_columns(table, log, options, name=name, samples=samples, besides=besides)
    return _compositional(raw)


def read_metaphlan(path: Path, log: Log, options: Options) -> Raw:
    """A MetaPhlAn profile or merged table: per cent of the clades of one rank (species)."""
    table = _metaphlan_table(path, log, options)
    rank = options.text("level", "species")
    mark = METAPHLAN[rank]
    name = table.header[0]
    rows = table.cells.with_columns(
        _line=pl.Series(list(table.lines), dtype=pl.Int64),
        _leaf=pl.col(name).str.split("|").list.last(),
    )
    kept = rows.filter(pl.col("_leaf").str.starts_with(mark))
    log.step("features", rows.height, kept.height, f"clades of another rank than {rank}")
    if kept.is_empty():
        raise log.stop("file.empty", f"no clade of the rank {rank} ({mark})")
    cells = kept.with_columns(taxonomy=pl.col(name)).with_columns(pl.col("_leaf").alias(name))
    table = Table((*table.header, "taxonomy"), cells, kept.get_column("_line").to_list())
    usual = ("clade_taxid", "ncbi_tax_id", "additional_species", "taxonomy")
    besides = [c for c in table.header[1:] if c.lower() in usual]
    samples = [c for c in table.header if c not in (name, *besides)]
    raw = from_columns(table, log, options, name=name, samples=samples, besides=besides)
    return _compositional(raw, "per cent")


def _metaphlan_table(path: Path, log: Log, options: Options) -> Table:
    """The table below MetaPhlAn's comments; a single profile gets the name of its sample."""
    lines = read_lines(path, log)
    heads = [
        n
        for n, line in enumerate(lines)
        if line.lstrip("#").startswith(("clade_name", "ID\t", "SampleID\t")) and "\t" in line
    ]
    if not heads:
        raise log.stop("file.layout", "no header line that begins with clade_name is there")
    clades = [n for n in heads if "clade_name" in lines[n]]
    start = (clades or heads)[0]
    numbered = [(start + 1, lines[start].lstrip("#"))]
    numbered += [(n + 1, line) for n, line in enumerate(lines) if n > start and line.strip()]
    first = len(numbered[0][1].split("\t"))
    # A single profile leaves out the last column, additional_species, where it is empty.
    numbered = [(n, line + "\t" * max(0, first - 1 - line.count("\t"))) for n, line in numbered]
    table = table_of(numbered, log, separator="\t")
    if "relative_abundance" in table.header:
        cells = table.cells.rename({"relative_abundance": options.sample})
        return Table(tuple(cells.columns), cells, table.lines)
    return table


def read_kraken(path: Path, log: Log, options: Options) -> Raw:
    """One sample: a Kraken 2 report of 6 (or, with minimizers, 8) columns without header.

    Reads of the clade, for one rank (species by default); unclassified reads are left out.
    """
    lines = read_lines(path, log)
    numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    table = table_of(numbered, log, separator="\t", header=False)
    if len(table.header) not in (6, 8):
        said = f"a Kraken report has 6 or 8 columns, this one {len(table.header)}"
        raise log.stop("file.layout", said, line=1)
    code, taxid, name = table.header[-3:]
    rank = options.text("level", "species")
    rows = table.cells.with_columns(_line=pl.Series(list(table.lines), dtype=pl.Int64))
    kept = rows.filter(pl.col(code) == KRAKEN[rank])
    log.step("features", rows.height, kept.height, f"taxa of another rank than {rank}")
    if kept.is_empty():
        raise log.stop("file.empty", f"no taxon of the rank {rank} ({KRAKEN[rank]})")
    cells = kept.select(feature=pl.col(name), taxid=pl.col(taxid), **{options.sample: pl.col("2")})
    table = Table(tuple(cells.columns), cells, kept.get_column("_line").to_list())
    needed(table, ("feature", "taxid"), log)
    raw = from_columns(
        table, log, options, name="feature", samples=[options.sample], besides=("taxid",)
    )
    return _compositional(raw)
