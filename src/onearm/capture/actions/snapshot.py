"""Snapshots: a name for the data as they stood at a moment, with the hash that proves it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from onearm.capture import clock, entries, permissions, trail
from onearm.capture.actions.export import Exported, Wanted, export
from onearm.capture.actions.under_way import settled_now
from onearm.capture.models import Snapshot, StudyVersion
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    import polars as pl

    from onearm.capture.models import User


LONGEST_NAME = 80


class Changed(OnearmError):
    """The data of a snapshot do not come out as they were: its hash differs."""


def make_snapshot(user: User, name: str, *, as_of: datetime | None = None) -> Snapshot:
    """Name the data as they stand (or stood at ``as_of``) and keep their hash.

    Nothing is copied: the history gives the same data again whenever they are asked for, and the
    hash shows that they are the same. Raises `permissions.NotAllowed`, and ``OnearmError`` for an
    empty or long name, a name that is taken and a moment in the future.
    """
    name = name.strip()
    if not name:
        raise OnearmError(say("snapshot.no_name"))
    if len(name) > LONGEST_NAME:
        raise OnearmError(say("error.long_name").format(most=LONGEST_NAME))
    if as_of is not None and as_of > clock.now():
        raise OnearmError(say("error.future").format(moment=f"{as_of:%Y-%m-%d %H:%M:%S}"))
    actor = permissions.actor(user, "snapshot.make", None, clock.now().date())
    version = StudyVersion.objects.order_by("-number").first()
    if version is None:
        raise OnearmError(say("error.no_study"))
    now = settled_now()
    moment = as_of or now
    frame = entries.as_of(moment)
    try:
        with transaction.atomic():
            made = Snapshot.objects.create(
                name=name,
                as_of=moment,
                made_at=now,
                user=user,
                study_version=version,
                rows=frame.height,
                sha256=content_hash(frame),
            )
            trail.record(
                "study",
                "snapshot.make",
                actor=actor,
                target=name,
                details={"as_of": moment.isoformat(), "rows": made.rows, "sha256": made.sha256},
            )
    except IntegrityError as problem:
        raise OnearmError(say("snapshot.taken").format(name=name)) from problem
    return made


def snapshot_entries(snapshot: Snapshot) -> pl.DataFrame:
    """The entries of a snapshot, made again from the history and compared with its hash.

    Raises `Changed` where they are not what was named.
    """
    frame = entries.as_of(snapshot.as_of)
    if content_hash(frame) != snapshot.sha256:
        raise Changed(
            say("snapshot.changed").format(name=snapshot.name, now=frame.height, then=snapshot.rows)
        )
    return frame


def take_snapshot(user: User, snapshot: Snapshot, wanted: Wanted) -> Exported:
    """A snapshot as files, of its own moment and with all its forms; its hash is compared first.

    Raises what `export` and `snapshot_entries` raise.
    """
    right = "export" if wanted.with_names else "export.deidentified"
    permissions.actor(user, right, None, clock.now().date())
    snapshot_entries(snapshot)
    wanted = replace(wanted, as_of=snapshot.as_of, only_complete=False)
    return export(user, wanted, target=f"snapshot {snapshot.name}")


def content_hash(frame: pl.DataFrame) -> str:
    """SHA-256 of the entries as CSV, in their order."""
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()
