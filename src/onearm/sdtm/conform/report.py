"""The datasets under judgement, and findings made from the rows that fail."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from onearm import dates
from onearm.errors import Finding, Place, Severity
from onearm.frames import Spec
from onearm.sdtm.spec import SUPP, spec_of

SHOWN = 5
"""Rows of one kind that are shown one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Source:
    """Datasets with their specifications; ``subjects`` has the dates of DM read once.

    subjects: USUBJID, first (Date, RFSTDTC), exposed (Date, RFXSTDTC), dead_from and dead_by
    (Date, the first and last day that DTHDTC may mean), flag (DTHFL).
    """

    domains: Mapping[str, pl.DataFrame]
    declared: Mapping[str, Collection[str]]
    cut: date | None
    subjects: pl.DataFrame

    @classmethod
    def of(
        cls,
        domains: Mapping[str, pl.DataFrame],
        declared: Mapping[str, Collection[str]],
        cut: date | None,
    ) -> Source:
        """Datasets ready to be judged, without the columns whose type is of no use."""
        domains = {name: _usable(name, frame) for name, frame in domains.items()}
        people = domains.get("DM")
        wanted = ("RFSTDTC", "RFXSTDTC", "DTHDTC", "DTHFL")
        if people is None or not _is_text(people, "USUBJID"):
            people = pl.DataFrame(schema={"USUBJID": pl.String})
        missing = [pl.lit(None, pl.String).alias(c) for c in wanted if not _is_text(people, c)]
        people = people.with_columns(missing)
        subjects = people.select(
            "USUBJID",
            first=dates.complete(pl.col("RFSTDTC")),
            exposed=dates.complete(pl.col("RFXSTDTC")),
            dead_from=dates.earliest(pl.col("DTHDTC")),
            dead_by=dates.latest(pl.col("DTHDTC")),
            flag="DTHFL",
        ).unique("USUBJID", keep="first", maintain_order=True)
        return cls(domains, declared, cut, subjects)

    def known(self) -> Iterator[tuple[str, pl.DataFrame, Spec]]:
        """Datasets that have a specification."""
        for name, frame in self.domains.items():
            spec = spec_of(name)
            if spec is not None:
                yield name, frame, spec

    def main(self) -> Iterator[tuple[str, pl.DataFrame, Spec]]:
        """Datasets of subjects' records, without SUPP-- and RELREC."""
        for name, frame, spec in self.known():
            if not name.startswith(SUPP) and name != "RELREC" and has(frame, "USUBJID"):
                yield name, frame, spec

    def get(self, name: str, *columns: str) -> pl.DataFrame | None:
        """A dataset where it has all these columns, else None."""
        frame = self.domains.get(name)
        return frame if frame is not None and has(frame, *columns) else None


def _usable(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The dataset without columns that hold another type than their specification names."""
    spec = spec_of(name)
    types = {c.variable: c.dtype for c in spec.columns} if spec else {}
    words = [c for c, t in frame.schema.items() if isinstance(t, pl.Categorical | pl.Enum)]
    frame = frame.with_columns(pl.col(words).cast(pl.String))
    wrong = [
        c
        for c, dtype in frame.schema.items()
        if c in types and dtype != pl.Null and dtype.is_numeric() != types[c].is_numeric()
    ]
    return frame.drop(wrong)


def has(frame: pl.DataFrame, *columns: str) -> bool:
    """Whether a dataset has all these columns."""
    return all(c in frame.columns for c in columns)


def _is_text(frame: pl.DataFrame, column: str) -> bool:
    return column in frame.columns and frame.schema[column] in (pl.String, pl.Null)


def texts(frame: pl.DataFrame) -> list[str]:
    """The text columns of a dataset."""
    return [c for c, dtype in frame.schema.items() if dtype == pl.String]


def report(
    rows: pl.DataFrame,
    *,
    dataset: str,
    field: str,
    rule: str,
    message: str,
    hint: str = "",
    value: str | None = None,
    severity: Severity = "error",
) -> list[Finding]:
    """Findings for rows that fail one rule: the first few, and one that counts the others.

    rows: failing rows of the dataset; USUBJID and VISIT name the place where they are there.
    value: the column whose content was found (default: ``field`` where the rows have it).
    """
    shown = value if value is not None else field
    subject = "USUBJID" if "USUBJID" in rows.columns else None
    visit = "VISIT" if "VISIT" in rows.columns else None
    found = []
    for row in rows.head(SHOWN).iter_rows(named=True):
        place = Place(
            str(row[subject] or "") if subject else "",
            str(row[visit] or "") if visit else "",
            dataset,
            field,
        )
        found.append(Finding(place, row.get(shown), rule, message, hint, severity))
    more = rows.height - len(found)
    if more > 0:
        place = Place(form=dataset, field=field)
        found.append(Finding(place, f"{more} more rows", rule, message, hint, severity))
    return found
