"""Who has which modality at which time point, and which sample stands for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl

from onearm.omics.assay import Assay
from onearm.omics.checks import BASELINE, is_baseline
from onearm.omics.samples import CHOICES, choose_samples

AVAILABILITY: Mapping[str, pl.DataType] = {
    "subject_id": pl.String(),
    "modality": pl.String(),
    "timepoint": pl.String(),
    "n_samples": pl.Int64(),
    "sample_id": pl.String(),
    "study_day": pl.Int64(),
    "reason": pl.String(),
}
"""One row a subject, modality and time point.

``n_samples`` is how many samples the sheet lists, 0 where it lists none; ``sample_id`` and
``study_day`` are of the sample that is used, null where none is; ``reason`` says why none is, or
what is to be known about the one that is, else empty.
"""

BASELINE_RULE = "last before first dose"
LATER_RULE = "last"


def availability(
    assays: Mapping[str, Assay],
    sheet: pl.DataFrame,
    *,
    subjects: Sequence[str] | None = None,
    baseline: Collection[str] = BASELINE,
    rules: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """The frame `AVAILABILITY`: every subject by every modality and time point that the sheet has.

    subjects: all of the analysis set, those without any sample too; by default those of the sheet.
    baseline: names of the time points before first dose, where the last sample before first dose is
    used; elsewhere the last one is. rules: another rule for a time point (``samples.RULES``).
    A modality of the sheet without an assay counts as listed and not loaded. Sorted by modality,
    time point (baseline first, then by median study day, then by name) and subject.
    Source: omics.md, section 1.
    """
    known = sheet.drop_nulls(["subject_id", "modality", "timepoint"])
    people = sorted(set(subjects) if subjects is not None else set(known.get_column("subject_id")))
    rows: list[pl.DataFrame] = []
    for modality, timepoint in _visits(known, baseline):
        part = known.filter((pl.col("modality") == modality) & (pl.col("timepoint") == timepoint))
        usual = BASELINE_RULE if is_baseline(timepoint, baseline) else LATER_RULE
        rule = (rules or {}).get(timepoint, usual)
        rows.append(_of_visit(assays.get(modality), part, people, modality, timepoint, rule))
    empty = pl.DataFrame(schema=dict(AVAILABILITY))
    return pl.concat([empty, *rows])


def _visits(sheet: pl.DataFrame, baseline: Collection[str]) -> Iterator[tuple[str, str]]:
    """Modalities with their time points, in the order that the table has."""
    days = sheet.group_by("modality", "timepoint").agg(pl.col("study_day").median())

    def key(row: tuple[str, str, float | None]) -> tuple[str, bool, float, str]:
        modality, timepoint, day = row
        later = not is_baseline(timepoint, baseline)
        return modality, later, float("inf") if day is None else day, timepoint

    for modality, timepoint, _ in sorted(days.iter_rows(), key=key):
        yield modality, timepoint


def _of_visit(
    assay: Assay | None,
    part: pl.DataFrame,
    people: Sequence[str],
    modality: str,
    timepoint: str,
    rule: str,
) -> pl.DataFrame:
    listed = part.group_by("subject_id").agg(n_samples=pl.len().cast(pl.Int64))
    chosen = _chosen(assay, part, timepoint, rule)
    used = chosen.filter("used").unique("subject_id", keep="first", maintain_order=True)
    others = chosen.filter(~pl.col("subject_id").is_in(used.get_column("subject_id").to_list()))
    why = others.group_by("subject_id").agg(_why=pl.col("reason").unique().sort().str.join("; "))
    return (
        pl.DataFrame({"subject_id": people}, schema={"subject_id": pl.String})
        .join(listed, on="subject_id", how="left", maintain_order="left")
        .join(used.drop("used"), on="subject_id", how="left", maintain_order="left")
        .join(why, on="subject_id", how="left", maintain_order="left")
        .with_columns(
            modality=pl.lit(modality),
            timepoint=pl.lit(timepoint),
            n_samples=pl.col("n_samples").fill_null(0),
            reason=pl.coalesce("reason", "_why", pl.lit("no sample")),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in AVAILABILITY.items())
    )


def _chosen(assay: Assay | None, part: pl.DataFrame, timepoint: str, rule: str) -> pl.DataFrame:
    """The samples of a visit with whether each is used: none where nothing was loaded."""
    loaded = set(assay.samples) if assay is not None else set()
    if assay is not None and _usable(part, loaded, rule):
        return choose_samples(assay, part, timepoint=timepoint, rule=rule)
    reason = "not loaded" if assay is None else "not usable"
    return part.select(
        "subject_id", "sample_id", "study_day", used=pl.lit(value=False), reason=pl.lit(reason)
    ).select(pl.col(name).cast(dtype) for name, dtype in CHOICES.items())


def _usable(part: pl.DataFrame, loaded: set[str], rule: str) -> bool:
    """Whether any sample can be used; without one the choice of samples refuses."""
    day = pl.col("study_day").fill_null(1) if rule == BASELINE_RULE else pl.lit(1)
    usable = (
        pl.col("sample_id").is_in(list(loaded))
        & pl.col("qc_pass").fill_null(value=True)
        & (pl.col("exclude_reason").fill_null("").str.strip_chars() == "")
        & (day <= 1)
    )
    return part.filter(usable).height > 0


def counts(table: pl.DataFrame) -> pl.DataFrame:
    """Subjects with a used sample by modality and time point: modality, timepoint, n, of.

    table: `AVAILABILITY`. Rows in the order of the table.
    """
    return table.group_by("modality", "timepoint", maintain_order=True).agg(
        n=pl.col("sample_id").is_not_null().sum().cast(pl.Int64),
        of=pl.len().cast(pl.Int64),
    )
