"""The whole study as files that can be read without this software, for the archive (check 39)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import BinaryField, JSONField

from onearm.capture import entries as entry_frames
from onearm.capture.actions.files import deciphered
from onearm.capture.chain import canonical
from onearm.capture.export.files import sha256_of, write_tables, write_whole
from onearm.capture.export.tables import Selection, tables
from onearm.capture.models import (
    Attachment,
    AuditEvent,
    FormInstance,
    FormVersion,
    Site,
    StudyVersion,
    TakenFile,
)
from onearm.capture.studies import study_of

if TYPE_CHECKING:
    from django.db.models import Field, Model, QuerySet

ELSEWHERE = frozenset({"FormInstance", "FormVersion", "AuditEvent", "TrailHead", "StudyVersion"})
"""Tables that stand in ``study/`` and ``trail/`` in a form of their own."""

INSIDE = frozenset({"ApiKey", "DateShift", "Draft"})
"""What never leaves: keys, the days by which dates are moved, text that nobody saved."""

SECRET = frozenset({"password", "last_login", "stored_as"})
"""Columns that say nothing of the study: how accounts prove themselves, names on the disk."""

MADE = ("at", "opened_at", "made_at", "created_at", "requested_at", "set_at", "given_at")
"""Columns that say when a row was made, the first that a table has."""

FORMS = ("form", "site", "subject", "visit", "repeat", "form_name", "version", "head")
SAVES = (
    "form", "version", "delta", "user", "role", "at", "reason", "origin", "study_version",
    "previous", "hash", "redacted_hash",
)  # fmt: skip
ACTS = (
    "stream", "number", "action", "target", "details", "user", "role", "site", "at", "reason",
    "previous", "hash",
)  # fmt: skip

Cells = Sequence[object]


def write_archive(folder: Path, as_of: datetime) -> None:
    """Write everything that had been captured at a moment; the same moment gives the same bytes.

    What is in it is said in ``README.txt``, written beside; ``verify.py`` checks it. Raises
    `actions.files.FileDamaged` where an attached file cannot be read, and ``Problems`` where ODM
    cannot hold a value: an archive that lacks something is none.
    """
    versions = list(StudyVersion.objects.filter(loaded_at__lte=as_of).order_by("number"))
    _definitions(folder / "study", versions)
    _data(folder, versions, as_of)
    _trail(folder / "trail", as_of)
    _others(folder / "tables", as_of)
    _attached(folder / "files", as_of)
    for taken in TakenFile.objects.filter(at__lte=as_of).order_by("pk").iterator():
        _bytes(folder / "imports" / f"{taken.pk}-{_plain(taken.name)}", bytes(taken.content))
    own = files("onearm.capture.export")
    _bytes(folder / "verify.py", own.joinpath("verify.py").read_bytes())
    readme = own.joinpath("archive_readme.txt").read_text(encoding="utf-8")
    newest = versions[-1]
    said = readme.format(
        study=study_of(newest).id, as_of=as_of.isoformat(), version=newest.number, hash=newest.hash
    )
    _bytes(folder / "README.txt", said.encode())
    _manifest(folder)


def _definitions(folder: Path, versions: Iterable[StudyVersion]) -> None:
    about: list[Cells] = []
    items: list[Cells] = []
    codes: list[Cells] = []
    for version in versions:
        name = f"version-{version.number:03d}"
        study = study_of(version)
        for path, text in {**study.library, **version.files}.items():
            _bytes(folder / name / path, text.encode())
        about.append((version.number, name, version.hash, version.loaded_at.isoformat()))
        for form in study.forms.values():
            for item in form.items:
                where = (version.number, form.form, item.name)
                told = (item.type, item.unit, item.label.en, item.label.zh, item.identifies)
                items.append((*where, *told))
                for choice in study.choices(item):
                    codes.append((*where, choice.code, choice.label.en, choice.label.zh))
    _table(folder / "versions.csv", ("number", "folder", "hash", "loaded_at"), about)
    head = ("version", "form", "item", "type", "unit", "en", "zh", "identifies")
    _table(folder / "items.csv", head, items)
    _table(folder / "codes.csv", ("version", "form", "item", "code", "en", "zh"), codes)


def _data(folder: Path, versions: Sequence[StudyVersion], as_of: datetime) -> None:
    study = study_of(versions[-1])
    selection = Selection(sites=tuple(Site.objects.order_by("code")), as_of=as_of)
    write_tables(
        tables(selection), folder / "data", formats=("csv",), study=study.id, created=as_of
    )
    entries = entry_frames.as_of(as_of)
    rows = (tuple("" if cell is None else cell for cell in row) for row in entries.iter_rows())
    _table(folder / "data" / "entries.csv", entries.columns, rows)
    (folder / "odm").mkdir()
    write_whole(
        study,
        selection,
        entries,
        folder / "odm",
        formats=("odm", "odm_audit", "odm2", "odm2_audit"),
        created=as_of,
        files=versions[-1].files,
        former=[study_of(version) for version in reversed(versions[:-1])],
    )


def _trail(folder: Path, as_of: datetime) -> None:
    saves = FormVersion.objects.filter(at__lte=as_of).order_by("instance_id", "version")
    _table(folder / "saves.csv", SAVES, map(_save, _streamed(saves.prefetch_related("redacted"))))
    newest = {
        pk: (version, hash_)
        for pk, version, hash_ in saves.values_list("instance_id", "version", "hash").iterator()
    }
    place = (
        "pk", "event__subject__site__code", "event__subject__code", "event__visit",
        "event__repeat", "form",
    )  # fmt: skip
    forms = FormInstance.objects.order_by("pk").values_list(*place)
    known = ((*row, *newest[row[0]]) for row in forms.iterator() if row[0] in newest)
    _table(folder / "forms.csv", FORMS, known)
    acts = AuditEvent.objects.filter(at__lte=as_of).order_by("stream", "number")
    _table(folder / "acts.csv", ACTS, map(_act, acts.iterator()))


def _save(version: FormVersion) -> Cells:
    marked = max(version.redacted.all(), key=lambda mark: mark.pk, default=None)
    return (
        version.instance_id, version.version, canonical(version.delta), version.user_id,
        version.role, version.at.isoformat(), version.reason, version.origin,
        version.study_version_id, version.previous, version.hash, marked.hash if marked else "",
    )  # fmt: skip


def _act(event: AuditEvent) -> Cells:
    return (
        event.stream, event.number, event.action, event.target, canonical(event.details),
        event.user_id, event.role, event.site_id, event.at.isoformat(), event.reason,
        event.previous, event.hash,
    )  # fmt: skip


def _streamed(found: QuerySet[FormVersion]) -> Iterator[FormVersion]:
    return found.iterator(chunk_size=1000)


def _others(folder: Path, as_of: datetime) -> None:
    """Every other table as it is kept, whatever is added to them: nothing is forgotten here."""
    about: list[Cells] = []
    models = sorted(apps.get_app_config("capture").get_models(), key=lambda model: model.__name__)
    for model in models:
        if model.__name__ in ELSEWHERE | INSIDE:
            continue
        columns = [
            f
            for f in model._meta.concrete_fields
            if f.attname not in SECRET and not isinstance(f, BinaryField)
        ]
        made = next((f.attname for name in MADE for f in columns if f.attname == name), "")
        found = model._default_manager.order_by("pk")
        if made:
            found = found.filter(**{f"{made}__lte": as_of})
        name = f"{model.__name__.lower()}.csv"
        rows = ([_cell(row, f) for f in columns] for row in found.iterator())
        count = _table(folder / name, [f.name for f in columns], rows)
        about.append((name, count, " ".join((model.__doc__ or "").split("\n\n")[0].split())))
    _table(folder / "tables.csv", ("table", "rows", "what"), about)


def _cell(row: Model, column: Field[Any, Any]) -> object:
    value = getattr(row, column.attname)
    if isinstance(column, JSONField):
        return canonical(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _attached(folder: Path, as_of: datetime) -> None:
    rows: list[Cells] = []
    found = Attachment.objects.filter(at__lte=as_of).order_by("pk")
    for one in found.select_related("instance__event__subject__site", "user"):
        event = one.instance.event
        name = f"{one.pk}-{_plain(one.name)}"
        _bytes(folder / name, deciphered(one))
        where = (event.subject.site.code, event.subject.code, event.visit, event.repeat)
        rows.append(
            (name, one.name, one.sha256, *where, one.instance.form, one.user.username,
             one.at.isoformat(), one.superseded_by_id)
        )  # fmt: skip
    head = (
        "file", "name", "sha256", "site", "subject", "visit", "repeat", "form", "user", "at",
        "superseded_by",
    )  # fmt: skip
    _table(folder / "files.csv", head, rows)


def _manifest(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [
        (path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path))
        for path in paths
    ]
    _table(folder / "MANIFEST.csv", ("path", "bytes", "sha256"), rows)


def _table(path: Path, head: Sequence[str], rows: Iterable[Cells]) -> int:
    """Write a table of text; how many rows it has. Cells stand as they are, for programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = -1
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in chain((head,), rows):
            writer.writerow(row)
            count += 1
    return count


def _bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _plain(name: str) -> str:
    """A name that any system can hold."""
    return "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in name)[-120:]
