"""From records to all tabulation datasets, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from onearm import dates
from onearm.frames import Spec, shape
from onearm.records import Records
from onearm.records.visits import log_visits, visit_dates
from onearm.sdtm.design_domains import design_domains
from onearm.sdtm.map import ORIGIN, QUALIFIER, Draft, add_visits, drafts
from onearm.sdtm.oncology import add_link_group, related_records
from onearm.sdtm.ranges import TABLE, add_ranges, standard_ranges
from onearm.sdtm.rows import explode
from onearm.sdtm.sequence import add_sequence, assemble
from onearm.sdtm.spec import ORDER, SUPP, is_finding, spec_of
from onearm.sdtm.subject import demographics, elements
from onearm.sdtm.supp import qualifier_labels, qualifiers
from onearm.sdtm.timing import add_epoch, add_last_before, add_study_days
from onearm.study import Study

SUBJECT_SOURCES = ("DM", "EX", "DS", "DD", "SV", "SS")
"""Domains whose rows say when a subject began, stopped and died."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What every row needs to know about its subject."""

    rows: pl.DataFrame
    elements: pl.DataFrame


def derive(study: Study, records: Records) -> dict[str, pl.DataFrame]:
    """All tabulation datasets by name, shaped as ``specs()`` say, in the standard's order.

    One row is what each specification's structure names; rows stand in the order of the key and
    --SEQ counts them within subject. Numbers are Float64 or Int32, dates ISO 8601 text, missing is
    null. Domains no form fills are left out; SUPP-- follow their domain; the trial design domains
    and RELREC come last. The order of the entries changes nothing.
    Rule: SDTMIG 3.4.
    """
    made: dict[str, pl.DataFrame] = {}
    for domain, rows in numbered(study, records):
        spec = spec_of(domain)
        if spec is None:
            continue
        named = rows.with_columns(STUDYID=pl.lit(study.id), DOMAIN=pl.lit(domain))
        made[domain] = shape(named, spec)
        if any(c.startswith(QUALIFIER) for c in rows.columns):
            supp_spec = spec_of(SUPP + domain)
            extra = qualifiers(rows, domain, qualifier_labels(study.forms), study.id)
            if supp_spec is not None and not extra.is_empty():
                made[SUPP + domain] = shape(extra, supp_spec)
    related = related_records(study.id, set(made))
    spec = spec_of("RELREC")
    if spec is not None and not related.is_empty():
        made["RELREC"] = shape(related, spec)
    made |= design_domains(study, made)
    return {name: made[name] for name in sorted(made, key=_position)}


def _position(name: str) -> tuple[int, str]:
    main = name.removeprefix(SUPP)
    return (ORDER.index(main) if main in ORDER else len(ORDER), name)


def numbered(study: Study, records: Records) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each domain's rows with all variables, --SEQ and the hidden origin columns."""
    days = visit_dates(study.forms, records.texts, log_visits(study.schedule))
    by_domain: dict[str, list[Draft]] = {}
    for draft in drafts(study, records):
        by_domain.setdefault(draft.domain, []).append(add_visits(draft, study, days))
    if "DM" not in by_domain:
        return
    sources = {d: _rows(by_domain[d]) for d in SUBJECT_SOURCES if d in by_domain}
    people = demographics(study, sources)
    subjects = Subjects(people, elements(study, people))
    ranges = study.terms.get(TABLE)
    known = standard_ranges(ranges) if ranges is not None else None
    for domain in ORDER:
        spec = spec_of(domain)
        if spec is None:
            continue
        if domain == "DM":
            rows = assemble([add_study_days(people, people, domain="DM")], spec)
        elif domain == "SE":
            rows = assemble([add_study_days(subjects.elements, people, domain="SE")], spec)
        elif domain in by_domain:
            rows = _domain(by_domain.pop(domain), spec, subjects, known)
            rows = _special(rows, domain, records.cut)
        else:
            continue
        if not rows.is_empty():
            yield domain, add_sequence(rows, spec)


def _rows(made_from: list[Draft]) -> pl.DataFrame:
    """All rows of one domain before anything is known about its subjects."""
    parts = [frame.filter("_keep") for draft in made_from for frame in explode(draft)]
    return pl.concat(parts, how="diagonal")


def _domain(
    made_from: list[Draft], spec: Spec, subjects: Subjects, ranges: pl.DataFrame | None
) -> pl.DataFrame:
    """The rows of one domain in the order of its key, with all variables but --SEQ."""
    domain = spec.name
    facts = subjects.rows.select(
        "USUBJID", _first=dates.complete(pl.col("RFXSTDTC")), SEX=_sex(subjects.rows)
    )
    parts = []
    for draft in made_from:
        shared = draft.shared.drop("SITEID", "SUBJID", "_day")
        if domain == "SV":
            shared = shared.with_columns(SVENDTC=_given(shared, "SVENDTC", "SVSTDTC"))
        shared = add_study_days(shared, subjects.rows, domain=domain)
        shared = add_epoch(shared, subjects.elements, domain=domain)
        if domain == "TR":
            shared = add_link_group(shared, domain=domain)
        shared = shared.join(facts, on="USUBJID", how="left", maintain_order="left")
        for frame in explode(replace(draft, shared=shared)):
            parts.append(_finish(frame, spec, ranges))
    rows = assemble(parts, spec)
    return add_last_before(rows, domain=domain) if is_finding(domain) else rows


def _sex(subjects: pl.DataFrame) -> pl.Expr:
    return pl.col("SEX") if "SEX" in subjects.columns else pl.lit(None, pl.String)


def _finish(frame: pl.DataFrame, spec: Spec, ranges: pl.DataFrame | None) -> pl.DataFrame:
    """Variables that need the test of the row, and only the columns that go on."""
    if spec.name == "LB":
        frame = add_ranges(frame, ranges)
    if spec.name == "RS":
        frame = add_link_group(frame, domain="RS")
    wanted = {*spec.names, "USUBJID", "_first", "_kind", "_keep", *ORIGIN}
    return frame.select(c for c in frame.columns if c in wanted or c.startswith(QUALIFIER))


def _special(rows: pl.DataFrame, domain: str, cut: date | None) -> pl.DataFrame:
    """What single domains need beyond their class."""
    if domain == "SV":
        planned = pl.when(pl.col("_kind") == "planned").then(pl.lit("Y"))
        rows = rows.with_columns(SVPRESP=planned, SVOCCUR=planned)
    if domain == "IE":
        # The domain holds criteria that were not met; the full list stays in capture.
        unmet = pl.when(pl.col("IECAT") == "EXCLUSION").then(pl.lit("Y")).otherwise(pl.lit("N"))
        rows = rows.filter(pl.col("IEORRES") == unmet)
    if domain == "DS":
        rows = rows.with_columns(DSTERM=_given(rows, "DSTERM", "DSDECOD"))
    open_ended = f"{domain}ENRTPT"
    if open_ended in rows.columns and cut is not None:
        rows = rows.with_columns(
            pl.when(pl.col(open_ended).is_not_null())
            .then(pl.lit(cut.isoformat()))
            .alias(f"{domain}ENTPT")
        )
    return rows


def _given(rows: pl.DataFrame, name: str, other: str) -> pl.Expr:
    return pl.coalesce(name, other) if name in rows.columns else pl.col(other)
