"""Write beside, then rename: a folder or file is replaced whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onearm.errors import OnearmError

MARK = "onearm-build.json"
"""The file that tells a folder onearm made, and may replace, from one that belongs to somebody."""


class FolderInUse(OnearmError):
    """The target folder holds files that onearm did not write."""


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill; when the block ends well it takes the place of ``target``.

    If the block raises, ``target`` stays as it was and the new folder is removed. Raises
    ``FolderInUse`` before anything is written when ``target`` holds files but no ``MARK``.
    """
    refuse_foreign(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    former = target.with_name(f".{target.name}.old")
    if former.exists() and not target.exists():
        former.rename(target)  # a run was cut off between the two renames below
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        yield fresh
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(former, ignore_errors=True)
    if target.exists():
        target.rename(former)
    fresh.rename(target)
    shutil.rmtree(former, ignore_errors=True)


def refuse_foreign(target: Path) -> None:
    """Raise ``FolderInUse`` when ``target`` exists with content that onearm did not write.

    Also where it can never come to be: below a file, or in a folder that nobody may write to.
    """
    if target.is_file():
        raise FolderInUse(f"{target} is a file; name a folder for the build.")
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise FolderInUse(
            f"{target} holds files that onearm did not write (it has no {MARK}). "
            "Name a new folder, or empty this one yourself."
        )
    above = next((folder for folder in target.absolute().parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise FolderInUse(f"{target} cannot be made: {above} is a file. Name another folder.")
    if above is not None and not os.access(above, os.W_OK):
        raise FolderInUse(f"{target} cannot be made: {above} may not be written to.")


def write_beside(target: Path, content: bytes) -> None:
    """Write one file whole: beside its place first, then renamed over it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    try:
        fresh.write_bytes(content)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
