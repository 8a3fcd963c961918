"""A rule file that takes the library's rules and says what the study has otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import cast

from onearm.errors import Finding, Place
from onearm.expr import suggest
from onearm.study.library import AFTER, USE, WITHOUT
from onearm.study.standard import NAMED, STANDARD, Entry, Names, written_for
from onearm.study.yamlfile import RULE, Document, KeyPath, Plain

WAYS = ("from", "latest_of", "earliest_of", "span", "expr")
INSTEAD: Mapping[str, tuple[Collection[str], Collection[str]]] = {
    "variables": (
        WAYS,
        (*WAYS, "when", "take", "pick", "by", "partial", "source_in", "imputed_in", "not_before",
         "not_after"),
    ),
    "analyses": (("variable", "lines"), ("variable", "lines", "levels")),
}  # fmt: skip
"""Where an entry gives one of the first keys, the library's values of the second do not stay."""

SHOWN = "outputs"
"""The list of numbers that a chapter of the report shows; what is left out is not shown."""
_Piece = tuple[Plain, Plain, KeyPath]
"""An entry of the library, the study's change to it, and where that stands; either may be None."""


def taken_rules(
    document: Document, names: Names, library: Entry | None = None
) -> tuple[Document, list[Finding]]:
    """A rule file with what it takes from the library filled in.

    library: the library's rules as the study's folder keeps them, in place of the package's.

    ``use: standard`` takes the library's file of the same name, written for the study's own drugs
    and cohorts (see `fill`). Keys with values are merged key by key; an entry of a named list
    changes the library's entry of that name and keeps the rest of it, or is added, behind the entry
    that ``after`` names or at the end; anything else stands in place of the library's. ``without``
    lists entries that are left out, wherever they stand. A file without ``use`` stays as it is.
    """
    if USE not in document.data:
        return document, []
    return _Taking(document, library).result(names)


