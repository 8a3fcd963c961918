"""Filled-in forms, casebooks and reports of serious events as typst, from plain values.

Whoever fills these values has put them into the reader's language already, and has left out what
the reader may not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from onearm.paper.blank import looks
from onearm.paper.press import code, digest, quote
from onearm.paper.press import words as text
from onearm.paper.words import Words

Kind = Literal["value", "missing", "empty", "blackened", "hidden", "unasked"]

MARKS = {"verified": "✓", "changed": "△", "": ""}
WIDEST = 112
"""A table of rows whose columns take more letters than this is printed row by row."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer: its text and kind; ``mark`` says how it was compared with the source.

    note: the normal range beside a result. ``hidden`` stands for what identifies the person,
    ``unasked`` for what skip logic does not ask.
    """

    text: str = ""
    kind: Kind = "value"
    mark: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a form: its key, a cell for each question, the reason if it was taken out."""

    key: int
    cells: tuple[Cell, ...]
    removed: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One cell in one save. ``row`` 0 on forms without repeating rows."""

    row: int
    label: str
    old: Cell
    new: Cell


@dataclass(frozen=True, slots=True)
class Save:
    """One version of a form; ``at`` is the moment in UTC and at the site."""

    number: int
    at: str
    who: str
    origin: str
    reason: str
    study_version: str
    hash: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """A query with every word said: state, words, who and when."""

    number: int
    place: str
    state: str
    question: str
    entries: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """An electronic signature. ``broken`` says since when and by what; ``stands`` that it holds."""

    name: str
    meaning: str
    at: str
    what: str
    hash: str
    stands: bool
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Something done that changed no answer: moment, who in which role, what and why."""

    at: str
    who: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a form; its bytes are not in the print."""

    name: str
    size: int
    sha256: str
    who: str
    at: str


@dataclass(frozen=True, slots=True)
class FormSheet:
    """One form of one visit with everything known of it.

    facts: pairs for its head. labels: its questions with units. saves is None where the reader may
    not see the trail.
    """

    title: str
    visit: str
    date: str
    state: str
    verified: str
    head: str
    version: int
    facts: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    is_repeating: bool
    saves: tuple[Save, ...] | None = None
    queries: tuple[Talk, ...] = ()
    open_queries: int = 0
    signatures: tuple[Signed, ...] = ()
    acts: tuple[Act, ...] = ()
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What stands on every page. ``on`` dates the document, so that the same data and moment give
    the same bytes."""

    study: str
    study_title: str
    subject: str
    site: str
    printed: str
    on: date
    language: str
    has_names: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a serious event: heading, who and when, words, and answers as they stood."""

    number: int
    by: str
    text: str
    answers: tuple[tuple[str, Cell], ...]


def filled_form(about: About, sheet: FormSheet) -> str:
    """One form as typst source."""
    return _Filled(about).one(sheet)


def casebook(
    about: About,
    sheets: Sequence[FormSheet],
    *,
    facts: Iterable[tuple[str, str]],
    content: str,
    queries: Sequence[Talk] = (),
    signatures: Sequence[Signed] = (),
    acts: Sequence[Act] = (),
) -> str:
    """Every form of a subject, in the order given, as typst source.

    facts: of the title page. content: hash of the content. queries, signatures and acts: those on
    no single form.
    """
    return _Filled(about).book(
        sheets,
        facts=tuple(facts),
        content=content,
        queries=queries,
        signatures=signatures,
        acts=acts,
    )


def serious_event(
    about: About,
    *,
    title: str,
    facts: Iterable[tuple[str, str]],
    now: Sequence[tuple[str, Cell]],
    reports: Sequence[Report],
) -> str:
    """A serious event with each of its reports as typst source."""
    return _Filled(about).event(title, tuple(facts), now, reports)


@dataclass(frozen=True, slots=True)
class _Filled:
    about: About

    @property
    def words(self) -> Words:
        return Words(self.about.language)

    def one(self, sheet: FormSheet) -> str:
        return self._start(self.words("filled.title"), sheet.title) + self._sheet(sheet, 1)

    def book(
        self,
        sheets: Sequence[FormSheet],
        *,
        facts: tuple[tuple[str, str], ...],
        content: str,
        queries: Sequence[Talk],
        signatures: Sequence[Signed],
        acts: Sequence[Act],
    ) -> str:
        words, about = self.words, self.about
        title = words("filled.casebook", subject=about.subject)
        told = "".join(f"({text(k)}, {code(v)}), " for k, v in facts)
        told += f"({text(words('filled.hash'))}, hash({digest(content)})), "
        remarks = f"{text(words('filled.hash_means'))}, "
        if not about.has_names:
            remarks += f"{text(words('filled.no_names'))}, "
        named = text(about.study_title)
        parts = [
            self._start(title, ""),
            f"#front({text(about.study)}, {text(title)}, {named}, ({told}), ({remarks}))\n",
            f"#pagebreak()\n#heading({text(words('filled.contents'))})\n{self._overview(sheets)}",
        ]
        parts.append(self._signatures(signatures, 2))
        visit = ""
        for place, sheet in enumerate(sheets):
            if sheet.visit != visit:
                parts.append(f"#pagebreak(weak: true)\n#heading({text(sheet.visit)})\n")
                visit = sheet.visit
            parts.append(self._sheet(sheet, 2, f"form-{place}"))
        if queries or acts:
            parts.append("#pagebreak(weak: true)\n")
            parts.append(f"#heading({text(words('filled.acts_subject'))})\n")
            parts.append(self._queries(queries, 2) + self._acts(acts, 2))
        return "".join(parts)

    def event(
        self,
        title: str,
        facts: tuple[tuple[str, str], ...],
        now: Sequence[tuple[str, Cell]],
        reports: Sequence[Report],
    ) -> str:
        words = self.words
        pairs = ", ".join(f"({text(k)}, {text(v)})" for k, v in facts)
        parts = [
            self._start(words("sae.title"), title),
            f"#heading({text(words('sae.title'))})\n#heading(level: 2, {text(title)})\n",
            f"#facts({pairs})\n#hint({text(words('sae.privacy'))})\n",
            f"#heading(level: 2, {text(words('sae.now'))})\n{self._answers(now)}",
        ]
        if not reports:
            parts.append(f"#said({text(words('sae.none'))})\n")
        before: dict[str, Cell] = {}
        for report in reports:
            name = words(
                "sae.first" if report.number == 1 else "sae.follow", number=report.number - 1
            )
            parts.append(f"#heading(level: 2, {text(name)})\n#said(quiet({text(report.by)}))\n")
            if report.text:
                parts.append(f"#heading(level: 3, {text(words('sae.text'))})\n")
                parts.append(f"#said({text(report.text)})\n")
            parts.append(self._answers(report.answers, before if report.number > 1 else None))
            before = dict(report.answers)
        return "".join(parts)

    # --- parts of every document

    def _start(self, title: str, name: str) -> str:
        about = self.about
        where = f"{about.subject} · {about.site}"
        head = ", ".join(map(text, (about.study, ": ".join(filter(None, (title, name))), where)))
        by = text(
            about.printed + ("" if about.has_names else f" · {self.words('filled.nameless')}")
        )
        day = f"datetime(year: {about.on.year}, month: {about.on.month}, day: {about.on.day})"
        named = text(f"{about.study} {about.subject}: {title}")
        return (
            f"{looks()}\n#show: sheets.with(title: {named}, head: ({head}), foot: ({by}, []), "
            f"lang: {quote(about.language)}, date: {day})\n"
        )

    def _overview(self, sheets: Sequence[FormSheet]) -> str:
        """Every form with its page: the contents, and the state of all of it."""
        words = self.words
        keys = ("form", "state", "version", "verified", "queries_open", "head", "page")
        heads = ", ".join(text(words(f"filled.{key}")) for key in keys)
        rows = ""
        visit = ""
        for place, sheet in enumerate(sheets):
            if sheet.visit != visit:
                name = " · ".join(filter(None, (sheet.visit, sheet.date)))
                rows += f"over({len(keys)}, bold({text(name)})),\n"
                visit = sheet.visit
            asked = str(sheet.open_queries) if sheet.open_queries else ""
            rows += (
                f"{text(sheet.title)}, {text(sheet.state)}, {text(sheet.version)}, "
                f"{text(sheet.verified)}, {text(asked)}, hash({quote(sheet.head[:16])}), "
                f"page-of({quote(f'form-{place}')}),\n"
            )
        return f"#listed((1.8fr, 0.9fr, auto, 1.1fr, auto, auto, auto), ({heads}),\n{rows})\n"

    def _sheet(self, sheet: FormSheet, level: int, anchor: str = "") -> str:
        words = self.words
        signed = sum(one.stands for one in sheet.signatures)
        state = (
            words("filled.signed_by", n=signed) if sheet.signatures else words("filled.unsigned")
        )
        facts = (*sheet.facts, (words("filled.signatures"), state))
        pairs = "".join(f"({text(k)}, {text(v)}), " for k, v in facts)
        head = f"({text(words('filled.head'))}, hash({digest(sheet.head)}))"
        label = f" #label({quote(anchor)})" if anchor else ""
        return "".join(
            (
                f"#heading(level: {level}, {text(sheet.title)}){label}\n#facts({pairs}{head})\n",
                self._values(sheet),
                self._files(sheet.files),
                self._signatures(sheet.signatures, 3),
                self._queries(sheet.queries, 3),
                self._saves(sheet),
                self._acts(sheet.acts, 3),
            )
        )

    def _values(self, sheet: FormSheet) -> str:
        words = self.words
        if not sheet.rows:
            return f"#said(quiet({text(words('filled.nothing'))}))\n"
        if not sheet.is_repeating:
            told = self._answers(list(zip(sheet.labels, sheet.rows[0].cells, strict=True)))
        elif sum(_widths(sheet)) <= WIDEST:
            told = self._table(sheet)
        else:
            told = "".join(self._block(sheet, row) for row in sheet.rows)
        return told + self._legend(sheet)

    def _answers(
        self, pairs: Sequence[tuple[str, Cell]], before: dict[str, Cell] | None = None
    ) -> str:
        """Questions and answers below each other; those that differ from ``before`` marked."""
        words = self.words
        heads = [text(words("filled.question")), text(words("filled.answer"))]
        columns = "(1fr, 1.5fr)"
        marked = any(cell.mark for _, cell in pairs)
        if before is not None:
            heads.append(text(words("sae.was")))
            columns = "(1fr, 1.2fr, 0.8fr)"
        elif marked:
            heads.append('""')
            columns = "(1fr, 1.5fr, auto)"
        rows = ""
        for label, cell in pairs:
            shown = self._cell(cell)
            old = before.get(label, Cell(kind="empty")) if before is not None else None
            differs = old is not None and (old.text, old.kind) != (cell.text, cell.kind)
            rows += f"{text(label)}, {f'changed({shown})' if differs else shown}, "
            if old is not None:
                rows += f"{self._cell(old) if differs else '[]'}, "
            elif marked:
                rows += f"{text(MARKS[cell.mark])}, "
            rows += "\n"
        remark = f"#hint({text(words('sae.marked'))})\n" if before is not None else ""
        return f"#listed({columns}, ({', '.join(heads)},), size: 8pt,\n{rows})\n{remark}"

    def _table(self, sheet: FormSheet) -> str:
        widths = ", ".join(f"{width}fr" for width in _widths(sheet))
        heads = ", ".join(map(text, (self.words("filled.row"), *sheet.labels)))
        rows = ""
        for row in sheet.rows:
            cells = [self._marked(cell, struck=bool(row.removed)) for cell in row.cells]
            rows += f"{text(row.key)}, {', '.join(cells)},\n"
            if row.removed:
                why = self.words("filled.row_out", row=row.key, reason=row.removed)
                rows += f"table.cell(colspan: {len(row.cells) + 1}, missing({text(why)})),\n"
        return f"#listed((auto, {widths}), ({heads}),\n{rows})\n"

    def _block(self, sheet: FormSheet, row: Row) -> str:
        """A row with many questions: pairs side by side."""
        words = self.words
        pairs = [
            f"({text(label)}, {self._marked(cell, struck=bool(row.removed))})"
            for label, cell in zip(sheet.labels, row.cells, strict=True)
            if cell.kind not in ("unasked", "empty") or (not row.removed and cell.kind == "empty")
        ]
        why = words("filled.row_out", row=row.key, reason=row.removed) if row.removed else ""
        note = f"missing({text(why)})" if why else "[]"
        name = f"{words('filled.row')} {row.key}"
        return f"#row-block({text(name)}, {note}, {', '.join(pairs)})\n"

    def _marked(self, cell: Cell, *, struck: bool) -> str:
        shown = self._cell(cell)
        shown = f"gone({shown})" if struck and cell.kind not in ("unasked", "empty") else shown
        return f"{shown} + {text(' ' + MARKS[cell.mark])}" if cell.mark else shown

    def _cell(self, cell: Cell) -> str:
        words = self.words
        if cell.kind == "blackened":
            return f"blackened + quiet({text(' ' + words('filled.blackened'))})"
        if cell.kind in ("hidden", "unasked"):
            return f"quiet({text(words('filled.' + cell.kind))})"
        if cell.kind == "empty" or not cell.text:
            return 'quiet("—")'
        if cell.kind == "missing":
            return f"missing({text(cell.text)})"
        note = f" + small({text('  ' + cell.note)})" if cell.note else ""
        return f"text({text(cell.text)}){note}"

    def _legend(self, sheet: FormSheet) -> str:
        used = {cell.mark for row in sheet.rows for cell in row.cells if cell.mark}
        lines = [self.words(f"filled.legend.{m}") for m in ("verified", "changed") if m in used]
        return f"#hint({text('    '.join(lines))})\n" if lines else ""

    def _files(self, files: Sequence[Attached]) -> str:
        if not files:
            return ""
        words = self.words
        heads = (*(words(f"filled.{k}") for k in ("file", "size", "who", "when")), "SHA-256")
        rows = "".join(
            f"{code(f.name)}, {text(f.size)}, {text(f.who)}, {text(f.at)}, "
            f"hash({digest(f.sha256)}),\n"
            for f in files
        )
        return (
            f"#heading(level: 3, {text(words('filled.files'))})\n"
            f"#listed((1.4fr, auto, 1fr, 1.2fr, 1.6fr), ({', '.join(map(text, heads))}),\n{rows})\n"
        )

    def _signatures(self, signatures: Sequence[Signed], level: int) -> str:
        words = self.words
        if not signatures:
            return ""
        told = f"#heading(level: {level}, {text(words('filled.signatures'))})\n"
        for one in signatures:
            if one.stands:
                state = f"text({text(words('filled.signed_stands'))})"
            else:
                key = "filled.signed_broken" if one.broken else "filled.signed_unlike"
                state = f"missing({text(words(key, why=one.broken))})"
            told += (
                f"#signature(bold({text(words('filled.signed', name=one.name))}), "
                f"text({text(words('filled.meaning', meaning=one.meaning))}), "
                f"text({text(words('filled.signed_at', at=one.at))}), "
                f"text({text(words('filled.signed_what', what=one.what))}), "
                f"text({text(words('filled.signed_hash'))}) + hash({digest(one.hash)}), {state})\n"
            )
        return told

    def _queries(self, queries: Sequence[Talk], level: int) -> str:
        if not queries:
            return ""
        words = self.words
        heads = ("state", "what", "who", "when")
        told = f"#heading(level: {level}, {text(words('filled.queries'))})\n"
        rows = ""
        for one in queries:
            name = words("filled.query", number=one.number, place=one.place, state=one.state)
            rows += f"over(4, bold({text(name)}) + linebreak() + text({text(one.question)})),\n"
            rows += "".join(
                f"{text(state)}, {text(said)}, {text(who)}, {text(at)},\n"
                for state, said, who, at in one.entries
            )
        names = ", ".join(text(words(f"filled.{key}")) for key in heads)
        return f"{told}#listed((0.7fr, 2.2fr, 1.2fr, 1.4fr), ({names}),\n{rows})\n"

    def _saves(self, sheet: FormSheet) -> str:
        if sheet.saves is None:
            return ""
        words = self.words
        heads = ("row", "question", "old", "new") if sheet.is_repeating else (
            "question", "old", "new"
        )  # fmt: skip
        names = ", ".join(text(words(f"filled.{key}")) for key in heads)
        columns = "(auto, 1.3fr, 1.2fr, 1.2fr)" if sheet.is_repeating else "(1.3fr, 1.2fr, 1.2fr)"
        rows = "".join(self._save(save, len(heads)) for save in sheet.saves)
        return (
            f"#heading(level: 3, {text(words('filled.history'))})\n"
            f"#listed({columns}, ({names}),\n{rows})\n"
        )

    def _save(self, save: Save, width: int) -> str:
        words = self.words
        name = words(
            "filled.save", number=save.number, origin=save.origin, study=save.study_version
        )
        lines = [f"bold({text(name)})", f"text({text(save.at + ' · ' + save.who)})"]
        if save.reason:
            lines.append(f"text({text(words('filled.reason') + ': ' + save.reason)})")
        lines.append(f"hash({digest(save.hash)})")
        rows = f"over({width}, {' + linebreak() + '.join(lines)}),\n"
        for change in save.changes:
            row = f"{text(change.row or '')}, " if width == 4 else ""
            rows += (
                f"{row}{text(change.label)}, {self._cell(change.old)}, {self._cell(change.new)},\n"
            )
        return rows

    def _acts(self, acts: Sequence[Act], level: int) -> str:
        if not acts:
            return ""
        words = self.words
        names = ", ".join(text(words(f"filled.{key}")) for key in ("when", "who", "what", "reason"))
        rows = "".join(
            f"{text(a.at)}, {text(a.who)}, {code(a.what)}, {text(a.reason)},\n" for a in acts
        )
        return (
            f"#heading(level: {level}, {text(words('filled.acts'))})\n"
            f"#listed((1.3fr, 1fr, 1.8fr, 1fr), ({names}),\n{rows})\n"
        )


def _widths(sheet: FormSheet) -> list[int]:
    """Letters that each column of a table of rows takes; Chinese ones count twice."""
    found = []
    for place, label in enumerate(sheet.labels):
        longest = max((_letters(word) for word in label.split()), default=4)
        cells = (row.cells[place] for row in sheet.rows)
        texts = (_letters(cell.text) + 3 * bool(cell.mark) for cell in cells)
        found.append(max(min(longest, 14), min(max(texts, default=4), 24), 5))
    return found


def _letters(word: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in word)
