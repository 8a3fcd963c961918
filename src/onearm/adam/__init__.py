"""Analysis datasets: from SDTM and the study's rules to one frame a question, one row a fact.

``derive(study, domains, *, cut=None)`` returns ADSL, ADTR, ADRS, ADEVENT, ADTTE, ADAE, ADEX and
ADLB, as far as the study has rules and the trial has data for them. ``derive_biomarkers`` adds ADBM
where the trial has assays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from onearm.adam import adae, adbm, adevent, adex, adlb, adrs, adsl, adtr, adtte
from onearm.adam.assessments import Reading, read_block
from onearm.adam.lesions import Readings, read_lesions
from onearm.adam.optional import with_optional
from onearm.adam.planned import gap_limit
from onearm.adam.qualifiers import named_columns, with_qualifiers
from onearm.adam.shapes import finish, readable, with_study
from onearm.errors import Finding
from onearm.frames import Frames, Spec, shape
from onearm.study import Study
from onearm.study.endpoints import Endpoints, SubjectRules
from onearm.study.schedule import Schedule

SUBJECTS_AT_ONCE = 1000
ORDER = ("ADSL", "ADTR", "ADRS", "ADEVENT", "ADTTE", "ADAE", "ADEX", "ADLB", "ADBM")

__all__ = ["catalogue", "check", "derive", "derive_biomarkers", "derive_parts", "specs"]


def specs(study: Study | None = None) -> dict[str, Spec]:
    """The specification of every analysis dataset, with the study's own variables if given."""
    return with_study(study.subjects, study.endpoints) if study is not None else with_study()


def catalogue(study: Study) -> dict[str, tuple[str, ...]]:
    """The columns an expression of this study may read, by dataset, for the study checker."""
    return readable(study.subjects, study.endpoints)


def check(study: Study, domains: Frames) -> list[Finding]:
    """Findings of the derivations themselves: laboratory units that no grade can be read from."""
    results = domains.get("LB")
    labs = study.endpoints.labs if study.endpoints is not None else None
    return adlb.check_units(results, labs) if labs is not None and results is not None else []


def derive(study: Study, domains: Frames, *, cut: date | None = None) -> dict[str, pl.DataFrame]:
    """Every analysis dataset that the study's rules and the trial's data give.

    domains: SDTM by domain name, from this study's forms or from anywhere; DM is needed. ``cut``:
    the data cut-off (DCUTDT; the study's own where none is given).
    Each frame has exactly the columns of ``specs(study)``, is sorted by its natural key and numbers
    its rows within the subject (ASEQ). Raises OnearmError where a rule cannot be carried out.
    """
    rules, endpoints = study.subjects or SubjectRules(), study.endpoints or Endpoints()
    return derive_parts(
        study.id,
        with_optional(domains, named_columns(rules, endpoints), study.forms.values()),
        rules=rules,
        endpoints=endpoints,
        schedule=study.schedule,
        cut=cut or study.data_cut,
    )


def derive_biomarkers(study: Study, datasets: Frames, markers: pl.DataFrame) -> pl.DataFrame:
    """ADBM: the markers of biomarkers.yaml, one row a subject, parameter and time point.

    datasets: the analysis datasets so far; ADSL is needed. markers: what the engine measured, see
    `onearm.omics.measure.MARKERS`; samples of people who are not in ADSL are left out.
    """
    assert study.biomarkers is not None  # noqa: S101 - without it nothing was measured
    rows = adbm.derive_markers(markers, study.biomarkers)
    start = (study.subjects or SubjectRules()).start
    return finish(rows, specs(study)["ADBM"], datasets["ADSL"], start=start)


