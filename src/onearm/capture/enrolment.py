"""Who may be enrolled: criteria, confirmation, consent, order, and the places that are left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from onearm.capture.course import complete
from onearm.capture.document import Cell, Document
from onearm.capture.document import cells as cells_of
from onearm.capture.models import (
    AccrualStep,
    Confirmation,
    EventInstance,
    FormInstance,
    Site,
    StudyVersion,
    Subject,
)
from onearm.capture.options import shown
from onearm.capture.studies import study_of
from onearm.capture.words import said, say
from onearm.errors import OnearmError
from onearm.expr import parse

if TYPE_CHECKING:
    from onearm.study import Study
    from onearm.study.forms import Form, Item

ENROLLED, SCREEN_FAILURE = "ENROLLED", "SCREEN FAILURE"
"""CDISC's terms of DSDECOD for the end of screening."""

IN_STUDY = (Subject.Stage.ENROLLED, Subject.Stage.OFF_TREATMENT, Subject.Stage.OFF_STUDY)
"""Stages of subjects who have taken a place."""


MOST_PLACES = 100_000
"""No site of any trial has more."""


@dataclass(frozen=True, slots=True)
class Home:
    """A form with the visit that holds it; ``item`` is the item looked for."""

    form: Form
    visit: str
    item: Item


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion as a subject stands: ``met`` is None before the form is filled in."""

    id: str
    text: str
    is_inclusion: bool
    met: bool | None


@dataclass(frozen=True, slots=True)
class Way:
    """Where a subject stands on the way into the trial.

    confirmed: the confirmation that holds. reasons: in words why the subject cannot be enrolled
    now. fail_codes: the answers to the form's own question why screening failed, with their words.
    """

    criteria: list[Criterion]
    confirmed: Confirmation | None
    reasons: list[str]
    fail_codes: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SiteAccrual:
    """How many a site has enrolled of how many it may, and whether it is paused."""

    site: Site
    enrolled: int
    pause: AccrualStep | None


@dataclass(frozen=True, slots=True)
class Accrual:
    """How many are enrolled in all and by site, of how many, and what holds accrual.

    planned, stage_1: None where the study says none. study_pause: the pause of the whole study.
    """

    rows: list[SiteAccrual]
    enrolled: int
    planned: int | None
    stage_1: int | None
    look_held: bool
    study_pause: AccrualStep | None


def milestone(study: Study, name: str) -> Home | None:
    """The form and item of a milestone of schedule.yaml; None where the study has none."""
    place = study.schedule.milestones.get(name, "") if study.schedule else ""
    form, _, item = place.partition(".")
    return _home(study, study.forms[form], item) if form in study.forms else None


def eligibility(study: Study) -> Home | None:
    """The form that lists criteria not met: the one that fills IE.IETESTCD, and that item."""
    return _by_target(study, study.forms.values(), "IE", "IETESTCD")


def status(study: Study) -> Home | None:
    """The item that says how screening ended: DS.DSDECOD on the form of the enrolment milestone."""
    home = milestone(study, "enrolment")
    return _by_target(study, [home.form], "DS", "DSDECOD") if home else None


def failure_reason(study: Study) -> Item | None:
    """The coded item of the same form that is asked only after a screen failure."""
    home = status(study)
    if home is None:
        return None
    for item in home.form.items:
        reads = parse(item.shown_when).columns if item.shown_when else ()
        if item.choices and home.item.name in reads:
            return item
    return None


def failure_said(kept: str) -> str:
    """A kept reason for a screen failure in the reader's language: the form's own reason
    translated, what was written behind it as it is."""
    newest = StudyVersion.objects.defer("files").order_by("-number").first()
    item = failure_reason(study_of(newest)) if newest and kept else None
    for choice in item.choices if item else ():
        if kept == choice.label.en or kept.startswith(f"{choice.label.en}: "):
            return said(choice.label) + kept[len(choice.label.en) :]
    return kept


def criteria(study: Study, data: Document | None) -> list[Criterion]:
    """The study's criteria in order, and which of them the eligibility form says are not met."""
    home = eligibility(study)
    wrong, reviewed = not_met(study, data) if home and data else (set(), False)
    return [
        Criterion(
            each.id,
            said(each.text),
            each.type == "inclusion",
            (each.id not in wrong) if reviewed else None,
        )
        for each in study.eligibility.criteria
    ]


