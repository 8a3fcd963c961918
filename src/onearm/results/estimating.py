"""Kinds that estimate from one value a subject: proportions, summaries, best change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from onearm import expr, stats
from onearm.results.cells import (
    NOBODY,
    SHARE,
    SUBJECTS,
    Operations,
    Record,
    from_numbers,
    is_number,
    numbers_of,
    ordered_levels,
    size_numbers,
    sizes,
    tallies,
    with_levels,
)
from onearm.results.counting import shared
from onearm.results.model import COLUMN, NAME, Task, both, equals, level_text
from onearm.stats import Note

SCALES: Mapping[str, str] = {u: u for u in ("days", "months", "percent", "mg", "mm", "ratio")}
"""The kind of number of each unit; a value in any other unit is of the kind ``number``."""

ESTIMATE: Operations = {"estimate": SHARE, "ci_low": SHARE, "ci_high": SHARE}
DESCRIBED = ("n", "mean", "sd", "median", "q1", "q3", "min", "max")
VALUES = ("count", "values")


def strata(task: Task, by: str) -> Iterator[tuple[str, str, str, pl.DataFrame, str]]:
    """Table column, level of ``by`` (empty without one), group, rows and where of each stratum.

    Levels are the same in every table column; a stratum without rows comes as an empty frame.
    """
    levels = ordered_levels(task.rows, by, task.known_levels(by)) if by else [""]
    keyed = with_levels(task.rows, [by] if by else [])
    parts = keyed.partition_by(COLUMN, *(["_l0"] if by else []), as_dict=True)
    nothing = keyed.clear()
    for level in levels:
        for column in task.columns:
            rows = parts.get((column, level) if by else (column,), nothing)
            yield column, level, by, rows, _where(task, column, by, level)


def base_record(column: str, level: str, by: str, rows: pl.DataFrame, where: str) -> Record:
    """What every number of a stratum carries."""
    return {
        COLUMN: column,
        "group2": by or None,
        "level2": level or None,
        "where": where,
        NAME: int(rows[NAME].sum()),
    }


def notes(given: tuple[Note, ...]) -> str | None:
    """Notes as one text, joined by semicolons; null without any."""
    return ";".join(str(note) for note in given) or None


def _where(task: Task, column: str, by: str, level: str) -> str:
    has_level = equals(by, level, is_number=is_number(task.rows, by)) if by and level else ""
    return both(task.row_wheres[column], has_level)


def proportion(task: Task) -> pl.DataFrame:
    """Subjects for whom ``success`` holds, of the denominator, with limits of the method.

    Operations: N, n, estimate, ci_low, ci_high, and p_value where ``null_rate`` is given (one-sided
    exact test). Nothing is estimated of 0 subjects or of fewer than ``smallest``: null, note
    ``n_too_small``. With ``by`` the same in each level of those variables.
    Source: the chosen line of `onearm.stats.INTERVALS`.
    """
    analysis = task.analysis
    operations = dict(ESTIMATE)
    if analysis.null_rate is not None:
        operations["p_value"] = ("p", "")
    chosen = task.narrowed(analysis.success)
    numbers: list[Record] = []
    for by in analysis.by or ("",):
        variables = [by] if by else []
        hits, rows = tallies(chosen.rows, variables), tallies(task.rows, variables)
        found = sizes(task, by)
        numbers += size_numbers(found, by)
        for (column, level), size in found.items():
            key = (column, level) if by else (column,)
            hit = hits.get(key, NOBODY)
            where = _where(task, column, by, level)
            record: Record = {
                COLUMN: column,
                "group2": by or None,
                "level2": level or None,
                "n_used": size.n,
                "n_events": hit.n,
                "where": where,
                NAME: rows.get(key, NOBODY).names,
            }
            counted = {"n": hit.n, "where": both(where, analysis.success), NAME: hit.names}
            numbers += numbers_of(record | counted, {"n": SUBJECTS})
            numbers += numbers_of(record | estimates(task, hit.n, size.n), operations)
    return from_numbers(numbers)


def estimates(task: Task, x: int, n: int) -> Record:
    """The rate x of n with the limits of the analysis; too few subjects give only the note."""
    analysis = task.analysis
    if n < max(analysis.smallest, 1):
        return {"note": str(Note.N_TOO_SMALL)}
    result = stats.proportion(x, n, level=analysis.level, method=analysis.chosen_method)
    record: Record = {
        "estimate": result.estimate,
        "ci_low": result.lower,
        "ci_high": result.upper,
        "note": notes(result.notes),
    }
    if analysis.null_rate is not None:
        record["p_value"] = stats.exact_test(x, n, p0=analysis.null_rate).p_value
    return record


def summary(task: Task) -> pl.DataFrame:
    """Number, mean, standard deviation, median, quartiles and range of a numeric variable.

    ``variable`` is a column or an SQL expression over columns. Empty values are counted in
    ``n_missing`` and take no part. The standard deviation of one value is null. With ``by`` the
    same in each level of those variables.
    Source: `onearm.stats.describe`.
    """
    return from_numbers(_described(task, DESCRIBED))


def value_range(task: Task) -> pl.DataFrame:
    """Number, median and range: a time in responders only, without a curve.

    Source: statistics of the project, section 13: time to response as median and range.
    """
    return from_numbers(_described(task, ("n", "median", "min", "max")))


def _described(task: Task, operations: tuple[str, ...]) -> Iterator[Record]:
    unit = task.analysis.unit
    kinds: dict[str, tuple[str, str]] = {o: (SCALES.get(unit, "number"), unit) for o in operations}
    kinds["n"] = VALUES
    values = expr.parse(task.analysis.variable).expr.cast(pl.Float64)
    for by in task.analysis.by or ("",):
        for column, level, name, rows, where in strata(task, by):
            described = describe(rows.select(values).to_series())
            known = rows.filter(values.is_not_null()) if described["n_missing"] else rows
            record = base_record(column, level, name, known, both(where, _known(task)))
            yield from numbers_of(record | described, kinds)


def _known(task: Task) -> str:
    variable = task.analysis.variable
    return f"{variable} IS NOT NULL" if variable.isidentifier() else f"({variable}) IS NOT NULL"


def describe(values: pl.Series) -> Record:
    """`onearm.stats.describe` as a record; without any value all but the counts are null."""
    # In order of value, so that sums do not depend on the order of the rows.
    known = values.drop_nulls().sort()
    record: Record = {"n": known.len(), "n_used": known.len(), "n_missing": values.null_count()}
    if not known.len():
        return record | {"note": str(Note.N_TOO_SMALL)}
    d = stats.describe(known.to_numpy())
    found = (d.mean, d.sd, d.median, d.q1, d.q3, d.minimum, d.maximum)
    return record | dict(zip(DESCRIBED[1:], found, strict=True)) | {"note": notes(d.notes)}


def best_change(task: Task) -> pl.DataFrame:
    """The best percent change from baseline: its summary, and subjects by depth of the change.

    The depths lie between the limits of ``bands``, each including its upper limit. ``without`` is
    the number of subjects of the set that have no value: they are counted, not hidden.
    Source: waterfall summary, statistics of the project, section 13.
    """
    variable = task.analysis.variable
    numbers = list(_described(task, DESCRIBED))
    have = tallies(task.rows.filter(pl.col(variable).is_not_null()))
    found = sizes(task)
    for (column, _), size in found.items():
        without = size.n - have.get((column,), NOBODY).n
        record = {COLUMN: column, "dataset": size.dataset, "where": size.where, NAME: size.names}
        record |= {"n_used": size.n, "n_events": without, "without": without}
        # The rows behind it are the whole denominator: nobody without a value has a row.
        numbers += numbers_of(record, {"without": ("count", "")})
    for level, condition in _bands(variable, task.analysis.bands):
        band = task.narrowed(condition)
        counts = tallies(band.rows)
        for (column, _), size in found.items():
            named = {COLUMN: column, "group2": "BAND", "level2": level}
            record = shared(
                named | {"where": band.row_wheres[column]}, counts.get((column,), NOBODY), size
            )
            numbers += numbers_of(record, {"n": SUBJECTS, "percent": SHARE})
    return from_numbers(numbers)


def _bands(variable: str, limits: tuple[float, ...]) -> Iterator[tuple[str, str]]:
    """Name and condition of the bands; each includes its upper limit."""
    texts = [level_text(x) for x in limits]
    for low, high in zip(["", *texts], [*texts, ""], strict=True):
        above = f"{variable} > {low}" if low else ""
        below = f"{variable} <= {high}" if high else ""
        name = f"above {low} to {high}" if low and high else f"{high} or less"
        if limits:
            yield (name if high else f"above {low}"), both(above, below)
