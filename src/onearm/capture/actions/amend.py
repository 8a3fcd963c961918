"""Amendments: a version of the study taken in, and looked at before a site is given it."""

from __future__ import annotations

import io
import lzma
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, studies, trail
from onearm.capture.actions.under_way import one_at_a_time
from onearm.capture.models import AuditEvent
from onearm.capture.models import StudyVersion as Version
from onearm.capture.words import say
from onearm.errors import OnearmError, Problems
from onearm.study.load import TEXT_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from onearm.capture.models import User

MOST_BYTES = 20 * 1024 * 1024
MOST_FILES = 500

LOOK = "study.look"
"""The act of having looked at every form and check of a version before it goes to a site."""


@dataclass(frozen=True, slots=True)
class Look:
    """Who looked at a version, in which role, and when."""

    who: str
    role: str
    at: datetime


def record_look(user: User, version: Version) -> None:
    """Put into the trail that the person looked at the forms and checks of a version.

    For whoever loads, releases or migrates; raises `permissions.NotAllowed`.
    """
    today = clock.now().date()
    rights = ("study.load", "study.release", "study.migrate")
    held = next((r for r in rights if permissions.can(user, r, None, today)), rights[0])
    actor = permissions.actor(user, held, None, today)
    trail.record(
        "study",
        LOOK,
        actor=actor,
        target=f"version {version.number}",
        details={"hash": version.hash},
    )


def looked_at(version: Version) -> list[Look]:
    """Every look at a version that was recorded, first to last."""
    acts = AuditEvent.objects.filter(
        stream="study", action=LOOK, target=f"version {version.number}"
    ).select_related("user")
    return [
        Look((a.user.get_full_name() or a.user.username) if a.user else "", a.role, a.at)
        for a in acts.order_by("number")
    ]


def take_in(user: User, folder: Path, *, reworded: str = "") -> Version:
    """Keep the study folder as a version that can be released to sites.

    reworded: why words of codes change and their meaning does not. Raises
    `permissions.NotAllowed`, ``Problems`` where the folder cannot be loaded, and ``OnearmError``
    where an identifier of an earlier version has another meaning (`amendments.reused`).
    """
    permissions.actor(user, "study.load", None, clock.now().date())
    try:
        with transaction.atomic():
            one_at_a_time()  # a version's number is one more than there are
            return studies.take_in(folder, user=user, reworded=reworded)
    except Problems as problem:
        raise Problems(problem.findings, say("amend.unreadable")) from problem


def take_in_zip(user: User, content: bytes, *, reworded: str = "") -> Version:
    """The same for a zip file of the folder; only text files of a study are taken from it.

    Raises ``OnearmError`` besides for what is no zip file, is too large or names paths outside.
    """
    permissions.actor(user, "study.load", None, clock.now().date())
    with tempfile.TemporaryDirectory(prefix="onearm-study-") as scratch:
        folder = _unpacked(content, Path(scratch))
        return take_in(user, folder, reworded=reworded)


def _unpacked(content: bytes, scratch: Path) -> Path:
    if len(content) > MOST_BYTES:
        raise _too_large()
    try:
        bundle = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as problem:
        raise OnearmError(say("amend.no_zip")) from problem
    inside = [about for about in bundle.infolist() if not about.is_dir()]
    if len(inside) > MOST_FILES or sum(about.file_size for about in inside) > MOST_BYTES:
        raise _too_large()
    for about in _studies_files(inside):
        try:
            _unpack(bundle, about, scratch)
        except _UNREADABLE as problem:
            raise OnearmError(say("amend.zip_damaged").format(path=about.filename)) from problem
    found = sorted(scratch.rglob("study.yaml"), key=lambda path: len(path.parts))
    if not found:
        raise OnearmError(say("amend.no_study"))
    return found[0].parent


_UNREADABLE = (
    zipfile.BadZipFile,  # a wrong checksum
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # encrypted, or compressed in a way that is not known
    OSError,  # a name that no disk takes, or one that is a file and a folder
    ValueError,  # not UTF-8, or a name with a null in it
)
"""What the reading of one file out of a zip file raises."""


def _unpack(bundle: zipfile.ZipFile, about: zipfile.ZipInfo, scratch: Path) -> None:
    target = (scratch / about.filename).resolve()
    if not target.is_relative_to(scratch.resolve()):
        raise OnearmError(say("amend.zip_outside").format(path=about.filename))
    content = bundle.read(about)
    if target.suffix.lower() not in (".yaml", ".yml"):  # loading names the line of those
        content.decode("utf-8-sig")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _too_large() -> OnearmError:
    limits = {"files": MOST_FILES, "megabytes": MOST_BYTES // (1024 * 1024)}
    return OnearmError(say("amend.zip_large").format(**limits))


def _studies_files(inside: Iterable[zipfile.ZipInfo]) -> Iterator[zipfile.ZipInfo]:
    for about in inside:
        path = Path(about.filename)
        if path.suffix.lower() in TEXT_FILES and not any(p.startswith("._") for p in path.parts):
            yield about
