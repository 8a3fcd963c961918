"""Normal ranges of laboratories: the one that holds for a result, and whether it lies outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from onearm.capture.document import KEY, REMOVED, Cell, Document, cells
from onearm.capture.models import LabRange
from onearm.capture.surroundings import AGE, SEX, Place, look_around, value_of
from onearm.terms.units import standard

if TYPE_CHECKING:
    from onearm.capture.models import EventInstance
    from onearm.capture.surroundings import Around
    from onearm.study import Study
    from onearm.study.forms import Form, Item

USED = "_ranges"
"""Where a row of a form's document keeps the ranges its results were compared with."""

SI = "_si"
"""Where it keeps its results in their standard units: value, unit, and the factor of a conversion.

The standard units of ``terms/tests.csv`` are those of the SI and those accepted beside it (U/L)."""

STUDY_LIST = "lab_ranges"
FROM_AGE, TO_AGE = 0, 200
"""What ``age_from`` and ``age_to`` say where a range is for every age."""

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
        value_, low, high = number(value), number(self.low), number(self.high)
        if value_ is None:
            return ""
        if low is not None and value_ < low:
            return "L"
        return "H" if high is not None and value_ > high else ""

    def is_as(self, other: Range | None) -> bool:
        """Whether both have the same limits, whoever they are of."""
        return other is not None and (self.low, self.high, self.unit) == (
            other.low,
            other.high,
            other.unit,
        )


@dataclass(frozen=True, slots=True)
class About:
    """What decides which range holds; empty texts and no day where it is not known.

    ``age`` is the age in whole years that the study asks for.
    """

    laboratory: str
    day: date | None
    sex: str
    age: int | None


class Book:
    """Every range of some tests, read once and asked for many results."""

    def __init__(self, study: Study, tests: Iterable[str]) -> None:
        wanted = set(tests)
        self._own: dict[tuple[str, str, str], list[LabRange]] = defaultdict(list)
        for one in LabRange.objects.filter(analyte__in=wanted).order_by("pk"):
            self._own[_named(one.laboratory), one.analyte, one.unit].append(one)
        self._study: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        table = study.terms.get(STUDY_LIST)
        for row in table.iter_rows(named=True) if table is not None else ():
            if row["LBTESTCD"] in wanted:
                self._study[row["LBTESTCD"], row["unit"] or ""].append(row)

    def find(self, test: str, unit: str, about: About) -> Range | None:
        """The range that holds for a result; None rather than one that may be of somebody else.

        A laboratory's ranges for a test are compared with nothing but that laboratory's: the
        study's list serves only where the laboratory has none on the day. A range for one sex holds
        where that sex was entered, one for some ages where the age was entered and is among them:
        with either missing there is no range and no flag, for a wrong one misleads whoever reads it
        and nobody looks for it. Without a day of sampling, and wherever more than one range fits,
        there is one only if all that fit have the same limits. Ranges of pregnancy are not kept:
        such results are judged by a physician.
        """
        own = [
            one
            for one in self._own.get((_named(about.laboratory), test, unit), ())
            if about.day is None or _holds_on(one, about.day)
        ]
        if own:
            fit = [_of(one) for one in own if _is_for(one, about)]
        else:
            rows = self._study.get((test, unit), ())
            fit = [_listed(row) for row in rows if (row["SEX"] or "") in ("", about.sex)]
        return fit[0] if fit and all(one.is_as(fit[0]) for one in fit) else None


def analytes(form: Form) -> dict[str, str]:
    """By item the laboratory test (LBTESTCD) whose result it holds."""
    return {item.name: test for item in form.items if (test := test_of(item))}


def test_of(item: Item) -> str:
    """The laboratory test (LBTESTCD) whose result an item holds; empty for other items."""
    tests = (
        test
        for target in item.to
        if (target.domain, target.variable) == ("LB", "LBORRES")
        for variable, test in target.where
        if variable == "LBTESTCD"
    )
    return next(tests, "")


def ranges_of(around: Around, given: Iterable[Cell]) -> dict[tuple[int, str], Range]:
    """By row and item the range that holds; given: the form's cells, for its date and laboratory.

    A range of the laboratory on the day comes first, by sex and age; else the study's own list.
    """
    form, study = around.place.form, around.place.study
    tests = analytes(form)
    if not tests:
        return {}
    who = whose(value_of(around, SEX), value_of(around, AGE))
    return found(Book(study, tests.values()), form, given, who)


def whose(sex: str, age: str) -> tuple[str, int | None]:
    """Sex and age as the ranges know them: M, F or nothing; whole years or nothing."""
    years = number(age)
    known = years is not None and FROM_AGE <= years < TO_AGE
    return (sex if sex in ("M", "F") else ""), int(years) if known and years is not None else None


def found(
    book: Book, form: Form, given: Iterable[Cell], who: tuple[str, int | None]
) -> dict[tuple[int, str], Range]:
    """By row and item the range that holds for one form's cells."""
    given = list(given)
    items = {item.name: item for item in form.items}
    laboratory = laboratory_item(form)
    fits: dict[tuple[int, str], Range] = {}
    for row in {cell.row for cell in given} or {1}:
        mine = {cell.item: cell.value for cell in given if cell.row == row}
        about = About(mine.get(laboratory, ""), sampled_on(form, mine), *who)
        for name, test in analytes(form).items():
            fit = book.find(test, items[name].unit, about)
            if fit:
                fits[row, name] = fit
    return fits