def not_met(study: Study, data: Document) -> tuple[set[str], bool]:
    """Ids of criteria not met, and whether the form says anything at all.

    A row tells of a criterion not met where the form's rule for the domain IE makes a record of it
    (``domains: IE: when``), or where it names a criterion. A row that names none stands as ``?``.
    """
    home = eligibility(study)
    if home is None:
        return set(), False
    rows: dict[int, dict[str, str]] = {}
    for cell in cells_of(data):
        rows.setdefault(cell.row, {})[cell.item] = cell.value
    if not rows:
        return set(), False
    names = [item.name for item in home.form.items]
    frame = pl.DataFrame(
        [{name: row.get(name) or None for name in names} for row in rows.values()],
        schema=dict.fromkeys(names, pl.String),
    )
    rule = home.form.domains.get("IE")
    record = pl.lit(value=False) if rule is None or not rule.when else parse(rule.when).holds()
    named = pl.col(home.item.name)
    wrong = frame.filter(record | named.is_not_null())
    unsaid = frame.filter(parse(rule.when).expr.is_null()) if rule and rule.when else frame.head(0)
    return set(wrong.select(named.fill_null("?")).to_series()), unsaid.is_empty()


def way(study: Study, subject: Subject, forms: dict[str, FormInstance]) -> Way:
    """Where a subject stands on the way into the trial; forms: those of the subject by form id."""
    home = eligibility(study)
    data = forms[home.form.form].data if home and home.form.form in forms else None
    asked = failure_reason(study)
    return Way(
        criteria(study, data),
        confirmation(study, subject, forms),
        refusals(study, subject),
        [(choice.code, said(choice.label)) for choice in asked.choices] if asked else [],
    )


def accrual(study: Study | None, sites: Iterable[Site]) -> Accrual:
    """How accrual stands in the study and at some of its sites."""
    taken = Subject.objects.filter(stage__in=IN_STUDY)
    newest = AccrualStep.objects.filter(site=None).exclude(kind=AccrualStep.Kind.GO_ON)
    last = newest.order_by("-pk").first()
    return Accrual(
        rows=[SiteAccrual(s, taken.filter(site=s).count(), paused(s)) for s in sites],
        enrolled=taken.count(),
        planned=study.identity.enrolment.planned if study else None,
        stage_1=stage_1(study) if study else None,
        look_held=look_held(),
        study_pause=last if last and last.kind == AccrualStep.Kind.PAUSE else None,
    )


def refusals(study: Study, subject: Subject) -> list[str]:
    """Every reason in words why the subject cannot be enrolled now; none where it can."""
    if subject.stage != Subject.Stage.SCREENING:
        return [say("enrol.not_screening").format(stage=say(f"stage.{subject.stage}"))]
    forms = {i.form: i for i in FormInstance.objects.filter(event__subject=subject)}
    return [
        *_criteria(study, forms),
        *_confirmation(study, subject, forms),
        *_consent(study, subject, forms),
        *_form_says(study, forms),
        *no_place(study, subject.site),
    ]


def no_place(study: Study, site: Site) -> list[str]:
    """Why nobody else may be enrolled at the site: accrual is paused, or a cap is reached."""
    found: list[str] = []
    step = paused(site)
    if step is not None:
        found.append(say("enrol.paused").format(reason=step.reason))
    enrolled = Subject.objects.filter(stage__in=IN_STUDY)
    total = enrolled.count()
    planned = study.identity.enrolment.planned
    if planned is not None and total >= planned:
        found.append(say("enrol.cap_study").format(n=planned))
    if site.cap is not None and enrolled.filter(site=site).count() >= site.cap:
        found.append(say("enrol.cap_site").format(site=site.code, n=site.cap))
    first = stage_1(study)
    if first is not None and total >= first and not look_held():
        found.append(say("enrol.cap_stage").format(n=first))
    return found


def stage_1(study: Study) -> int | None:
    """Patients of the first stage, where accrual waits for the look behind it; else None.

    It waits unless the design says that accrual goes on meanwhile (``interim: accrual``).
    """
    design = study.design
    if design is None or design.response is None or design.response.stage_1 is None:
        return None
    if design.interim is not None and design.interim.accrual == "goes_on":
        return None
    return design.response.stage_1.patients


def look_held() -> bool:
    """Whether somebody has recorded that the look was held and the trial goes on."""
    return AccrualStep.objects.filter(kind=AccrualStep.Kind.GO_ON).exists()


def paused(site: Site) -> AccrualStep | None:
    """The pause that holds at a site: its own or the study's; None where accrual is open."""
    kinds = (AccrualStep.Kind.PAUSE, AccrualStep.Kind.RESUME)
    for where in (None, site):
        newest = AccrualStep.objects.filter(kind__in=kinds, site=where).order_by("-pk").first()
        if newest is not None and newest.kind == AccrualStep.Kind.PAUSE:
            return newest
    return None


def confirmed_content(study: Study, forms: dict[str, FormInstance]) -> dict[str, str]:
    """Head hashes of the forms that eligibility rests on: criteria and consent, where saved."""
    homes = (eligibility(study), milestone(study, "consent"))
    ids = {home.form.form for home in homes if home is not None}
    return {name: forms[name].head for name in sorted(ids) if name in forms}


