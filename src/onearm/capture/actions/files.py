"""Files of forms: known by content, bounded in size, hashed, encrypted on disk, never replaced."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import puremagic
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import transaction

from onearm.capture import clock, permissions, states, trail
from onearm.capture.models import Attachment
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import FormInstance, User

LARGEST = 20 * 1024 * 1024
"""Bytes of one file."""

ALLOWED = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/tiff": (".tif", ".tiff"),
    "application/dicom": (".dcm",),
}
"""Media types that may be attached, with the endings their names may have."""

SIGNS: dict[str, tuple[int, tuple[bytes, ...]]] = {
    "application/pdf": (0, (b"%PDF-",)),
    "image/png": (0, (b"\x89PNG\r\n\x1a\n",)),
    "image/jpeg": (0, (b"\xff\xd8\xff",)),
    "image/tiff": (0, (b"II*\x00", b"MM\x00*")),
    "application/dicom": (128, (b"DICM",)),
}
"""Where each type says what it is, by its specification."""

FOLDER, KEY = "files", "files.key"


class FileRefused(OnearmError):
    """The file cannot be taken; the message says why."""


class FileDamaged(OnearmError):
    """The stored file is not there or is not what was stored."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: its name and its bytes."""

    name: str
    content: bytes


def attach(
    user: User, instance: FormInstance, upload: Upload, *, instead_of: Attachment | None = None
) -> Attachment:
    """Keep a file with a form; ``instead_of`` is then superseded, and stays.

    Raises `permissions.NotAllowed`, `states.Held` and `FileRefused`; then nothing is kept.
    """
    subject = instance.event.subject
    actor = permissions.actor(user, "file.attach", subject.site, clock.now().date())
    name = _clean(upload.name)
    media_type = _type_of(name, upload.content)
    if instead_of is not None and instead_of.instance_id != instance.pk:
        raise FileRefused(say("files.not_current"))
    stored_as = secrets.token_hex(24)
    path = _folder() / stored_as
    try:
        with transaction.atomic():
            states.require_open(states.targets(form=instance))
            made = Attachment.objects.create(
                instance=instance,
                name=name,
                media_type=media_type,
                size=len(upload.content),
                sha256=hashlib.sha256(upload.content).hexdigest(),
                stored_as=stored_as,
                user=user,
                at=clock.now(),
            )
            if instead_of is not None:
                current = Attachment.objects.filter(pk=instead_of.pk, superseded_by=None)
                if not current.update(superseded_by=made):
                    raise FileRefused(say("files.not_current"))
            details = {"name": name, "sha256": made.sha256, "form": instance.form}
            if instead_of is not None:
                details["supersedes"] = instead_of.sha256
            trail.record(
                f"subject:{subject.code}",
                "file.attach",
                actor=actor,
                site=subject.site,
                target=f"file {made.pk}",
                details=details,
            )
            _write(path, _fernet().encrypt(upload.content))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return made


def content(user: User, attachment: Attachment) -> bytes:
    """The bytes of a file, and a line in the trail that they were read.

    Raises `permissions.NotAllowed`, and `FileDamaged` where they are not what was stored.
    """
    subject = attachment.instance.event.subject
    actor = permissions.actor(user, "form.view", subject.site, clock.now().date())
    plain = deciphered(attachment)
    trail.record(
        f"subject:{subject.code}",
        "file.read",
        actor=actor,
        site=subject.site,
        target=f"file {attachment.pk}",
        details={"name": attachment.name},
    )
    return plain


def deciphered(attachment: Attachment) -> bytes:
    """The bytes of a file for acts that have a right and a line in the trail of their own.

    Raises `FileDamaged` where they are not what was stored.
    """
    try:
        plain = _fernet().decrypt((_folder() / attachment.stored_as).read_bytes())
    except (OSError, InvalidToken) as problem:
        raise FileDamaged(say("files.unreadable").format(name=attachment.name)) from problem
    if hashlib.sha256(plain).hexdigest() != attachment.sha256:
        raise FileDamaged(say("files.changed").format(name=attachment.name))
    return plain


def _type_of(name: str, given: bytes) -> str:
    """The media type by content; the ending of the name has to fit it."""
    if not given:
        raise FileRefused(say("files.empty").format(name=name))
    if len(given) > LARGEST:
        most = LARGEST // (1024 * 1024)
        raise FileRefused(say("files.large").format(name=name, most=most))
    found = next(
        (kind for kind, (at, signs) in SIGNS.items() if given[at : at + 16].startswith(signs)), None
    )
    if found is None:
        raise FileRefused(say("files.kind").format(name=name, found=_guess(given)))
    if Path(name).suffix.lower() not in ALLOWED[found]:
        raise FileRefused(say("files.ending").format(name=name, found=found))
    return found


def _guess(given: bytes) -> str:
    """What the content seems to be, for the message."""
    try:
        return str(puremagic.from_string(given[:4096], mime=True)) or say("files.unknown")
    except (puremagic.PureError, ValueError):
        return say("files.unknown")


def _clean(name: str) -> str:
    """The last part of the name without signs that mean something to a shell or a header."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in last if sign.isprintable() and sign not in '"<>|:*?;')
    return kept.strip(" .")[-120:] or "file"


def _folder() -> Path:
    folder = Path(settings.DATA) / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _fernet() -> Fernet:
    """The key of all files, made once; without it none can be read, so it is backed up too."""
    path = Path(settings.DATA) / KEY
    with suppress(FileExistsError):
        _write(path, Fernet.generate_key())
    return Fernet(path.read_bytes())


def _write(path: Path, content: bytes) -> None:
    """Write a new file that only its owner reads, to the disk itself."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
