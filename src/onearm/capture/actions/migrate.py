"""Amendments: forms moved to a version where it was released, by a plan that is tried first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max

from onearm.capture import clock, identity, permissions, places, states, studies, trail, wording
from onearm.capture.actions import recheck
from onearm.capture.actions.keep import keep_version
from onearm.capture.actions.recalculate import recalculate_anew
from onearm.capture.actions.under_way import locked
from onearm.capture.amendments import Line, Maps, compare
from onearm.capture.document import Cell, Document, cells, delta
from onearm.capture.models import (
    FormInstance,
    FormVersion,
    Query,
    Signature,
    SiteVersion,
    Subject,
)
from onearm.capture.models import StudyVersion as Version
from onearm.capture.words import kept, say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from onearm.capture.models import Site, User
    from onearm.study import Study
    from onearm.study.forms import Item


class Blocked(OnearmError):
    """The plan has lines that nobody has resolved; nothing was changed."""


class _Undo(Exception):
    """Ends a dry run: everything it wrote is taken back."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a migration does, or would do.

    lines: by identifier. forms: how many move. held: frozen or locked forms, which stay where they
    are. signatures: what signatures that break are under. queries: place and text of queries that
    open. calculated: items that are calculated otherwise now, with their values before and after.
    All four are in the reader's words. is_dry: nothing was written.
    """

    lines: tuple[Line, ...]
    forms: int
    held: tuple[str, ...]
    signatures: tuple[str, ...]
    queries: tuple[str, ...]
    calculated: tuple[str, ...]
    is_dry: bool

    @property
    def unresolved(self) -> tuple[Line, ...]:
        """The lines that block the run."""
        return tuple(line for line in self.lines if line.unresolved)


def migrate(
    user: User,
    version: Version,
    sites: Iterable[Site],
    *,
    maps: Maps | None = None,
    is_dry: bool = True,
) -> Moved:
    """Move the forms of sites to a version: one version of each form, in the user's name.

    A dry run does everything and takes it back, so that what it says is what happens. Removed items
    keep their values; items whose formula is another are calculated anew. Raises
    `permissions.NotAllowed`; ``OnearmError`` for a site that the version has not been released to;
    `Blocked` where values have no place and no mapping (not when dry).
    """
    sites = list(sites)
    today = clock.now().date()
    actors = {s.pk: permissions.actor(user, "study.migrate", s, today) for s in sites}
    for site in sites:
        if not SiteVersion.objects.filter(site=site, version=version, begins__lte=today).exists():
            named = {"version": version.number, "site": site.code}
            raise OnearmError(say("amend.not_released").format(**named))
    moved: Moved | None = None
    try:
        with transaction.atomic():
            moved = _migrate(version, sites, actors, maps or {}, is_dry=is_dry)
            if is_dry:
                raise _Undo
    except _Undo:
        pass
    if moved is None:
        raise AssertionError(version)  # never: _migrate returned an account
    return moved


def _migrate(
    version: Version,
    sites: list[Site],
    actors: dict[int, permissions.Actor],
    maps: Maps,
    *,
    is_dry: bool,
) -> Moved:
    locked(Subject.objects.filter(site__in=sites))
    forms = list(
        FormInstance.objects.filter(event__subject__site__in=sites)
        .exclude(study_version=version)
        .select_related("event__subject__site", "study_version")
        .defer("study_version__files")
        .order_by("event__subject__code", "pk")
    )
    new = studies.study_of(version)
    lines = _lines(forms, new, maps)
    blocked = [line for line in lines if line.unresolved]
    if blocked and not is_dry:
        named = "; ".join(f"{b.form}.{b.item}: {', '.join(b.unresolved[:5])}" for b in blocked)
        raise Blocked(say("amend.no_place").format(version=version.number, values=named))
    moving, held = _open(form for form in forms if form.form in new.forms)
    did = _Did(clock.check(trail.newest()), _newest_query(), tuple(sites))
    calculated = _carry_out(moving, version, actors, maps, did.at)
    at_sites: dict[int, Study | None] = {site.pk: new for site in sites}
    for site in sites:
        details = {
            "forms": sum(form.event.subject.site_id == site.pk for form in moving),
            "held": sum(form.event.subject.site_id == site.pk for form in held),
            "signatures": did.broken().filter(subject__site=site).count(),
            "queries": did.opened().filter(subject__site=site).count(),
        }
        target, actor = f"version {version.number}", actors[site.pk]
        trail.record(
            "study", "study.migrate", actor=actor, site=site, target=target, details=details
        )
    return Moved(
        lines=tuple(lines),
        forms=len(moving),
        held=tuple(
            places.form_at(studies.study_of(form.study_version), form.event, form.form)
            for form in held
        ),
        signatures=tuple(_said(did.broken().values_list("target", flat=True))),
        queries=tuple(
            f"{q.subject.code} {places.query_place(q, at_sites)}: {_asked(new, q)}"
            for q in did.opened()
        ),
        calculated=tuple(calculated),
        is_dry=is_dry,
    )


@dataclass(frozen=True, slots=True)
class _Did:
    """What a run did besides, to be read in its transaction: the subjects are locked, so that no
    other save breaks a signature or opens a query of a check there meanwhile.

    at: the time of the run. after: the newest query before it. sites: where it runs.
    """

    at: datetime
    after: int
    sites: tuple[Site, ...]

    def broken(self) -> QuerySet[Signature]:
        """The signatures that broke."""
        found = Signature.objects.filter(broken_at=self.at, subject__site__in=self.sites)
        return found.order_by("pk")

    def opened(self) -> QuerySet[Query]:
        """The queries that checks opened."""
        found = Query.objects.filter(pk__gt=self.after, subject__site__in=self.sites)
        return found.exclude(check_id="").select_related("subject__site").order_by("pk")


def _newest_query() -> int:
    return Query.objects.aggregate(newest=Max("pk"))["newest"] or 0


def _carry_out(
    moving: list[FormInstance],
    version: Version,
    actors: dict[int, permissions.Actor],
    maps: Maps,
    at: datetime,
) -> list[str]:
    """Move the forms, calculate anew, and ask what the checks ask now, subject by subject.

    Returns what was calculated otherwise, in words.
    """
    new = studies.study_of(version)
    by_subject: dict[int, list[FormInstance]] = defaultdict(list)
    for form in moving:
        by_subject[form.event.subject_id].append(form)
    told: list[str] = []
    for mine in by_subject.values():
        subject = mine[0].event.subject
        actor = actors[subject.site_id]
        rules = {
            form.pk: _other_rules(studies.study_of(form.study_version), new, form.form)
            for form in mine
        }
        mapped = {form.pk for form in mine if _move(form, version, actor, maps, at)}
        before = {
            form.pk: form.data for form in FormInstance.objects.filter(event__subject=subject)
        }
        reason = kept("calculation.version").format(version=version.number)
        recalculate_anew(subject, mine, rules, actor, at, mapped=mapped, reason=reason)
        told += _calculated(subject, before)
        recheck.follow(new, subject)
    return told


def _other_rules(old: Study, new: Study, form_id: str) -> frozenset[str]:
    """The calculated items of a form whose value another version may work out otherwise."""
    former = {item.name: item for item in old.forms[form_id].items} if form_id in old.forms else {}
    return frozenset(
        item.name
        for item in new.forms[form_id].items
        if item.calculated
        and _rule(item) != (_rule(former[item.name]) if item.name in former else None)
    )


def _rule(item: Item) -> tuple[object, ...]:
    return item.calculated, item.shown_when, item.type, item.decimals


def _calculated(subject: Subject, before: Mapping[int, Document]) -> Iterator[str]:
    """Each cell of the subject that differs from before, as ``place · item: 4 → 5``; values that
    identify are covered, as the plan is read by people who may not read them."""
    found = FormInstance.objects.filter(event__subject=subject).select_related(
        "event__subject", "study_version"
    )
    for form in found.defer("study_version__files").order_by("pk"):
        was = {(cell.row, cell.item): cell.value for cell in cells(before[form.pk])}
        now = {(cell.row, cell.item): cell.value for cell in cells(form.data)}
        study = studies.study_of(form.study_version)
        hidden = identity.identifying(study, form.form)
        for row, item in sorted(was.keys() | now.keys()):
            values = [each.get((row, item), "") for each in (was, now)]
            if values[0] == values[1]:
                continue
            place = places.target_said(f"item:{form.pk}:{row}:{item}")
            shown = [
                identity.words() if value and item in hidden else value or "—" for value in values
            ]
            yield f"{place}: {' → '.join(shown)}"


def _said(targets: Iterable[str]) -> list[str]:
    """Targets in the reader's words, in their order."""
    known = list(targets)
    words = places.targets_said(known)
    return [words[target] for target in known]