@dataclass
class _Taking:
    """One rule file and the library's, with the lines of the finished file."""

    document: Document
    library: Entry | None = None
    findings: list[Finding] = field(default_factory=list)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    known: dict[str, None] = field(default_factory=dict)
    left_out: tuple[Plain, ...] = ()

    def result(self, names: Names) -> tuple[Document, list[Finding]]:
        own = dict(self.document.data)
        name, left_out = own.pop(USE), own.pop(WITHOUT, None) or []
        if name != STANDARD:
            self._report((USE,), name, f"the library has no rules {name}", f"Use {STANDARD}.")
            return self.document, self.findings
        if not isinstance(left_out, list):
            self._report((WITHOUT,), left_out, "without: expected a list, found a text")
            left_out = []
        self.left_out = tuple(left_out)
        self.lines[(USE,)] = self.lines[()] = self._line((USE,))
        data = self._merged(written_for(self.document.file, names, self.library), own, (), ())
        for at, gone in enumerate(left_out):
            if gone not in self.known:
                hint = suggest(str(gone), self.known)
                self._report((WITHOUT, at), gone, f"without: {STANDARD} has no {gone}", hint)
        return Document(self.document.file, cast(Entry, data), self.lines), self.findings

    def _merged(self, base: Plain, own: Plain, old: KeyPath, new: KeyPath) -> Plain:
        """Both as one value; ``old`` and ``new`` are its places in the file and when finished."""
        key = str(new[-1]) if new else ""
        if isinstance(base, dict) and isinstance(own, dict) and not _is_text(own):
            self._keep_line(old, new)
            return self._keys(base, own, old, new)
        if isinstance(base, list) and isinstance(own, list) and _has_names(base, key):
            self._keep_line(old, new)
            return self._entries(base, own, old, new)
        self._keep(old, new)
        return own

    def _keys(self, base: Entry, own: Entry, old: KeyPath, new: KeyPath) -> Entry:
        found: Entry = {}
        for key in dict.fromkeys((*base, *own)):
            here = (*new, key)
            if key not in own:
                self.lines.setdefault(here, self._line((USE,)))
                found[key] = self._bare(base[key], here)
            elif key not in base:
                self._keep((*old, key), here)
                found[key] = own[key]
            else:
                found[key] = self._merged(base[key], own[key], (*old, key), here)
        return found

    def _bare(self, base: Plain, new: KeyPath) -> Plain:
        """The library's value without what the study leaves out."""
        if isinstance(base, dict):
            return {key: self._bare(part, (*new, key)) for key, part in base.items()}
        if not isinstance(base, list):
            return base
        key = str(new[-1]) if new else ""
        if _has_names(base, key):
            return self._entries(base, [], (), new)
        kept = [part for part in base if key != SHOWN or part not in self.left_out]
        return [self._bare(part, (*new, at)) for at, part in enumerate(kept)]

    def _entries(self, base: list[Plain], own: list[Plain], old: KeyPath, new: KeyPath) -> Plain:
        title = NAMED[str(new[-1])]
        changes: dict[str | int | None, tuple[Plain, KeyPath]] = {}
        for at, part in enumerate(own):
            name = _name(part, title, at)
            # A second entry of one name is kept apart, so that the file is told of it.
            changes[at if name in changes else name] = (part, (*old, at))
        names = [_name(part, title, None) for part in base]
        self.known |= {str(name): None for name in names}
        order: list[_Piece] = [
            (part, *changes.pop(name, (None, ())))
            for part, name in zip(base, names, strict=True)
            if name not in self.left_out
        ]
        for change, place in changes.values():
            self._insert(order, change, place, title)
        return [self._entry(*piece, (*new, at)) for at, piece in enumerate(order)]

    def _entry(self, part: Plain, change: Plain, place: KeyPath, here: KeyPath) -> Plain:
        if change is None:
            self.lines[here] = self._line((USE,))
            return self._bare(part, here)
        if not isinstance(part, dict) or not isinstance(change, dict):
            self._keep(place, here)
            return change
        kept = part if change.get("kind", part.get("kind")) == part.get("kind") else {}
        given, gone = INSTEAD.get(str(here[-2]), ((), ()))
        if any(key in change for key in given):
            kept = {key: value for key, value in kept.items() if key not in gone}
        return self._merged(kept, change, place, here)

    def _insert(self, order: list[_Piece], change: Plain, place: KeyPath, title: str) -> None:
        """A new entry, behind the one it names or at the end."""
        after = None
        if isinstance(change, dict):
            change = dict(change)
            after = change.pop(AFTER, None)
        names = [_name(own if part is None else part, title, None) for part, own, _ in order]
        if after is None:
            order.append((None, change, place))
        elif isinstance(after, str) and after in names:
            order.insert(names.index(after) + 1, (None, change, place))
        else:
            hint = suggest(str(after), [str(n) for n in names])
            self._report((*place, AFTER), after, f"after: there is no entry {after}", hint)

    def _line(self, path: KeyPath) -> int:
        return self.document.line(path)

    def _keep_line(self, old: KeyPath, new: KeyPath) -> None:
        if old:
            self.lines[new] = self._line(old)

    def _keep(self, old: KeyPath, new: KeyPath) -> None:
        """Carry the lines of a part of the study's file over to its place in the finished file."""
        for path, line in self.document.lines.items():
            if path[: len(old)] == old:
                self.lines[(*new, *path[len(old) :])] = line

    def _report(self, path: KeyPath, value: object, message: str, hint: str = "") -> None:
        place = Place(file=self.document.file, line=self._line(path))
        self.findings.append(Finding(place, value, RULE, message, hint[:1].upper() + hint[1:]))


def _is_text(value: Entry) -> bool:
    return bool(value) and set(value) <= {"en", "zh"}


def _has_names(base: list[Plain], key: str) -> bool:
    return key in NAMED and all(isinstance(part, dict) for part in base)


def _name(part: Plain, title: str, otherwise: int | None) -> str | int | None:
    """The name of an entry; ``otherwise`` for one that has none."""
    name = part.get(title) if isinstance(part, dict) else None
    return name if isinstance(name, str) else otherwise
