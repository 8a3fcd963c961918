"""Text tables: bytes into lines, lines into a frame of texts, texts into numbers."""

from __future__ import annotations

import csv
import io
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from onearm.stats.arguments import Floats
from onearm.store.assays.reading import Log, Option

MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", ".", "-")
"""Texts that mean: not measured."""
LARGEST = 4 * 1024**3
"""Bytes that a packed file may unpack to."""
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A text table: its header, its cells as text (null where empty), the line of each row."""

    header: tuple[str, ...]
    cells: pl.DataFrame
    lines: Sequence[int]
    comments: tuple[str, ...] = ()

    def column(self, name: str) -> pl.Series:
        return self.cells.get_column(name)


def read_bytes(path: Path, log: Log) -> bytes:
    """The bytes of a file, unpacked where it is packed by gzip (or bgzip)."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise log.stop("file.unreadable", f"cannot be read: {problem.strerror}") from problem
    if not raw.startswith(GZIP):
        return raw
    parts, total = [], 0
    while raw:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(raw, LARGEST - total + 1)
        except zlib.error as problem:
            raise log.stop("file.unreadable", f"the packed file is damaged: {problem}") from problem
        total += len(part)
        if total > LARGEST:
            raise log.stop("file.unreadable", f"unpacks to more than {LARGEST // 1024**3} GiB")
        if not unpacker.eof:
            raise log.stop("file.unreadable", "the packed file is cut off")
        parts.append(part)
        raw = unpacker.unused_data.lstrip(b"\0")
    return b"".join(parts)


def read_lines(path: Path, log: Log) -> list[str]:
    """The lines of a UTF-8 text file, packed or not."""
    raw = read_bytes(path, log)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        seen = f"byte 0x{raw[problem.start]:02X}"
        raise log.stop("file.unreadable", "not UTF-8 text", value=seen, line=line) from problem
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise log.stop("file.unreadable", "not text: it holds a zero byte", line=line)
    if not text.strip():
        raise log.stop("file.empty", "the file is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_table(
    path: Path, log: Log, *, comment: str = "", separator: str = "", header: bool = True
) -> Table:
    """A table of texts, cells stripped of blanks, empty cells null.

    comment: lines that begin so are passed over. separator: tab, comma or semicolon by the header
    where not given. Without ``header`` columns are named 1, 2, .... A header one field short of all
    rows, as R writes it, lacks the name of its first column.
    """
    lines = read_lines(path, log)
    comments = tuple(line for line in lines if comment and line.startswith(comment))
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not (comment and line.startswith(comment))
    ]
    if not numbered:
        raise log.stop("file.empty", "the file holds no rows")
    return table_of(numbered, log, separator=separator, header=header, comments=comments)


def table_of(
    numbered: Sequence[tuple[int, str]],
    log: Log,
    *,
    separator: str = "",
    header: bool = True,
    comments: tuple[str, ...] = (),
) -> Table:
    """A table from lines with their numbers; see `read_table`."""
    split = separator or _separator(numbered[0][1])
    quoted = any('"' in line for _, line in numbered)
    if quoted:
        rows, lines = _quoted(numbered, split, log)
        widths, first = [len(row) for row in rows], rows[0]
    else:
        lines = [number for number, _ in numbered]
        widths = [line.count(split) + 1 for _, line in numbered]
        first = numbered[0][1].split(split)
    width, start = widths[0], int(header)
    names = [name.strip() for name in first] if header else [str(n + 1) for n in range(width)]
    if header and len(widths) > 1 and set(widths[1:]) == {width + 1}:
        names, width = ["", *names], width + 1
    _refuse_ragged(widths[start:], lines[start:], width, log)
    body = (
        pl.DataFrame(rows[start:], schema=[f"_{n}" for n in range(width)], orient="row")
        if quoted
        else _cells([line for _, line in numbered[start:]], split, width)
    )
    body = body.with_columns(pl.all().cast(pl.String).str.strip_chars())
    body = body.with_columns(pl.when(pl.all() != "").then(pl.all()))
    names = _named(names, body, log)
    kept = {f"_{at}": name for at, name in enumerate(names) if name}
    cells = body.select(list(kept)).rename(kept)
    return Table(tuple(cells.columns), cells, lines[start:], comments)


def _cells(lines: Sequence[str], split: str, width: int) -> pl.DataFrame:
    """Lines of the same width without quotations, as texts in the columns _0, _1, ..."""
    names = [f"_{n}" for n in range(width)]
    if not lines:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return pl.read_csv(
        "\n".join(lines).encode(),
        separator=split,
        has_header=False,
        new_columns=names,
        quote_char=None,
        infer_schema=False,
    )


