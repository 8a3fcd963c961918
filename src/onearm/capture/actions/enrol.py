"""From the screening log to a place in the trial: screen, confirm, enrol, fail, pause, cap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max

from onearm.capture import clock, enrolment, permissions, states, trail, zones
from onearm.capture.actions.save import Changes, Origin, save
from onearm.capture.actions.under_way import one_at_a_time
from onearm.capture.course import complete
from onearm.capture.document import Cell
from onearm.capture.models import (
    AccrualStep,
    Confirmation,
    EventInstance,
    FormInstance,
    Site,
    Subject,
)
from onearm.capture.studies import study_of, version_at
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from onearm.capture.enrolment import Home
    from onearm.capture.models import User
    from onearm.study import Study

Kind = AccrualStep.Kind
Stage = Subject.Stage


class NotEligible(OnearmError):
    """The subject cannot be enrolled; ``reasons`` are all there are, in the reader's language."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(self.reasons))


def screen(user: User, site: Site) -> Subject:
    """Put a person in the screening log of a site, under the next number that was never given."""
    today = zones.today(site)
    actor = permissions.actor(user, "subject.screen", site, today)
    if version_at(site, today) is None:
        raise OnearmError(say("enrol.no_version").format(site=site.code))
    with transaction.atomic():
        one_at_a_time()
        states.require_open(states.targets(site=site))
        subject = Subject.objects.create(
            site=site, code=next_code(site), stage=Stage.SCREENING, created_at=clock.now()
        )
        _record(subject, "subject.screen", actor)
    return subject


def next_code(site: Site) -> str:
    """``SITE-NNN``: one above the highest number of the site, so that none is given twice.

    Subjects are never removed, so the highest number that stands is the highest ever given.
    """
    head = f"{site.code}-"
    tails = (c.removeprefix(head) for c in site.subjects.values_list("code", flat=True))
    return f"{head}{max((int(t) for t in tails if t.isdecimal()), default=0) + 1:03d}"


def confirm(user: User, subject: Subject) -> Confirmation:
    """The investigator's word that every criterion is met, on the forms as they stand."""
    site, study = subject.site, _study(subject)
    actor = permissions.actor(user, "eligibility.confirm", site, zones.today(site))
    with transaction.atomic():
        states.require_open(states.targets(subject=subject))
        forms = _forms(subject)
        about_confirmation = {say("enrol.unconfirmed"), say("enrol.confirm_again")}
        reasons = [r for r in enrolment.refusals(study, subject) if r not in about_confirmation]
        reasons = [r for r in reasons if r not in enrolment.no_place(study, site)]
        if reasons:
            raise NotEligible(reasons)
        made = Confirmation.objects.create(
            subject=subject,
            user=user,
            at=clock.now(),
            content=enrolment.confirmed_content(study, forms),
        )
        _record(subject, "eligibility.confirm", actor, details={"content": made.content})
    return made


def enrol(user: User, subject: Subject, *, origin: str = Origin.SCREEN) -> Subject:
    """Take a place for an eligible subject, and say so on the study's enrolment form.

    Raises `NotEligible` with every reason at once, `permissions.NotAllowed`, `states.Held`, and
    what `save` raises where the form refuses; then no place was taken. Places are given one at a
    time: of two enrolments for the last place one is refused.
    """
    site, study = subject.site, _study(subject)
    today = zones.today(site)
    actor = permissions.actor(user, "subject.enrol", site, today)
    with transaction.atomic():
        one_at_a_time()
        subject.refresh_from_db()
        states.require_open(states.targets(subject=subject))
        reasons = enrolment.refusals(study, subject)
        if reasons:
            raise NotEligible(reasons)
        taken = Subject.objects.filter(stage__in=enrolment.IN_STUDY)
        highest = Subject.objects.aggregate(most=Max("slot"))["most"] or 0
        subject.stage = Stage.ENROLLED
        subject.slot = max(highest, taken.count()) + 1
        subject.enrolled_on = _write(user, study, subject, enrolment.ENROLLED, today, origin=origin)
        subject.save(update_fields=["stage", "slot", "enrolled_on"])
        _record(subject, "subject.enrol", actor, details={"slot": subject.slot})
    return subject


def fail(
    user: User, subject: Subject, reason: str, *, code: str = "", origin: str = Origin.SCREEN
) -> Subject:
    """A screen failure with its reason, said on the study's enrolment form too.

    code: the answer to the form's own question for the reason. Raises ``OnearmError`` without one.
    """
    site, study = subject.site, _study(subject)
    today = zones.today(site)
    actor = permissions.actor(user, "subject.enrol", site, today)
    item = enrolment.failure_reason(study)
    labels = {c.code: c.label.en for c in item.choices} if item else {}
    if code and code not in labels:
        raise OnearmError(say("enrol.unknown_reason").format(code=code))
    text = ": ".join(filter(None, (labels.get(code, ""), reason.strip())))
    if not text:
        raise OnearmError(say("enrol.fail_reason"))
    with transaction.atomic():
        one_at_a_time()
        subject.refresh_from_db()
        states.require_open(states.targets(subject=subject))
        if subject.stage != Stage.SCREENING:
            stage = say(f"stage.{subject.stage}")
            raise OnearmError(say("enrol.not_screening").format(stage=stage))
        subject.stage, subject.failed_because = Stage.FAILED, text
        also = {item.name: code} if item and code else {}
        _write(user, study, subject, enrolment.SCREEN_FAILURE, today, also, origin=origin)
        subject.save(update_fields=["stage", "failed_because"])
        _record(subject, "subject.fail", actor, reason=text)
    return subject


