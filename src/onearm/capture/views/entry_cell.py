"""One cell of a form's page as HTML: a page has many, and in template tags they took most of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe

from onearm.capture import words
from onearm.capture.views.entry_sheet import reasons

if TYPE_CHECKING:
    from onearm.capture.labs import Judged
    from onearm.capture.views.entry_sheet import Box
    from onearm.study.forms import Form

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
        line, near = "".join(self._line(box)), "".join(self._near(box))
        beside = f'<span class="near">{near}</span>' if near else ""
        # Every piece below is made of constants and of values that went through `escape`.
        return mark_safe(f'<span class="line">{line}</span>{beside}')  # noqa: S308 - escaped above

    def _line(self, box: Box) -> Iterator[str]:
        label = escape(box.label)
        yield f"<input{box.attributes}>"
        if box.item.unit and self.has_units:
            yield f'<span class="unit">{escape(box.item.unit)}</span>'
        if box.lab:
            yield self._result(box.lab)
        if self.may_enter and not box.item.calculated:
            yield self._reason(box, label)
        elif box.reason:
            yield f'<i class="reason">{escape(dict(self.reasons).get(box.reason, ""))}</i>'
        if self.history and box.was:
            says = escape(self.words["history"])
            yield (
                f'<a class="hist" tabindex="-1" href="{self.history}{box.row}/{box.item.name}" '
                f'title="{says} (Alt+H)" aria-label="{says}: {label}">⟲</a>'
            )
        if self.talk:
            says = escape(self.words["ask"])
            yield (
                f'<a class="ask talk" tabindex="-1" '
                f'href="{self.talk}?row={box.row}&amp;item={box.item.name}" '
                f'title="{says} (Alt+Q)" aria-label="{says}: {label}">?</a>'
            )

    def _result(self, lab: Judged) -> str:
        """The flag of a laboratory result and its grade, a hint that is never kept."""
        flag = f'<b class="flag {lab.flag}" title="{escape(self.words["flag"])}">{lab.flag}</b>'
        if lab.grade is None:
            return f'{flag}<b class="grade"></b>'
        look = "grade serious" if lab.grade.is_serious else "grade"
        title = escape(lab.grade.title)
        return (
            f'{flag}<b class="{look}" role="note" title="{title}" aria-label="{title}">'
            f"{escape(lab.grade.mark)}</b>"
        )

    def _reason(self, box: Box, label: str) -> str:
        """The list of reasons why there is no value."""
        says = escape(self.words["missing"])
        options = "".join(
            f'<option value="{code}"{" selected" if code and code == box.reason else ""}>'
            f"{escape(said)}</option>"
            for code, said in [("", ""), *self.reasons]
        )
        return (
            f'<details class="why"{" open" if box.reason else ""}>'
            f'<summary tabindex="-1" title="{says} (Alt+M)">∅</summary>'
            f'<select name="n.{box.name}" aria-label="{says}: {label}">{options}</select></details>'
        )

    def _near(self, box: Box) -> Iterator[str]:
        if box.before:
            yield f"<span>{escape(self.words['before'])} {escape(box.before)}</span>"
        if box.base:
            yield f"<span>{escape(self.words['base'])} {escape(box.base)}</span>"
        if box.lab is None:
            return
        known = f"{self.words['range']} {box.lab.range}" if box.lab.range else ""
        yield f'<span class="range">{escape(known)}</span>'
        yield f'<span class="si" title="{escape(self.words["si"])}">{escape(box.lab.si)}</span>'
        if box.lab.is_stale:
            now = box.lab.now
            says = f"{self.words['range_now']} {now}" if now else self.words["range_none"]
            yield f'<span class="stale">{escape(says)}</span>'
