"""Subjects on their way through the trial, made through the actions as a site would."""

from __future__ import annotations

import re
from datetime import date, timedelta

from onearm.capture.actions.save import Changes, Saved, save
from onearm.capture.document import Cell
from onearm.capture.models import EventInstance, FormInstance, Subject, User

CONSENT = date(2026, 3, 2)


def flat(html: str) -> str:
    """A page on one line, without the spaces that the lines of its template put between tags."""
    return re.sub(r"(?<=>) | (?=<)|(?<= ) +", "", re.sub(r"\s+", " ", html))


def fill(
    user: User,
    subject: Subject,
    visit: str,
    form: str,
    *,
    repeat: int = 1,
    row: int = 1,
    reason: str = "",
    **values: str,
) -> Saved:
    """Save items of one row of a form at the version that stands."""
    event, _ = EventInstance.objects.get_or_create(subject=subject, visit=visit, repeat=repeat)
    instance = FormInstance.objects.filter(event=event, form=form).first()
    cells = [Cell(row, item, value) for item, value in values.items()]
    version = instance.version if instance else 0
    return save(user, event, form, Changes(cells, version, reason=reason, clear=True))


def screened(user: User, subject: Subject, *, consent: date = CONSENT) -> None:
    """Fill what eligibility rests on: consent, the visit, the tumour type, all criteria met."""
    on = consent.isoformat()
    fill(user, subject, "SCREENING", "DM", RFICDAT=on, SEX="M", BRTHDAT="1960", AGE="66")
    visit = max(consent, CONSENT) + timedelta(days=1)
    fill(user, subject, "SCREENING", "VISIT", VISDAT=visit.isoformat(), VISMODE="IN PERSON")
    fill(user, subject, "SCREENING", "DISEASE", COHORT="ICC", MHTERM="Cholangiocarcinoma")
    fill(user, subject, "SCREENING", "ELIG", IEDAT=visit.isoformat(), IEYN="Y")
