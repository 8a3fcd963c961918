"""Kinds about severity: adverse events by term and worst grade, and shifts of laboratory grades."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from onearm.results.cells import (
    ROWS,
    SHARE,
    SUBJECTS,
    conditions,
    from_numbers,
    grid,
    ordered_levels,
    size_numbers,
    size_of,
    sizes,
    spread,
    tally,
    with_levels,
    with_share,
    woven,
)
from onearm.results.model import COLUMN, NAME, SUBJECT, Task, both, equals

Term = tuple[str, ...]


def incidence(task: Task) -> pl.DataFrame:
    """Subjects with an event: any, by each term, and by the worst grade a subject had of it.

    Operations: n and percent (subjects), events (rows), the same for each grade of ``grades``
    (``n_grade_3``: subjects whose worst grade of the term is 3) and of ``at_least``
    (``n_grade_ge3``). Terms go by falling number of subjects in total, then by name, narrow terms
    within wide ones; ``order`` is that place, counted from 1. A subject counts once a term.
    Source: ADaM OCCDS 1.1, occurrence flags by subject, term and worst grade.
    """
    terms = task.analysis.terms
    levels = _term_levels(task)
    counts = _at_each_depth(task.rows, terms, tally)
    cells = _complete(task, grid(task, counts, levels))
    parts = [spread(cells, {"n": SUBJECTS, "percent": SHARE, "events": ROWS})]
    if task.analysis.grade:
        parts += _by_grade(task, levels, cells["where"])
    total = cells.filter(pl.col(COLUMN) == task.columns[-1], pl.col("_l0").is_not_null())
    places = total.with_columns(order=pl.int_range(1, pl.len() + 1))
    denominators = from_numbers(size_numbers(sizes(task)))
    return pl.concat(
        [denominators, woven(parts, cells.height), spread(places, {"order": ("count", "")})]
    )


def _term_levels(task: Task) -> pl.DataFrame:
    """The terms in the order of the table: first no term at all, then wide and narrow ones."""
    analysis, terms = task.analysis, task.analysis.terms
    rows = task.rows.filter(pl.col(COLUMN) == task.columns[-1])
    keys = [f"_l{i}" for i in range(len(terms))]
    counts: dict[Term, int] = {
        tuple(v for v in row[:-1] if v is not None): row[-1]
        for row in _at_each_depth(rows, terms, tally).select(*keys, "n").iter_rows()
    }
    size = task.subjects.filter(pl.col(COLUMN) == task.columns[-1]).height
    frequent = [t for t, n in counts.items() if len(t) == len(terms) and n >= analysis.share * size]
    shown = {t[:depth] for t in frequent for depth in range(1, len(terms) + 1)}

    def place(term: Term) -> list[tuple[int, str]]:
        return [(-counts[term[: i + 1]], name) for i, name in enumerate(term)]

    ordered: list[Term] = [(), *sorted(shown, key=place)]
    return pl.DataFrame(
        {key: [t[i] if i < len(t) else None for t in ordered] for i, key in enumerate(keys)},
        schema=dict.fromkeys(keys, pl.String),
    )


def _at_each_depth(
    rows: pl.DataFrame,
    terms: Sequence[str],
    counted: Callable[[pl.DataFrame, Sequence[str]], pl.DataFrame],
    *more: str,
) -> pl.DataFrame:
    """``counted`` for no term, for the widest, and so on; deeper levels are null in each.

    ``more`` are further columns of what ``counted`` gives that are kept.
    """
    levelled = with_levels(rows, terms)
    keys = [f"_l{i}" for i in range(len(terms))]
    return pl.concat(
        counted(levelled, keys[:depth])
        .with_columns(pl.lit(None, pl.String).alias(key) for key in keys[depth:])
        .select(COLUMN, *keys, *more, "n", "events", NAME)
        for depth in range(len(terms) + 1)
    )


def _complete(task: Task, cells: pl.DataFrame) -> pl.DataFrame:
    terms = task.analysis.terms
    groups = {f"group{i + 2}": _name_where_level(t, i) for i, t in enumerate(terms)}
    levels = {f"level{i + 2}": pl.col(f"_l{i}") for i in range(len(terms))}
    where = pl.Series("where", conditions(task, cells, terms), dtype=pl.String)
    denominators = {column: size.n for (column, _), size in sizes(task).items()}
    shared = with_share(cells, [denominators[c] for c in cells[COLUMN]])
    return shared.with_columns(where, **groups, **levels)


def _name_where_level(term: str, depth: int) -> pl.Expr:
    return pl.when(pl.col(f"_l{depth}").is_not_null()).then(pl.lit(term))


def _by_grade(task: Task, levels: pl.DataFrame, wheres: pl.Series) -> list[pl.DataFrame]:
    """For each grade shown, subjects with that worst grade, or with that grade or more."""
    analysis, terms = task.analysis, task.analysis.terms
    grade = analysis.grade

    def worst(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
        peak = pl.col(grade).max().over(COLUMN, SUBJECT, *keys)
        return tally(rows.filter(pl.col(grade) == peak), [*keys, grade])

    at_worst = _at_each_depth(task.rows, terms, worst, grade)
    parts = []
    for g in analysis.grades:
        peaks = [f"{grade} = {g} AND {_peak(task, terms[:d])} = {g}" for d in range(len(terms) + 1)]
        depth = levels.select(pl.sum_horizontal(pl.all().is_not_null()))  # terms named on the line
        lines = [peaks[d] for d in depth.to_series().to_list() for _ in task.columns]
        where = [both(w, line) for w, line in zip(wheres, lines, strict=True)]
        counts = at_worst.filter(pl.col(grade) == g)
        parts.append(_grade_numbers(task, levels, counts, where, f"grade_{g}"))
    for g in analysis.at_least:
        counts = _at_each_depth(task.rows.filter(pl.col(grade) >= g), terms, tally)
        where = [both(w, f"{grade} >= {g}") for w in wheres]
        parts.append(_grade_numbers(task, levels, counts, where, f"grade_ge{g}"))
    return parts


def _peak(task: Task, terms: Sequence[str]) -> str:
    # The window sees every row of the dataset, so the analysed ones are named inside it.
    subset = task.row_wheres[task.columns[-1]]
    partition = ", ".join(["USUBJID", *terms])
    grade = task.analysis.grade
    return f"MAX(CASE WHEN {subset} THEN {grade} END) OVER (PARTITION BY {partition})"


def _grade_numbers(
    task: Task, levels: pl.DataFrame, counts: pl.DataFrame, where: list[str], name: str
) -> pl.DataFrame:
    cells = _complete(task, grid(task, counts, levels))
    cells = cells.with_columns(pl.Series("where", where, dtype=pl.String))
    renamed = cells.rename({"n": f"n_{name}", "percent": f"percent_{name}"})
    return spread(renamed, {f"n_{name}": SUBJECTS, f"percent_{name}": SHARE})


def shift(task: Task) -> pl.DataFrame:
    """Subjects by grade at baseline and worst grade afterwards, for each laboratory parameter.

    The worst grade is the highest of ``variable`` in the analysed rows. group2 is the parameter;
    group3 the pair of variables with levels such as ``0 > 3``. N is the number of subjects with a
    row of the parameter. Operations: N, n, percent.
    Source: FDA Standard Safety Tables and Figures, shift from baseline to worst grade.
    """
    analysis = task.analysis
    parameter, worst, base = analysis.parameters, analysis.variable, analysis.baseline
    keys = [parameter, base, worst]
    peak = pl.col(worst).max().over(COLUMN, SUBJECT, parameter)
    # A subject without any grade keeps its rows: its worst grade is missing.
    rows = task.rows.filter(pl.col(worst).eq_missing(peak))
    names = [ordered_levels(task.rows, parameter)]
    names += [ordered_levels(task.rows, v, analysis.levels) for v in (base, worst)]
    counts = tally(with_levels(rows, keys), ["_l0", "_l1", "_l2"])
    cells = grid(task, counts, _product(names))
    subset = task.row_wheres[task.columns[-1]]
    window = f"MAX(CASE WHEN {subset} THEN {worst} END) OVER (PARTITION BY USUBJID, {parameter})"
    numeric = rows.schema[worst].is_numeric()
    where = [
        both(w, equals(window, level, is_number=numeric))
        for w, level in zip(conditions(task, cells, keys), cells["_l2"], strict=True)
    ]
    found = sizes(replace(task, analysis=analysis.model_copy(update={"of": "subset"})), parameter)
    size = [size_of(found, c, level).n for c, level in cells.select(COLUMN, "_l0").iter_rows()]
    cells = with_share(cells, size).with_columns(
        pl.Series("where", where, dtype=pl.String),
        group2=pl.lit(parameter),
        level2="_l0",
        group3=pl.lit(f"{base} > {worst}"),
        level3=pl.concat_str("_l1", pl.lit(" > "), "_l2"),
    )
    numbers = spread(cells, {"n": SUBJECTS, "percent": SHARE})
    return pl.concat([from_numbers(size_numbers(found, parameter)), numbers])


def _product(levels: Sequence[Sequence[str]]) -> pl.DataFrame:
    frame = pl.DataFrame({"_l0": levels[0]}, schema={"_l0": pl.String})
    for i, more in enumerate(levels[1:], start=1):
        column = pl.DataFrame({f"_l{i}": more}, schema={f"_l{i}": pl.String})
        frame = frame.join(column, how="cross", maintain_order="left_right")
    return frame