def _asked(study: Study, query: Query) -> str:
    """What a query asks; the plan is read by people who may not read what identifies."""
    is_covered = query.item in identity.identifying(study, query.form)
    return wording.covered_query(study, query) if is_covered else wording.query_text(study, query)


def _lines(forms: list[FormInstance], new: Study, maps: Maps) -> list[Line]:
    """One line an identifier; where forms stand under several versions, those that change first."""
    by_version: dict[int, list[FormInstance]] = defaultdict(list)
    for form in forms:
        by_version[form.study_version_id].append(form)
    found: dict[tuple[str, str, str], Line] = {}
    for mine in by_version.values():
        old = studies.study_of(mine[0].study_version)
        values: dict[tuple[str, str], set[str]] = defaultdict(set)
        for form in mine:
            for cell in cells(form.data):
                if cell.value:
                    values[form.form, cell.item].add(cell.value)
        many = {form.form for form in mine if any(row["_key"] > 1 for row in form.data["rows"])}
        for line in compare(old, new, values, maps):
            is_moot = not line.item and line.form not in many  # no form has rows to lose
            kept = replace(line, unresolved=()) if is_moot else line
            key = (kept.form, kept.item, "" if kept.kind == "unchanged" else kept.kind)
            first = found.setdefault(key, kept)
            homeless = tuple(sorted({*first.unresolved, *kept.unresolved}))
            found[key] = replace(first, unresolved=homeless)
    changed = {(form, item) for form, item, kind in found if kind}
    return [
        line for (form, item, kind), line in found.items() if kind or (form, item) not in changed
    ]


def _open(forms: Iterable[FormInstance]) -> tuple[list[FormInstance], list[FormInstance]]:
    """Forms that may change, and those that are held still."""
    moving, held = [], []
    for form in forms:
        touched = [(cell.row, cell.item) for cell in cells(form.data)]
        try:
            states.require_open(states.targets(form=form, items=touched))
        except states.Held:
            held.append(form)
            continue
        moving.append(form)
    return moving, held


def _move(
    form: FormInstance, version: Version, actor: permissions.Actor, maps: Maps, at: datetime
) -> bool:
    """Bind a form to a version, with the values that are mapped; whether any was."""
    changed = [
        Cell(cell.row, cell.item, value=maps[form.form, cell.item][cell.value])
        for cell in cells(form.data)
        if cell.value in maps.get((form.form, cell.item), {})
    ]
    change = delta(form.data, changed)
    before, form.study_version = form.study_version.number, version
    reason = kept("amend.reason").format(before=before, after=version.number)
    origin = FormVersion.Origin.MIGRATION
    keep_version(form, change, actor, at, origin=origin, reason=reason, under=version)
    return bool(change["rows"])
