"""What the tables of an export look like: one a form, with the items of every study version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onearm.capture.models import StudyVersion
from onearm.capture.ranges import test_of
from onearm.capture.studies import study_of

if TYPE_CHECKING:
    from onearm.study import Study
    from onearm.study.forms import Choice, Item
    from onearm.study.text import Text

KEYS = ("SITEID", "SUBJID", "VISIT", "VISIT_REPEAT", "ROW")
"""The columns that name a row of every table."""


@dataclass(frozen=True, slots=True)
class Column:
    """One item of a form: its words, its answers, and whether the newest version still asks it.

    source: where its values come from before they are entered (``forms.Source``).
    """

    item: Item
    choices: tuple[Choice, ...]
    is_asked: bool
    source: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One form: the items of the newest study version, then those that older versions asked."""

    form: str
    label: Text
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The items' names in order."""
        return tuple(column.item.name for column in self.columns)

    @property
    def tests(self) -> dict[str, tuple[str, str]]:
        """By item that holds a laboratory result its test (LBTESTCD) and unit."""
        items = (column.item for column in self.columns)
        return {item.name: (test, item.unit) for item in items if (test := test_of(item))}


def newest_study() -> Study | None:
    """The study as its newest version says it; None in an empty database."""
    newest = StudyVersion.objects.order_by("-number").first()
    return study_of(newest) if newest else None


def sheets() -> dict[str, Sheet]:
    """The table of every form that any version of the study has, forms of the newest first.

    An item that a later version took out keeps its column, so that its values leave too.
    """
    found: dict[str, tuple[Text, dict[str, Column]]] = {}
    for number, version in enumerate(StudyVersion.objects.order_by("-number")):
        study = study_of(version)
        for form in study.forms.values():
            _, columns = found.setdefault(form.form, (form.label, {}))
            for item in form.items:
                column = Column(
                    item, study.choices(item), is_asked=number == 0, source=form.source_of(item)
                )
                columns.setdefault(item.name, column)
    return {
        form: Sheet(form, label, tuple(columns.values()))
        for form, (label, columns) in found.items()
    }