def derive_parts(
    identity: str,
    domains: Frames,
    *,
    rules: SubjectRules | None = None,
    endpoints: Endpoints | None = None,
    schedule: Schedule | None = None,
    cut: date | None = None,
) -> dict[str, pl.DataFrame]:
    """``derive`` from the parts of a study: its id, its rules, its schedule, the cut-off."""
    rules, endpoints = rules or SubjectRules(), endpoints or Endpoints()
    specs = with_study(rules, endpoints)
    domains = with_qualifiers(domains, named_columns(rules, endpoints))
    frames: dict[str, pl.DataFrame] = dict(domains)
    subjects = adsl.start_subjects(domains, specs["ADSL"], study=identity, cut=cut)
    subjects = adsl.add_subject_variables(subjects, frames, rules, late=False)
    readings = _read(domains, endpoints, subjects, rules.start)
    blocks = [
        read_block(block, domains, readings, subjects, start=rules.start, schedule=schedule)
        for block in endpoints.responses
    ]
    responses = None
    if blocks:
        responses = pl.concat([adrs.derive_responses(block) for block in blocks], how="diagonal")
        frames["ADRS"] = finish(responses, specs["ADRS"], subjects, start=rules.start)
    subjects = adsl.add_subject_variables(subjects, frames, rules, late=True)
    frames["ADSL"] = shape(subjects, specs["ADSL"])

    # Each dataset may read those before it. ADRS is finished again: it carries subject variables
    # that were made from it.
    steps: list[tuple[str, Callable[[], pl.DataFrame | None]]] = [
        ("ADRS", lambda: responses),
        ("ADTR", lambda: _tumour_results(readings, endpoints, blocks)),
        ("ADEVENT", lambda: adevent.derive_facts(frames, endpoints.facts)),
        ("ADTTE", lambda: adtte.derive_times(frames, endpoints.endpoints, gap_limit(schedule))),
        ("ADAE", lambda: adae.derive_adverse_events(domains, endpoints, subjects, rules.start)),
        ("ADEX", lambda: adex.derive_exposure(domains, endpoints.exposure, subjects)),
    ]
    for name, rows_of in steps:
        rows = rows_of()
        if rows is not None:
            frames[name] = finish(rows, specs[name], frames["ADSL"], start=rules.start)
    labs = _labs(domains, endpoints, frames["ADSL"], specs["ADLB"], start=rules.start)
    frames |= {"ADLB": labs} if labs is not None else {}
    return {name: frames[name] for name in ORDER if name in frames}


def _labs(
    domains: Frames, endpoints: Endpoints, subjects: pl.DataFrame, spec: Spec, *, start: str
) -> pl.DataFrame | None:
    """ADLB, some subjects at a time: most rows of a trial are laboratory results."""
    results = domains.get("LB")
    if results is None or endpoints.labs is None:
        return None
    finished = []
    for some in subjects.iter_slices(SUBJECTS_AT_ONCE):
        theirs = results.join(some, on="USUBJID", how="semi", maintain_order="left")
        rows = adlb.derive_labs({"LB": theirs}, endpoints.labs, some, start)
        if rows is not None:
            finished.append(finish(rows, spec, some, start=start))
    return pl.concat(finished) if finished else spec.empty()


def _tumour_results(
    readings: Readings | None, endpoints: Endpoints, blocks: list[Reading]
) -> pl.DataFrame | None:
    if readings is None or endpoints.tumours is None:
        return None
    return adtr.derive_tumour_results(readings, endpoints.tumours, _limits(blocks))


def _limits(blocks: list[Reading]) -> pl.DataFrame:
    """What ends the search for the best change: the first progression and new therapy, a reader."""
    schema = {
        "USUBJID": pl.String(),
        "reader": pl.String(),
        "pd": pl.Date(),
        "new_therapy": pl.Date(),
    }
    rows = [
        block.subjects.select("USUBJID", "new_therapy", "pd", reader=pl.lit(block.block.reader))
        for block in blocks
    ]
    if not rows:
        return pl.DataFrame(schema=schema)
    together = pl.concat(row.select(list(schema)) for row in rows)
    return together.unique(["USUBJID", "reader"], keep="first", maintain_order=True)


def _read(
    domains: Frames, endpoints: Endpoints, subjects: pl.DataFrame, start: str
) -> Readings | None:
    if endpoints.tumours is None:
        return None
    origin = pl.col(start) if start in subjects.columns else pl.lit(None, pl.Date)
    return read_lesions(domains, endpoints.tumours, subjects.select("USUBJID", start=origin))
