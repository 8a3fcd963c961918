"""Entries from the database of ``onearm serve``, for commands that read entries from a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.study import Study

DATABASE_FILE = "onearm.sqlite3"


def read_moment(text: str | None) -> datetime | None:
    """``--as-of`` as a moment in UTC; a day alone means its end.

    Raises ``OnearmError`` that shows what was typed.
    """
    if text is None:
        return None
    try:
        if len(text) == len("2024-06-30"):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        example = "2024-06-30 or 2024-06-30T18:00:00+00:00"
        raise OnearmError(f"--as-of {text}: not a moment; write it as {example}") from problem
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def entries_of_database(
    where: str, *, as_of: datetime | None, snapshot: str | None = None
) -> Iterator[Path]:
    """A file of the database's entries, for as long as the block lasts.

    where: postgres://..., or the folder that ``onearm serve`` keeps its data in. snapshot: the name
    of one, compared with its hash. Only reads. Raises ``OnearmError`` where there is no database,
    it cannot be read, or the snapshot is not there or does not come out as it was made.
    """
    with tempfile.TemporaryDirectory(prefix="onearm-entries-") as scratch:
        _configure(where, Path(scratch))
        from django.db import DatabaseError

        from onearm.capture import clock, entries
        from onearm.capture.actions.snapshot import snapshot_entries
        from onearm.capture.models import Snapshot
        from onearm.store import write_entries

        try:
            if snapshot is not None:
                named = Snapshot.objects.filter(name=snapshot).first()
                if named is None:
                    known = ", ".join(Snapshot.objects.values_list("name", flat=True)) or "none"
                    raise OnearmError(f"--snapshot {snapshot}: the database has {known}")
                frame = snapshot_entries(named)
            else:
                frame = entries.as_of(as_of or clock.now())
        except DatabaseError as problem:
            raise OnearmError(f"--database {where}: cannot be read: {problem}".strip()) from problem
        path = Path(scratch) / "entries.parquet"
        write_entries(frame, path)
        yield path


def note_about_version(study: Study) -> str:
    """What to say where the study folder is none of the versions in the database; else empty."""
    from onearm.capture.models import StudyVersion

    hashes = list(StudyVersion.objects.order_by("number").values_list("hash", flat=True))
    if study.version in hashes:
        return ""
    return (
        f"Note: the study folder (version {study.version[:12]}) is none of the {len(hashes)} "
        "versions under which the data were entered."
    )


def _configure(where: str, scratch: Path) -> None:
    if where.startswith(("postgres://", "postgresql://")):
        os.environ["DATABASE_URL"] = where
        folder = scratch
    else:
        folder = Path(where)
        if not (folder / DATABASE_FILE).is_file():
            raise OnearmError(
                f"--database {where}: there is no {DATABASE_FILE} in it; name the folder that "
                "`onearm serve --data` uses, or a postgres:// address"
            )
        os.environ.pop("DATABASE_URL", None)
    os.environ["ONEARM_DATA"] = str(folder)
    # Nothing is signed here; the server's own key stays with the server.
    os.environ.setdefault("ONEARM_SECRET_KEY", "reading only")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onearm.capture.settings")
    import django

    django.setup()
