"""Saving a form: the one way in which item data change, whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, places, states, trail, zones
from onearm.capture.actions.keep import keep_version
from onearm.capture.actions.queries import follow_checks
from onearm.capture.actions.recalculate import recalculate
from onearm.capture.actions.sae import follow_serious
from onearm.capture.actions.visits import keep_date
from onearm.capture.chain import START
from onearm.capture.checking import Judged, judge
from onearm.capture.document import Cell, Document, applied, changes_filled, delta, empty
from onearm.capture.enrolment import require_order
from onearm.capture.models import EventInstance, FormInstance, FormVersion
from onearm.capture.ranges import USED, with_ranges
from onearm.capture.studies import study_of, version_at
from onearm.capture.words import kept, said, say
from onearm.errors import Finding, OnearmError, Problems
from onearm.records.places import visit_label

if TYPE_CHECKING:
    from onearm.capture.models import StudyVersion, User

Origin = FormVersion.Origin


class Stale(OnearmError):
    """Somebody saved the form since it was opened; nothing was overwritten.

    theirs: what they changed since. version: the version that stands now.
    """

    def __init__(self, place: str, version: int, theirs: Document) -> None:
        self.version, self.theirs = version, theirs
        super().__init__(say("form.stale_at").format(place=place, version=version))


class ReasonNeeded(OnearmError):
    """Data that were saved before are changed without a reason."""


class MustConfirm(OnearmError):
    """The change hides items that hold values; saving clears them, and that must be confirmed."""

    def __init__(self, place: str, hidden: Sequence[Cell], labels: Mapping[str, str]) -> None:
        self.hidden = tuple(hidden)
        names = ", ".join(labels[name] for name in sorted({cell.item for cell in hidden}))
        super().__init__(say("form.would_clear").format(place=place, items=names))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a save asks for.

    cells: the values as typed, changed or not. removed: reason by key for rows taken out (an empty
    reason puts a row back). version: the version the form was opened at, 0 for a new form. clear:
    that hidden items may be cleared has been confirmed. anew: laboratory results that stay as they
    are shall be compared with the ranges that hold now; where no value changes, the reason is that.
    """

    cells: Iterable[Cell]
    version: int
    removed: Mapping[int, str] = field(default_factory=dict)
    reason: str = ""
    clear: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """The form as it stands after the save, and what its checks found (soft findings)."""

    instance: FormInstance
    findings: tuple[Finding, ...]
    changed: bool


def save(
    user: User,
    event: EventInstance,
    form_id: str,
    changes: Changes,
    *,
    origin: str = Origin.SCREEN,
    capability: str = "form.enter",
) -> Saved:
    """Save a form of a visit; data, history, queries and states in one transaction.

    Items of the subject's other forms that are calculated from it follow it, each form in a version
    of its own (`recalculate`).

    Raises `permissions.NotAllowed`, `states.Held`, `Stale`, `ReasonNeeded`, `MustConfirm`, and
    ``Problems`` with every hard finding; then nothing was written. A save that changes nothing
    writes nothing.
    """
    site = event.subject.site
    today = clock.now().date()
    actor = permissions.actor(user, capability, site, today)
    with transaction.atomic():
        event = _locked(event)
        instance = _standing(event, form_id)
        version = instance.study_version if instance else version_at(site, zones.today(site))
        if version is None:
            raise OnearmError(say("enrol.no_version").format(site=site.code))
        if instance is None:
            instance = FormInstance(
                event=event, form=form_id, study_version=version, head=START, data=empty()
            )
        _require_fresh(instance, changes.version)
        judged = judge(
            study_of(version), event, form_id, instance.data, changes.cells, changes.removed
        )
        if judged.hard:
            raise Problems(judged.hard, say("form.not_saved"))
        require_order(study_of(version), event.subject, form_id, judged.cells)
        if judged.cleared and not changes.clear:
            raise _must_confirm(instance, judged.cleared)
        change = delta(instance.data, judged.cells, removed=changes.removed)
        if not change["rows"] and instance.pk and not changes.anew:
            return Saved(instance, judged.soft, changed=False)
        stands = applied(instance.data, change)
        change = with_ranges(study_of(version), event, form_id, stands, change, anew=changes.anew)
        if not change["rows"] and instance.pk:
            return Saved(instance, judged.soft, changed=False)
        touched = [(r["_key"], name) for r in change["rows"] for name in r if name[0] != "_"]
        if changes.anew:
            touched += [(r["_key"], name) for r in change["rows"] for name in r.get(USED, {})]
        states.require_open(states.targets(form=instance, items=touched))
        if not changes.reason and changes_filled(instance.data, change):
            raise ReasonNeeded(say("form.why_needed").format(place=_place(instance)))
        reason = changes.reason or (kept("change.ranges") if changes.anew else "")
        _write(instance, change, judged, actor, origin, reason, version)
    return Saved(instance, judged.soft, changed=True)


def _locked(event: EventInstance) -> EventInstance:
    """The visit as it stands now, locked until the transaction ends, and its subject with it.

    They are locked before any form, so that two first saves of one form follow each other, and that
    what is calculated on one form from another is calculated from what stands.
    """
    events = EventInstance.objects.select_related("subject__site")
    return events.select_for_update(of=("self", "subject"), no_key=True).get(pk=event.pk)


def _standing(event: EventInstance, form_id: str) -> FormInstance | None:
    """The form as it stands, locked against other writers; None where nobody has saved it."""
    forms = FormInstance.objects.filter(event=event, form=form_id).select_related("study_version")
    instance = forms.defer("study_version__files").select_for_update(of=("self",)).first()
    if instance is not None:
        instance.event = event
    return instance


def _require_fresh(instance: FormInstance, opened_at: int) -> None:
    if opened_at == instance.version:
        return
    later = instance.versions.filter(version__gt=opened_at).order_by("version")
    theirs = empty()
    for change in later.values_list("delta", flat=True):
        theirs = applied(theirs, change)
    raise Stale(_place(instance), instance.version, theirs)


def _place(instance: FormInstance) -> str:
    return places.form_at(study_of(instance.study_version), instance.event, instance.form)


def _must_confirm(instance: FormInstance, hidden: Sequence[Cell]) -> MustConfirm:
    items = study_of(instance.study_version).forms[instance.form].items
    return MustConfirm(_place(instance), hidden, {i.name: said(i.label) for i in items})


def _write(
    instance: FormInstance,
    change: Document,
    judged: Judged,
    actor: permissions.Actor,
    origin: str,
    reason: str,
    study_version: StudyVersion,
) -> None:
    at = clock.check(trail.newest())
    instance.is_complete = judged.is_complete
    keep_version(instance, change, actor, at, origin=origin, reason=reason, under=study_version)
    study, subject = study_of(study_version), instance.event.subject
    keep_date(study, instance.event)
    follow_serious(study, instance, actor, at)
    cause = kept("calculation.reason").format(
        form=instance.form,
        visit=visit_label(instance.event.visit, instance.event.repeat),
        version=instance.version,
    )
    found = {instance.form: judged.soft, **judged.elsewhere}
    found |= recalculate(subject, [instance], actor, at, reason=cause)
    follow_checks(subject, found, at)
