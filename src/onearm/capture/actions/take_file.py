"""Files that were handed in: tried first, kept byte by byte, loaded when somebody says so."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, trail
from onearm.capture.actions.ranges import Account as Ranges
from onearm.capture.actions.ranges import take_ranges
from onearm.capture.actions.take_csv import Account, Plan, take_csv
from onearm.capture.actions.take_entries import Taken, take_entries
from onearm.capture.models import StudyVersion, TakenFile
from onearm.capture.words import say
from onearm.errors import OnearmError
from onearm.records.entry import check_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from onearm.capture.models import User
    from onearm.store.odm import OdmFile
    from onearm.study.odm import Names

TRIED, LOADED = "tried", "loaded"
FATES = ("new", "changed", "same", "refused")
"""What becomes of a line: stored, or the same as before, or refused."""

KINDS = ("entries", "odm", "csv")
RANGES = "ranges"
"""A file of normal ranges of laboratories: not data of subjects, and kept under its own right."""

MOST_BYTES = 100 * 1024 * 1024
LONGEST_NAME = 160
"""Signs of a file's name that are kept: with the start of its hash it fits into the trail."""


class _Unplaced(OnearmError):
    """Values of the file that have no place in the study."""


def keep(user: User, name: str, kind: str, content: bytes) -> TakenFile:
    """Keep a file that somebody means to load; the same file is kept once.

    Raises `permissions.NotAllowed`, and ``OnearmError`` for an empty or very large file.
    """
    right = "ranges.edit" if kind == RANGES else "import"
    actor = permissions.actor(user, right, None, clock.now().date())
    if kind not in (*KINDS, RANGES):
        raise OnearmError(say("import.kind").format(kind=kind, known=", ".join(KINDS)))
    if not content:
        raise OnearmError(say("import.empty"))
    if len(content) > MOST_BYTES:
        raise OnearmError(say("import.large").format(most=MOST_BYTES // (1024 * 1024)))
    digest = hashlib.sha256(content).hexdigest()
    known = TakenFile.objects.filter(sha256=digest, kind=kind, user=user).first()
    if known is not None:
        return known
    details = {"sha256": digest, "kind": kind, "bytes": len(content)}
    with transaction.atomic():
        made = TakenFile.objects.create(
            name=Path(name).name[:LONGEST_NAME],
            kind=kind,
            sha256=digest,
            content=content,
            account={"state": TRIED},
            user=user,
            at=clock.now(),
        )
        trail.record("study", "import.file", actor=actor, target=made.name, details=details)
    return made


def read_original(user: User, file: TakenFile) -> bytes:
    """The file as it was handed in; that it was read goes to the trail, as any data that leave.

    Raises `permissions.NotAllowed`.
    """
    actor = permissions.actor(user, "import", None, clock.now().date())
    details = {"sha256": file.sha256}
    trail.record("study", "export.original", actor=actor, target=file.name, details=details)
    return bytes(file.content)


@transaction.atomic
def load_lines(user: User, file: TakenFile, plan: Plan, *, is_dry: bool) -> Account:
    """Try or load a CSV file of results (`take_csv`), and keep its account with it."""
    made = take_csv(user, bytes(file.content), plan, source=_source(file), is_dry=is_dry)
    _remember(file, made.count, len(made.lines), is_dry=is_dry)
    return made


@transaction.atomic
def load_ranges(user: User, file: TakenFile, *, replaces: bool, is_dry: bool) -> Ranges:
    """Try or load a file of normal ranges (`take_ranges`), and keep its account with it."""
    made = take_ranges(
        user, bytes(file.content), replaces=replaces, source=_source(file), is_dry=is_dry
    )
    _remember(file, made.count, len(made.lines), is_dry=is_dry)
    return made


@transaction.atomic
def load_entries(user: User, file: TakenFile, *, is_dry: bool) -> Taken:
    """Try or load a file of entries or an ODM file of this study's data, and keep its account."""
    made = take_entries(user, entries_in(file), source=_source(file), is_dry=is_dry)
    _remember(file, made.count, made.read, is_dry=is_dry)
    return made


def entries_in(file: TakenFile) -> pl.DataFrame:
    """The entries in a kept file; raises ``OnearmError`` where it cannot be read."""
    from onearm.store import read_entries  # readers of files: no page but this needs them
    from onearm.store.odm import read_odm

    with tempfile.TemporaryDirectory(prefix="onearm-import-") as scratch:
        ending = {"odm": ".xml"}.get(file.kind, Path(file.name).suffix or ".csv")
        path = Path(scratch) / f"file{ending}"
        path.write_bytes(bytes(file.content))
        try:
            if file.kind == "odm":
                return _of_odm(read_odm(path))
            return check_shape(read_entries(path))
        except _Unplaced:
            raise
        except OnearmError as problem:
            # What is wrong inside a file is the reader's to say, in the words of that ring.
            why = str(problem).replace(f"{path}", file.name).replace(path.name, file.name)
            text = say("import.unreadable").format(name=file.name, why=why)
            raise OnearmError(text) from problem


def _of_odm(read: OdmFile) -> pl.DataFrame:
    """Values by the names under which the study was drafted, else by the file's own metadata."""
    from onearm.store.odm import odm_entries
    from onearm.study.odm.names import named

    names = named(read.metadata)
    if not read.metadata.is_ours and (drafted := _names()).items:
        names = drafted
    frame = odm_entries(read, names, read.account)
    left = read.account.read["ItemData"] - read.account.carried("ItemData")
    if left:
        why = [
            r for line in read.account.lines() if line.kind == "ItemData" for r, _ in line.reasons
        ]
        raise _Unplaced(say("import.unplaced").format(n=left, why="; ".join(why)))
    return frame


def _names() -> Names:
    """Where the OIDs of foreign files went when the study was drafted from one."""
    from onearm.study.odm import Names

    newest = StudyVersion.objects.order_by("-number").first()
    text = newest.files.get("odm/names.csv", "") if newest else ""
    return Names.from_csv(text) if text else Names()


def _source(file: TakenFile) -> str:
    return f"{file.name[:LONGEST_NAME]} (SHA-256 {file.sha256[:16]})"


def _remember(file: TakenFile, count: Callable[[str], int], read: int, *, is_dry: bool) -> None:
    """Keep what became of the lines; a file that was loaded keeps that account when it is tried
    again."""
    if is_dry and file.account.get("state") == LOADED:
        return
    file.account = {
        **{fate: count(fate) for fate in FATES},
        "read": read,
        "state": TRIED if is_dry else LOADED,
    }
    if not is_dry:
        file.at = clock.now()
    file.save(update_fields=["account", "at"])


__all__ = [
    "FATES",
    "KINDS",
    "LOADED",
    "RANGES",
    "TRIED",
    "Plan",
    "entries_in",
    "keep",
    "load_entries",
    "load_lines",
    "load_ranges",
    "read_original",
]