def with_ranges(
    study: Study,
    event: EventInstance,
    form_id: str,
    data: Document,
    change: Document,
    *,
    anew: bool = False,
) -> Document:
    """A change with what is kept beside the results of its rows: ranges, and values in SI units.

    data: the document as it will stand, by which date, laboratory and results are known. anew: the
    rows that the change leaves alone are compared again as well.
    """
    if not analytes(study.forms[form_id]):
        return change
    place = Place(study, event.subject, event.visit, event.repeat, study.forms[form_id])
    around = look_around(place)
    who = whose(value_of(around, SEX), value_of(around, AGE))
    book = Book(study, analytes(place.form).values())
    return kept_beside(book, place.form, around.data, data, change, who, anew=anew)


def kept_beside(
    book: Book,
    form: Form,
    before: Document,
    data: Document,
    change: Document,
    who: tuple[str, int | None],
    *,
    anew: bool = False,
) -> Document:
    """The change with ranges and SI values where they differ from those that stand in ``before``.

    data: the document after the change. who: sex and age as `whose` gives them.
    """
    stand = {row[KEY]: row for row in before["rows"]}
    results = [cell for cell in cells(data) if cell.value]
    fit = found(book, form, results, who)
    si = si_values(form, results)
    standing = [row[KEY] for row in data["rows"] if REMOVED not in row]
    touched: dict[int, dict[str, Any]] = {key: {KEY: key} for key in standing} if anew else {}
    touched |= {row[KEY]: row for row in change["rows"]}
    rows = []
    for key in sorted(touched):
        if key not in standing:  # a row that is taken out stays as it was judged
            rows.append(touched[key])
            continue
        used = {
            c.item: asdict(fit[key, c.item])
            for c in results
            if c.row == key and (key, c.item) in fit
        }
        news = {USED: used, SI: si.get(key, {})}
        old = stand.get(key, {})
        row = touched[key] | {name: new for name, new in news.items() if new != old.get(name, {})}
        if len(row) > 1:
            rows.append(row)
    return {"rows": rows}


def si_values(form: Form, results: Iterable[Cell]) -> dict[int, dict[str, dict[str, str]]]:
    """By row and item the results in their standard units, where the tables have one."""
    tests, items = analytes(form), {item.name: item for item in form.items}
    values: dict[int, dict[str, dict[str, str]]] = defaultdict(dict)
    for cell in results:
        if cell.item not in tests:
            continue
        unit = items[cell.item].unit
        made = standard("LB", tests[cell.item], unit, cell.value)
        if made is not None:
            value = {"value": made.value, "unit": made.unit}
            # The factor is what a reader needs to do the sum again.
            values[cell.row][cell.item] = value | (
                {"factor": str(made.factor)} if made.unit != unit else {}
            )
    return values


def stored_range(row: Mapping[str, Any], item: str) -> Range | None:
    """The range that a stored result was compared with; None where there was none."""
    used = row.get(USED, {}).get(item)
    return Range(**used) if used else None


def number(text: str) -> Decimal | None:
    """An exact finite number; None for any other text."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def laboratory_item(form: Form) -> str:
    """The item that names the laboratory; empty where the form does not ask."""
    return next((item.name for item in form.items if names_laboratory(item)), "")


def names_laboratory(item: Item) -> bool:
    """Whether an item holds the laboratory's name."""
    return any((t.domain, t.variable) == ("LB", "LBNAM") for t in item.to)


def asked_analytes(study: Study) -> dict[str, list[Item]]:
    """By laboratory test the items of the study that hold its result, in the order of the forms."""
    asked: dict[str, list[Item]] = defaultdict(list)
    for form in study.forms.values():
        for name, test in analytes(form).items():
            asked[test].append(form.item(name))
    return dict(asked)


def sampled_on(form: Form, values: Mapping[str, str]) -> date | None:
    """The day of a row's sampling; None where it is not known to the day."""
    try:
        return date.fromisoformat(values.get(form.date, ""))
    except ValueError:
        return None


def _named(laboratory: str) -> str:
    """A laboratory's name as it is compared: people write it with other cases and spaces."""
    return " ".join(laboratory.casefold().split())


def _holds_on(one: LabRange, day: date) -> bool:
    return one.begins <= day and (one.ends is None or day < one.ends)


def _is_for(one: LabRange, about: About) -> bool:
    if one.sex and one.sex != about.sex:
        return False
    if (one.age_from, one.age_to) == (FROM_AGE, TO_AGE):
        return True
    return about.age is not None and one.age_from <= about.age < one.age_to


def _of(one: LabRange) -> Range:
    return Range(one.low, one.high, one.unit, f"{one.laboratory}, {one.begins}")


def _listed(row: Mapping[str, str]) -> Range:
    return Range(row["low"] or "", row["high"] or "", row["unit"] or "", row["source"] or "")
