"""Every check on every subject again, as a nightly batch: by the same engine as a save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from onearm import records
from onearm.capture import clock, trail, zones
from onearm.capture import entries as entry_frames
from onearm.capture.actions.queries import follow_checks
from onearm.capture.actions.take_entries import mark_complete
from onearm.capture.models import Query, Subject
from onearm.capture.studies import study_of, version_at

if TYPE_CHECKING:
    from onearm.errors import Finding
    from onearm.study import Study


@dataclass(frozen=True, slots=True)
class Rechecked:
    """How many subjects were checked, and the queries of checks that opened and closed."""

    subjects: int
    opened: int
    closed: int


def recheck() -> Rechecked:
    """Bring the queries of every subject in line with what the checks find today.

    A subject is checked under the version that its site works with today, each in a transaction of
    its own, so that people work on meanwhile. The trail keeps the numbers.
    """
    subjects, opened, closed = 0, 0, 0
    for subject in Subject.objects.select_related("site").order_by("code"):
        version = version_at(subject.site, zones.today(subject.site))
        if version is None:
            continue
        before = _live(subject)
        with transaction.atomic():
            follow(study_of(version), subject)
        after = _live(subject)
        subjects += 1
        opened += len(after - before)
        closed += len(before - after)
    details = {"subjects": subjects, "opened": opened, "closed": closed}
    trail.record("study", "checks.run", details=details)
    return Rechecked(subjects, opened, closed)


def follow(study: Study, subject: Subject) -> None:
    """Completeness of the forms and queries of one subject, as the checks find them now."""
    frame = entry_frames.asked(study, entry_frames.of_subject(subject))
    found = records.check(study, records.at_cut(study, frame, cut=None))
    mark_complete(study, subject, found)
    by_form: dict[str, list[Finding]] = {form: [] for form in study.forms}
    for finding in found:
        if finding.place.form in by_form and not finding.rule.startswith("visit."):
            by_form[finding.place.form].append(finding)
    by_form_now = {form: tuple(each) for form, each in by_form.items()}
    follow_checks(subject, by_form_now, clock.now())


def _live(subject: Subject) -> set[int]:
    asked = Query.objects.filter(subject=subject, state__in=Query.LIVE)
    return set(asked.exclude(check_id="").values_list("pk", flat=True))
