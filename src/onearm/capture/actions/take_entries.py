"""Loading entries from a file: judged like entry by hand, all in one transaction or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
from django.db import transaction

from onearm import records
from onearm.capture import clock, permissions, states, trail, zones
from onearm.capture import entries as entry_frames
from onearm.capture.actions.keep import break_signatures
from onearm.capture.actions.queries import follow_checks
from onearm.capture.actions.recalculate import recalculate
from onearm.capture.actions.sae import follow_serious
from onearm.capture.actions.under_way import locked, one_at_a_time
from onearm.capture.actions.visits import keep_date, settle_stage
from onearm.capture.chain import START, link
from onearm.capture.checking import refusing
from onearm.capture.document import KEY, Cell, Document, applied, delta, empty, row_keys
from onearm.capture.models import (
    EventInstance,
    FormInstance,
    FormVersion,
    Hold,
    Site,
    Subject,
)
from onearm.capture.ranges_load import Loaded, with_ranges_all
from onearm.capture.studies import study_of, version_at
from onearm.capture.trail import version_content
from onearm.capture.wording import finding_text
from onearm.capture.words import kept, say
from onearm.errors import Finding, Place
from onearm.records.entry import check_shape
from onearm.records.places import subject_label, visit_label

if TYPE_CHECKING:
    from datetime import datetime

    from onearm.capture.models import StudyVersion, User
    from onearm.study import Study

Where = tuple[str, str, str, int, str]
"""Site, subject, visit, repeat, form."""

BATCH = 500


@dataclass(frozen=True, slots=True)
class Row:
    """What loading does with one form: ``new``, ``changed``, ``same`` or ``refused``, and why."""

    where: Where
    fate: str
    values: int
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """The account of a file: every value in is stored, the same as before, or refused."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    read: int
    is_dry: bool

    def count(self, *fates: str) -> int:
        """Values in the forms of these fates."""
        return sum(row.values for row in self.rows if row.fate in fates)


@dataclass(slots=True)
class _Load:
    """One form of the file on its way in; subject, visit and form are None where they are new."""

    where: Where
    cells: list[Cell]
    subject: Subject | None = None
    event: EventInstance | None = None
    instance: FormInstance | None = None
    change: Document = field(default_factory=empty)


def take_entries(user: User, entries: pl.DataFrame, *, source: str, is_dry: bool = False) -> Taken:
    """Load entries (``onearm.records.entry.ENTRY``); row keys are kept as the file gives them.

    source: the file's name, for the reason in the history. is_dry: say what would happen and write
    nothing. A form with an impossible value or one for a row that was taken out, of an unknown site
    or another site's subject, or frozen or locked (itself, its visit, its subject or above) is
    refused whole, with its reasons; all other forms are loaded. Calculated items that the file does
    not give are calculated. Subjects that are not there are added as enrolled.
    Needs the right ``import`` at every site of the file. Raises ``Problems`` where the frame cannot
    be read and `permissions.NotAllowed`.
    """
    entries = entry_frames.in_order(check_shape(entries))
    sites = {site.code: site for site in Site.objects.filter(code__in=entries["SITEID"].unique())}
    today = clock.now().date()
    actors = {c: permissions.actor(user, "import", s, today) for c, s in sites.items()}
    with transaction.atomic():
        loads = list(_loads(entries, sites))
        versions = {code: version_at(site, zones.today(site)) for code, site in sites.items()}
        reasons, findings = _refusals(entries, sites, versions)
        rows: list[Row] = []
        kept: list[_Load] = []
        held = _all_held()
        for one in loads:
            one.change = delta(one.instance.data if one.instance else empty(), one.cells)
            why = [*reasons.get(one.where, ()), *_in_the_way(one, sites, held)]
            fate = "new" if one.instance is None else "changed"
            if not one.change["rows"] and one.instance is not None:
                fate = "same"
            if why:
                fate = "refused"
            rows.append(Row(one.where, fate, len(one.cells), tuple(why)))
            if fate in ("new", "changed"):
                kept.append(one)
        if not is_dry:
            _add_places(kept, sites, actors, source)
            _write(kept, versions, actors, source)
            _follow(kept, versions, actors, source)
            for code, actor in actors.items():
                trail.record(
                    "study",
                    "import",
                    actor=actor,
                    site=sites[code],
                    target=source,
                    details={"forms": sum(one.where[0] == code for one in kept)},
                )
    return Taken(tuple(rows), tuple(findings), entries.height, is_dry)


