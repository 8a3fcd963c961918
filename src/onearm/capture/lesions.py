"""The forms that hold lesions, read as the response engine reads them while they are filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from onearm.capture.document import Cell, Document, cells
from onearm.capture.models import FormInstance
from onearm.capture.surroundings import home_of, visit_order
from onearm.response import RECIST11, Criteria, find_criteria, fixed_point, time_points
from onearm.response.criteria import rows as table_rows
from onearm.response.visits import SCHEMA
from onearm.study.forms import DATED

if TYPE_CHECKING:
    from onearm.capture.models import Subject
    from onearm.study import Study
    from onearm.study.forms import Form, Item, Target

ROLES = {"TARGET": "target", "NON-TARGET": "non-target", "NEW": "new"}
READER = "site"
NODE = "LYMPH NODE"

MERGED = "coalesced"
"""The engine's state of a lesion that became one with another, where both are measured."""


@dataclass(frozen=True, slots=True)
class LesionForm:
    """The form whose rows fill TR, and which of its items hold what; empty where none does."""

    form: Form
    lesion: str
    role: str
    day: str
    place: str
    longest: str
    short_axis: str
    state: str

    @property
    def carried(self) -> tuple[str, ...]:
        """Items that say which lesion it is and how it is looked at: the same at every scan."""
        keeps = {self.lesion, self.role, self.place}
        return tuple(i.name for i in self.form.items if i.name in keeps or _identifies(i))


@dataclass(frozen=True, slots=True)
class Seen:
    """One lesion at one visit, as the engine wants it; ``size`` in its units, mm as typed."""

    lesion: str
    role: str
    nodal: bool
    day: date | None
    mm: str
    state: str | None
    word: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the numbers imply at one visit; lengths in engine units (0.1 micrometre).

    overall is empty at baseline and where there is nothing to judge. missing: lesions of earlier
    visits without a row here. unread: words of states that the engine does not know. split: lesions
    measured as fragments here, ``T01 = T01a + T01b``. merged: those that became one with another.
    """

    is_baseline: bool = False
    has_baseline: bool = False
    point: Mapping[str, object] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()

    @property
    def overall(self) -> str:
        """CR, PR, SD, PD and so on; empty where there is none."""
        return str(self.point.get("overall") or "")

    @property
    def reason(self) -> str:
        """The engine's sentence; empty where there is no response."""
        return str(self.point.get("reason") or "")


def lesion_form(study: Study) -> LesionForm | None:
    """The form with repeating rows that fills TR with lesions by name; None where there is none."""
    for form in study.forms.values():
        lesion = _item(form, lambda t: (t.domain, t.variable) == ("TR", "TRLNKID"))
        if not (form.rows and lesion):
            continue
        return LesionForm(
            form=form,
            lesion=lesion,
            role=_item(form, lambda t: (t.domain, t.variable) == ("TR", "TRGRPID")),
            day=_item(form, lambda t: (t.domain, t.variable) == ("TR", "TRDTC")) or form.date,
            place=_item(form, lambda t: (t.domain, t.variable) == ("TU", "TULOC")),
            longest=_item(form, lambda t: _is_result(t, "LDIAM")),
            short_axis=_item(form, lambda t: _is_result(t, "LPERP")),
            state=_item(form, lambda t: _is_result(t, "TUMSTATE")),
        )
    return None


def response_items(form: Form) -> dict[str, str]:
    """By test (OVRLRESP, TRGRESP, ...) the item into which a reader writes the response."""
    return {
        value: item.name
        for item in form.items
        for target in item.to
        if (target.domain, target.variable) == ("RS", "RSORRES")
        for name, value in target.where
        if name == "RSTESTCD"
    }


def criteria_of(study: Study) -> Criteria:
    """The criteria of the study's endpoints with its parameters; RECIST 1.1 where it names none."""
    tumours = study.endpoints.tumours if study.endpoints else None
    if tumours is None:
        return RECIST11
    return find_criteria(tumours.criteria).with_parameters(**tumours.parameters)


