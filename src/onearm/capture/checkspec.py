"""The specification of a version's checks: identifier, condition and words, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils import translation
from polars.exceptions import PolarsError

from onearm.capture import clock, wording
from onearm.capture.checking import HARD_RULES
from onearm.capture.models import StudyVersion
from onearm.capture.studies import study_of
from onearm.capture.words import say
from onearm.errors import Finding, OnearmError, Place
from onearm.records.items import start_of
from onearm.study.cases import checks_of, tried
from onearm.study.forms import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onearm.study import Study
    from onearm.study.forms import Case, Check, Form, Item

COLUMNS = (
    "change",
    "id",
    "form",
    "item",
    "severity",
    "when",
    "require",
    "text_en",
    "text_zh",
    "source",
    "cases",
    "changed",
)
"""The columns of the file; ``change`` is empty for the first version of a study."""

CASE_COLUMNS = ("check", "form", "given", "expected", "found", "right", "version", "tried_at")
"""The columns of the file of cases; ``version`` is the hash of the study folder."""

COMPARED = ("severity", "when", "require", "text_en", "text_zh", "source", "cases")
"""What makes a check another one from version to version."""

LISTED = ("code", "multiple", "yes_no")
"""Types of items that take their answers from a list."""

STANDING: Mapping[str, Callable[[Form, Item], bool]] = {
    "item.type": lambda form, item: item.type not in ("text", *LISTED),
    "item.codelist": lambda form, item: item.type in LISTED,
    "item.required": lambda form, item: item.required,
    "item.range": lambda form, item: item.low is not None or item.high is not None,
    "item.decimals": lambda form, item: item.type == "decimal" and item.decimals is not None,
    "item.skip": lambda form, item: bool(item.shown_when),
    "item.calculated": lambda form, item: bool(item.calculated),
    "item.key": lambda form, item: bool(form.key) and item.name == form.key,
    "item.end_before_start": lambda form, item: start_of(form, item) is not None,
}
"""Rules that hold without being written on a form, and the items that each is about."""


@dataclass(frozen=True, slots=True)
class Line:
    """One check of a version.

    ``when`` and ``require`` are the condition as the study writes it. cases: how many of each
    outcome. change: ``added``, ``changed``, ``removed``, ``same`` against the version before, or
    empty where there is none; changed: the columns that differ.
    """

    id: str
    form: str
    item: str
    severity: str
    when: str
    require: str
    text_en: str
    text_zh: str
    source: str = ""
    cases: str = ""
    change: str = ""
    changed: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What the line keeps from version to version: an edit check its id, wherever it stands."""
        is_standing = self.id in STANDING
        return (self.id, self.form if is_standing else "", self.item if is_standing else "")

    @property
    def tried(self) -> list[str]:
        """How many cases of each outcome, in the reader's language."""
        parts = (part.split() for part in self.cases.split(", ") if part)
        return [f"{say(f'spec.{outcome}')} {n}" for outcome, n in parts]

    @property
    def cells(self) -> tuple[str, ...]:
        """The line in the order of ``COLUMNS``."""
        values = (getattr(self, name) for name in COLUMNS)
        return tuple(", ".join(v) if isinstance(v, tuple) else v for v in values)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of an edit check, tried now: what is given, what must come out, what did."""

    check: str
    form: str
    given: str
    expected: str
    found: str

    @property
    def is_right(self) -> bool:
        """Whether it came out as the study says."""
        return self.expected == self.found


def specification(study: Study) -> list[Line]:
    """Every check of a study, form by form: the edit checks, then what holds for each item."""
    return [line for form in study.forms.values() for line in of_form(study, form)]


def of_form(study: Study, form: Form) -> Iterator[Line]:
    """The checks of one form."""
    for item in form.items:
        for check in item.checks:
            yield _edit_check(study, form, check, item.name)
    for check in form.checks:
        yield _edit_check(study, form, check, "")
    for item in form.items:
        for rule, concerns in STANDING.items():
            if concerns(form, item):
                yield _standing(study, form, item, rule)


def difference(old: list[Line], new: list[Line]) -> list[Line]:
    """The lines of ``new`` with what changed since ``old``, and behind them those that went."""
    before = {line.key: line for line in old}
    after = {line.key for line in new}
    found = []
    for line in new:
        was = before.get(line.key)
        if was is None:
            found.append(replace(line, change="added"))
            continue
        changed = tuple(name for name in COMPARED if getattr(was, name) != getattr(line, name))
        found.append(replace(line, change="changed" if changed else "same", changed=changed))
    return [*found, *(replace(was, change="removed") for was in old if was.key not in after)]


def case_lines(study: Study) -> Iterator[CaseLine]:
    """Every case of every check, judged as data would be."""
    for form in study.forms.values():
        for check in checks_of(form):
            for case in check.cases:
                given = ", ".join(f"{name} = {value}" for name, value in case.given.items())
                found = _outcome(study, form, check, case)
                yield CaseLine(check.id, form.form, given, case.outcome, found)


def lines(version: StudyVersion, study: Study) -> list[Line]:
    """The specification of a version with what changed since the version before, where one is."""
    now = specification(study)
    before = StudyVersion.objects.filter(number__lt=version.number).order_by("-number").first()
    return now if before is None else difference(specification(study_of(before)), now)


def _check_table(version: StudyVersion, study: Study) -> Table:
    return COLUMNS, (line.cells for line in lines(version, study))


def _case_table(version: StudyVersion, study: Study) -> Table:
    now = f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"
    return CASE_COLUMNS, (
        (c.check, c.form, c.given, c.expected, c.found, "yes" if c.is_right else "NO",
         version.hash, now)
        for c in case_lines(study)
    )  # fmt: skip


Table = tuple[tuple[str, ...], "Iterable[tuple[str, ...]]"]
"""Headings and rows of a file."""

TABLES: Mapping[str, Callable[[StudyVersion, Study], Table]] = {
    "checks": _check_table,
    "cases": _case_table,
}
"""The files: the specification, and the cases as they come out now."""


def _outcome(study: Study, form: Form, check: Check, case: Case) -> str:
    """What came out; a case that cannot be tried says why, and so is never right."""
    try:
        return tried(study, form, check, case).outcome
    except (OnearmError, PolarsError) as problem:
        return str(problem).splitlines()[0]


def _edit_check(study: Study, form: Form, check: Check, item: str) -> Line:
    en, zh = _texts(study, form, check.id, item)
    counts = [(o, sum(case.outcome == o for case in check.cases)) for o in OUTCOMES]
    return Line(
        check.id,
        form.form,
        item,
        check.severity,
        check.when,
        check.require,
        en,
        zh,
        check.source,
        ", ".join(f"{outcome} {n}" for outcome, n in counts if n),
    )


def _standing(study: Study, form: Form, item: Item, rule: str) -> Line:
    en, zh = _texts(study, form, rule, item.name)
    severity = "hard" if rule in HARD_RULES else "soft"
    when, require = _rule(study, form, item, rule)
    return Line(rule, form.form, item.name, severity, when, require, en, zh)


def _rule(study: Study, form: Form, item: Item, rule: str) -> tuple[str, str]:
    """A standing rule in the words of a condition: when it holds, and what it requires."""
    name = item.name
    if rule == "item.required":
        return item.shown_when, f"{name} IS NOT NULL OR missing reason"
    if rule == "item.skip":
        return f"NOT ({item.shown_when})", f"{name} IS NULL"
    if rule == "item.range":
        low, high = (None if b is None else wording.plain(b) for b in (item.low, item.high))
        parts = [f"{name} >= {low}" if low else "", f"{name} <= {high}" if high else ""]
        return "", " AND ".join(filter(None, parts))
    if rule == "item.calculated":
        return "", f"{name} = {item.calculated}"
    if rule == "item.decimals":
        return "", f"at most {item.decimals} digits after the point"
    if rule == "item.codelist":
        codes = ", ".join(f"'{choice.code}'" for choice in study.choices(item))
        name = f"each of {name}" if item.type == "multiple" else name
        return "", f"{name} IN ({item.codes if item.codes and len(codes) > 120 else codes})"
    if rule == "item.key":
        return "", f"{name} stands in no other row of the visit"
    if rule == "item.end_before_start":
        start = start_of(form, item)
        return "", f"{name} >= {start.name if start else ''}"
    return "", f"{name} is of type {item.type}"


def _texts(study: Study, form: Form, rule: str, item: str) -> tuple[str, str]:
    """What the check says to people, in English and in Chinese."""
    finding = Finding(Place(form=form.form, field=item), "…", rule, "", "")
    texts = []
    for language in ("en", "zh-hans"):
        with translation.override(language):
            texts.append(wording.finding_text(study, finding))
    return texts[0], texts[1]
