"""The numbers of the marker analysis as rows of the results, one row a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from onearm.adam.adbm import parameters
from onearm.omics.chapter import Chapter
from onearm.results.model import SCHEMA, quoted
from onearm.study.biomarkers import Biomarkers

METHOD = "max-T permutation"
COLUMN = "Total"
NUMBERS: Mapping[str, tuple[str, str]] = {
    "effect": ("effect", "estimate"),
    "lower": ("ci_low", "limit"),
    "upper": ("ci_high", "limit"),
    "second_effect": ("second_effect", "estimate"),
    "second_lower": ("second_ci_low", "limit"),
    "second_upper": ("second_ci_high", "limit"),
    "p_adjusted": ("p_adjusted", "p"),
}
"""Column of the associations -> operation and kind of the result. Nominal p values are no result:
they stand in the tidy files."""

Record = dict[str, object]


def marker_results(chapter: Chapter, plan: Biomarkers) -> pl.DataFrame:
    """Results of candidates and programmes, and what discovery comes to; columns of `SCHEMA`.

    ``analysis`` is ``markers_`` and the tier (``markers_sensitivity`` for the varied endpoints),
    group2 MARKER, group3 ENDPOINT. Discovery gives for each modality and endpoint the number of
    features tested, the smallest adjusted p and how many lie at or below the alpha of the tier.
    ``markers`` holds what belongs to the whole: hypotheses tested, patients, the hazard ratio per
    SD that a candidate is found with by a chance of 80%.
    """
    codes = {name: code for name, (code, _) in parameters(plan).items()}
    for candidate in plan.candidates:
        if candidate.column:
            del codes[candidate.name]
    records = [*_whole(chapter)]
    for tier in ("candidates", "programmes"):
        records += _associations(chapter.tiers[tier].table, f"markers_{tier}", codes)
    records += _associations(chapter.sensitivity, "markers_sensitivity", codes)
    records += _discovery(chapter)
    full = [dict.fromkeys(SCHEMA) | record for record in records]
    return pl.DataFrame(full, schema=pl.Schema(SCHEMA))


def marker_id(analysis: str, operation: str, *levels: str) -> str:
    """The id of a number of the marker analysis."""
    return ".".join([analysis, operation, COLUMN, *levels])


def _associations(table: pl.DataFrame, analysis: str, codes: Mapping[str, str]) -> Iterator[Record]:
    for row in table.iter_rows(named=True):
        marker, endpoint = row["feature"], row["endpoint"]
        for column, (operation, kind) in NUMBERS.items():
            if row[column] is None:
                continue
            name = row["second_effect_name" if column.startswith("second") else "effect_name"]
            yield {
                **_base(analysis, operation, kind, row[column]),
                "result_id": marker_id(analysis, operation, marker, endpoint),
                "parameter": codes.get(marker),
                "variable": "AVAL",
                "group2": "MARKER",
                "level2": marker,
                "group3": "ENDPOINT",
                "level3": endpoint,
                "unit": name,
                "note": row["flags"] or None,
                "n_used": row["n"],
                "n_events": row["events"],
                **_place(codes.get(marker), row["timepoint"]),
            }


def _place(code: str | None, timepoint: str) -> Record:
    """The rows of ADBM; a column of the subjects stands in ADSL and is named by the study."""
    if code is None:
        return {"dataset": "ADSL", "where": None}
    return {"where": f"PARAMCD = {quoted(code)} AND ATPT = {quoted(timepoint)}"}


def _discovery(chapter: Chapter) -> Iterator[Record]:
    one = chapter.tiers["discovery"]
    grouped = one.table.group_by("modality", "endpoint").agg(
        tests=pl.len(),
        smallest=pl.col("p_adjusted").min(),
        found=(pl.col("p_adjusted") <= one.alpha).sum(),
        n=pl.col("n").max(),
        events=pl.col("events").max(),
    )
    for row in grouped.sort("modality", "endpoint").iter_rows(named=True):
        for operation, kind in (("tests", "count"), ("smallest", "p"), ("found", "count")):
            if row[operation] is None:
                continue
            yield {
                **_base("markers_discovery", operation, kind, float(row[operation])),
                "result_id": marker_id(
                    "markers_discovery", operation, row["modality"], row["endpoint"]
                ),
                "group2": "MODALITY",
                "level2": row["modality"],
                "group3": "ENDPOINT",
                "level3": row["endpoint"],
                "n_used": row["n"],
                "n_events": row["events"],
            }


def _whole(chapter: Chapter) -> Iterator[Record]:
    said = chapter.conclusion
    numbers = {
        "tests": (float(chapter.n_tests), "count"),
        "n": (float(said.n), "count"),
        "events": (float(said.events), "count"),
        "found": (float(len(said.found)), "count"),
        "detectable_ratio": (said.hazard_ratio, "estimate"),
    }
    for operation, (value, kind) in numbers.items():
        record = _base("markers", operation, kind, value if value == value else None)
        yield {**record, "result_id": marker_id("markers", operation), "n_used": said.n}


def _base(analysis: str, operation: str, kind: str, value: float | None) -> Record:
    return {
        "analysis": analysis,
        "method": METHOD,
        "operation": operation,
        "dataset": "ADBM",
        "group1": "COLUMN",
        "level1": COLUMN,
        "value": value,
        "kind": kind,
    }
