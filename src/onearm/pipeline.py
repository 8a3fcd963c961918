"""The river on one page: from what was captured, or from SDTM, to every number of the trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from onearm import adam, records, results, sdtm
from onearm.adam.doubts import check_absent, check_doubts
from onearm.errors import Finding, Place, Problems
from onearm.frames import Frames
from onearm.study import Study

Progress = Callable[[str], None]
"""Told the name of each step as it begins."""


@dataclass(frozen=True)
class Trial:
    """A study, its data at the cut, and everything that follows from them."""

    study: Study
    cut: date | None
    findings: tuple[Finding, ...]
    domains: Frames
    datasets: Frames
    numbers: pl.DataFrame


def silent(step: str) -> None:
    """Progress that nobody watches."""


def build(
    study: Study, entries: pl.DataFrame, *, cut: date | None = None, progress: Progress = silent
) -> Trial:
    """Everything that follows from a study and what was captured.

    entries: one row a captured value (the records border). cut: data cut-off, the study's own by
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
    return _analyse(study, domains, cut, findings, progress)


def build_from_sdtm(
    study: Study, domains: Frames, *, cut: date | None = None, progress: Progress = silent
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
    return _analyse(study, domains, cut, findings, progress)


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
