"""Serious adverse events: noticed when a form is saved, told by e-mail, reported in time."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.utils import translation

from onearm.capture import clock, permissions, states, trail, zones
from onearm.capture.document import Document, row_keys
from onearm.capture.models import Contact, SeriousEvent, SeriousReport
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from datetime import datetime

    from onearm.capture.models import FormInstance, Site, User
    from onearm.study import Study
    from onearm.study.forms import Form

SERIOUS = ("AE", "AESER")
"""The SDTM target of the item that says whether an event is serious."""

TIME_TO_REPORT = timedelta(hours=24)

LOG = logging.getLogger(__name__)


def serious_item(form: Form) -> str:
    """The item of a form that says whether an event is serious; empty where there is none."""
    for item in form.items:
        if any((t.domain, t.variable) == SERIOUS for t in item.to):
            return item.name
    return ""


def serious_rows(form: Form, data: Document) -> set[int]:
    """Keys of the rows that stand and are serious."""
    item, standing = serious_item(form), set(row_keys(data))
    return {r["_key"] for r in data["rows"] if r["_key"] in standing and r.get(item) == "Y"}


def follow_serious(
    study: Study, instance: FormInstance, actor: permissions.Actor, at: datetime
) -> None:
    """Begin the clock of rows that became serious and stop that of rows that no longer are.

    In the transaction of the save; the e-mail goes out once that is through. ``instance`` of a form
    without the item is left alone.
    """
    form = study.forms.get(instance.form)
    if form is None or not serious_item(form):
        return
    serious = serious_rows(form, instance.data)
    known = {event.row: event for event in instance.serious.all()}
    for row in sorted(serious - set(known)):
        event = SeriousEvent.objects.create(instance=instance, row=row, noticed_at=at, aware_at=at)
        _record(event, "sae.notice", actor)
        _tell(event)
    for row, event in known.items():
        is_serious = row in serious
        if is_serious == (event.withdrawn_at is not None):
            event.withdrawn_at = None if is_serious else at
            event.save(update_fields=["withdrawn_at"])
            _record(event, "sae.again" if is_serious else "sae.withdraw", actor)
            if is_serious:
                _tell(event)


def report(
    user: User, event: SeriousEvent, text: str, *, aware_at: datetime | None = None
) -> SeriousReport:
    """Report a serious event: the first report, then a version for each follow-up.

    aware_at: when the site learnt of it, where that was before the entry. The report keeps the row
    as it stands. Raises `permissions.NotAllowed`, `states.Held`, and ``OnearmError`` for a
    follow-up without words or a time that lies after the entry.
    """
    site = event.instance.event.subject.site
    actor = permissions.actor(user, "sae.report", site, zones.today(site))
    with transaction.atomic():
        found = SeriousEvent.objects.select_related("instance__event__subject__site")
        event = found.select_for_update(of=("self",)).get(pk=event.pk)
        states.require_open(states.targets(event=event.instance.event))
        number = event.reports.count() + 1
        if number > 1 and not text.strip():
            raise OnearmError(say("sae.text_needed"))
        if aware_at is not None:
            if aware_at > event.noticed_at:
                raise OnearmError(say("sae.aware_late"))
            event.aware_at = aware_at
            event.save(update_fields=["aware_at"])
        made = SeriousReport.objects.create(
            event=event,
            number=number,
            version=event.instance.version,
            content=next(r for r in event.instance.data["rows"] if r["_key"] == event.row),
            text=text.strip(),
            user=user,
            role=actor.role,
            at=clock.now(),
        )
        _record(event, "sae.report", actor, {"number": number, "version": made.version})
    return made


def due_at(event: SeriousEvent) -> datetime:
    """Until when the first report is due."""
    return event.aware_at + TIME_TO_REPORT


def add_contact(
    user: User, name: str, email: str, *, language: str = "en", site: Site | None = None
) -> Contact:
    """Add a person who is told by e-mail of serious events of a site, or of every site.

    Raises `permissions.NotAllowed`, and ``OnearmError`` for no name and for what no e-mail can be
    sent to.
    """
    actor = permissions.actor(user, "sae.contacts", site, clock.now().date())
    contact = Contact(
        name=name.strip(), email=email.strip(), language=language, site=site, begins=clock.now()
    )
    try:
        contact.full_clean()
    except ValidationError as problem:
        raise OnearmError(say("sae.contact_wrong")) from problem
    with transaction.atomic():
        contact.save()
        _record_contact(contact, "sae.contact", actor)
    return contact


def end_contact(user: User, contact: Contact) -> None:
    """Tell this person no more."""
    actor = permissions.actor(user, "sae.contacts", contact.site, clock.now().date())
    with transaction.atomic():
        contact.ends = clock.now()
        contact.save(update_fields=["ends"])
        _record_contact(contact, "sae.contact.end", actor)


def _tell(event: SeriousEvent) -> None:
    transaction.on_commit(lambda: _mail(event))


def _mail(event: SeriousEvent) -> None:
    """One e-mail a contact; without subject, event or any value. A failure is kept in the trail."""
    site = event.instance.event.subject.site
    contacts = Contact.objects.filter(Q(site=None) | Q(site=site), ends=None)
    sent, failed = 0, 0
    for contact in contacts:
        with translation.override(contact.language):
            due = zones.shown(due_at(event), site)
            text = say("sae.mail_text").format(site=site.code, number=event.pk, due=due)
            heading = say("sae.mail_heading").format(site=site.code)
        try:
            send_mail(heading, text, None, [contact.email])
            sent += 1
        except OSError:  # SMTP errors are among them; the entry itself is safe
            LOG.exception("the e-mail about serious event %s was not sent", event.pk)
            failed += 1
    _record(event, "sae.mail", None, {"sent": sent, "failed": failed})


def _record(
    event: SeriousEvent,
    action: str,
    actor: permissions.Actor | None,
    details: dict[str, object] | None = None,
) -> None:
    subject = event.instance.event.subject
    trail.record(
        f"subject:{subject.code}",
        action,
        actor=actor,
        site=subject.site,
        target=f"item:{event.instance_id}:{event.row}:",
        details={"event": event.pk, **(details or {})},
    )


def _record_contact(contact: Contact, action: str, actor: permissions.Actor) -> None:
    trail.record(
        "study",
        action,
        actor=actor,
        site=contact.site,
        target=contact.email[:200],
        details={"name": contact.name},
    )
