"""The tables of the marker chapter: words and numbers, each number with the result it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from onearm.omics.chapter import Chapter
from onearm.outputs import layout
from onearm.outputs.document import Facts
from onearm.outputs.labels import Labels
from onearm.outputs.marker_pictures import Words
from onearm.outputs.numbers import Piece
from onearm.results.biomarkers import marker_id

TOP = 10
"""So many rows of discovery are printed; all stand in the tidy file."""

Cells = tuple[tuple[Piece, ...], ...]


def facts(labels: Labels, keys: str, rows: Iterable[Cells], widths: Sequence[float]) -> Facts:
    """A table with headings by their keys."""
    headings = tuple(labels(key) for key in keys.split())
    return Facts(headings, tuple(rows), tuple(widths))


def cells(*texts: object) -> Cells:
    """Cells of words."""
    return tuple((Piece("" if text is None else str(text)),) for text in texts)


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals, a dash where there is none."""
    return layout.NOTHING if value is None else layout.rounded(value, digits)


def p_text(value: float | None) -> str:
    """A p value, a dash where there is none."""
    return layout.NOTHING if value is None else layout.p_value(value)


def associations(table: pl.DataFrame, analysis: str, words: Words) -> Facts:
    """One row a marker and endpoint, smallest adjusted p first, effect before p."""
    rows = []
    for row in table.iter_rows(named=True):

        def shown(operation: str, text: str, row: dict[str, object] = row) -> tuple[Piece, ...]:
            name = marker_id(analysis, operation, str(row["feature"]), str(row["endpoint"]))
            return (Piece(text, name),)

        rows.append(
            (
                (Piece(words.marker(row["feature"])),),
                (Piece(row["endpoint"]),),
                (Piece(_sizes(row)),),
                shown("effect", f"{row['effect_name']} {_limits(row, '')}"),
                shown("second_effect", f"{row['second_effect_name']} {_limits(row, 'second_')}"),
                shown("p_adjusted", p_text(row["p_adjusted"])),
                (Piece(row["flags"] or ""),),
            )
        )  # fmt: skip
    keys = "marker_marker marker_endpoint marker_n_events marker_effect marker_second "
    keys += "marker_adjusted marker_flags"
    return facts(words.labels, keys, rows, (0.18, 0.1, 0.08, 0.28, 0.2, 0.08, 0.08))


def _sizes(row: Mapping[str, object]) -> str:
    events = layout.NOTHING if row["events"] is None else row["events"]
    return f"{row['n']} ({events})"


def _limits(row: dict[str, object], prefix: str) -> str:
    """``1.50 (0.90 to 2.40)``, or a dash."""
    return limits(row[f"{prefix}effect"], row[f"{prefix}lower"], row[f"{prefix}upper"])


def limits(effect: object, low: object, high: object, digits: int = 2) -> str:
    """An effect with its limits, a dash where there is none."""
    if not isinstance(effect, float):
        return layout.NOTHING
    if not (isinstance(low, float) and isinstance(high, float)):
        return number(effect, digits)
    upper = ">100" if digits and high > 100 else number(high, digits)
    return f"{number(effect, digits)} ({number(low, digits)} to {upper})"


