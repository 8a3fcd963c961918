"""Plans and small frames for the tests of results, written as they would stand in a study."""

from __future__ import annotations

from typing import Any

import polars as pl

from onearm.results import run
from onearm.study.analyses import Analyses

SETS = {
    "ALL": {"label": "Everybody", "when": "USUBJID IS NOT NULL"},
    "FAS": {"label": "Full analysis set", "when": "FASFL = 'Y'"},
    "NOBODY": {"label": "Nobody", "when": "FASFL = 'X'"},
}
Entry = dict[str, Any]  # Any: the values of one entry of analyses.yaml


def plan(*entries: Entry, **parts: Any) -> Analyses:  # Any: further parts of the file
    """A plan with these analyses; each is of the set FAS unless it says otherwise."""
    analyses = [{"id": "a", "set": "FAS", **entry} for entry in entries]
    return Analyses.model_validate({"sets": SETS, "analyses": analyses, **parts})


def analysed(
    entry: Entry, datasets: dict[str, pl.DataFrame], levels: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The numbers of one analysis."""
    return run(plan(entry), datasets, levels=levels)


def values(numbers: pl.DataFrame) -> dict[str, float | None]:
    """Value by result id without the id of the analysis."""
    ids = [text.split(".", 1)[1] for text in numbers["result_id"]]
    return dict(zip(ids, numbers["value"].to_list(), strict=True))


def subjects(**columns: list[Any]) -> pl.DataFrame:  # Any: texts, numbers and dates
    """An ADSL of subjects S1, S2, ..., all in the full analysis set unless FASFL is given."""
    n = len(next(iter(columns.values())))
    base = {"USUBJID": [f"S{i + 1}" for i in range(n)], "FASFL": ["Y"] * n, "COHORT": ["A"] * n}
    return pl.DataFrame({**base, **columns}, strict=False)


def rows(*records: Entry) -> pl.DataFrame:
    """Rows of a dataset with ASEQ counted within the subject."""
    frame = pl.DataFrame(list(records), infer_schema_length=None)
    return frame.with_columns(ASEQ=pl.int_range(1, pl.len() + 1).over("USUBJID").cast(pl.Int32))
