"""Writers that are under way: waited for, or kept to one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock
from onearm.capture.models import StudyVersion, Subject

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


def one_at_a_time() -> None:
    """Wait for other transactions that give numbers or places, or add subjects.

    SQLite writes one at a time anyway. The lock is on a row that nobody changes; ``no_key`` lets
    forms that refer to it be saved. It is taken before any subject is locked.
    """
    StudyVersion.objects.order_by("pk").defer("files").select_for_update(no_key=True).first()


def locked(subjects: QuerySet[Subject]) -> dict[str, Subject]:
    """The subjects by code, each locked until the transaction ends.

    A save locks its subject before it reads a form: one that is under way ends first, and the next
    one finds what was done meanwhile.
    """
    found = subjects.select_related("site").order_by("pk")
    return {s.code: s for s in found.select_for_update(of=("self",), no_key=True)}


@transaction.atomic
def settled_now() -> datetime:
    """The time, once every save has ended that began before: none is added at or before it."""
    one_at_a_time()
    locked(Subject.objects.all())
    return clock.now()
