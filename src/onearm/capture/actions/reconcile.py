"""Serious events beside those of the safety database: what agrees, what differs, what one lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, trail
from onearm.capture.actions.sae import serious_item
from onearm.capture.actions.take_csv import read_lines
from onearm.capture.document import cells
from onearm.capture.models import FormInstance, Reconciliation, StudyVersion, Subject
from onearm.capture.studies import study_of
from onearm.capture.typing_in import typed
from onearm.capture.words import say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from datetime import date

    from onearm.capture.models import User
    from onearm.study.forms import Form

MOST_BYTES = 5_000_000
TERMS = (("AE", "AETERM"), ("AE", "AEDECOD"))
ONSET = ("AE", "AESTDTC")

NO = frozenset({"n", "no", "0", "false", "non-serious", "not serious", "否", "非严重"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of the file hold what; without ``serious`` every event there is serious."""

    subject: str
    term: str
    onset: str
    serious: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of either side. names: every word it goes by; onset: as far as it is known."""

    subject: str
    term: str
    names: frozenset[str]
    onset: str
    is_serious: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An event with its partner. fate: ``matched``, ``differs``, ``only_here``, ``only_there``.

    differs: ``term``, ``onset``, ``serious``. Texts of a side that lacks the event are empty.
    """

    fate: str
    subject: str
    term_here: str = ""
    term_there: str = ""
    onset_here: str = ""
    onset_there: str = ""
    serious_here: str = ""
    serious_there: str = ""
    differs: tuple[str, ...] = ()


def reconcile(user: User, name: str, content: bytes, columns: Columns) -> Reconciliation:
    """Compare a file with the serious events as they stand, and keep the comparison.

    Nothing else is written but the act in the trail, without any value. Raises
    `permissions.NotAllowed`, and ``OnearmError`` for a file that cannot be read or lacks a column.
    """
    today = clock.now().date()
    actor = permissions.actor(user, "sae.reconcile", None, today)
    there = list(_there(content, columns, today))
    lines = compare(list(_here()), there)
    counts = {fate: sum(line.fate == fate for line in lines) for fate in FATES}
    with transaction.atomic():
        made = Reconciliation.objects.create(
            at=clock.now(),
            user=user,
            role=actor.role,
            name=name[:200],
            sha256=hashlib.sha256(content).hexdigest(),
            lines=[{**asdict(line), "differs": list(line.differs)} for line in lines],
        )
        trail.record(
            "study",
            "sae.reconcile",
            actor=actor,
            target=f"reconciliation {made.pk}",
            details={"sha256": made.sha256, "events": len(there), **counts},
        )
    return made


FATES = ("matched", "differs", "only_here", "only_there")


def compare(here: Iterable[Event], there: Iterable[Event]) -> list[Line]:
    """Pair the events of each subject: by term and day, then by term, then serious ones by day.

    A day pairs two terms only where both sides know it to the day. Events here that are not serious
    find their partner, so that a seriousness that differs shows; without a partner they are no
    matter of the safety database.
    """
    ours, theirs = list(here), list(there)
    pairs: list[tuple[Event, Event]] = []
    for fits in (_same_both, _same_term, _serious_that_day):
        pairs += _pair(ours, theirs, fits)
    lines = [_paired(one, other) for one, other in pairs]
    lines += [
        Line("only_here", e.subject, e.term, "", e.onset, "", "Y") for e in ours if e.is_serious
    ]
    lines += [
        Line("only_there", e.subject, "", e.term, "", e.onset, "", "Y" if e.is_serious else "N")
        for e in theirs
    ]
    return sorted(lines, key=lambda line: (FATES.index(line.fate) == 0, line.subject, line.fate))


def _pair(
    ours: list[Event], theirs: list[Event], fits: Callable[[Event, Event], bool]
) -> Iterator[tuple[Event, Event]]:
    """Take out of both lists the pairs that fit; serious events choose first."""
    for one in sorted(ours, key=lambda event: not event.is_serious):
        other = next((e for e in theirs if e.subject == one.subject and fits(one, e)), None)
        if other is not None:
            ours.remove(one)
            theirs.remove(other)
            yield one, other


