"""Forms, codelists and rules that ship with the package; how a study takes forms with changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import cast

from onearm.errors import Finding, Place
from onearm.expr import suggest
from onearm.study.forms import Form
from onearm.study.yamlfile import RULE, Document, KeyPath, Plain, parse_yaml, read_yaml

Mapping = dict[str, Plain]
USE, WITHOUT, AFTER = "use", "without", "after"

KEPT = "library"
"""Folder of a study that holds the library's files as the study took them. They go before those of
the package, so that a study reads the same after the package's library has changed."""


def shipped(kind: str) -> dict[str, Traversable]:
    """The library's files of one kind (``forms``, ``terms``, ``standard``) by name.

    Forms are named in capitals, the others as their files.
    """
    folder = files("onearm.study").joinpath("library", kind)
    found = sorted((f for f in folder.iterdir() if "." in f.name), key=lambda f: f.name)
    stems = {f.name.rsplit(".", 1)[0]: f for f in found}
    return {(s.upper() if kind == "forms" else s): f for s, f in stems.items()}


def kept(folder: Path, kind: str) -> dict[str, Path]:
    """The library's files of one kind that a study's folder keeps, by name as in `shipped`."""
    found = folder / KEPT / kind
    listed = sorted(p for p in found.iterdir() if p.suffix) if found.is_dir() else []
    return {(p.stem.upper() if kind == "forms" else p.stem): p for p in listed}


@cache
def _form(name: str) -> Mapping:
    document, problems = read_yaml(Path(str(shipped("forms")[name])), name)
    if document is None or problems:
        raise RuntimeError(f"the library form {name} cannot be read: {problems}")
    return document.data


@cache
def library_forms() -> dict[str, Form]:
    """Every form of the library, by its id."""
    return {name: Form.model_validate(_form(name)) for name in shipped("forms")}


def taken(document: Document, own: dict[str, str] | None = None) -> tuple[Document, list[Finding]]:
    """A form file with what it takes from the library filled in.

    own: texts of library forms that the study keeps, by name; they go before the package's.

    ``use: AE`` takes the library's form AE. Keys of the file replace those of the library. An item
    or check with the name or id of one in the library changes the keys it gives and keeps the rest;
    any other is added, an item behind the one that ``after`` names, else at the end. ``without``
    lists items and checks that are left out. A file without ``use`` comes back as it is.
    """
    if USE not in document.data:
        return document, []
    return _Taking(document, own or {}).result()


@dataclass
class _Part:
    """One item or check of the finished form, and where the study's file speaks of it."""

    value: Plain
    own: KeyPath | None


class _Taking:
    def __init__(self, document: Document, kept_forms: dict[str, str]) -> None:
        self.document = document
        self.kept_forms = kept_forms
        self.findings: list[Finding] = []
        self.line = document.line((USE,))
        self.lines = {
            p: n for p, n in document.lines.items() if p[:1] not in (("items",), ("checks",))
        }

    def result(self) -> tuple[Document, list[Finding]]:
        own = dict(self.document.data)
        name, known = own.pop(USE), {**shipped("forms"), **self.kept_forms}
        left_out = own.pop(WITHOUT, None) or []
        if not isinstance(name, str) or name not in known:
            hint = suggest(str(name), known) or f"It has {', '.join(known)}."
            self._report((USE,), name, f"the library has no form {name}", hint)
            return self.document, self.findings
        if not isinstance(left_out, list):
            self._report((WITHOUT,), left_out, "without: expected a list, found a text")
            left_out = []
        base = self._base(name)
        if base is None:
            return self.document, self.findings
        parts: Mapping = {}
        seen: set[Plain] = set()
        for key, title in (("items", "name"), ("checks", "id")):
            parts[key], found = self._merged(base, own, key, title, left_out)
            seen |= found
        for at, gone in enumerate(left_out):
            if gone not in seen:
                hint = suggest(str(gone), [str(s) for s in seen])
                message = f"without: {name} has no item or check {gone}"
                self._report((WITHOUT, at), gone, message, hint)
        lines = {("form",): self.line, **self.lines}
        data = {**base, **own, **parts}
        return Document(self.document.file, data, lines), self.findings

    def _base(self, name: str) -> Mapping | None:
        """The library's form; None with findings where the kept one cannot be read."""
        if name not in self.kept_forms:
            return dict(_form(name))
        document, findings = parse_yaml(self.kept_forms[name], f"{KEPT}/forms/{name}.yaml")
        self.findings += findings
        return dict(document.data) if document is not None else None

    def _merged(
        self, base: Mapping, own: Mapping, key: str, title: str, left_out: list[Plain]
    ) -> tuple[Plain, set[Plain]]:
        """The list under ``key`` of both, and the names that the library has there."""
        library = cast(list[Mapping], base.get(key) or [])
        names = {part[title] for part in library}
        parts = [_Part(dict(part), None) for part in library if part[title] not in left_out]
        changes = own.get(key)
        self._keep((key,), (key,))
        if changes is not None and not isinstance(changes, list):
            return changes, names
        for at, change in enumerate(changes or []):
            self._apply(parts, change, key, title, (key, at))
        for at, part in enumerate(parts):
            self.lines[(key, at)] = self.line
            if part.own:
                self._keep(part.own, (key, at))
        return [part.value for part in parts], names

    def _apply(self, parts: list[_Part], change: Plain, key: str, title: str, own: KeyPath) -> None:
        if not isinstance(change, dict):
            parts.append(_Part(change, own))
            return
        change = dict(change)
        after = change.pop(AFTER, None) if key == "items" else None
        order = [p.value.get(title) if isinstance(p.value, dict) else None for p in parts]
        if change.get(title) in order:
            part = parts[order.index(change.get(title))]
            kept = dict(cast(Mapping, part.value))
            for one, other in (("choices", "codes"), ("codes", "choices")):
                if one in change:
                    kept.pop(other, None)
            part.value, part.own = {**kept, **change}, own
        elif after is None:
            parts.append(_Part(change, own))
        elif after in order:
            parts.insert(order.index(after) + 1, _Part(change, own))
        else:
            hint = suggest(str(after), [str(name) for name in order])
            self._report((*own, AFTER), after, f"after: there is no item {after}", hint)

    def _keep(self, old: KeyPath, new: KeyPath) -> None:
        """Carry the lines of a part of the study's file over to its place in the finished form."""
        for path, line in self.document.lines.items():
            if path[: len(old)] == old and (len(old) > 1 or path == old):
                self.lines[(*new, *path[len(old) :])] = line

    def _report(self, path: KeyPath, value: object, message: str, hint: str = "") -> None:
        place = Place(file=self.document.file, line=self.document.line(path))
        self.findings.append(Finding(place, value, RULE, message, hint[:1].upper() + hint[1:]))