def seen_in(what: LesionForm, data: Document) -> list[Seen]:
    """The lesions of one form with a name and a kind; of a doubled name the first row."""
    found: dict[str, Seen] = {}
    for _, row in sorted(_by_row(data).items()):
        name, role = row.get(what.lesion, ""), ROLES.get(row.get(what.role, ""), "")
        if name and role and name not in found:
            found[name] = _seen(what, row, name, role)
    return list(found.values())


def judge(
    study: Study,
    what: LesionForm,
    visits: Iterable[tuple[str, int, Document]],
    here: tuple[str, int],
    dosed: date | None,
) -> Answer:
    """The response at one visit.

    visits: visit, repeat and the lesion form's document of every visit, the one here as it is being
    typed. dosed: the day of the first dose. Baseline is the last visit with all its scans on or
    before that day; while there is none, the earliest visit. Visits before baseline do not count.
    A lesion without a date takes the latest of its visit.
    """
    read = {(visit, repeat): seen_in(what, data) for visit, repeat, data in visits}
    days = {place: _latest(seen) for place, seen in read.items()}
    order = sorted(
        (place for place in read if read[place] and days[place]),
        key=lambda place: (days[place] or date.max, visit_order(study, *place)),
    )
    if here not in order:
        return Answer(missing=_missing(read, order, here))
    early = [p for p in order if dosed is not None and (days[p] or date.max) <= dosed]
    baseline = early[-1:] if dosed is not None else order[:1]
    later = [p for p in order if p not in early and p not in baseline]
    numbers = {place: n for n, place in enumerate(baseline + later, 0 if baseline else 1)}
    if here not in numbers:
        return Answer(missing=_missing(read, order, here))
    table, unread = _table(read, numbers, days)
    points = time_points(table, criteria=criteria_of(study))
    mine = points.filter(pl.col("time_point") == numbers[here]).row(0, named=True)
    return Answer(
        is_baseline=here in baseline,
        has_baseline=bool(baseline),
        point=mine,
        missing=_missing(read, order, here),
        unread=unread,
        split=_split(read[here]),
        merged=tuple(seen.lesion for seen in read[here] if seen.state == MERGED),
    )


def documents(subject: Subject, form: str) -> list[FormInstance]:
    """Every visit's form of the subject, with its visit."""
    instances = FormInstance.objects.filter(event__subject=subject, form=form)
    return list(instances.select_related("event"))


def first_dose(study: Study, subject: Subject) -> date | None:
    """The day of the first dose, as captured (milestone ``first_dose`` of the schedule)."""
    milestones = study.schedule.milestones if study.schedule else {}
    place = milestones.get("first_dose") or ".".join(home_of(study, ("EX", "EXSTDTC")))
    form, _, item = place.partition(".")
    documents = FormInstance.objects.filter(event__subject=subject, form=form)
    days = (
        _day(cell.value)
        for data in documents.values_list("data", flat=True)
        for cell in cells(data)
        if cell.item == item
    )
    return min((day for day in days if day), default=None)


def carried(what: LesionForm, earlier: Iterable[Document], data: Document) -> list[Cell]:
    """Rows for the lesions of earlier visits that the form does not have: who they are, no values.

    earlier: documents of the visits before, first to last; the newest word on a lesion counts. A
    lesion that split is carried as its fragments, one that merged as merged: neither comes apart or
    together again (RECIST 1.1, 4.3.2).
    """
    known: dict[str, dict[str, str]] = {}
    for document in earlier:
        for row in _by_row(document).values():
            if row.get(what.lesion):
                known.setdefault(row[what.lesion], {}).update(row)
    here = {cell.value for cell in cells(data) if cell.item == what.lesion}
    apart = {_parent(name) for name in [*known, *here]} - {""}
    key = max((row["_key"] for row in data["rows"]), default=0)
    proposed: list[Cell] = []
    for name, row in known.items():
        if name in here or name in apart:
            continue
        key += 1
        proposed += [Cell(key, item, row[item]) for item in what.carried if row.get(item)]
        role, word = ROLES.get(row.get(what.role, ""), ""), row.get(what.state, "")
        if _states().get((role, word)) == MERGED:
            proposed.append(Cell(key, what.state, word))
    return proposed


