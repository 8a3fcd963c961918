"""Normal ranges of laboratories: the one that holds for a result, and whether it lies outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from onearm.capture.document import KEY, Cell, Document, cells
from onearm.capture.models import LabRange
from onearm.capture.surroundings import AGE, SEX, Place, look_around, value_of

if TYPE_CHECKING:
    from onearm.capture.models import EventInstance
    from onearm.capture.surroundings import Around
    from onearm.study import Study
    from onearm.study.forms import Form, Item

USED = "_ranges"
"""Where a row of a form's document keeps the ranges its results were compared with."""

STUDY_LIST = "lab_ranges"
Flag = Literal["", "L", "H"]


@dataclass(frozen=True, slots=True)
class Range:
    """Limits as text, either may be empty; ``source`` says whose they are."""

    low: str
    high: str
    unit: str
    source: str

    def __str__(self) -> str:
        if self.low and self.high:
            return f"{self.low}–{self.high}"
        return f"≥ {self.low}" if self.low else f"≤ {self.high}"

    def flag(self, value: str) -> Flag:
        """L or H for a result outside, empty inside and where it is no number."""
        number = _number(value)
        low, high = _number(self.low), _number(self.high)
        if number is None:
            return ""
        if low is not None and number < low:
            return "L"
        return "H" if high is not None and number > high else ""


def analytes(form: Form) -> dict[str, str]:
    """By item the laboratory test (LBTESTCD) whose result it holds."""
    return {
        item.name: test
        for item in form.items
        for target in item.to
        if (target.domain, target.variable) == ("LB", "LBORRES")
        for variable, test in target.where
        if variable == "LBTESTCD"
    }


def ranges_of(around: Around, given: Iterable[Cell]) -> dict[tuple[int, str], Range]:
    """By row and item the range that holds; given: the form's cells, for its date and laboratory.

    A range of the laboratory on the day comes first, by sex and age; else the study's own list.
    """
    form, study = around.place.form, around.place.study
    tests = analytes(form)
    if not tests:
        return {}
    given = list(given)
    kept = list(LabRange.objects.filter(analyte__in=set(tests.values())))
    sex, age = value_of(around, SEX), value_of(around, AGE)
    items = {item.name: item for item in form.items}
    found: dict[tuple[int, str], Range] = {}
    for row in {cell.row for cell in given} or {1}:
        mine = {cell.item: cell.value for cell in given if cell.row == row}
        about = _About(_laboratory(form, mine), _day(form, mine), sex, age)
        for name, test in tests.items():
            fits = _of_laboratory(kept, test, items[name], about)
            fits = fits or _of_study(study, test, items[name], sex)
            if fits:
                found[row, name] = fits
    return found


def with_ranges(
    study: Study, event: EventInstance, form_id: str, data: Document, change: Document
) -> Document:
    """A change with the ranges that the results of its rows are compared with, kept beside them.

    data: the document as it will stand, by which date, laboratory and results are known.
    """
    if not analytes(study.forms[form_id]):
        return change
    place = Place(study, event.subject, event.visit, event.repeat, study.forms[form_id])
    around = look_around(place)
    fit = ranges_of(around, list(cells(data)))
    kept = {row[KEY]: row.get(USED, {}) for row in around.data["rows"]}
    results = {(cell.row, cell.item) for cell in cells(data) if cell.value}
    rows = []
    for row in change["rows"]:
        key = row[KEY]
        used = {n: asdict(r) for (k, n), r in fit.items() if k == key and (k, n) in results}
        rows.append({**row, USED: used} if used != kept.get(key, {}) else row)
    return {"rows": rows}


@dataclass(frozen=True, slots=True)
class _About:
    laboratory: str
    day: date | None
    sex: str
    age: str


def _of_laboratory(kept: list[LabRange], test: str, item: Item, about: _About) -> Range | None:
    for one in kept:
        fits = (
            one.analyte == test
            and one.unit == item.unit
            and one.laboratory.casefold() == about.laboratory.casefold()
            and one.sex in ("", about.sex)
            and (not about.age.isdigit() or one.age_from <= int(about.age) < one.age_to)
            and (about.day is None or one.begins <= about.day)
            and (about.day is None or one.ends is None or about.day < one.ends)
        )
        if fits:
            return Range(one.low, one.high, one.unit, f"{one.laboratory}, {one.begins}")
    return None


def _of_study(study: Study, test: str, item: Item, sex: str) -> Range | None:
    table = study.terms.get(STUDY_LIST)
    if table is None:
        return None
    for row in table.iter_rows(named=True):
        if row["LBTESTCD"] == test and row["unit"] == item.unit and row["SEX"] in (sex, "", None):
            return Range(row["low"] or "", row["high"] or "", item.unit, row["source"] or "")
    return None


def _laboratory(form: Form, values: dict[str, str]) -> str:
    for item in form.items:
        if any((t.domain, t.variable) == ("LB", "LBNAM") for t in item.to):
            return values.get(item.name, "")
    return ""


def _day(form: Form, values: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(values.get(form.date, ""))
    except ValueError:
        return None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
