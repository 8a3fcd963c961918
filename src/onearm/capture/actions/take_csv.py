"""Results of a laboratory or another outside source: a CSV file, line by line, with a dry run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl
from django.db import transaction

from onearm import records
from onearm.capture import clock, permissions, trail, zones
from onearm.capture.actions.take_entries import Taken, take_entries
from onearm.capture.checking import refusing
from onearm.capture.document import KEY, REMOVED, Document, cells
from onearm.capture.models import FormInstance, Subject
from onearm.capture.ranges import number as number_of
from onearm.capture.ranges import test_of
from onearm.capture.studies import study_of, version_at
from onearm.capture.wording import finding_text
from onearm.capture.words import say
from onearm.errors import OnearmError
from onearm.records.entry import ENTRY
from onearm.records.places import subject_label, visit_label
from onearm.terms.units import LONGEST, conversion, rounded

if TYPE_CHECKING:
    from onearm.capture.models import User
    from onearm.errors import Finding
    from onearm.study import Study
    from onearm.study.forms import Form, Item

ENCODINGS = ("utf-8-sig", "gb18030")
"""Tried in order; GB 18030 holds GBK and GB 2312. What is neither is refused."""

MOST_LINES = 200_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Which column goes where.

    ``subject`` names the column of subject codes; ``visit`` and ``repeat`` name columns, or start
    with ``=`` for a fixed value (``=SCREENING``). ``items``: column by item of ``form``. ``codes``:
    by item the source's codes and ours. A line fills the row of the form that has the same values
    in ``keys`` (items), else a new row; without keys every form has its one row. ``units``: by item
    the column of the unit, or ``=`` and the unit of every line; an item without one is in the unit
    of the form. ``convert``: items whose results may be converted from another unit; a line with
    another unit is refused elsewhere.
    """

    form: str
    subject: str
    visit: str
    items: Mapping[str, str]
    repeat: str = "=1"
    keys: tuple[str, ...] = ()
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    convert: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one line of the file: ``new``, ``changed``, ``same`` or ``refused``.

    converted: each result that was converted, as it was and as it is stored.
    """

    number: int
    subject: str
    visit: str
    fate: str
    why: str = ""
    converted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Every line with its fate; lines in = stored (new, changed, same) + refused."""

    lines: tuple[Line, ...]
    encoding: str
    is_dry: bool

    def count(self, *fates: str) -> int:
        """Lines of these fates."""
        return sum(line.fate in fates for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Wanted:
    line: int
    subject: Subject
    visit: str
    repeat: int
    values: Mapping[str, str]
    units: Mapping[str, str]
    row: int = 1
    converted: tuple[str, ...] = ()


def decoded(content: bytes) -> tuple[str, str]:
    """The text and its encoding; raises ``OnearmError`` for what is neither UTF-8 nor GBK."""
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding
    raise OnearmError(say("import.encoding"))


def read_lines(content: bytes) -> tuple[list[str], list[dict[str, str]], str]:
    """Header, lines and encoding of a CSV file separated by commas, semicolons or tabs.

    Raises ``OnearmError`` for an empty file, a column named twice, a line of another length and
    what is no CSV.
    """
    text, encoding = decoded(content)
    first = text.splitlines()[0] if text.strip() else ""
    if not first:
        raise OnearmError(say("import.empty"))
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [name.strip() for name in next(reader)]
        return header, _under(header, reader), encoding
    except csv.Error as problem:
        raise OnearmError(say("import.no_csv").format(line=reader.line_num)) from problem


def _under(header: list[str], rows: Iterable[list[str]]) -> list[dict[str, str]]:
    """Each line under the header, and under an empty name its number in the file."""
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise OnearmError(say("import.twice").format(column=min(twice)))
    lines: list[dict[str, str]] = []
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            found = {"line": number, "cells": len(row), "columns": len(header)}
            raise OnearmError(say("import.cells").format(**found))
        lines.append({"": str(number), **dict(zip(header, (c.strip() for c in row), strict=True))})
        if len(lines) > MOST_LINES:
            raise OnearmError(say("import.lines").format(most=MOST_LINES))
    return lines


def guessed(form: Form, header: Iterable[str]) -> dict[str, str]:
    """Column by item where a column is called like the item or its label, whatever the case."""
    known = {name.casefold(): name for name in header}
    found = {}
    for item in form.items:
        for called in (item.name, item.label.en, item.label.zh):
            if called and called.casefold() in known:
                found[item.name] = known[called.casefold()]
                break
    return found


def take_csv(
    user: User, content: bytes, plan: Plan, *, source: str, is_dry: bool = False
) -> Account:
    """Judge every line like entry by hand, and load those that stand (or say what would happen).

    Needs the right ``import`` at the sites of the file's subjects. Empty cells change nothing.
    Raises `permissions.NotAllowed`, and ``OnearmError`` where the file or the plan cannot be used.
    """
    permissions.actor(user, "import", None, clock.now().date())
    header, lines, encoding = read_lines(content)
    _check_plan(plan, header)
    found: dict[int, Line] = {}
    wanted = list(_wanted(lines, plan, found))
    wanted = list(_allowed(user, wanted, found))
    by_site: dict[int, list[_Wanted]] = {}
    for one in wanted:
        by_site.setdefault(one.subject.site_id, []).append(one)
    stand: list[_Wanted] = []
    for mine in by_site.values():
        stand += _judged(mine, plan, found)
    before = _standing(stand, plan.form)
    with transaction.atomic():
        taken = _take(user, stand, plan, source, is_dry=is_dry)
        _fates(stand, before, taken, found)
        if not is_dry:
            _tell(user, [line for line in found.values() if line.fate != "refused"], source)
    return Account(tuple(found[number] for number in sorted(found)), encoding, is_dry)


def _tell(user: User, lines: list[Line], source: str) -> None:
    """Leave in the trail that results were converted; the kept file has them as they were."""
    count = sum(len(line.converted) for line in lines)
    if not count:
        return
    actor = permissions.actor(user, "import", None, clock.now().date())
    details = {"results": count, "lines": sum(bool(line.converted) for line in lines)}
    trail.record("study", "import.convert", actor=actor, target=source, details=details)


def _check_plan(plan: Plan, header: list[str]) -> None:
    columns = [plan.subject, plan.visit, plan.repeat, *plan.items.values(), *plan.units.values()]
    for column in columns:
        if not column.startswith("=") and column not in header:
            raise OnearmError(say("import.no_column").format(column=column))
    if not plan.items:
        raise OnearmError(say("import.no_items"))
    lost = [key for key in plan.keys if key not in plan.items]
    if lost:
        raise OnearmError(say("import.no_key").format(key=lost[0]))


def _cell(line: Mapping[str, str], column: str) -> str:
    return column[1:] if column.startswith("=") else line[column]


def _wanted(
    lines: Iterable[Mapping[str, str]], plan: Plan, found: dict[int, Line]
) -> Iterator[_Wanted]:
    subjects = {s.code: s for s in Subject.objects.select_related("site")}
    for line in lines:
        number = int(line[""])
        code, visit = _cell(line, plan.subject), _cell(line, plan.visit)
        repeat = _cell(line, plan.repeat) or "1"
        subject = subjects.get(code)
        why = ""
        if subject is None:
            why = say("import.no_subject").format(subject=code or "—")
        elif not repeat.isascii() or not repeat.isdigit() or not 0 < int(repeat) < 1000:
            why = say("import.repeat").format(repeat=repeat)
        values = {}
        for item, column in plan.items.items():
            text = _cell(line, column)
            if text:
                values[item] = plan.codes.get(item, {}).get(text, text)
        if not why and not values:
            why = say("import.no_value")
        if why or subject is None:
            found[number] = Line(number, code, visit, "refused", why)
            continue
        units = {item: _cell(line, plan.units[item]) for item in values if item in plan.units}
        yield _Wanted(number, subject, visit, int(repeat), values, units)


def _allowed(user: User, wanted: Iterable[_Wanted], found: dict[int, Line]) -> Iterator[_Wanted]:
    mine = {site.pk for site in permissions.sites_of(user, "import", clock.now().date())}
    for one in wanted:
        if one.subject.site_id in mine:
            yield one
        else:
            problem = say("import.not_yours").format(site=one.subject.site.code)
            found[one.line] = _line(one, "refused", problem)


def _judged(wanted: list[_Wanted], plan: Plan, found: dict[int, Line]) -> list[_Wanted]:
    """The lines of one site that can be stored, with their rows; the others are refused."""
    site = wanted[0].subject.site
    version = version_at(site, zones.today(site))
    study = study_of(version) if version else None
    problem = say("import.no_version").format(site=site.code) if study is None else ""
    if study is not None and plan.form not in study.forms:
        problem = say("import.no_form").format(form=plan.form)
    if study is None or problem:
        for one in wanted:
            found[one.line] = _line(one, "refused", problem)
        return []
    wanted = list(_in_units(wanted, plan, study.forms[plan.form], found))
    placed = _placed(wanted, plan, study.forms[plan.form], found)
    entries = _entries(placed, plan.form)
    clean = records.at_cut(study, entries, cut=None)
    why = dict(_impossible(study, clean, records.check(study, clean), placed, plan))
    for one in placed:
        if one.line in why:
            found[one.line] = _line(one, "refused", why[one.line])
    return [one for one in placed if one.line not in why]


def _in_units(
    wanted: Iterable[_Wanted], plan: Plan, form: Form, found: dict[int, Line]
) -> Iterator[_Wanted]:
    """The lines with every result in the unit of the form; lines that cannot be so are refused."""
    items = {item.name: item for item in form.items}
    for one in wanted:
        values, told, wrong = dict(one.values), [], []
        for name, unit in one.units.items():
            item = items.get(name)
            if item is None or unit == item.unit:
                continue
            text, problem = in_unit_of(item, values[name], unit, convert=name in plan.convert)
            if problem:
                wrong.append(problem)
                continue
            told.append(f"{name} {values[name]} {unit} = {text} {item.unit}".strip())
            values[name] = text
        if wrong:
            found[one.line] = _line(one, "refused", " ".join(wrong))
        else:
            yield replace(one, values=values, converted=tuple(told))


def in_unit_of(item: Item, text: str, unit: str, *, convert: bool) -> tuple[str, str]:
    """A result of another unit in the unit of the item, or an empty text and why not.

    The factor is that of ``terms/units.csv``; the result is rounded half away from zero to the
    item's decimals. It is used where ``convert`` says so and nowhere else: a column of units that
    is wrong would otherwise make wrong results that look right.
    """
    asked = item.unit or say("ranges.no_unit")
    about = {"item": item.name, "value": text, "unit": unit or say("ranges.no_unit")}
    rule = conversion(test_of(item), unit, item.unit) if unit and item.unit else None
    if rule is None:
        return "", say("take.no_factor").format(**about, asked=asked)
    if not convert:
        factor = say("take.factor").format(factor=rule.factor)
        return "", say("take.other_unit").format(**about, asked=asked, factor=factor)
    value = number_of(text)
    if value is None:
        return "", say("take.no_number").format(**about)
    digits = LONGEST if item.decimals is None else item.decimals
    return rounded(rule.of(value), 0 if item.type == "integer" else digits), ""


def guessed_units(form: Form, header: Iterable[str]) -> dict[str, str]:
    """Column by item where a column is called like the item's with ``unit`` behind it."""
    known = {" ".join(name.casefold().replace("_", " ").split()): name for name in header}
    found: dict[str, str] = {}
    for item in form.items:
        for called in (item.name, item.label.en, item.label.zh):
            for word in ("unit", "units", "单位"):
                column = known.get(f"{called.casefold().replace('_', ' ')} {word}")
                column = column or known.get(f"{called.casefold()}{word}")
                if called and column and item.unit:
                    found.setdefault(item.name, column)
    return found


def _impossible(
    study: Study,
    clean: records.Records,
    findings: Iterable[Finding],
    placed: list[_Wanted],
    plan: Plan,
) -> Iterator[tuple[int, str]]:
    """Lines that hold what can never be stored, with why."""
    by_place: dict[tuple[str, str], list[_Wanted]] = {}
    for one in placed:
        who = subject_label(one.subject.site.code, one.subject.code)
        by_place.setdefault((who, visit_label(one.visit, one.repeat)), []).append(one)
    for finding in (*clean.border, *findings):
        is_border = finding in clean.border and finding.severity == "error"
        if not is_border and not refusing(study, finding):
            continue
        place = finding.place
        if place.form not in ("", plan.form):
            continue
        for one in by_place.get((place.subject, place.visit), ()):
            in_row = not place.row or place.row == one.row
            if in_row and (not place.field or place.field in one.values):
                yield one.line, finding_text(study, finding)


def _placed(wanted: list[_Wanted], plan: Plan, form: Form, found: dict[int, Line]) -> list[_Wanted]:
    """Every line with the key of its row: that of a row with the same keys, or a new one."""
    if not form.rows or not plan.keys:
        return _one_each(wanted, form, plan, found)
    documents = _documents(wanted, plan.form)
    rows: dict[tuple[str, str, int], dict[tuple[str, ...], int]] = {}
    highest: dict[tuple[str, str, int], int] = {}
    placed = []
    for one in wanted:
        where = (one.subject.code, one.visit, one.repeat)
        if where not in rows:
            data = documents.get(where, {"rows": []})
            highest[where] = max((row[KEY] for row in data["rows"]), default=0)
            rows[where] = {
                tuple(str(row.get(key, "")) for key in plan.keys): row[KEY]
                for row in data["rows"]
                if REMOVED not in row
            }
        key = tuple(one.values.get(name, "") for name in plan.keys)
        if key not in rows[where]:
            highest[where] += 1
            rows[where][key] = highest[where]
        placed.append(replace(one, row=rows[where][key]))
    return placed


def _one_each(
    wanted: list[_Wanted], form: Form, plan: Plan, found: dict[int, Line]
) -> list[_Wanted]:
    """Forms of one row take one line a visit; repeating forms without keys get new rows."""
    documents = _documents(wanted, plan.form) if form.rows else {}
    highest: dict[tuple[str, str, int], int] = {}
    placed = []
    for one in wanted:
        where = (one.subject.code, one.visit, one.repeat)
        if where in highest and not form.rows:
            found[one.line] = _line(one, "refused", say("import.same_form"))
            continue
        if where not in highest:
            rows = documents.get(where, {"rows": []})["rows"]
            highest[where] = max((row[KEY] for row in rows), default=0)
        highest[where] += 1
        placed.append(replace(one, row=highest[where] if form.rows else 1))
    return placed


def _documents(wanted: list[_Wanted], form: str) -> dict[tuple[str, str, int], Document]:
    subjects = {one.subject.pk for one in wanted}
    stand = FormInstance.objects.filter(form=form, event__subject__in=subjects)
    names = ("event__subject__code", "event__visit", "event__repeat", "data")
    return {(row[0], row[1], row[2]): row[3] for row in stand.values_list(*names)}


def _entries(wanted: Iterable[_Wanted], form: str) -> pl.DataFrame:
    rows = [
        (one.subject.site.code, one.subject.code, one.visit, one.repeat, form, one.row, i, v, None)
        for one in wanted
        for i, v in one.values.items()
    ]
    return pl.DataFrame(rows, schema=dict(ENTRY), orient="row")


def _standing(
    wanted: Iterable[_Wanted], form: str
) -> dict[tuple[str, str, int, int], dict[str, str]]:
    """By subject, visit, repeat and row the values that stand before the load."""
    found: dict[tuple[str, str, int, int], dict[str, str]] = {}
    for where, data in _documents(list(wanted), form).items():
        for cell in cells(data):
            found.setdefault((*where, cell.row), {})[cell.item] = cell.value
    return found


def _take(
    user: User, stand: list[_Wanted], plan: Plan, source: str, *, is_dry: bool
) -> Taken | None:
    if not stand:
        return None
    return take_entries(user, _entries(stand, plan.form), source=source, is_dry=is_dry)


def _fates(
    stand: list[_Wanted],
    before: Mapping[tuple[str, str, int, int], Mapping[str, str]],
    taken: Taken | None,
    found: dict[int, Line],
) -> None:
    refused = (
        {row.where[1:4]: row.why for row in taken.rows if row.fate == "refused"} if taken else {}
    )
    for one in stand:
        where = (one.subject.code, one.visit, one.repeat)
        if where in refused:
            found[one.line] = _line(one, "refused", "; ".join(refused[where]))
            continue
        had = before.get((*where, one.row))
        fate = "new" if had is None else "changed"
        if had is not None and all(had.get(item) == value for item, value in one.values.items()):
            fate = "same"
        found[one.line] = _line(one, fate)


def _line(one: _Wanted, fate: str, why: str = "") -> Line:
    label = visit_label(one.visit, one.repeat)
    return Line(one.line, one.subject.code, label, fate, why, one.converted)
