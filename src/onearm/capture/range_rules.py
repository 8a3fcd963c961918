"""What normal ranges must be: read from text, against each other, and without holes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from onearm.capture.ranges import FROM_AGE, TO_AGE, asked_analytes, number
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from onearm.capture.models import LabRange
    from onearm.study import Study

COLUMNS = (
    "laboratory", "analyte", "unit", "sex", "age_from", "age_to", "low", "high", "begins", "ends",
)  # fmt: skip
"""The columns of a file of ranges, and of a range in the trail."""

SEXES = ("M", "F")
LONGEST = {"laboratory": 80, "analyte": 40, "unit": 40, "low": 30, "high": 30}


@dataclass(frozen=True, slots=True)
class Span:
    """One range as a value: whose, of what, for whom and when; both ends of time and age from
    their first day or year until before their last.

    pk: the key of a range that stands, None for one that is new.
    """

    laboratory: str
    analyte: str
    unit: str
    sex: str
    age_from: int
    age_to: int
    low: str
    high: str
    begins: date
    ends: date | None
    pk: int | None = None

    @classmethod
    def of(cls, one: LabRange) -> Span:
        """A range that stands."""
        return cls(**{name: getattr(one, name) for name in COLUMNS}, pk=one.pk)

    @property
    def series(self) -> tuple[str, str, str]:
        """Laboratory, analyte and unit: ranges of one series must not meet."""
        return " ".join(self.laboratory.casefold().split()), self.analyte, self.unit

    @property
    def about(self) -> dict[str, object]:
        """The columns with their values, as the trail keeps them."""
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name in COLUMNS
            if (value := getattr(self, name)) is not None
        }

    def __str__(self) -> str:
        return say("ranges.span").format(
            analyte=self.analyte,
            limits=f"{self.low or '…'}–{self.high or '…'} {self.unit}".strip(),
            who=who(self.sex, self.age_from, self.age_to),
            when=when(self.begins, self.ends),
        )

    def meets(self, other: Span) -> bool:
        """Whether there is a person and a day for whom both would hold."""
        return (
            self.series == other.series
            and (not self.sex or not other.sex or self.sex == other.sex)
            and self.age_from < other.age_to
            and other.age_from < self.age_to
            and (self.ends is None or other.begins < self.ends)
            and (other.ends is None or self.begins < other.ends)
        )

    def is_same_place(self, other: Span) -> bool:
        """Whether both are for the same people from the same day on."""
        mine, theirs = ((s.series, s.sex, s.age_from, s.age_to, s.begins) for s in (self, other))
        return mine == theirs


def who(sex: str, age_from: int, age_to: int) -> str:
    """For whom a range is, in words."""
    people = say(f"ranges.sex.{sex or 'both'}")
    if (age_from, age_to) == (FROM_AGE, TO_AGE):
        return people
    ages = "ranges.ages" if age_to < TO_AGE else "ranges.ages_from"
    return f"{people} {say(ages).format(low=age_from, high=age_to)}"


def when(begins: date | None, ends: date | None) -> str:
    """When a range holds, in words; None for no end and for no beginning."""
    if ends is None:
        return say("ranges.from").format(begins=begins)
    return say("ranges.until").format(begins=begins, ends=ends)


def read(study: Study, row: Mapping[str, str]) -> tuple[Span | None, list[str]]:
    """A line as a range, or everything that is wrong with it with the values named.

    The analyte is one that the study asks for, by its code or the item's words, and the unit that
    of the item: an empty one is filled in. Empty sex is both, empty ages are all.
    """
    given = {name: row.get(name, "").strip() for name in COLUMNS}
    wrong: list[str] = []
    if not given["laboratory"]:
        wrong.append(say("ranges.no_laboratory"))
    wrong += [
        say("ranges.too_long").format(value=given[name][:40], most=most)
        for name, most in LONGEST.items()
        if len(given[name]) > most
    ]
    analyte, unit = _asked(study, given, wrong)
    sex = given["sex"].upper()
    if sex not in ("", *SEXES):
        wrong.append(say("ranges.bad_sex").format(value=given["sex"]))
    ages = [_age(given[name], usual, wrong) for name, usual in AGES]
    if not any(age is None for age in ages) and not (ages[0] or 0) < (ages[1] or 0):
        wrong.append(say("ranges.bad_ages").format(low=ages[0], high=ages[1]))
    _limits(given, wrong)
    begins, ends = (
        _day(given[name], wrong, needed=name == "begins") for name in ("begins", "ends")
    )
    if begins and ends and not begins < ends:
        wrong.append(say("ranges.bad_days").format(begins=begins, ends=ends))
    if wrong or begins is None or ages[0] is None or ages[1] is None:
        return None, wrong
    made = Span(
        " ".join(given["laboratory"].split()), analyte, unit, sex, ages[0], ages[1],
        given["low"], given["high"], begins, ends,
    )  # fmt: skip
    return made, []


AGES = (("age_from", FROM_AGE), ("age_to", TO_AGE))


def _asked(study: Study, given: Mapping[str, str], wrong: list[str]) -> tuple[str, str]:
    """The analyte's code and unit as the study has them."""
    asked = asked_analytes(study)
    called = {
        word.casefold(): test
        for test, items in asked.items()
        for item in items
        for word in (item.name, item.label.en, item.label.zh)
        if word
    } | {test.casefold(): test for test in asked}
    test = called.get(given["analyte"].casefold())
    if test is None:
        wrong.append(say("ranges.bad_analyte").format(value=given["analyte"]))
        return "", ""
    units = list(dict.fromkeys(item.unit for item in asked[test]))
    if given["unit"] in units:
        return test, given["unit"]
    if not given["unit"] and len(units) == 1:
        return test, units[0]
    expected = say("ranges.or").join(unit or say("ranges.no_unit") for unit in units)
    wrong.append(
        say("ranges.bad_unit").format(analyte=test, value=given["unit"], expected=expected)
    )
    return test, given["unit"]


