"""One cell of a form's page as HTML: a page has many, and in template tags they took most of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from onearm.capture import words
from onearm.capture.views.entry_sheet import reasons

if TYPE_CHECKING:
    from onearm.capture.labs import Judged
    from onearm.capture.views.entry_sheet import Box
    from onearm.study.forms import Form

EMPTY = SafeString("")

WORDS = {
    "required": "form.required",
    "missing": "form.missing",
    "history": "history.cell",
    "before": "form.before",
    "base": "lesions.base",
    "range": "form.range",
    "range_now": "ranges.now",
    "range_none": "ranges.now_none",
    "si": "ranges.si",
    "new": "form.row_new",
    "row_out": "form.row_out",
    "row_back": "form.row_back",
    "ask": "query.ask",
}
"""Words of the cells and rows of a form, with their keys in words.csv."""


def sheet_words(form: Form) -> dict[str, str]:
    """The words of a form's cells and rows in the reader's language."""
    return {
        **{name: words.say(key) for name, key in WORDS.items()},
        "flag": f"L: {words.say('flag.L')}, H: {words.say('flag.H')}",
        "row": form.rows if words.language() == "en" else words.say("history.row"),
    }


@dataclass(frozen=True, slots=True)
class Cells:
    """What the cells of a page have in common.

    words: as `sheet_words` gives them. history, talk: addresses that go on with the cell's place;
    empty where there is no history yet, or for who may not ask. has_units: the unit stands behind
    the cell, not in the head of its column.
    """

    words: Mapping[str, str]
    may_enter: bool
    has_units: bool
    history: str = ""
    talk: str = ""
    reasons: Sequence[tuple[str, str]] = field(default_factory=reasons)

    def html(self, box: Box) -> SafeString:
        """The input of a cell, what can be done with it, and what is known beside it."""
        line = mark_safe("".join(self._line(box)))  # noqa: S308 - every piece is escaped by itself
        near = mark_safe("".join(self._near(box)))  # noqa: S308
        beside = format_html('<span class="near">{}</span>', near) if near else EMPTY
        return format_html('<span class="line">{}</span>{}', line, beside)

    def _line(self, box: Box) -> Iterator[SafeString]:
        yield format_html("<input{}>", box.attributes)
        if box.item.unit and self.has_units:
            yield format_html('<span class="unit">{}</span>', box.item.unit)
        if box.lab:
            yield self._result(box.lab)
        if self.may_enter and not box.item.calculated:
            yield self._reason(box)
        elif box.reason:
            said = dict(self.reasons).get(box.reason, "")
            yield format_html('<i class="reason">{}</i>', said)
        if self.history and box.was:
            yield format_html(
                '<a class="hist" tabindex="-1" href="{}{}/{}" title="{} (Alt+H)" '
                'aria-label="{}: {}">⟲</a>',
                self.history,
                box.row,
                box.item.name,
                self.words["history"],
                self.words["history"],
                box.label,
            )
        if self.talk:
            yield format_html(
                '<a class="ask talk" tabindex="-1" href="{}?row={}&amp;item={}" title="{} (Alt+Q)" '
                'aria-label="{}: {}">?</a>',
                self.talk,
                box.row,
                box.item.name,
                self.words["ask"],
                self.words["ask"],
                box.label,
            )

    def _result(self, lab: Judged) -> SafeString:
        """The flag of a laboratory result and its grade, a hint that is never kept."""
        grade = lab.grade
        about = (
            format_html(' role="note" title="{}" aria-label="{}"', grade.title, grade.title)
            if grade
            else EMPTY
        )
        return format_html(
            '<b class="flag {}" title="{}">{}</b><b class="grade{}"{}>{}</b>',
            lab.flag,
            self.words["flag"],
            lab.flag,
            " serious" if grade and grade.is_serious else "",
            about,
            grade.mark if grade else "",
        )

    def _reason(self, box: Box) -> SafeString:
        """The list of reasons why there is no value."""
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (code, mark_safe(" selected") if code and code == box.reason else "", said)
                for code, said in [("", ""), *self.reasons]
            ),
        )
        return format_html(
            '<details class="why"{}><summary tabindex="-1" title="{} (Alt+M)">∅</summary>'
            '<select name="n.{}" aria-label="{}: {}">{}</select></details>',
            mark_safe(" open") if box.reason else "",
            self.words["missing"],
            box.name,
            self.words["missing"],
            box.label,
            options,
        )

    def _near(self, box: Box) -> Iterator[SafeString]:
        if box.before:
            yield format_html("<span>{} {}</span>", self.words["before"], box.before)
        if box.base:
            yield format_html("<span>{} {}</span>", self.words["base"], box.base)
        if box.lab is None:
            return
        known = f"{self.words['range']} {box.lab.range}" if box.lab.range else ""
        yield format_html('<span class="range">{}</span>', known)
        yield format_html('<span class="si" title="{}">{}</span>', self.words["si"], box.lab.si)
        if box.lab.is_stale:
            now = box.lab.now
            says = f"{self.words['range_now']} {now}" if now else self.words["range_none"]
            yield format_html('<span class="stale">{}</span>', says)