def _separator(line: str) -> str:
    counts = {mark: line.count(mark) for mark in ("\t", ";", ",")}
    return "\t" if counts["\t"] or not any(counts.values()) else max(counts, key=counts.__getitem__)


def _quoted(
    numbered: Sequence[tuple[int, str]], split: str, log: Log
) -> tuple[list[list[str]], list[int]]:
    """Rows of a table that has quotations, and the line on which each begins."""
    rows, lines, starts = [], [], [number for number, _ in numbered]
    reader = csv.reader(io.StringIO("\n".join(line for _, line in numbered)), delimiter=split)
    at = 0
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(starts[min(at, len(starts) - 1)])
            at = reader.line_num
    except csv.Error as problem:
        line = starts[min(at, len(starts) - 1)]
        raise log.stop("file.unreadable", f"a quotation is broken: {problem}", line=line) from None
    return rows, lines


def _refuse_ragged(widths: list[int], lines: list[int], width: int, log: Log) -> None:
    ragged = [(line, n) for line, n in zip(lines, widths, strict=True) if n != width]
    if ragged:
        line, n = ragged[0]
        more = f", and {len(ragged) - 1} more such lines" if len(ragged) > 1 else ""
        said = f"the header names {width} columns and the line has {n}{more}"
        raise log.stop("file.layout", said, line=line)


def _named(names: list[str], body: pl.DataFrame, log: Log) -> list[str]:
    """Names of the columns; the first may have none, and an empty column without a name goes."""
    named = [names[0] or "feature", *names[1:]]
    for at, name in enumerate(named):
        if not name and body.get_column(f"_{at}").is_not_null().any():
            raise log.stop("file.layout", f"column {at + 1} has values and no name", line=1)
    unnamed = sum(not name for name in named)
    log.step("columns", len(named), len(named) - unnamed, "without a name and without a value")
    counted = Counter(name for name in named if name)
    if doubled := sorted(name for name, n in counted.items() if n > 1):
        said = f"the column {', '.join(doubled[:5])} is there more than once"
        raise log.stop("sample.duplicate", said, line=1)
    return named


def needed(table: Table, names: Sequence[str], log: Log) -> None:
    """Stop where the table lacks a column of its format."""
    lacking = [name for name in names if name not in table.header]
    if lacking:
        there = ", ".join(table.header[:8]) + (" ..." if len(table.header) > 8 else "")
        said = f"the column {', '.join(lacking)} is not there; the header is {there}"
        raise log.stop("file.layout", said, line=1)


def numbers(
    texts: pl.DataFrame,
    log: Log,
    *,
    lines: Sequence[int] = (),
    features: Sequence[str] = (),
    decimal: Option = "point",
    samples_in_rows: bool = False,
) -> Floats:
    """Cells as float64 of the shape of ``texts``, NaN where missing; what is no number is said.

    features: what the rows are called (samples with ``samples_in_rows``). Infinite values stay
    infinite, for the checks of the numbers. A decimal comma is read only where
    the manifest says so; otherwise every such cell is a finding.
    """
    comma = decimal == "comma"
    matrix = np.empty(texts.shape, dtype=np.float64)
    for at, name in enumerate(texts.columns):
        column = texts.get_column(name)
        if column.dtype.is_numeric():
            matrix[:, at] = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            continue
        given = pl.select(
            pl.when(~column.cast(pl.String).is_in(MISSING)).then(column.cast(pl.String))
        ).to_series()
        plain = given.str.replace(r"^([+-]?\d*),(\d+)$", "${1}.${2}") if comma else given
        number = plain.cast(pl.Float64, strict=False)
        matrix[:, at] = number.fill_null(np.nan).to_numpy()
        for row in (given.is_not_null() & number.is_null()).arg_true().to_list():
            row_name = features[row] if features else ""
            sample, feature = (row_name, name) if samples_in_rows else (name, row_name)
            _no_number(given[row], log, lines[row] if lines else 0, sample, feature)
    return matrix


def _no_number(text: str, log: Log, line: int, sample: str, feature: str) -> None:
    head, comma, tail = text.partition(",")
    is_comma = bool(comma) and head.lstrip("+-").isdigit() and tail.isdigit()
    log.say(
        "value.comma" if is_comma else "value.text",
        "a number with a decimal comma" if is_comma else "not a number",
        value=text if len(text) <= 40 else text[:40] + "...",
        line=line,
        sample=sample,
        feature=feature,
    )
