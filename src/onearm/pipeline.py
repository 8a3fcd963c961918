"""The river on one page: from what was captured, or from SDTM, to every number of the trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from onearm import adam, records, results, sdtm
from onearm.adam.doubts import check_absent, check_doubts
from onearm.errors import Finding, OnearmError, Place, Problems
from onearm.frames import Frames
from onearm.omics.chapter import Chapter, analyse
from onearm.omics.measure import Measured, measure
from onearm.pieces import SERIAL, Workers
from onearm.results.biomarkers import marker_results
from onearm.results.outcomes import outcomes
from onearm.study import Study

Progress = Callable[[str], None]
"""Told the name of each step as it begins."""

Assays = Callable[[Mapping[str, date]], Measured]
"""Reads the assays, told the date of first dose of each subject, which study days count from."""


@dataclass(frozen=True)
class Trial:
    """A study, its data at the cut, and everything that follows from them.

    markers: what the assays say; None where the trial has none, or the study asks nothing of them.
    """

    study: Study
    cut: date | None
    findings: tuple[Finding, ...]
    domains: Frames
    datasets: Frames
    numbers: pl.DataFrame
    markers: Chapter | None = None


def silent(step: str) -> None:
    """Progress that nobody watches."""


def build(
    study: Study,
    entries: pl.DataFrame,
    assays: Assays | None = None,
    *,
    cut: date | None = None,
    workers: Workers = SERIAL,
    progress: Progress = silent,
) -> Trial:
    """Everything that follows from a study and what was captured.

    entries: one row a captured value (the records border). assays: for the markers that
    biomarkers.yaml asks for; workers do their permutations. cut: data cut-off, the study's own by
    default. Findings of the edit checks are part of the trial; only entries that cannot be read at
    all, or of which none is left, raise ``Problems``.
    """
    cut = cut or study.data_cut
    progress("records")
    clean = records.at_cut(study, entries, cut=cut)
    findings = records.check(study, clean)
    if clean.entries.is_empty():
        # Without an entry there is nothing to derive; why there is none must not be lost.
        raise Problems(dict.fromkeys(findings), "No entry is left that can be used")
    progress("SDTM")
    domains = sdtm.derive(study, clean)
    del entries, clean  # thousands of patients: nothing below reads them, and memory is short
    trial = _analyse(study, domains, cut, findings, progress)
    return _with_markers(trial, assays, workers, progress)


def build_from_sdtm(
    study: Study,
    domains: Frames,
    assays: Assays | None = None,
    *,
    cut: date | None = None,
    workers: Workers = SERIAL,
    progress: Progress = silent,
) -> Trial:
    """Everything that follows from a study and SDTM datasets made elsewhere.

    Raises ``Problems`` where datasets or columns are missing or of the wrong type; doubts about
    rows become findings of the trial.
    """
    progress("SDTM")
    stops = [f for f in sdtm.conform.check_shape(domains) if f.severity == "error"]
    if not stops and domains["DM"].is_empty():
        hint = "Add the subjects and read again."
        stops = [Finding(Place(form="DM"), None, "SDTMIG 3.4", "dataset DM has no row", hint)]
    if stops:
        raise Problems(stops, "the SDTM datasets cannot be analysed as they are")
    cut = cut or study.data_cut
    findings = sdtm.conform.check(domains, declared=sdtm.conform.declared_terms(study), cut=cut)
    findings += check_absent(study, domains)
    trial = _analyse(study, domains, cut, findings, progress)
    return _with_markers(trial, assays, workers, progress)


def _analyse(
    study: Study,
    domains: Frames,
    cut: date | None,
    findings: list[Finding],
    progress: Progress,
) -> Trial:
    progress("ADaM")
    datasets = adam.derive(study, domains, cut=cut)
    findings = [*findings, *check_doubts(study, domains, datasets)]
    progress("results")
    numbers = results.analyse(study, {**domains, **datasets})
    return Trial(study, cut, tuple(findings), domains, datasets, numbers)


def _with_markers(
    trial: Trial, assays: Assays | None, workers: Workers, progress: Progress
) -> Trial:
    """The trial with ADBM, the markers and their numbers, where it has assays that are asked of."""
    study = trial.study
    if assays is None or study.biomarkers is None:
        return trial
    progress("markers: reading")
    measured = assays(first_doses(study, trial.datasets))
    plan = study.biomarkers.plan()
    try:
        measures = measure(plan, measured)
        adbm = adam.derive_biomarkers(study, trial.datasets, measures.markers)
        datasets = {**trial.datasets, "ADBM": adbm}
        known = outcomes(study, datasets)
        found = analyse(
            plan, measured, known, measures=measures, workers=workers, progress=progress
        )
    except Problems:
        raise
    except OnearmError as problem:
        # Too few patients or samples yet: the rest of the trial is reported all the same.
        hint = "The chapter on markers is left out of this build."
        why = Finding(Place(form="assays"), None, "biomarkers.yaml", str(problem), hint, "warning")
        return replace(trial, findings=(*trial.findings, why))
    doubts = (*getattr(measured, "findings", ()), *found.quality.findings, *found.findings)
    return replace(
        trial,
        findings=(*trial.findings, *doubts),
        datasets=datasets,
        numbers=pl.concat([trial.numbers, marker_results(found, study.biomarkers)]),
        markers=found,
    )


def first_doses(study: Study, datasets: Frames) -> dict[str, date]:
    """The date of day 1 of every treated subject."""
    start = study.subjects.start if study.subjects is not None else "TRTSDT"
    subjects = datasets["ADSL"]
    if start not in subjects.columns:
        return {}
    return dict(subjects.select("USUBJID", start).drop_nulls().iter_rows())
