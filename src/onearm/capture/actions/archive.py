"""Writing the whole study for the archive: the right, the files, and the line in the trail."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from onearm.capture import clock, permissions, trail
from onearm.capture.actions.export import Exported
from onearm.capture.export.archive import write_archive
from onearm.capture.export.files import zipped
from onearm.capture.export.layout import newest_study
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import User


def archive(user: User | None, *, as_of: datetime | None = None) -> Exported:
    """The whole study as it stood at a moment (now where none is given), in one zip file.

    user: None where whoever owns the database asks, on the command line. The same moment gives the
    same bytes while no state was changed since. Raises `permissions.NotAllowed`, and
    ``OnearmError`` for an empty database and a moment in the future.
    """
    now = clock.now()
    actor = permissions.actor(user, "export", None, now.date()) if user is not None else None
    study = newest_study()
    if study is None:
        raise OnearmError(say("exchange.no_study"))
    if as_of is not None and as_of > now:
        raise OnearmError(say("exchange.future"))
    moment = as_of or now
    made = Path(tempfile.mkstemp(prefix="onearm-archive-", suffix=".zip")[1])
    try:
        with tempfile.TemporaryDirectory(prefix="onearm-archive-") as scratch:
            folder = Path(scratch) / "archive"
            folder.mkdir()
            write_archive(folder, moment)
            zipped(folder, made)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    with made.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    details = {"as_of": moment.isoformat(), "sha256": digest, "formats": ["archive"]}
    trail.record("study", "export.archive", actor=actor, target=study.id, details=details)
    return Exported(made, f"{study.id}_archive_{moment:%Y%m%dT%H%M%SZ}.zip", digest, 0)
