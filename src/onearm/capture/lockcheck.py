"""What must be settled before data are locked: queries, forms, verification, signing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from onearm.capture import overview, places, verification
from onearm.capture.models import FormInstance, Query, Reconciliation, SeriousEvent, Subject
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from onearm.capture.models import EventInstance, Site
    from onearm.capture.overview import Overview
    from onearm.study import Study

EXAMPLES = 3
"""So many open ones are named in a line; the report names all."""


@dataclass(frozen=True, slots=True)
class Point:
    """One line of the checklist: its key in the words, how many are open, and what they are."""

    key: str
    open: int
    examples: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The line in words with what is open."""
        text = say(f"lock.{self.key}").format(n=self.open)
        few = self.examples[:EXAMPLES]
        return say("lock.with").format(text=text, what=", ".join(few)) if few else text


def checklist(
    site: Site | None = None,
    subject: Subject | None = None,
    event: EventInstance | None = None,
    form: FormInstance | None = None,
) -> list[Point]:
    """Every point for the study, or for what is given; ``open`` 0 is met.

    Visits that are missing or overdue count for a subject and above; a missed visit with its reason
    is settled.
    """
    subjects = Subject.objects.all()
    if subject is not None:
        subjects = subjects.filter(pk=subject.pk)
    elif site is not None:
        subjects = subjects.filter(site=site)
    views = overview.overviews(subjects)
    return [
        _queries(subjects, event, form),
        *([] if event or form else [_visits(views)]),
        _forms(views, event, form),
        _verified(views, event, form),
        _serious(subjects, event, form),
        *([] if event or form else [_reconciled(subjects)]),
        _signed(views, event, form),
    ]


def open_points(
    site: Site | None,
    subject: Subject | None,
    event: EventInstance | None,
    form: FormInstance | None,
) -> list[str]:
    """The open points in words; none where everything is settled."""
    return [p.text for p in checklist(site, subject, event, form) if p.open]


def _queries(subjects: object, event: EventInstance | None, form: FormInstance | None) -> Point:
    found = Query.objects.filter(subject__in=subjects, state__in=Query.LIVE)
    if event is not None:
        found = found.filter(visit=event.visit, repeat=event.repeat)
    if form is not None:
        found = found.filter(form=form.form)
    studies: dict[int, Study | None] = {}
    mine = found.select_related("subject__site")
    named = [f"{q.subject.code} {places.query_place(q, studies)}".strip() for q in mine]
    return Point("queries", len(named), tuple(named))


def _visits(views: list[Overview]) -> Point:
    late = [
        f"{view.subject.code} {overview.label(row.visit, row.repeat)}"
        for view in views
        if view.subject.stage != Subject.Stage.FAILED
        for row in view.planned
        if row.status in ("overdue", "in window")
    ]
    return Point("visits", len(late), tuple(late))


def _forms(views: list[Overview], event: EventInstance | None, form: FormInstance | None) -> Point:
    missing = [
        _words(view, (row.visit.id, row.repeat, name))
        for view in views
        for row, name, _ in view.missing()
        if _within((row.visit.id, row.repeat, name), event, form)
    ]
    return Point("forms", len(missing), tuple(missing))


def _verified(
    views: list[Overview], event: EventInstance | None, form: FormInstance | None
) -> Point:
    by, undone = verification.plan(), []
    for view in views:
        mine = {at.pk: where for where, at in view.forms.items() if _within(where, event, form)}
        instances = FormInstance.objects.filter(pk__in=mine)
        subjects = dict.fromkeys(mine, view.subject.code)
        for pk, one in verification.verified(view.study, instances, subjects, by).items():
            if one.state not in ("verified", "not planned"):
                undone.append(_words(view, mine[pk]))
    return Point("verified", len(undone), tuple(undone))


def _serious(subjects: object, event: EventInstance | None, form: FormInstance | None) -> Point:
    found = SeriousEvent.objects.filter(instance__event__subject__in=subjects, withdrawn_at=None)
    if event is not None:
        found = found.filter(instance__event=event)
    if form is not None:
        found = found.filter(instance=form)
    return Point("serious", found.filter(Q(reports=None)).count())


def _reconciled(subjects: QuerySet[Subject]) -> Point:
    """Serious events that the newest comparison with the safety database leaves open.

    Those that differ or that one side lacks, and those noticed or changed since it was made.
    """
    newest = Reconciliation.objects.first()
    events = SeriousEvent.objects.filter(instance__event__subject__in=subjects, withdrawn_at=None)
    if newest is None:
        codes = events.values_list("instance__event__subject__code", flat=True)
        return Point("reconciled", len(codes), tuple(codes))
    known = set(subjects.values_list("code", flat=True))
    unsettled = [
        line["subject"]
        for line in newest.lines
        if line["fate"] != "matched" and line["subject"] in known
    ]
    since = events.filter(instance__saved_at__gt=newest.at)
    later = since.values_list("instance__event__subject__code", flat=True).order_by()
    told = (*unsettled, *(code for code in later if code not in unsettled))
    return Point("reconciled", len(told), told)


def _signed(views: list[Overview], event: EventInstance | None, form: FormInstance | None) -> Point:
    unsigned = [
        _words(view, where)
        for view in views
        for where, at in view.forms.items()
        if not at.is_signed and _within(where, event, form)
    ]
    return Point("signed", len(unsigned), tuple(unsigned))


def _words(view: Overview, where: overview.Where) -> str:
    visit, repeat, name = where
    row = overview.log_row(view.study, visit, repeat)
    form = said(view.study.forms[name].label)
    return f"{view.subject.code} {overview.label(row.visit, repeat)} {form}"


def _within(where: overview.Where, event: EventInstance | None, form: FormInstance | None) -> bool:
    visit, repeat, name = where
    if form is not None:
        event = form.event
        if name != form.form:
            return False
    return event is None or (visit, repeat) == (event.visit, event.repeat)
