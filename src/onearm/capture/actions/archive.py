"""Writing the whole study for the archive: the right, the files, and the line in the trail."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from onearm.capture import clock, permissions, trail
from onearm.capture.actions.export import Exported
from onearm.capture.actions.under_way import settled_now
from onearm.capture.export.archive import write_archive
from onearm.capture.export.files import scratch_zip, sha256_of, zipped
from onearm.capture.export.layout import newest_study
from onearm.capture.models import StudyVersion
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import User


def archive(user: User | None, *, as_of: datetime | None = None) -> Exported:
    """The whole study as it stood at a moment (now where none is given), in one zip file.

    user: None where whoever owns the database asks, on the command line. The same moment gives the
    same bytes while no state was changed since. Raises `permissions.NotAllowed`, and
    ``OnearmError`` for a moment in the future and for one at which the database held no study.
    """
    today = clock.now().date()
    actor = permissions.actor(user, "export", None, today) if user is not None else None
    if as_of is not None and as_of > clock.now():
        raise OnearmError(say("exchange.future"))
    now = settled_now()
    moment = as_of or now
    study = newest_study()
    if study is None or not StudyVersion.objects.filter(loaded_at__lte=moment).exists():
        raise OnearmError(say("exchange.no_study"))
    with scratch_zip() as made:
        with tempfile.TemporaryDirectory(prefix="onearm-archive-") as scratch:
            write_archive(Path(scratch), moment)
            zipped(Path(scratch), made)
        digest = sha256_of(made)
        details = {"as_of": moment.isoformat(), "sha256": digest, "formats": ["archive"]}
        trail.record("study", "export.archive", actor=actor, target=study.id, details=details)
    return Exported(made, f"{study.id}_archive_{moment:%Y%m%dT%H%M%SZ}.zip", digest, 0)
