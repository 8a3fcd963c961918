"""Normal ranges of laboratories: added and ended, one by one or from a file, never changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction

from onearm.capture import clock, permissions, trail
from onearm.capture.actions.take_csv import read_lines
from onearm.capture.export.layout import newest_study
from onearm.capture.models import LabRange
from onearm.capture.range_rules import COLUMNS, Span, gaps, read
from onearm.capture.ranges import FROM_AGE, TO_AGE, asked_analytes
from onearm.capture.words import kept, say
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.capture.models import User
    from onearm.study import Study

STREAM = "ranges"
RIGHT = "ranges.edit"


class RangeProblem(OnearmError):
    """The range cannot be kept; ``reasons`` has everything that is wrong with it."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one line: ``new``, ``changed`` (it ends a range), ``same`` or ``refused``.

    ends: ranges that end because this one begins.
    """

    number: int
    span: Span | None
    fate: str
    why: tuple[str, ...] = ()
    ends: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Every line with its fate, and for whom the ranges would then leave nobody's (``gaps``)."""

    lines: tuple[Line, ...]
    gaps: tuple[str, ...]
    is_dry: bool

    def count(self, *fates: str) -> int:
        """Lines of these fates."""
        return sum(line.fate in fates for line in self.lines)


def add_range(user: User, given: Mapping[str, str], *, replaces: bool = False) -> LabRange:
    """Add one range. given: texts by column (`COLUMNS`). replaces: end those without an end that it
    meets on the day it begins.

    Raises `permissions.NotAllowed`, and `RangeProblem` with all that is wrong.
    """
    with transaction.atomic():
        account = _take(user, [{"": "1", **given}], replaces=replaces, is_dry=False)
        line = account.lines[0]
        if line.fate == "same":
            raise RangeProblem([say("ranges.there").format(span=line.span)])
        if line.fate != "new" or line.span is None:
            raise RangeProblem(line.why or [say("ranges.there").format(span=line.span)])
        return LabRange.objects.order_by("-pk")[0]


@transaction.atomic
def end_range(user: User, pk: int, day: date, reason: str) -> LabRange:
    """End a range: it holds until before the day. Results that were compared with it keep it.

    Raises `permissions.NotAllowed`, and `RangeProblem` for one that has an end, a day on or before
    its first, and no reason.
    """
    actor = permissions.actor(user, RIGHT, None, clock.now().date())
    trail.lock(STREAM)
    one = LabRange.objects.get(pk=pk)
    span, wrong = Span.of(one), []
    if one.ends is not None:
        wrong.append(say("ranges.has_end").format(span=span))
    if day <= one.begins:
        wrong.append(say("ranges.bad_days").format(begins=one.begins, ends=day))
    if not reason.strip():
        wrong.append(say("ranges.no_reason"))
    if wrong:
        raise RangeProblem(wrong)
    return _end(actor, one, day, reason.strip())


def take_ranges(
    user: User, content: bytes, *, replaces: bool = False, source: str = "", is_dry: bool = False
) -> Account:
    """Judge every line of a CSV file of ranges, and keep those that stand (or say what would be).

    Raises `permissions.NotAllowed`, and ``OnearmError`` for a file that cannot be read or lacks a
    column that every range needs.
    """
    header, rows, _ = read_lines(content)
    lost = [name for name in ("laboratory", "analyte", "begins") if name not in header]
    if lost:
        raise OnearmError(say("ranges.no_column").format(columns=", ".join(lost)))
    with transaction.atomic():
        return _take(user, rows, replaces=replaces, is_dry=is_dry, source=source)


def template(study: Study) -> str:
    """A CSV file to fill in: a line for each analyte of the study in the unit it is asked in."""
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for test, items in asked_analytes(study).items():
        for unit in dict.fromkeys(item.unit for item in items):
            lines.writerow(("", test, unit, "", FROM_AGE, TO_AGE, "", "", "", ""))
    return out.getvalue()


def _take(
    user: User,
    rows: Iterable[Mapping[str, str]],
    *,
    replaces: bool,
    is_dry: bool,
    source: str = "",
) -> Account:
    actor = permissions.actor(user, RIGHT, None, clock.now().date())
    study = newest_study()
    if study is None:
        raise OnearmError(say("ranges.no_study"))
    if not is_dry:
        # Two ranges that meet, kept at the same moment: the second waits here, and sees the first.
        trail.lock(STREAM)
        if source:
            trail.record(STREAM, "ranges.take", actor=actor, target=source)
    standing = [Span.of(one) for one in LabRange.objects.order_by("pk")]
    lines = []
    for row in rows:
        line = _judged(study, row, standing, replaces=replaces)
        lines.append(line)
        if line.span is None or line.fate not in ("new", "changed"):
            continue
        for old in line.ends:
            day = line.span.ends if line.fate == "changed" else line.span.begins
            standing[standing.index(old)] = replace(old, ends=day)
        if line.fate == "new":
            standing.append(line.span)
        if not is_dry:
            _keep(actor, line, source)
    touched = {line.span.series for line in lines if line.span}
    holes = tuple(gaps(span for span in standing if span.series in touched))
    return Account(tuple(lines), holes, is_dry)


def _judged(study: Study, row: Mapping[str, str], standing: list[Span], *, replaces: bool) -> Line:
    at = int(row[""])
    span, wrong = read(study, row)
    if span is None:
        return Line(at, None, "refused", tuple(wrong))
    known = next((old for old in standing if old.is_same_place(span)), None)
    if known is not None and (known.low, known.high) == (span.low, span.high):
        if known.ends == span.ends or (span.ends is None and known.pk is not None):
            return Line(at, span, "same")
        if known.ends is None and span.ends is not None and known.pk is not None:
            return Line(at, span, "changed", ends=(known,))
    meets = [old for old in standing if old.meets(span)]
    ended = [
        old
        for old in meets
        if replaces and old.pk is not None and old.ends is None and old.begins < span.begins
    ]
    clash = [old for old in meets if old not in ended]
    if clash:
        why = tuple(say("ranges.meets").format(new=span, old=old) for old in clash)
        return Line(at, span, "refused", why)
    return Line(at, span, "new", ends=tuple(ended))


def _keep(actor: permissions.Actor, line: Line, source: str) -> None:
    span = line.span
    if span is None:
        return
    day = span.ends if line.fate == "changed" else span.begins
    limits = f"{span.low}–{span.high} {span.unit}".strip()
    why = kept("ranges.follows").format(limits=limits) if line.fate == "new" else source
    for old in line.ends:
        if day is not None:
            _end(actor, LabRange.objects.get(pk=old.pk), day, why)
    if line.fate == "new":
        made = LabRange.objects.create(**{name: getattr(span, name) for name in COLUMNS})
        _record(actor, "ranges.add", replace(span, pk=made.pk), reason=source)


def _end(actor: permissions.Actor, one: LabRange, day: date, reason: str) -> LabRange:
    one.ends = day
    one.save(update_fields=["ends"])
    _record(actor, "ranges.end", Span.of(one), reason=reason)
    return one


def _record(actor: permissions.Actor, action: str, span: Span, *, reason: str) -> None:
    trail.record(
        STREAM,
        action,
        actor=actor,
        target=f"{span.laboratory}: {span.analyte}",
        details={"id": span.pk, **span.about},
        reason=reason,
    )
