"""Kinds that count subjects: by the levels of a variable, and on lines with conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from onearm import expr
from onearm.results.cells import (
    NOBODY,
    ROWS,
    SHARE,
    SUBJECTS,
    Operations,
    Record,
    Size,
    Tally,
    from_numbers,
    is_number,
    numbers_of,
    ordered_levels,
    size_numbers,
    size_of,
    sizes,
    tallies,
    with_levels,
)
from onearm.results.model import COLUMN, MISSING, NAME, SUBJECT, Task, both, equals
from onearm.study.analyses import Line

LINE = "LINE"
"""The group whose levels are the lines of an analysis."""


def count(task: Task) -> pl.DataFrame:
    """Subjects in each level of a variable, or on each line, and their share of the denominator.

    Levels are those written down, then others that occur; empty values are the level `MISSING`.
    A subject with rows in several levels counts once in each. With ``by`` the counts are repeated
    within each level of each of those variables. With ``events`` rows are counted, too.
    """
    analysis = task.analysis
    operations: dict[str, tuple[str, str]] = {"n": SUBJECTS, "percent": SHARE}
    if analysis.events:
        operations["events"] = ROWS
    numbers: list[Record] = []
    for by in analysis.by or ("",):
        size = sizes(task, by)
        numbers += size_numbers(size, by)
        counted = _on_lines(task, size, by) if analysis.lines else _by_level(task, size, by)
        numbers += (n for record in counted for n in numbers_of(record, operations))
    return from_numbers(numbers)


def flow(task: Task) -> pl.DataFrame:
    """Boxes of the participant flow: subjects on each line, split by reason where asked.

    Source: CONSORT 2010, participant flow diagram.
    """
    only_count: Operations = {"n": SUBJECTS}
    counted = _on_lines(task, sizes(task), "")
    return from_numbers(n for record in counted for n in numbers_of(record, only_count))


def shared(record: Record, counted: Tally, size: Size) -> Record:
    """A cell's record with its counts and its share of the denominator (null of 0)."""
    return {
        **record,
        "n": counted.n,
        "events": counted.events,
        "percent": counted.n / size.n if size.n else None,
        "n_used": size.n,
        "n_events": counted.n,
        NAME: counted.names,
    }


def _by_level(task: Task, size: Mapping[tuple[str, str], Size], by: str) -> Iterator[Record]:
    analysis, variable = task.analysis, task.analysis.variable
    counts = tallies(task.rows, [by, variable] if by else [variable])
    written = analysis.levels or task.known_levels(variable)
    levels = ordered_levels(task.rows, variable, written)
    if analysis.order == "frequency":
        levels = _by_frequency(task, levels)
    for outer in ordered_levels(task.rows, by, task.known_levels(by)) if by else [""]:
        for level in levels:
            groups = _groups(by, outer, variable, level)
            for column in task.columns:
                key = (column, outer, level) if by else (column, level)
                where = both(task.row_wheres[column], *_conditions(task, groups))
                record = {COLUMN: column, **_named(groups), "where": where}
                yield shared(record, counts.get(key, NOBODY), size_of(size, column, outer))


def _groups(*pairs: str) -> list[tuple[str, str]]:
    """Variable and level in turn; pairs without a variable are left out."""
    return [(v, level) for v, level in zip(pairs[::2], pairs[1::2], strict=True) if v]


def _named(groups: Sequence[tuple[str, str]]) -> Record:
    named: Record = {}
    for i, (variable, level) in enumerate(groups, start=2):
        named |= {f"group{i}": variable, f"level{i}": level}
    return named


def _conditions(task: Task, groups: Sequence[tuple[str, str]]) -> Iterator[str]:
    for variable, level in groups:
        yield equals(variable, level, is_number=is_number(task.rows, variable))


def _by_frequency(task: Task, levels: Sequence[str]) -> list[str]:
    """Levels by falling number of subjects in total, then by name; `MISSING` stays last."""
    counts = tallies(task.rows, [task.analysis.variable])
    total = {level: counts.get((task.columns[-1], level), NOBODY).n for level in levels}
    return sorted(levels, key=lambda level: (level == MISSING, -total[level], level))


def _on_lines(task: Task, size: Mapping[tuple[str, str], Size], by: str) -> Iterator[Record]:
    """Subjects with a row on each line, and those of a split line by the split's levels."""
    counts = _line_tallies(task, by)
    outers = ordered_levels(task.rows, by, task.known_levels(by)) if by else [""]
    for i, line in enumerate(task.analysis.lines):
        for outer in outers:
            has_level = list(_conditions(task, _groups(by, outer)))
            for column in task.columns:
                where = both(task.row_wheres[column], line.when, *has_level)
                named = _named(_groups(by, outer, LINE, line.level))
                found = counts.get((column, outer), {}).get(i, NOBODY)
                record = {COLUMN: column, **named, "where": where}
                yield shared(record, found, size_of(size, column, outer))
        if line.split and not by:
            yield from _split(task.narrowed(line.when), line, size)


def _line_tallies(task: Task, by: str) -> dict[tuple[str, str], dict[int, Tally]]:
    """By table column and level of ``by``: the counts of every line, in one pass over the rows."""
    if not task.rows.height:
        return {}
    lines = range(len(task.analysis.lines))
    keys = [COLUMN, *(["_l0"] if by else [])]
    conditions = [expr.parse(line.when).holds() for line in task.analysis.lines]
    keyed = with_levels(task.rows, [by] if by else [])
    # Each condition is worked out once, and rows on no line are dropped before anything is grouped.
    marked = keyed.select(
        *keys, SUBJECT, NAME, *(c.alias(f"on{i}") for i, c in enumerate(conditions))
    )
    marked = marked.filter(pl.any_horizontal(f"on{i}" for i in lines))
    measures = [
        measure
        for i in lines
        for measure in (
            pl.col(SUBJECT).filter(f"on{i}").n_unique().cast(pl.Int64).alias(f"n{i}"),
            pl.col(f"on{i}").sum().cast(pl.Int64).alias(f"events{i}"),
            pl.col(NAME).filter(f"on{i}").sum().alias(f"names{i}"),
        )
    ]
    counted = marked.group_by(keys).agg(measures)
    return {
        (row[COLUMN], row.get("_l0", "")): {
            i: Tally(row[f"n{i}"], row[f"events{i}"], row[f"names{i}"]) for i in lines
        }
        for row in counted.iter_rows(named=True)
    }


def _split(task: Task, line: Line, size: Mapping[tuple[str, str], Size]) -> Iterator[Record]:
    counts = tallies(task.rows, [line.split])
    for level in ordered_levels(task.rows, line.split):
        has_level = equals(line.split, level, is_number=is_number(task.rows, line.split))
        for column in task.columns:
            record = {
                COLUMN: column,
                **_named([(LINE, line.level), (line.split, level)]),
                "where": both(task.row_wheres[column], has_level),
            }
            yield shared(record, counts.get((column, level), NOBODY), size_of(size, column, ""))
