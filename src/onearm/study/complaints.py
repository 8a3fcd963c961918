"""Say in plain words, with the line and a suggestion, what a model found wrong in a study file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from onearm.errors import Finding, Place
from onearm.study.yamlfile import RULE, Document, KeyPath, Plain

KINDS: Mapping[str, str] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
}
DATES = ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact")
NAMES = ("id", "name", "form", "code", "endpoint", "param", "number")
"""Keys that name an entry of a list, the most telling first."""


def complaints(
    problem: ValidationError, document: Document, model: type[BaseModel]
) -> list[Finding]:
    """One finding for each error of a model, with file, line, key path, value and suggestion.

    A key that is missing because it was misspelt is said once: as the misspelling.
    """
    errors = problem.errors(include_url=False)
    misspelt = {
        (*error["loc"][:-1], _closest(str(error["loc"][-1]), _fields(model, error["loc"][:-1])))
        for error in errors
        if error["type"] == "extra_forbidden"
    }
    return [
        _one(error, document, model)
        for error in errors
        if error["type"] != "missing" or error["loc"] not in misspelt
    ]


def _one(error: ErrorDetails, document: Document, model: type[BaseModel]) -> Finding:
    path = tuple(part for part in error["loc"] if part in _within(document, error["loc"]))
    message, hint = _words(error, path, model)
    seen = None if error["type"] == "missing" else _shown(error["input"])
    if error["type"] == "extra_forbidden":
        seen = str(error["loc"][-1])
    where = key_path(path, document.data)
    place = Place(file=document.file, line=document.line(path))
    return Finding(place, seen, RULE, f"{where}: {message}" if where else message, hint)


def _within(document: Document, loc: tuple[int | str, ...]) -> set[str | int]:
    """The parts of a location that are keys of the file (pydantic adds names of its own)."""
    known: set[str | int] = {loc[-1]} if loc else set()
    for path in document.lines:
        known.update(part for part in path if part in loc)
    return known


def key_path(path: KeyPath, data: Plain) -> str:
    """A key path as people write it, with names for entries that have one: ``items[SEX].to``."""
    text = ""
    for part in path:
        data = _down(data, part)
        if isinstance(part, int):
            named = data if isinstance(data, dict) else {}
            names = (named.get(key) for key in NAMES)
            name = next((n for n in names if isinstance(n, str)), f"number {part + 1}")
            text += f"[{name}]"
        else:
            text += f".{part}" if text else part
    return text


def _down(data: Plain, part: str | int) -> Plain:
    if isinstance(data, dict) and isinstance(part, str):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def _words(error: ErrorDetails, path: KeyPath, model: type[BaseModel]) -> tuple[str, str]:
    """What is wrong, and what to do."""
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    if kind == "missing":
        if isinstance(path[-1], int):
            return "is missing: the list is too short", ""
        return "is missing", f"Add `{path[-1]}:` here."
    if kind == "extra_forbidden":
        known = _fields(model, path[:-1])
        return "unknown key", did_you_mean(str(path[-1]), known) or _list("Known keys", known)
    if kind in ("literal_error", "enum"):
        allowed = [part.strip("'") for part in _allowed(context.get("expected", ""))]
        return f"is not one of {', '.join(allowed)}", did_you_mean(str(given), allowed)
    if kind in DATES:
        return "is not a day of the calendar", "Write it as year-month-day: 2024-05-31."
    if kind in KINDS:
        wanted = "a text" if context.get("class_name") == "Text" else KINDS[kind]
        return f"expected {wanted}, found {_kind(given)}", _advice(kind, given)
    if kind == "value_error":
        return str(context.get("error", error["msg"])), ""
    if kind == "string_pattern_mismatch":
        return _pattern(str(context.get("pattern", "")), str(given))
    if kind == "too_short":
        least, seen = context.get("min_length", 1), context.get("actual_length", 0)
        return f"expected at least {least} {'entry' if least == 1 else 'entries'}, found {seen}", ""
    said = error["msg"].replace("Input should be", "must be")
    return said[:1].lower() + said[1:], ""


def _pattern(pattern: str, given: str) -> tuple[str, str]:
    wanted = given.strip().upper().replace("-", "_").replace(" ", "_")
    capitals = re.match(pattern, wanted) is not None
    hint = f"Write {wanted}." if capitals else f"It has to match {pattern}."
    return "is not a name of the kind used here", hint


def _allowed(expected: str) -> list[str]:
    return [part.strip() for part in expected.replace(" or ", ", ").split(",")]


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
    return "keys with values"


def _advice(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'Put it in quotes: "{value}".'
    if kind == "string_type" and value is None:
        return 'Write the text after the colon ("" for none).'
    if kind == "tuple_type":
        return "Start each entry on its own line with `- `."
    return ""


def _shown(value: object) -> object:
    if value is None or isinstance(value, dict | list | tuple):
        return None
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A question with the closest known word, or an empty text."""
    close = _closest(word, known)
    return f"Did you mean {close}?" if close else ""


def _closest(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
    return {k.lower(): k for k in known}[close[0]] if close else ""


def _list(title: str, words: Collection[str]) -> str:
    return f"{title}: {', '.join(words)}." if words else ""


def _fields(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that a model knows at a key path."""
    here: Any = model  # Any: annotations are whatever typing makes of them
    for part in path:
        here = _step(here, part)
    found = _model(here)
    return [f.alias or name for name, f in found.model_fields.items()] if found else []


def _step(here: Any, part: str | int) -> Any:  # Any: see above
    found = _model(here)
    if isinstance(part, str) and found:
        for name, known in found.model_fields.items():
            if part in (name, known.alias):
                return known.annotation
    inner = [a for a in get_args(_bare(here)) if a is not Ellipsis]
    return inner[-1] if inner else None


def _bare(here: Any) -> Any:  # Any: see above
    while get_origin(here) in (Annotated, Union, UnionType):
        options = [a for a in get_args(here) if a is not type(None)]
        here = options[0]
    return here


def _model(here: Any) -> type[BaseModel] | None:  # Any: see above
    bare = _bare(here)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None
