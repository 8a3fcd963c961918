"""A made-up trial half-way through, and one account a role, for trying the pages out."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from onearm import simulate
from onearm.capture import clock, permissions, studies
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.models import FormVersion, Grant, Site, StudyVersion, User
from onearm.errors import OnearmError
from onearm.study.forms import DATED

if TYPE_CHECKING:
    from onearm.study import Study

SEED = 1
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Demo:
    """The accounts, by user name and role, and the password they all have until the next start."""

    accounts: tuple[tuple[str, str], ...]
    password: str


def prepare() -> Demo:
    """Fill an empty demo database; give every account a new password.

    The newest study version is simulated, cut where half its patients are enrolled, moved so that
    the cut is today, and loaded in the name of the demo data manager, as any file would be.
    Raises ``OnearmError`` outside the demo environment.
    """
    if settings.ENVIRONMENT != "demo":
        raise OnearmError("a demo is made only in a database of the demo environment")
    password = secrets.token_urlsafe(9)
    with transaction.atomic():
        hashed = make_password(password)  # once: hashing is slow on purpose
        people = [_person(role, hashed) for role in permissions.roles()]
        if not FormVersion.objects.exists():
            _load(people)
    return Demo(tuple((user.username, role) for user, role in people), password)


def _person(role: str, hashed: str) -> tuple[User, str]:
    today = clock.now().date()
    user, is_new = User.objects.get_or_create(
        username=f"demo.{role.replace('_', '.')}",
        defaults={"first_name": "Demo", "last_name": role.replace("_", " ")},
    )
    user.password = hashed
    user.must_change_password = False
    user.trained_on = user.trained_on or today - YEAR
    user.identity_checked_on = user.identity_checked_on or today - YEAR
    user.equivalence_accepted_at = user.equivalence_accepted_at or clock.now()
    user.save()
    if is_new:
        by_site = any(reach[role] == "site" for reach in permissions.table().values())
        ends = today + YEAR if role in permissions.TIME_LIMITED else None
        for site in Site.objects.all() if by_site else [None]:
            Grant.objects.create(user=user, role=role, site=site, begins=today - YEAR, ends=ends)
    return user, role


def _load(people: Iterable[tuple[User, str]]) -> None:
    manager = next(user for user, role in people if role == "data_manager")
    version = StudyVersion.objects.order_by("-number").first()
    if version is None:
        raise OnearmError("the database holds no study yet; name the study folder")
    study = studies.study_of(version)
    planned = study.simulation.subjects if study.simulation else 50
    whole = simulate.trial(study, subjects=planned, seed=SEED)
    doses = whole.truth["subjects"]["FIRST_DOSE"].drop_nulls().sort()
    half = doses[len(doses) // 2]
    made = simulate.trial(study, subjects=planned, seed=SEED, cut=half)
    entries = moved(study, made.entries, clock.now().date() - half)
    take_entries(manager, entries, source="simulated trial")


def moved(study: Study, entries: pl.DataFrame, by: timedelta) -> pl.DataFrame:
    """The entries with every date moved; parts of dates keep their precision."""
    dates = [
        f"{form.form}.{item.name}"
        for form in study.forms.values()
        for item in form.items
        if item.type in DATED
    ]
    is_date = pl.concat_str("FORM", pl.lit("."), "ITEM").is_in(dates)
    texts = entries.filter(is_date)["VALUE"].drop_nulls().unique()
    new = {text: _moved(text, by) for text in texts}
    return entries.with_columns(
        VALUE=pl.when(is_date).then(pl.col("VALUE").replace(new)).otherwise("VALUE")
    )


def _moved(text: str, by: timedelta) -> str:
    text, hour = text[:10], text[10:]
    middle = {4: "-07-01", 7: "-15"}.get(len(text), "")
    try:
        return (date.fromisoformat(text + middle) + by).isoformat()[: len(text)] + hour
    except ValueError:
        return text  # an error of typing that the simulation made: it stays one
