"""Tables of any laboratory: features by samples, samples by features, one row a measurement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from onearm.stats.arguments import Floats
from onearm.store.assays.reading import Log, Options, Raw
from onearm.store.assays.text import Table, needed, numbers, read_table

BELOW = r"^\s*<\s*"
YES = {"y", "yes", "true", "1", "t", "below", "<"}
NO = {"n", "no", "false", "0", "f", "", ">="}


def read_any(path: Path, log: Log, *, comment: str = "#") -> Table:
    """A table from Parquet or text; numeric columns of Parquet stay numbers."""
    if path.suffix.lower() != ".parquet":
        return read_table(path, log, comment=comment)
    try:
        frame = pl.read_parquet(path)
    except Exception as problem:  # the reader raises what it likes on a broken file
        first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise log.stop("file.unreadable", f"cannot be read: {first}") from problem
    frame = frame.select(
        pl.col(name) if dtype.is_numeric() else pl.col(name).cast(pl.String, strict=False)
        for name, dtype in frame.schema.items()
        if not dtype.is_nested() and dtype != pl.Object
    )
    if not frame.width or not frame.height:
        raise log.stop("file.empty", "the file holds no rows")
    return Table(tuple(frame.columns), frame, range(1, frame.height + 1))


def read_matrix(path: Path, log: Log, options: Options) -> Raw:
    """Features in rows, samples in columns, the first column (or the only text) names features."""
    table = read_any(path, log)
    name = _name_column(table, options, log)
    besides = [c for c in options.words("annotation") if c != name]
    needed(table, [name, *besides], log)
    samples = [c for c in table.header if c not in (name, *besides)]
    return from_columns(table, log, options, name=name, samples=samples, besides=besides)


def from_columns(
    table: Table,
    log: Log,
    options: Options,
    *,
    name: str,
    samples: Sequence[str],
    besides: Sequence[str] = (),
) -> Raw:
    """Features by samples from a table: one column of names, columns of samples, the annotation."""
    if not samples or not table.cells.height:
        raise log.stop("file.empty", "the table has no samples or no features")
    features = texts(table, name)
    values = numbers(
        table.cells.select(samples),
        log,
        lines=table.lines,
        features=features,
        decimal=options.text("decimal", "point"),
    )
    info = table.cells.select(pl.Series("feature", features), *(pl.col(c) for c in besides))
    info = _with_feature_table(info, log, options)
    return Raw(tuple(features), tuple(samples), values, table.lines, info=info)


def texts(table: Table, name: str) -> list[str]:
    """A column as names, empty text where it is empty."""
    return table.column(name).cast(pl.String).fill_null("").to_list()


def _name_column(table: Table, options: Options, log: Log) -> str:
    if given := options.text("feature"):
        needed(table, [given], log)
        return given
    words = [c for c in table.header if not table.cells.schema[c].is_numeric()]
    if len(words) == 1:
        return words[0]  # Parquet files hold the names at the end as often as at the start
    return table.header[0]


def _with_feature_table(info: pl.DataFrame, log: Log, options: Options) -> pl.DataFrame:
    """The annotation with the columns of the feature table, joined by its first column."""
    path = options.file("feature_table")
    if path is None:
        return info
    besides = read_any(path, Log(log.modality, path.name))
    key = options.text("feature_key", besides.header[0])
    needed(besides, [key], Log(log.modality, path.name))
    right = besides.cells.rename({key: "feature"}).unique("feature", keep="first")
    right = right.with_columns(pl.col("feature").cast(pl.String))
    right = right.drop([c for c in right.columns if c in info.columns and c != "feature"])
    return info.join(right, on="feature", how="left", maintain_order="left")


def read_samples(path: Path, log: Log, options: Options) -> Raw:
    """Samples in rows, features in columns: laboratory scalars, scores, RPPA, flow populations.

    The first column (or ``feature``, or sample_id) names the samples. A column of words needs its
    order in ``levels``, such as ``{MSI: MSS < MSI-L < MSI-H}``, or to be named in ``ignore``.
    """
    table = read_any(path, log)
    usual = next((c for c in table.header if c.lower() in ("sample_id", "sampleid")), "")
    name = options.text("feature") or usual or _name_column(table, options, log)
    needed(table, [name, *options.words("ignore"), *options.mapping("levels")], log)
    samples = texts(table, name)
    columns = [c for c in table.header if c not in (name, *options.words("ignore"))]
    if not columns or not samples:
        raise log.stop("file.empty", "the table has no samples or no features")
    cells = table.cells.select(columns)
    for column, order in options.mapping("levels").items():
        cells = cells.with_columns(_ranks(cells.get_column(column), order, table, log))
    values = numbers(
        cells,
        log,
        lines=table.lines,
        features=samples,
        decimal=options.text("decimal", "point"),
        samples_in_rows=True,
    )
    if doubled := sorted({s for s in samples if samples.count(s) > 1}):
        said = "the sample stands there more than once"
        raise log.stop("sample.duplicate", said, value=", ".join(doubled[:5]))
    info = _with_feature_table(pl.DataFrame({"feature": columns}), log, options)
    return Raw(tuple(columns), tuple(samples), values.T.copy(), info=info)


def _ranks(column: pl.Series, order: str, table: Table, log: Log) -> pl.Series:
    """Words as 0, 1, 2, ... in the order that the manifest gives."""
    ranks = {word.strip().lower(): str(at) for at, word in enumerate(order.split("<"))}
    found = column.cast(pl.String)
    for row, word in enumerate(found.to_list()):
        if word is not None and word.lower() not in ranks:
            said = f"not one of the levels {order}"
            log.say("value.text", said, value=word, line=table.lines[row], feature=column.name)
    coded = [ranks.get(word.lower()) if word is not None else None for word in found.to_list()]
    return pl.Series(column.name, coded, dtype=pl.String)


LONG = ("analyte", "value")


def read_long(path: Path, log: Log, options: Options) -> Raw:
    """One row a measurement: sample_id (or subject_id, timepoint), analyte, value, unit, below_lod.

    A subject's time point is looked up in the sample sheet. A value written as ``<0.5`` is below a
    limit of 0.5; so is a row whose below_lod says yes, whose value is then the limit. The highest
    limit of an analyte becomes the column ``lod`` of the annotation. Two units of one analyte and
    two values of one sample and analyte are findings.
    """
    table = read_any(path, log)
    lower = {c: c.strip().lower() for c in table.header}
    table = Table(tuple(lower.values()), table.cells.rename(lower), table.lines)
    needed(table, LONG, log)
    rows = table.cells.with_columns(
        _line=pl.Series(list(table.lines)), analyte=pl.col("analyte").cast(pl.String)
    )
    rows = _with_sample(rows, log, options)
    unnamed = rows.filter(pl.col("analyte").is_null())
    for line in unnamed.get_column("_line").to_list():
        log.say("feature.unnamed", "the row has no analyte", line=line)
    rows = rows.filter(pl.col("analyte").is_not_null() & pl.col("_sample").is_not_null())
    if rows.is_empty():
        raise log.stop("file.empty", "no row has a sample and an analyte")
    rows = _with_values(rows, log, options)
    _check_repeats(rows, log)
    return _wide(rows, log)


def _with_sample(rows: pl.DataFrame, log: Log, options: Options) -> pl.DataFrame:
    """The sample of each row, by its name or by subject and time point through the sheet."""
    if "sample_id" in rows.columns:
        return rows.with_columns(_sample=pl.col("sample_id").cast(pl.String))
    if not {"subject_id", "timepoint"} <= set(rows.columns):
        said = "neither sample_id nor subject_id and timepoint are there"
        raise log.stop("file.layout", said, line=1)
    keys = [pl.col(c).cast(pl.String).str.strip_chars() for c in ("subject_id", "timepoint")]
    rows = rows.with_columns(keys)
    sheet = options.sheet
    if not sheet.width:
        raise log.stop("sample.none", "the sample sheet has no sample of this modality")
    listed = sheet.group_by("subject_id", "timepoint").agg(
        _sample=pl.col("sample_id").first(), _n=pl.len()
    )
    rows = rows.join(
        listed, on=["subject_id", "timepoint"], how="left", nulls_equal=True, maintain_order="left"
    )
    for row in rows.filter(pl.col("_n") > 1).iter_rows(named=True):
        said = f"{row['_n']} samples of {row['subject_id']} at {row['timepoint']} are in the sheet"
        hint = "Give the column sample_id in the table."
        log.say("sample.duplicate", said, line=row["_line"], hint=hint)
    lost = rows.filter(pl.col("_n").is_null())
    for row in lost.iter_rows(named=True):
        said = f"{row['subject_id']} at {row['timepoint']} is not in the sample sheet"
        log.say("sample.unknown", said, line=row["_line"], sample=row["subject_id"] or "")
    log.step("rows", rows.height, rows.height - lost.height, "not in the sample sheet")
    return rows.filter(pl.col("_n").is_not_null())


def _with_values(rows: pl.DataFrame, log: Log, options: Options) -> pl.DataFrame:
    given = rows.get_column("value").cast(pl.String).fill_null("")
    marked = given.str.contains(BELOW)
    cells = pl.DataFrame({"value": given.str.replace(BELOW, "")})
    names = rows.get_column("analyte").to_list()
    lines = rows.get_column("_line").to_list()
    decimal = options.text("decimal", "point")
    values = numbers(cells, log, lines=lines, features=names, decimal=decimal)[:, 0]
    if "below_lod" in rows.columns:
        flags = rows.get_column("below_lod").cast(pl.String).fill_null("").str.to_lowercase()
        for row, flag in enumerate(flags.to_list()):
            if flag not in YES | NO:
                log.say("value.text", "not yes or no", value=flag, line=lines[row])
        marked = marked | flags.is_in(list(YES))
    limits = np.full(len(values), np.nan)
    if "lod" in rows.columns:
        column = rows.select("lod")
        limits = numbers(column, log, lines=lines, features=names, decimal=decimal)[:, 0]
        values = np.where(marked.to_numpy() & np.isnan(values), limits, values)
    limits = np.where(np.isnan(limits) & marked.to_numpy(), values, limits)
    return rows.with_columns(
        _value=pl.Series(values), _below=marked, _lod=pl.Series(limits).fill_nan(None)
    )


def _check_repeats(rows: pl.DataFrame, log: Log) -> None:
    if "unit" in rows.columns:
        units = rows.group_by("analyte").agg(
            pl.col("unit").drop_nulls().unique().sort(), pl.col("_line").min()
        )
        for analyte, several, line in units.sort("analyte").iter_rows():
            if len(several) > 1:
                said = "the analyte is given in more than one unit"
                log.say("unit.mixed", said, value=", ".join(several), line=line, feature=analyte)
    repeats = rows.filter(~pl.struct("_sample", "analyte").is_first_distinct())
    for row in repeats.iter_rows(named=True):
        said = "the analyte has a value for this sample already"
        hint = "Keep one row for each sample and analyte."
        log.say(
            "feature.duplicate",
            said,
            value=row["value"],
            line=row["_line"],
            sample=row["_sample"],
            feature=row["analyte"],
            hint=hint,
        )


def _wide(rows: pl.DataFrame, log: Log) -> Raw:
    features = sorted(set(rows.get_column("analyte")))
    samples = sorted(set(rows.get_column("_sample")))
    at_feature = {name: at for at, name in enumerate(features)}
    at_sample = {name: at for at, name in enumerate(samples)}
    values: Floats = np.full((len(features), len(samples)), np.nan)
    below = np.zeros(values.shape, dtype=np.bool_)
    columns = ("analyte", "_sample", "_value", "_below")
    for analyte, sample, value, is_below in rows.select(columns).iter_rows():
        values[at_feature[analyte], at_sample[sample]] = value
        below[at_feature[analyte], at_sample[sample]] = is_below
    kept = [pl.col("_lod").max().alias("lod")]
    if "unit" in rows.columns:
        kept.append(pl.col("unit").drop_nulls().first())
    info = rows.group_by("analyte").agg(kept).sort("analyte").rename({"analyte": "feature"})
    if below.any():
        said = f"{int(below.sum())} of {rows.height} values are below the limit of detection"
        log.say("value.below", said, value=int(below.sum()))
    return Raw(tuple(features), tuple(samples), values, below_lod=below, info=info)