def missing(chapter: Chapter, words: Words) -> Facts:
    """Whether an assay is missing by outcome."""
    rows = [
        cells(
            words.modality(r["modality"]), r["timepoint"], r["endpoint"], r["test"],
            f"{r['n_available']} ({r['events_available']})",
            f"{r['n_absent']} ({r['events_absent']})", p_text(r["p"]),
        )
        for r in chapter.missing.filter(
            pl.col("endpoint").is_in(list(chapter.plan.endpoints))
        ).iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_modality marker_timepoint marker_endpoint marker_test marker_with "
    keys += "marker_without marker_p"
    return facts(words.labels, keys, rows, (0.24, 0.12, 0.1, 0.12, 0.17, 0.15, 0.1))


def gates(chapter: Chapter, words: Words) -> Facts:
    """Every column against every endpoint by its strongest measure, with the verdict."""
    order = pl.col("strength").fill_null(-1)
    table = chapter.gates.sort(order, descending=True, maintain_order=True).unique(
        ["modality", "column", "endpoint"], keep="first", maintain_order=True
    )
    rows = [
        cells(
            words.modality(r["modality"]) if r["modality"] else words.labels("marker_subjects"),
            words.column(r["column"]), r["endpoint"], f"{r['measure']} {number(r['value'])}",
            number(r["label_auc"]), r["verdict"],
        )
        for r in table.iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_modality marker_column marker_endpoint marker_measure marker_label_auc "
    keys += "marker_verdict"
    return facts(words.labels, keys, rows, (0.2, 0.14, 0.1, 0.34, 0.12, 0.1))


def filters(chapter: Chapter, words: Words) -> Facts:
    """What each filter that dropped something left, samples used, transformations."""
    rows = [
        cells(words.modality(r["modality"]), r["timepoint"], r["kind"], r["step"], r["before"],
              r["after"])
        for r in chapter.measures.filters.filter(
            (pl.col("before") != pl.col("after"))
            | pl.col("step").str.starts_with("transformation")
            | (pl.col("step") == "used")
        ).iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_modality marker_timepoint item marker_step marker_before marker_after"
    return facts(words.labels, keys, rows, (0.2, 0.1, 0.1, 0.42, 0.09, 0.09))


def discovery(chapter: Chapter, words: Words) -> Facts:
    """Features tested, the smallest adjusted p and how many are at or below alpha."""
    one = chapter.tiers["discovery"]
    grouped = one.table.group_by("modality", "endpoint").agg(
        tests=pl.len(),
        smallest=pl.col("p_adjusted").min(),
        found=(pl.col("p_adjusted") <= one.alpha).sum(),
        n=pl.col("n").max(),
        events=pl.col("events").max(),
    )
    rows = []
    for r in grouped.sort("modality", "endpoint").iter_rows(named=True):

        def shown(operation: str, text: str, r: dict[str, str] = r) -> tuple[Piece, ...]:
            return (
                Piece(
                    text, marker_id("markers_discovery", operation, r["modality"], r["endpoint"])
                ),
            )

        rows.append(
            (
                (Piece(words.modality(r["modality"])),), (Piece(r["endpoint"]),),
                (Piece(_sizes(r)),), shown("tests", str(r["tests"])),
                shown("smallest", p_text(r["smallest"])), shown("found", str(r["found"])),
            )
        )  # fmt: skip
    keys = "marker_modality marker_endpoint marker_n_events marker_tested marker_smallest "
    keys += "marker_found_n"
    return facts(words.labels, keys, rows, (0.26, 0.12, 0.14, 0.16, 0.18, 0.14))


def top(chapter: Chapter, words: Words) -> Facts:
    """The features of discovery with the smallest adjusted p, with q beside it."""
    rows = [
        cells(r["feature"], words.modality(r["modality"]), r["endpoint"],
              _sizes(r), f"{r['effect_name']} {_limits(r, '')}",
              p_text(r["p_adjusted"]), p_text(r["q"]))
        for r in chapter.tiers["discovery"].table.head(TOP).iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_marker marker_modality marker_endpoint marker_n_events marker_effect "
    keys += "marker_adjusted marker_q"
    return facts(words.labels, keys, rows, (0.16, 0.18, 0.08, 0.11, 0.27, 0.1, 0.1))


def power(chapter: Chapter, words: Words) -> Facts:
    """The chance of finding a candidate, one column a hazard ratio."""
    ratios = [number(point.hazard_ratio) for point in chapter.power]
    chances = [f"{100 * point.power:.0f}%" for point in chapter.power]
    first = 0.2
    widths = (first, *[(1 - first) / max(len(ratios), 1)] * len(ratios))
    row = cells(words.labels("marker_power"), *chances)
    return Facts((words.labels("marker_ratio"), *ratios), (row,), widths)
