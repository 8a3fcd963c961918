"""Taking data out: the right, the files, and the line in the trail, whoever asks."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from onearm.capture import clock, permissions, trail, words
from onearm.capture import entries as entry_frames
from onearm.capture.actions.under_way import settled_now
from onearm.capture.export import files as written
from onearm.capture.export.deidentify import entries_without_names, offsets, without_names
from onearm.capture.export.layout import newest_study, sheets
from onearm.capture.export.tables import Selection, tables
from onearm.capture.models import AuditEvent, FormInstance, Site, StudyVersion
from onearm.capture.studies import study_of
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from django.db.models import QuerySet

    from onearm.capture.export.tables import Table
    from onearm.capture.models import User
    from onearm.capture.permissions import Actor
    from onearm.study import Study


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for. Empty collections mean all that the person may export.

    with_names: identifying items and true dates too, which needs a right of its own. language: of
    labels where a format holds them in one language; empty for that of the person's pages.
    """

    formats: Collection[str] = ("parquet",)
    sites: Collection[str] = ()
    subjects: Collection[str] = ()
    forms: Collection[str] = ()
    as_of: datetime | None = None
    only_complete: bool = False
    with_names: bool = False
    language: Literal["", "en", "zh"] = ""


@dataclass(frozen=True, slots=True)
class Exported:
    """One zip file, its SHA-256 and the rows in it. Whoever asked for it deletes it."""

    path: Path
    name: str
    sha256: str
    rows: int


def export(user: User | None, wanted: Wanted, *, target: str = "") -> Exported:
    """Write the export into a temporary zip file and record who took what out.

    user: None where whoever owns the database asks, on the command line. target: what the trail
    names as taken, where it is a thing of its own. Raises `permissions.NotAllowed`;
    ``OnearmError`` for no format or an unknown one, a site or form that is not the person's to
    export, a moment in the future, an empty database, and ODM with the audit record where names
    must stay inside; ``Problems`` where a format cannot hold the data. A refused export is not
    recorded: nothing left.
    """
    actor = _actor(user, with_names=wanted.with_names)
    _refuse_unknown(wanted)
    if wanted.as_of is not None:
        settled_now()  # else a save that began before the moment could end after the export
    selection = selection_for(user, wanted)
    study = newest_study()
    if study is None:
        raise OnearmError(say("error.no_study"))
    created = wanted.as_of or clock.now()
    with written.scratch_zip() as made:
        with tempfile.TemporaryDirectory(prefix="onearm-export-") as scratch:
            rows = _write(study, selection, wanted, Path(scratch), created)
            written.zipped(Path(scratch), made)
        digest = written.sha256_of(made)
        details = {**_details(wanted, selection), "rows": rows, "sha256": digest}
        trail.record("study", "export", actor=actor, target=target, details=details)
    return Exported(made, f"{study.id}_{created:%Y%m%dT%H%M%SZ}.zip", digest, rows)


def _write(
    study: Study, selection: Selection, wanted: Wanted, folder: Path, created: datetime
) -> int:
    """Every file of an export; how many rows its tables have."""
    days = {} if wanted.with_names else offsets()
    found = tables(selection)
    rows = written.write_tables(
        found if wanted.with_names else _nameless(found, days),
        folder,
        formats=[form for form in written.TABLES if form in wanted.formats],
        study=study.id,
        created=created,
        language=wanted.language or words.language(),
    )
    if set(wanted.formats) & set(written.WHOLE):
        newest, *former = StudyVersion.objects.order_by("-number")
        entries = entries_of(selection)
        if not wanted.with_names:
            entries = entries_without_names(entries, sheets(), days)
        written.write_whole(
            study,
            selection,
            entries,
            folder,
            formats=wanted.formats,
            created=created,
            files=newest.files,
            former=[study_of(version) for version in former],
        )
    return rows


def taken_out(user: User) -> QuerySet[AuditEvent]:
    """Who took what out, newest first; for those who may export. Raises `NotAllowed`."""
    today = clock.now().date()
    if not permissions.can(user, "export", None, today):
        permissions.actor(user, "export.deidentified", None, today)
    found = AuditEvent.objects.filter(action__in=("export", "export.archive"))
    return found.select_related("user").order_by("-at", "-pk")


def selection_for(user: User | None, wanted: Wanted) -> Selection:
    """What is asked for, within the sites that the person's right reaches (None: all).

    Raises ``OnearmError`` naming a site that it does not reach, or a form that no version has.
    """
    right = "export" if wanted.with_names else "export.deidentified"
    mine = Site.objects.all()
    if user is not None:
        mine = permissions.sites_of(user, right, clock.now().date())
    if wanted.sites:
        lost = set(wanted.sites) - {site.code for site in mine}
        if lost:
            raise OnearmError(say("export.site").format(site=min(lost)))
        mine = mine.filter(code__in=wanted.sites)
    lost = set(wanted.forms) - set(sheets())
    if lost:
        raise OnearmError(say("export.no_form").format(form=min(lost)))
    return Selection(
        sites=tuple(mine),
        subjects=wanted.subjects,
        forms=wanted.forms,
        as_of=wanted.as_of,
        only_complete=wanted.only_complete,
    )


def entries_of(selection: Selection) -> pl.DataFrame:
    """The long frame of entries of a selection."""
    forms = FormInstance.objects.filter(event__subject__site__in=list(selection.sites))
    if selection.subjects:
        forms = forms.filter(event__subject__code__in=list(selection.subjects))
    if selection.forms:
        forms = forms.filter(form__in=list(selection.forms))
    if selection.only_complete:
        forms = forms.filter(is_complete=True)
    if selection.as_of is None:
        return entry_frames.of_forms(forms)
    return entry_frames.as_of(selection.as_of, forms)


def _actor(user: User | None, *, with_names: bool) -> Actor | None:
    if user is None:
        return None
    right = "export" if with_names else "export.deidentified"
    return permissions.actor(user, right, None, clock.now().date())


def _refuse_unknown(wanted: Wanted) -> None:
    unknown = set(wanted.formats) - set(written.FORMATS)
    if unknown:
        known = ", ".join(written.FORMATS)
        raise OnearmError(say("export.no_format").format(format=min(unknown), known=known))
    if not wanted.formats:
        raise OnearmError(say("export.choose"))
    if set(written.HISTORIES) & set(wanted.formats) and not wanted.with_names:
        raise OnearmError(say("export.audit_names"))
    if wanted.as_of is not None and wanted.as_of > clock.now():
        moment = f"{wanted.as_of:%Y-%m-%d %H:%M:%S}"
        raise OnearmError(say("error.future").format(moment=moment))


def _nameless(found: Iterator[Table], days: dict[str, int]) -> Iterator[Table]:
    for table in found:
        yield without_names(table, days)


def _details(wanted: Wanted, selection: Selection) -> dict[str, object]:
    return {
        "formats": sorted(wanted.formats),
        "sites": sorted(site.code for site in selection.sites),
        "subjects": sorted(wanted.subjects),
        "forms": sorted(wanted.forms),
        "as_of": wanted.as_of.isoformat() if wanted.as_of else "",
        "only_complete": wanted.only_complete,
        "with_names": wanted.with_names,
    }