def pause(user: User, reason: str, site: Site | None = None) -> AccrualStep:
    """Stop accrual at a site, or in the study where none is given."""
    return _step(user, Kind.PAUSE, reason, site)


def resume(user: User, reason: str, site: Site | None = None) -> AccrualStep:
    """Open accrual again where it was paused."""
    return _step(user, Kind.RESUME, reason, site)


def go_on(user: User, reason: str) -> AccrualStep:
    """Record that the look between the stages was held and that the second stage may begin."""
    return _step(user, Kind.GO_ON, reason, None)


def set_cap(user: User, site: Site, cap: int | None, reason: str) -> Site:
    """Say how many subjects a site may enrol, None for no limit of its own.

    Raises ``OnearmError`` without a reason, where nothing would change, and for fewer places than
    the site has taken. An enrolment at the same moment counts before or after, never between.
    """
    actor = permissions.actor(user, "accrual.cap", site, zones.today(site))
    if not reason.strip():
        raise OnearmError(say("conduct.reason_needed"))
    with transaction.atomic():
        one_at_a_time()
        site.refresh_from_db()
        taken = site.subjects.filter(stage__in=enrolment.IN_STUDY).count()
        if cap == site.cap:
            told = say("accrual.cap_none") if cap is None else cap
            raise OnearmError(say("accrual.cap_same").format(site=site.code, cap=told))
        if cap is not None and cap < taken:
            raise OnearmError(say("accrual.cap_taken").format(site=site.code, n=taken))
        before, site.cap = site.cap, cap
        site.save(update_fields=["cap"])
        trail.record(
            "study",
            "accrual.cap" if cap is not None else "accrual.uncap",
            actor=actor,
            site=site,
            target=f"site:{site.code}",
            details={"from": before, "to": cap},
            reason=reason.strip(),
        )
    return site


def _step(user: User, kind: str, reason: str, site: Site | None) -> AccrualStep:
    today = zones.today(site) if site else clock.now().date()
    actor = permissions.actor(user, "accrual.pause", site, today)
    if not reason.strip():
        raise OnearmError(say("conduct.reason_needed"))
    with transaction.atomic():
        one_at_a_time()
        step = AccrualStep.objects.create(
            kind=kind, site=site, user=user, at=clock.now(), reason=reason.strip()
        )
        trail.record(
            "study",
            f"accrual.{kind}",
            actor=actor,
            site=site,
            target=f"site:{site.code}" if site else "study",
            reason=step.reason,
        )
    return step


def _write(
    user: User,
    study: Study,
    subject: Subject,
    code: str,
    today: date,
    also: dict[str, str] | None = None,
    *,
    origin: str,
) -> date:
    """Fill the enrolment form where it is empty; the day that stands on it in the end."""
    home = enrolment.status(study)
    if home is None or code not in {choice.code for choice in study.choices(home.item)}:
        return today
    event, _ = EventInstance.objects.get_or_create(subject=subject, visit=home.visit, repeat=1)
    instance = FormInstance.objects.filter(event=event, form=home.form.form).first()
    day = enrolment.milestone(study, "enrolment")
    wanted = {home.item.name: code, **(also or {})}
    if day is not None:
        wanted[day.item.name] = today.isoformat()
    cells = [
        Cell(1, name, value)
        for name, value in wanted.items()
        if not enrolment.value_of(instance, name)
    ]
    subject.save(update_fields=["stage"])  # the save path refuses the code before the stage is set
    version = instance.version if instance else 0
    changes = Changes(cells, version, clear=True)
    saved = save(user, event, home.form.form, changes, origin=origin)
    return _day(saved.instance, day) or today


def _day(instance: FormInstance, home: Home | None) -> date | None:
    text = enrolment.value_of(instance, home.item.name) if home else ""
    return complete(text)


def _study(subject: Subject) -> Study:
    version = version_at(subject.site, zones.today(subject.site))
    if version is None:
        raise OnearmError(say("enrol.no_version").format(site=subject.site.code))
    return study_of(version)


def _forms(subject: Subject) -> dict[str, FormInstance]:
    return {form.form: form for form in FormInstance.objects.filter(event__subject=subject)}


def _record(
    subject: Subject,
    action: str,
    actor: permissions.Actor,
    *,
    details: dict[str, object] | None = None,
    reason: str = "",
) -> None:
    trail.record(
        f"subject:{subject.code}",
        action,
        actor=actor,
        site=subject.site,
        target=f"subject:{subject.code}",
        details=details,
        reason=reason,
    )
