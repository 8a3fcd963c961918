"""Comparing data with the source: mark cells or a whole form, take a mark back, keep the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, states, trail, zones
from onearm.capture.document import cells
from onearm.capture.models import FormInstance, PlanLine, Verification
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onearm.capture.models import User
    from onearm.capture.verification import Key
    from onearm.study import Study


def verify(
    user: User, instance: FormInstance, version: int, keys: Iterable[Key] | None = None
) -> int:
    """Mark cells (all of the form where none are named) as compared at the version that was seen.

    Returns how many marks were made. Raises `permissions.NotAllowed`, `states.Held`, and
    ``OnearmError`` where the form was saved since it was opened or a cell is empty.
    """
    return _mark(user, instance, version, keys, "verify")


def take_back(
    user: User, instance: FormInstance, version: int, keys: Iterable[Key] | None = None
) -> int:
    """Take marks back: the cells count as not compared."""
    return _mark(user, instance, version, keys, "verify.take_back")


def set_plan(user: User, study: Study, form_id: str, item: str, percent: int) -> PlanLine:
    """Say for how many percent of the subjects a form or an item is compared with the source."""
    actor = permissions.actor(user, "plan.edit", None, clock.now().date())
    form = study.forms.get(form_id)
    known = form is not None and (not item or item in {i.name for i in form.items})
    if not known or not 0 <= percent <= 100:
        raise OnearmError(say("verify.plan_wrong"))
    with transaction.atomic():
        states.require_open(["study"])
        line = PlanLine.objects.create(
            form=form_id, item=item, percent=percent, user=user, at=clock.now()
        )
        trail.record(
            "study",
            "plan.edit",
            actor=actor,
            target=f"{form_id}.{item}".rstrip("."),
            details={"percent": percent},
        )
    return line


def _mark(
    user: User, instance: FormInstance, version: int, keys: Iterable[Key] | None, action: str
) -> int:
    subject = instance.event.subject
    actor = permissions.actor(user, "verify", subject.site, zones.today(subject.site))
    with transaction.atomic():
        fresh = FormInstance.objects.select_for_update().get(pk=instance.pk)
        if fresh.version != version:
            raise OnearmError(say("verify.stale"))
        stand = {(cell.row, cell.item) for cell in cells(fresh.data)}
        wanted = [(0, "")] if keys is None else sorted(set(keys))
        if keys is not None and (not wanted or not set(wanted) <= stand):
            raise OnearmError(say("verify.nothing"))
        items = [key for key in wanted if key[1]] or sorted(stand)
        states.require_open(states.targets(form=fresh, items=items))
        at, seen = clock.now(), version if action == "verify" else 0
        Verification.objects.bulk_create(
            Verification(instance=fresh, row=row, item=item, version=seen, user=user, at=at)
            for row, item in wanted
        )
        trail.record(
            f"subject:{subject.code}",
            action,
            actor=actor,
            site=subject.site,
            target=f"form:{fresh.pk}",
            details={"version": version, "cells": [f"{row}:{item}" for row, item in wanted]},
        )
    return len(wanted)