def _age(text: str, usual: int, wrong: list[str]) -> int | None:
    if not text:
        return usual
    if not (text.isascii() and text.isdigit()) or int(text) > TO_AGE:
        wrong.append(say("ranges.bad_age").format(value=text))
        return None
    return int(text)


def _limits(given: Mapping[str, str], wrong: list[str]) -> None:
    limits = {name: number(given[name]) for name in ("low", "high")}
    wrong += [
        say("ranges.bad_limit").format(value=given[name])
        for name, limit in limits.items()
        if given[name] and limit is None
    ]
    low, high = limits["low"], limits["high"]
    if low is not None and high is not None and low > high:
        wrong.append(say("ranges.low_above_high").format(low=given["low"], high=given["high"]))
    if not given["low"] and not given["high"]:
        wrong.append(say("ranges.no_limit"))


def _day(text: str, wrong: list[str], *, needed: bool) -> date | None:
    if not text and not needed:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        wrong.append(say("ranges.bad_day").format(value=text))
        return None


def gaps(spans: Iterable[Span]) -> Iterator[str]:
    """For whom and when the laboratories' ranges leave somebody without one, in words.

    Asked for each analyte that a laboratory has any range for: men and women, every age from the
    youngest that has a range, and every day from the first that has one. Ages below that are not
    missed: a trial of adults needs no ranges of children.
    """
    series: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
    for span in spans:
        series[span.series].append(span)
    for key in sorted(series):
        mine = series[key]
        holes = {sex: _holes([s for s in mine if s.sex in ("", sex)], mine) for sex in SEXES}
        named = [("", hole) for hole in holes["M"] if hole in holes["F"]]
        named += [(s, hole) for s in SEXES for hole in holes[s] if ("", hole) not in named]
        for sex, hole in named:
            yield say("ranges.gap").format(
                laboratory=mine[0].laboratory,
                analyte=mine[0].analyte,
                who=who(sex, hole.age_from, hole.age_to),
                when=when(hole.begins, hole.ends),
            )


@dataclass(frozen=True, slots=True)
class _Hole:
    age_from: int
    age_to: int
    begins: date
    ends: date | None


def _holes(spans: list[Span], everyone: list[Span]) -> list[_Hole]:
    """Ages and times without a range, between those at which any range of the series changes."""
    ages = sorted({age for s in everyone for age in (s.age_from, s.age_to)} | {TO_AGE})
    days: list[date | None] = [*sorted({s.begins for s in everyone} | _ends(everyone)), None]
    found: list[_Hole] = []
    for low, high in pairwise(ages):
        for begins, ends in pairwise(days):
            if begins is None or any(_covers(s, low, begins) for s in spans):
                continue
            last = found[-1] if found else None
            if last and (last.age_from, last.age_to, last.ends) == (low, high, begins):
                found[-1] = replace(last, ends=ends)
            else:
                found.append(_Hole(low, high, begins, ends))
    return _joined(found)


def _joined(holes: list[_Hole]) -> list[_Hole]:
    """Holes of neighbouring ages at the same time as one."""
    found: list[_Hole] = []
    for hole in holes:
        before = next(
            (
                h
                for h in found
                if h.age_to == hole.age_from and (h.begins, h.ends) == (hole.begins, hole.ends)
            ),
            None,
        )
        if before is None:
            found.append(hole)
        else:
            found[found.index(before)] = replace(before, age_to=hole.age_to)
    return found


def _ends(spans: Iterable[Span]) -> set[date]:
    return {s.ends for s in spans if s.ends is not None}


def _covers(span: Span, age: int, day: date) -> bool:
    is_then = span.begins <= day and (span.ends is None or day < span.ends)
    return span.age_from <= age < span.age_to and is_then


def lacking(study: Study, spans: Iterable[Span]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """By laboratory the words of the study's results that it has no range for at all."""
    asked = asked_analytes(study)
    names: dict[str, str] = {}
    has: dict[str, set[str]] = defaultdict(set)
    for span in spans:
        names.setdefault(span.series[0], span.laboratory)
        has[span.series[0]].add(span.analyte)
    for key in sorted(names):
        missing = tuple(said(asked[t][0].label) for t in asked if t not in has[key])
        if missing:
            yield names[key], missing