def _loads(entries: pl.DataFrame, sites: Mapping[str, Site]) -> Iterator[_Load]:
    """The forms of the file beside what stands of each; its subjects are locked."""
    codes = entries["SUBJID"].unique()
    if Subject.objects.filter(code__in=codes).count() < len(codes):
        one_at_a_time()
    subjects = locked(Subject.objects.filter(code__in=codes))
    visits = EventInstance.objects.filter(subject__site__in=sites.values())
    events = {(e.subject_id, e.visit, e.repeat): e for e in visits}
    stand = FormInstance.objects.filter(event__subject__site__in=sites.values())
    forms = {
        (form.event_id, form.form): form
        for form in stand.select_related("study_version")
        .defer("study_version__files")
        .iterator(BATCH)
    }
    by_form: dict[Where, list[Cell]] = defaultdict(list)
    for *where, row, item, value, reason in entries.iter_rows():
        by_form[tuple(where)].append(Cell(row, item, value or "", reason or ""))
    for key, cells in by_form.items():
        _, code, visit, number, form = key
        one = _Load(key, cells, subjects.get(code))
        if one.subject is not None:
            one.event = events.get((one.subject.pk, visit, number))
        if one.event is not None and one.subject is not None:
            one.event.subject = one.subject
            one.instance = forms.get((one.event.pk, form))
        if one.event is not None and one.instance is not None:
            one.instance.event = one.event
        yield one


def _refusals(
    entries: pl.DataFrame, sites: Mapping[str, Site], versions: Mapping[str, StudyVersion | None]
) -> tuple[dict[Where, list[str]], list[Finding]]:
    """Why forms of the file cannot be loaded, and every finding of the checks about it."""
    why: dict[Where, list[str]] = defaultdict(list)
    everything: list[Finding] = []
    for code in entries["SITEID"].unique().sort():
        mine = entries.filter(pl.col("SITEID") == code)
        version = versions.get(code)
        if code not in sites or version is None:
            for where in mine.select(*_WHERE).unique().iter_rows():
                key = "import.no_site" if code not in sites else "import.no_version"
                problem = say(key).format(site=code)
                why[where].append(problem)
            continue
        study = study_of(version)
        clean = records.at_cut(study, mine, cut=None)
        found = records.check(study, clean)
        everything += found
        hard = {
            (f.place.subject, f.place.visit, f.place.form): f
            for f in found
            if (f in clean.border and f.severity == "error") or refusing(study, f)
        }
        for where in mine.select(*_WHERE).unique().iter_rows():
            site, subject, visit, repeat, form = where
            place = (subject_label(site, subject), visit_label(visit, repeat), form)
            if place in hard:
                why[where].append(finding_text(study, hard[place]))
    return why, everything