def _same_both(one: Event, other: Event) -> bool:
    return _same_term(one, other) and _same_onset(one, other)


def _same_term(one: Event, other: Event) -> bool:
    return bool(one.names & other.names)


def _serious_that_day(one: Event, other: Event) -> bool:
    is_known = len(one.onset) == len("2026-05-12")
    return one.is_serious and is_known and one.onset == other.onset


def _same_onset(one: Event, other: Event) -> bool:
    """The same day as far as both know it: 2026-05 is no other day than 2026-05-12."""
    known = min(len(one.onset), len(other.onset))
    return known >= len("2026") and one.onset[:known] == other.onset[:known]


def _paired(one: Event, other: Event) -> Line:
    differs = []
    if not _same_term(one, other):
        differs.append("term")
    if not _same_onset(one, other):
        differs.append("onset")
    if one.is_serious != other.is_serious:
        differs.append("serious")
    return Line(
        "differs" if differs else "matched",
        one.subject,
        one.term,
        other.term,
        one.onset,
        other.onset,
        "Y" if one.is_serious else "N",
        "Y" if other.is_serious else "N",
        tuple(differs),
    )


def _here() -> Iterator[Event]:
    """Every adverse event that stands, of all subjects, on the forms that ask for seriousness."""
    versions = {version.pk: study_of(version) for version in StudyVersion.objects.all()}
    forms = {
        name for study in versions.values() for name, f in study.forms.items() if serious_item(f)
    }
    found = FormInstance.objects.filter(form__in=forms).select_related("event__subject")
    for instance in found.order_by("event__subject__code", "pk"):
        form = versions[instance.study_version_id].forms[instance.form]
        rows: dict[int, dict[str, str]] = {}
        for cell in cells(instance.data):
            rows.setdefault(cell.row, {})[cell.item] = cell.value
        terms, onset = _items(form, TERMS), _items(form, (ONSET,))
        for row in rows.values():
            told = [row[item] for item in terms if row.get(item)]
            if told or row.get(serious_item(form)) == "Y":
                yield Event(
                    instance.event.subject.code,
                    next(iter(told), ""),
                    frozenset(map(_folded, told)),
                    next((row[item] for item in onset if row.get(item)), ""),
                    row.get(serious_item(form)) == "Y",
                )


def _items(form: Form, targets: Iterable[tuple[str, str]]) -> list[str]:
    return [
        item.name
        for target in targets
        for item in form.items
        if any((t.domain, t.variable) == target for t in item.to)
    ]


def _there(content: bytes, columns: Columns, today: date) -> Iterator[Event]:
    """Every event of the file; lines with neither subject nor term are left out."""
    known = {code.casefold(): code for code in Subject.objects.values_list("code", flat=True)}
    for row in _rows(content, columns):
        given, term = row[columns.subject], " ".join(row[columns.term].split())
        if not given and not term:
            continue
        says = row[columns.serious].casefold() if columns.serious else "y"
        yield Event(
            known.get(given.casefold(), given),
            term,
            frozenset({_folded(term)} - {""}),
            typed("partial_date", row[columns.onset], today),
            says not in NO,
        )


def _rows(content: bytes, columns: Columns) -> list[dict[str, str]]:
    if len(content) > MOST_BYTES:
        raise OnearmError(say("reconcile.too_large"))
    header, rows, _ = read_lines(content)
    asked = (columns.subject, columns.term, columns.onset)
    for name in (*asked, *filter(None, (columns.serious,))):
        if name not in header:
            known = ", ".join(header)
            raise OnearmError(say("reconcile.no_column").format(name=name, known=known))
    return rows


def _folded(term: str) -> str:
    """A term without what people write differently: case and blanks."""
    return " ".join(term.split()).casefold()