def _parent(name: str) -> str:
    """The lesion of which a fragment (``T01a``) is a part; empty for a whole lesion."""
    return name[:-1] if name[-1:].islower() and name[-2:-1].isdigit() else ""


def _split(seen: Iterable[Seen]) -> tuple[str, ...]:
    """Each lesion that is measured in fragments, with these."""
    parts: dict[str, list[str]] = {}
    for one in seen:
        if parent := _parent(one.lesion):
            parts.setdefault(parent, []).append(one.lesion)
    return tuple(f"{parent} = {' + '.join(sorted(names))}" for parent, names in parts.items())


def baseline_values(
    what: LesionForm, earlier: Iterable[Document], dosed: date | None
) -> dict[tuple[str, str], str]:
    """By lesion and item what was measured at baseline, chosen as in `judge`; first to last."""
    scans = [(_latest(seen_in(what, data)), data) for data in earlier]
    dated = [(day, data) for day, data in scans if day is not None]
    if dosed is not None:
        dated = [(day, data) for day, data in dated if day <= dosed][-1:]
    found: dict[tuple[str, str], str] = {}
    for row in _by_row(dated[0][1] if dated else {"rows": []}).values():
        for item in (what.longest, what.short_axis):
            if row.get(what.lesion) and row.get(item):
                found[row[what.lesion], item] = row[item]
    return found


def _by_row(data: Document) -> dict[int, dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    for cell in cells(data):
        rows.setdefault(cell.row, {})[cell.item] = cell.value
    return rows


def _seen(what: LesionForm, row: Mapping[str, str], name: str, role: str) -> Seen:
    nodal = row.get(what.place, "").startswith(NODE)
    return Seen(
        lesion=name,
        role=role,
        nodal=nodal,
        day=_day(row.get(what.day, "")),
        mm=row.get(what.short_axis if nodal else what.longest, ""),
        state=_states().get((role, row.get(what.state, ""))),
        word=row.get(what.state, ""),
    )


def _states() -> dict[tuple[str, str], str]:
    return {(row["role"], row["term"]): row["state"] for row in table_rows("tumor_states")}


def _table(
    read: Mapping[tuple[str, int], list[Seen]],
    numbers: Mapping[tuple[str, int], int],
    days: Mapping[tuple[str, int], date | None],
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    rows: list[dict[str, object]] = []
    unread: list[str] = []
    for place, number in numbers.items():
        for seen in read[place]:
            if seen.word and seen.state is None:
                unread.append(f"{seen.lesion}: {seen.word}")
            rows.append(
                {
                    "subject": "subject",
                    "reader": READER,
                    "time_point": number,
                    "date": seen.day or days[place],
                    "lesion": seen.lesion,
                    "role": seen.role,
                    "nodal": seen.nodal,
                    "size": fixed_point(pl.Series([seen.mm or None], dtype=pl.String))[0],
                    "state": seen.state or None,
                }
            )
    return pl.DataFrame(rows, schema=SCHEMA), tuple(unread)


def _missing(
    read: Mapping[tuple[str, int], list[Seen]],
    order: list[tuple[str, int]],
    here: tuple[str, int],
) -> tuple[str, ...]:
    """Lesions of the visits before that have no row here; fragments stand for what split."""
    before = order[: order.index(here)] if here in order else order
    mine = {seen.lesion for seen in read.get(here, ())}
    names = dict.fromkeys(seen.lesion for place in before for seen in read[place])
    apart = {_parent(name) for name in [*mine, *names]}
    return tuple(name for name in names if name not in mine | apart)


def _latest(seen: Iterable[Seen]) -> date | None:
    return max((one.day for one in seen if one.day), default=None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _identifies(item: Item) -> bool:
    about = {(t.domain, t.variable) for t in item.to}
    says_which = any(domain in ("TU", "SUPPTU") for domain, _ in about)
    return item.type not in DATED and not item.shown_when and says_which


def _is_result(target: Target, test: str) -> bool:
    return (target.domain, target.variable) == ("TR", "TRORRES") and (
        "TRTESTCD", test
    ) in target.where  # fmt: skip


def _item(form: Form, fits: Callable[[Target], bool]) -> str:
    return next((i.name for i in form.items if any(fits(t) for t in i.to)), "")
