"""Metabolites: the mwTab text of the Metabolomics Workbench."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from onearm.store.assays.matrices import from_columns
from onearm.store.assays.reading import Log, Options, Raw
from onearm.store.assays.text import Table, read_lines, table_of

BLOCKS = ("MS_METABOLITE_DATA", "NMR_METABOLITE_DATA", "NMR_BINNED_DATA")
FACTORS = ("Factors", "factors")


def read_mwtab(path: Path, log: Log, options: Options) -> Raw:
    """An mwTab file: the block of metabolite data, its units, and METABOLITES as annotation.

    The row Factors is no metabolite. Whether the numbers are linear or logarithms is not said by
    the format, so the manifest's ``scale`` must.
    """
    lines = read_lines(path, log)
    block = next((b for b in BLOCKS if any(x.startswith(b + "_START") for x in lines)), None)
    if block is None:
        raise log.stop("file.layout", f"none of the blocks {', '.join(BLOCKS)} is there")
    table = _block(lines, block, log)
    name = table.header[0]
    rows = table.cells.with_columns(_line=pl.Series(list(table.lines), dtype=pl.Int64))
    kept = rows.filter(~pl.col(name).is_in(list(FACTORS)).fill_null(value=False))
    table = Table(table.header, kept.drop("_line"), kept.get_column("_line").to_list())
    raw = from_columns(table, log, options, name=name, samples=list(table.header[1:]))
    prefix = f"{block}:UNITS"
    unit = next((line[len(prefix) :].strip() for line in lines if line.startswith(prefix)), "")
    info = _annotation(raw, lines, log)
    return Raw(raw.features, raw.samples, raw.values, raw.lines, unit=unit, info=info)


def _block(lines: list[str], block: str, log: Log) -> Table:
    start = next(n for n, line in enumerate(lines) if line.startswith(block + "_START"))
    end = next((n for n, line in enumerate(lines) if line.startswith(block + "_END")), None)
    if end is None or end <= start + 1:
        raise log.stop("file.layout", f"the block {block} is not closed", line=start + 1)
    inside = [(n + 1, lines[n].rstrip("\t")) for n in range(start + 1, end) if lines[n].strip()]
    if len(inside) < 2:
        raise log.stop("file.empty", f"the block {block} has no metabolite", line=start + 1)
    width = max(line.count("\t") for _, line in inside)
    padded = [(n, line + "\t" * (width - line.count("\t"))) for n, line in inside]
    return table_of(padded, log, separator="\t")


def _annotation(raw: Raw, lines: list[str], log: Log) -> pl.DataFrame | None:
    """The block METABOLITES joined by the metabolite's name, where the file has one."""
    starts = [n for n, line in enumerate(lines) if line.startswith("METABOLITES_START")]
    if not starts or raw.info is None:
        return raw.info
    table = _block(lines, "METABOLITES", log)
    right = table.cells.rename({table.header[0]: "feature"}).unique("feature", keep="first")
    return raw.info.join(right, on="feature", how="left", maintain_order="left")