def confirmation(
    study: Study, subject: Subject, forms: dict[str, FormInstance]
) -> Confirmation | None:
    """The investigator's confirmation that holds for the forms as they stand."""
    newest = subject.confirmations.order_by("-pk").first()
    if newest is None or newest.content != confirmed_content(study, forms):
        return None
    return newest


def require_order(study: Study, subject: Subject, form_id: str, cells: Sequence[Cell]) -> None:
    """Refuse to say "enrolled" on the form for a subject without a place; called by the save path.

    Eligibility comes before enrolment: the place is taken on the enrolment page, which then fills
    the form.
    """
    home = status(study)
    if home is None or home.form.form != form_id or subject.stage in IN_STUDY:
        return
    if any(c.item == home.item.name and c.value == ENROLLED for c in cells):
        raise OnearmError(say("enrol.on_page").format(form=said(home.form.label)))


def follow_form(study: Study, subject: Subject) -> None:
    """Bring the stage of a subject without a place in line with the enrolment form (not saved).

    A subject whose form says screen failure has failed; one that was loaded from a file as enrolled
    stays so.
    """
    home = status(study)
    forms = FormInstance.objects.filter(event__subject=subject, form=home.form.form) if home else ()
    if home is None or not forms or subject.slot is not None:
        return
    if value_of(forms[0], home.item.name) != SCREEN_FAILURE:
        if subject.stage == Subject.Stage.FAILED:
            subject.stage, subject.failed_because = Subject.Stage.SCREENING, ""
        return
    why = failure_reason(study)
    code = value_of(forms[0], why.name) if why else ""
    labels = {choice.code: choice.label.en for choice in why.choices} if why else {}
    subject.stage = Subject.Stage.FAILED
    subject.failed_because = subject.failed_because or labels.get(code, code)


def _criteria(study: Study, forms: dict[str, FormInstance]) -> list[str]:
    home = eligibility(study)
    if home is None:
        return []
    instance = forms.get(home.form.form)
    if instance is None:
        return [say("enrol.no_review").format(form=said(home.form.label))]
    wrong, is_said = not_met(study, instance.data)
    texts = {each.id: said(each.text) for each in study.eligibility.criteria}
    found = [
        say("enrol.criterion").format(id=name, text=texts.get(name, "")).strip()
        for name in sorted(wrong)
    ]
    if not is_said or not instance.is_complete:
        found.append(say("enrol.no_review").format(form=said(home.form.label)))
    return found


def _confirmation(study: Study, subject: Subject, forms: dict[str, FormInstance]) -> list[str]:
    if confirmation(study, subject, forms) is not None:
        return []
    earlier = subject.confirmations.exists()
    return [say("enrol.confirm_again" if earlier else "enrol.unconfirmed")]


def _consent(study: Study, subject: Subject, forms: dict[str, FormInstance]) -> list[str]:
    home = milestone(study, "consent")
    if home is None:
        return []
    day = value_of(forms.get(home.form.form), home.item.name)
    consent = complete(day)
    if consent is None:
        return [say("enrol.no_consent").format(item=said(home.item.label))]
    early = [
        (event.date, event.visit)
        for event in EventInstance.objects.filter(subject=subject, date__lt=consent)
    ]
    return [
        say("enrol.late_consent").format(consent=consent, day=when, visit=_visit(study, visit))
        for when, visit in sorted(early)
    ]


def _form_says(study: Study, forms: dict[str, FormInstance]) -> list[str]:
    home = status(study)
    said_code = value_of(forms.get(home.form.form), home.item.name) if home else ""
    if home is None or said_code in ("", ENROLLED):
        return []
    code = shown(study, home.form.form, home.item, said_code)
    return [say("enrol.form_says").format(form=said(home.form.label), code=code)]


def value_of(instance: FormInstance | None, item: str) -> str:
    """The value of an item on a form that is filled once; empty where there is none."""
    for cell in cells_of(instance.data) if instance else ():
        if cell.item == item:
            return cell.value
    return ""


def _visit(study: Study, visit: str) -> str:
    known = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    return said(known[visit].label) if visit in known else visit


def _by_target(study: Study, forms: Iterable[Form], domain: str, variable: str) -> Home | None:
    for form in forms:
        for item in form.items:
            if any((t.domain, t.variable) == (domain, variable) for t in item.to):
                return _home(study, form, item.name)
    return None


def _home(study: Study, form: Form, item: str) -> Home | None:
    for visit in study.schedule.visits if study.schedule else ():
        if form.form in visit.forms:
            return Home(form, visit.id, form.item(item))
    return None
