"""Study versions: a study folder taken in whole, and read back as a `Study` whenever needed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from onearm.capture import clock, trail
from onearm.capture.amendments import Reuse, reused
from onearm.capture.models import SiteVersion, StudyVersion
from onearm.capture.words import say
from onearm.errors import OnearmError
from onearm.study import load
from onearm.study.library import KEPT
from onearm.study.load import TEXT_FILES, identity_of

if TYPE_CHECKING:
    from datetime import date

    from onearm.capture.models import Site, User
    from onearm.study import Study
    from onearm.study.text import Text


MOST_NAMED = 20
"""How many of the identifiers that mean something else a message names."""


def take_in(folder: Path, *, user: User | None = None, reworded: str = "") -> StudyVersion:
    """Keep the study folder as a version; the same folder gives the version that is there.

    The library's files that the study takes are kept with it (``library/``), so that the version
    reads the same after the package's library has changed. reworded: why words of codes change and
    their meaning does not. Raises ``Problems`` where the folder cannot be loaded, and
    ``OnearmError`` where an identifier of an earlier version means something else now.
    """
    study = load(folder)
    found = StudyVersion.objects.filter(hash=study.version).first()
    if found is not None:
        return found
    changed = _same_meaning(study, reworded)
    files = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8-sig")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix.lower() in TEXT_FILES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.relative_to(folder).parts[0] != KEPT
    } | dict(study.library)
    version = StudyVersion.objects.create(
        number=StudyVersion.objects.count() + 1,
        hash=study.version,
        files=files,
        loaded_at=clock.now(),
        loaded_by=user,
    )
    trail.record(
        "study",
        "study.load",
        user=user,
        target=f"version {version.number}",
        details={"hash": version.hash} | ({"reworded": changed} if changed else {}),
        reason=reworded.strip() if changed else "",
    )
    return version


def _same_meaning(study: Study, reworded: str) -> list[str]:
    """What is worded anew in a version; raises ``OnearmError`` where a meaning changes."""
    versions = (study_of(version) for version in StudyVersion.objects.order_by("number"))
    found = reused(versions, study)
    lost = [reuse for reuse in found if not reuse.is_wording]
    if lost:
        raise OnearmError(say("amend.reused").format(what=_listed(lost)))
    if found and not reworded.strip():
        raise OnearmError(say("amend.wording").format(what=_listed(found)))
    return [str(reuse) for reuse in found]


def _listed(found: list[Reuse]) -> str:
    more = f"; ... ({len(found)})" if len(found) > MOST_NAMED else ""
    return "; ".join(str(reuse) for reuse in found[:MOST_NAMED]) + more


def study_of(version: StudyVersion) -> Study:
    """The study as that version said it; read once a process."""
    with _READING:  # people who come at once to a process that has just begun wait for one reading
        return _read(version.hash)


_READING = Lock()


@lru_cache(maxsize=8)
def _read(hash_: str) -> Study:
    version = StudyVersion.objects.get(hash=hash_)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "study"
        for name, text in version.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return load(folder)


def sites_under(version: StudyVersion, day: date) -> list[Site]:
    """The sites that the version has been released to by a day, by their codes."""
    released = SiteVersion.objects.filter(version=version, begins__lte=day).select_related("site")
    return sorted({row.site for row in released}, key=lambda site: site.code)


def title_of(version: StudyVersion) -> Text:
    """The study's title, read without the rest of the study: the head of every page shows it."""
    return _title(version.hash)


@lru_cache(maxsize=8)
def _title(hash_: str) -> Text:
    return identity_of(StudyVersion.objects.get(hash=hash_).files["study.yaml"]).title


def version_at(site: Site, day: date) -> StudyVersion | None:
    """The version under which a site enters new forms on a day; None before its first release."""
    released = SiteVersion.objects.filter(site=site, begins__lte=day).select_related("version")
    newest = released.defer("version__files").order_by("-begins", "-pk").first()
    return newest.version if newest else None