_WHERE = ("SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "FORM")


def _all_held() -> frozenset[str]:
    """Every target that is frozen or locked, so that most forms need no look of their own."""
    holds = Hold.objects.filter(kind__in=states.STILL, lifted_at=None)
    return frozenset(holds.values_list("target", flat=True))


def _in_the_way(one: _Load, sites: Mapping[str, Site], all_held: frozenset[str]) -> Iterator[str]:
    """Why a form may not be written: its subject is another site's, something holds it still, or a
    row was taken out and what the file says about it would not be seen."""
    if one.subject is not None and one.subject.site.code != one.where[0]:
        yield say("import.other_site").format(subject=one.subject.code)
        return
    if one.instance is not None:
        data = one.instance.data
        gone = {*row_keys(data, removed=True)} - {*row_keys(data)}
        for row in sorted(gone & {new[KEY] for new in one.change["rows"]}):
            yield say("import.row_out").format(row=row)
    named = states.targets(
        site=sites.get(one.where[0]),
        subject=one.subject,
        event=one.event,
        form=one.instance,
        items=[(cell.row, cell.item) for cell in one.cells],
    )
    if all_held.isdisjoint(named):
        return
    try:
        states.require_open(named)
    except states.Held as held:
        yield str(held)


def _write(
    loads: list[_Load],
    versions: Mapping[str, StudyVersion | None],
    actors: Mapping[str, permissions.Actor],
    source: str,
) -> None:
    at = clock.check(trail.newest())
    new: list[FormInstance] = []
    for one in loads:
        if one.instance is None:
            one.instance = FormInstance(
                event=one.event,
                form=one.where[4],
                study_version=versions[one.where[0]],
                head=START,
                data=empty(),
                saved_at=at,
            )
            new.append(one.instance)
    FormInstance.objects.bulk_create(new, batch_size=BATCH)
    ready = [Loaded(one.instance, one.change) for one in loads if one.instance is not None]
    for one, change in zip(loads, list(with_ranges_all(ready)), strict=True):
        one.change = change
    history: list[FormVersion] = []
    for one in loads:
        instance = one.instance
        if instance is None:
            raise AssertionError(one.where)  # bulk_create made every one
        instance.data = applied(instance.data, one.change)
        instance.version += 1
        instance.saved_at = max(at, instance.saved_at)
        actor = actors[one.where[0]]
        version = FormVersion(
            instance=instance,
            version=instance.version,
            delta=one.change,
            user=actor.user,
            role=actor.role,
            at=instance.saved_at,
            # The first too: from which file a value came stays known.
            reason=kept("import.reason").format(source=source),
            origin=FormVersion.Origin.IMPORT,
            study_version=instance.study_version,
            previous=instance.head,
        )
        version.hash = link(instance.head, version_content(version))
        instance.head = version.hash
        history.append(version)
        if instance.version > 1:
            break_signatures(instance, actor, instance.saved_at)
    FormVersion.objects.bulk_create(history, batch_size=BATCH)
    changed = [one.instance for one in loads if one.instance is not None]
    FormInstance.objects.bulk_update(
        changed, ["data", "version", "saved_at", "head"], batch_size=BATCH
    )


def _add_places(
    loads: list[_Load],
    sites: Mapping[str, Site],
    actors: Mapping[str, permissions.Actor],
    source: str,
) -> None:
    """Add the subjects and visits of the forms to load that are not there."""
    subjects: dict[str, Subject] = {}
    for site, code in sorted({one.where[:2] for one in loads if one.subject is None}):
        subjects[code] = Subject.objects.create(
            site=sites[site], code=code, stage=Subject.Stage.ENROLLED, created_at=clock.now()
        )
        trail.record(
            f"subject:{code}",
            "subject.import",
            actor=actors[site],
            site=sites[site],
            target=f"subject:{code}",
            details={"source": source},
        )
    events: dict[tuple[str, str, int], EventInstance] = {}
    for one in loads:
        one.subject = one.subject or subjects[one.where[1]]
        if one.event is None:
            _, code, visit, repeat, _ = one.where
            event = EventInstance(subject=one.subject, visit=visit, repeat=repeat)
            one.event = events.setdefault((code, visit, repeat), event)
    ordered = [events[key] for key in sorted(events)]
    EventInstance.objects.bulk_create(ordered, batch_size=BATCH)


def _follow(
    loads: list[_Load],
    versions: Mapping[str, StudyVersion | None],
    actors: Mapping[str, permissions.Actor],
    source: str,
) -> None:
    """Calculated items, visit dates, completeness, queries and serious events of every subject that
    was loaded."""
    at: datetime = clock.now()
    subjects = {one.instance.event.subject for one in loads if one.instance is not None}
    for subject in sorted(subjects, key=lambda s: s.code):
        version = versions[subject.site.code]
        if version is None:
            continue
        study = study_of(version)
        mine = [one for one in loads if one.instance and one.instance.event.subject == subject]
        recalculate(
            subject,
            [one.instance for one in mine if one.instance],
            actors[subject.site.code],
            at,
            reason=kept("calculation.import").format(source=source),
            # What the file gives stays as the file gives it; where it differs, the check asks.
            given={
                (one.where[4], *one.where[2:4], cell.row, cell.item)
                for one in mine
                for cell in one.cells
                if cell.stored is not None
            },
        )
        for event in subject.events.all():
            keep_date(study, event)
        settle_stage(study, subject)
        found = records.check(
            study,
            records.at_cut(
                study, entry_frames.asked(study, entry_frames.of_subject(subject)), cut=None
            ),
        )
        mark_complete(study, subject, found)
        by_form: dict[str, list[Finding]] = {form: [] for form in study.forms}
        for finding in found:
            if finding.place.form in by_form and not finding.rule.startswith("visit."):
                by_form[finding.place.form].append(finding)
        follow_checks(subject, {form: tuple(each) for form, each in by_form.items()}, at)
        for one in mine:
            if one.instance is not None:
                follow_serious(study, one.instance, actors[subject.site.code], at)


def mark_complete(study: Study, subject: Subject, found: list[Finding]) -> None:
    """Whether each form of the subject lacks anything that is required."""
    missing: set[Place] = {
        Place(visit=f.place.visit, form=f.place.form) for f in found if f.rule == "item.required"
    }
    forms = FormInstance.objects.filter(event__subject=subject).select_related("event")
    changed = []
    for form in forms:
        here = Place(visit=visit_label(form.event.visit, form.event.repeat), form=form.form)
        if form.is_complete != (here not in missing):
            form.is_complete = not form.is_complete
            changed.append(form)
    FormInstance.objects.bulk_update(changed, ["is_complete"], batch_size=BATCH)
