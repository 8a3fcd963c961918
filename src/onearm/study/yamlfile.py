"""Read one YAML file into plain values that know their line; every problem becomes a finding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, YAMLError

from onearm.errors import Finding, Place

KeyPath = tuple[str | int, ...]
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

RULE = "study file"
INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9]*)$")
DECIMAL = re.compile(
    r"^[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?$|^[-+]?[0-9]+[eE][-+]?[0-9]+$"
)


@dataclass(frozen=True, slots=True)
class Document:
    """The content of one file and the line (from 1) on which each key path stands."""

    file: str
    data: dict[str, Plain]
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """The line of a key path, or of the nearest part above it that the file has."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


def read_text(path: Path, file: str) -> tuple[str, list[Finding]]:
    """The text of a UTF-8 file with LF line ends; a finding where it cannot be read as such."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        return "", [_finding(file, 0, None, f"the file cannot be read: {reason}")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        return "", [
            _finding(
                file,
                line,
                f"byte 0x{raw[problem.start]:02X}",
                "the file is not UTF-8 text",
                "Save it as UTF-8 in the editor (not GBK, not UTF-16).",
            )
        ]
    return text.replace("\r\n", "\n").replace("\r", "\n"), []


def read_yaml(path: Path, file: str) -> tuple[Document | None, list[Finding]]:
    """The document of a YAML file, or None with the findings that say why there is none."""
    text, problems = read_text(path, file)
    return (None, problems) if problems else parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> tuple[Document | None, list[Finding]]:
    """The document of a text, or None with the findings that say why there is none.

    Plain words are read by YAML 1.2: only ``true`` and ``false`` are truth values, so that ``NO``,
    ``Y`` and ``off`` stay texts; dates stay texts too. Duplicate keys are findings.
    """
    if tabbed := _tab(text):
        hint = "Indent with spaces; YAML does not allow tabs."
        return None, [_finding(file, tabbed, None, "the line is indented with a tab", hint)]
    try:
        root = _compose(text)
    except MarkedYAMLError as problem:
        return None, [_syntax(problem, file)]
    except YAMLError as problem:
        return None, [_finding(file, 0, None, f"not YAML: {problem}")]
    except RecursionError:
        return None, [_finding(file, 1, None, "lists or keys are nested too deeply to be read")]
    if root is None:
        return None, [_finding(file, 1, None, "the file is empty", "Fill it or delete it.")]
    if not isinstance(root, MappingNode):
        seen = "a list" if isinstance(root, SequenceNode) else repr(getattr(root, "value", ""))
        hint = "The file starts with keys, for example `id: ...`."
        return None, [_finding(file, 1, seen, "the file does not hold keys with values", hint)]
    reader = _Reader(file)
    data = reader.mapping(root, ())
    return Document(file, data, reader.lines), reader.findings


DEEPEST = 100
"""Levels of lists and keys: more than any study has, fewer than the C reader's stack holds."""


def _compose(text: str) -> Node | None:
    """The nodes of the first document; raises ``YAMLError``, or ``RecursionError`` if too deep.

    The C reader is fourteen times as fast; where it finds a mistake, the Python reader says which.
    """
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise RecursionError
        root: Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    except YAMLError:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    return root


LONGEST_NUMBER = 1000
"""Longer rows of digits stay text: no number of a study is one."""


class _Reader:
    """Turns nodes into values and remembers where each stood."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[KeyPath, int] = {}
        self.findings: list[Finding] = []
        self._open: list[Node] = []

    def value(self, node: Node, path: KeyPath) -> Plain:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if any(node is each for each in self._open):
            hint = "Write out what the alias stands for."
            line = node.start_mark.line + 1
            self._report(line, None, "an anchor holds an alias of itself", hint)
            return None
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self.mapping(node, path)
            return [self.value(child, (*path, at)) for at, child in enumerate(node.value)]
        finally:
            self._open.pop()

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Plain]:
        data: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _whole(str(key_node.value))
            if not isinstance(key_node, ScalarNode) or key == "<<":
                what = "<<" if isinstance(key_node, ScalarNode) else None
                self._report(line, what, "a key is a plain word", "Write the keys out.")
                continue
            if key in data:
                first = self.lines[(*path, key)]
                self._report(
                    line,
                    key,
                    f"the key '{key}' stands twice (first on line {first})",
                    "Keep one of the two.",
                )
                continue
            self.lines[(*path, key)] = line
            data[key] = self.value(value_node, (*path, key))
        return data

    def _report(self, line: int, value: object, message: str, hint: str) -> None:
        self.findings.append(_finding(self.file, line, value, message, hint))


def _whole(text: str) -> str:
    """The text with escaped halves of a character (``\\ud83d\\ude00``) put together.

    A half without its other half is no character: it becomes the replacement character.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _scalar(node: Node) -> Plain:
    text = _whole(str(node.value))
    if getattr(node, "style", None) not in (None, "") or text == "":
        return text if getattr(node, "style", None) else None
    if text in ("~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if INTEGER.match(text) and len(text) < LONGEST_NUMBER:
        return int(text)
    return float(text) if DECIMAL.match(text) else text


def _tab(text: str) -> int:
    for number, line in enumerate(text.split("\n"), start=1):
        if "\t" in line[: len(line) - len(line.lstrip())] and line.strip():
            return number
    return 0


def _syntax(problem: MarkedYAMLError, file: str) -> Finding:
    mark = problem.problem_mark or problem.context_mark
    words = " ".join(filter(None, (problem.context, problem.problem)))
    hint = "Check the indentation, and put a text that holds ': ' or ' #' in quotes."
    return _finding(file, mark.line + 1 if mark else 0, None, f"not YAML: {words}", hint)


def _finding(file: str, line: int, value: object, message: str, hint: str = "") -> Finding:
    return Finding(Place(file=file, line=line), value, RULE, message, hint)
