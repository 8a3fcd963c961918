"""The page of checks: rules and messages read out of the code that gives them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType

from onearm.records import checks as edit_checks
from onearm.records import entry, items, wide
from onearm.sdtm import conform
from onearm.sdtm.conform import columns
from printing.markdown import code, first_line, page, table

BARRED = re.compile(r"^(?P<message>[^|]+)\|(?P<hint>[A-Z{].*)$")
MAKERS = ("report", "findings", "Finding")
"""What makes a finding; a function of the module with a message among its arguments does too."""

FINDING = ("place", "value", "rule", "message", "hint", "severity")


@dataclass(frozen=True)
class Told:
    """One message of a check; ``{...}`` stands for what the data say."""

    rule: str
    message: str
    hint: str
    severity: str


def checks() -> str:
    """``reference/checks.md``."""
    return page(
        "Checks",
        "Every problem names subject, visit, form, field, value and rule, and says what to do. "
        "All are collected in one pass. `{...}` stands for what the data say. A study adds checks "
        "of its own to its forms; see [study files](study_files.md#formsyaml).",
        "## Captured entries, at the border\n\nEntries that cannot be placed are set aside, the "
        "others are used.\n\n" + _rows(told_by_entries()),
        "## Every item of every form\n\nThese hold without being written.\n\n"
        + _rows(told_in([*functions(items), *functions(edit_checks)])),
        "## SDTM, from here or from elsewhere\n\nAn error in the first two stops an analysis; all "
        "others are doubts about rows and become findings of the report.\n\n"
        + "\n\n".join(_conform(judge) for judge in conformance()),
    )


def conformance() -> list[Callable[..., object]]:
    """The conformance checks in their order: whole datasets first, then rows."""
    return [columns.check_presence, columns.check_columns, *conform.CHECKS]


def _conform(judge: Callable[..., object]) -> str:
    return f"### {judge.__name__.removeprefix('check_').replace('_', ' ')}\n\n" + "\n\n".join(
        filter(None, [first_line(judge), _rows(told_in(reached(judge)))])
    )


def _rows(told: Iterable[Told]) -> str:
    listed = list(dict.fromkeys(told))
    head = ["rule", "severity", "message", "what to do"]
    return table(head, [(code(t.rule), t.severity, t.message, t.hint) for t in listed])


def functions(module: ModuleType) -> list[FunctionType]:
    """The functions that a module defines, in the order of the file."""
    there = [f for f in vars(module).values() if inspect.isfunction(f)]
    own = [f for f in there if f.__module__ == module.__name__]
    return sorted(own, key=lambda f: f.__code__.co_firstlineno)


def reached(judge: Callable[..., object]) -> list[FunctionType]:
    """A check and the functions that it calls, in its module and in others' ``check_``."""
    if not isinstance(judge, FunctionType):
        raise TypeError(f"{judge} is not a function that a module defines")
    scope = _scope(judge)
    known = {f.__name__: f for f in functions(inspect.getmodule(judge) or ModuleType(""))}
    found = [judge]
    for one in found:
        for node in ast.walk(_tree(one)):
            called = known.get(node.id) if isinstance(node, ast.Name) else None
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                called = getattr(scope.get(node.value.id), node.attr, None)
                called = called if node.attr.startswith("check_") else None
            if isinstance(called, FunctionType) and called not in found:
                found.append(called)
    return found


def told_in(several: Iterable[FunctionType]) -> Iterator[Told]:
    """The messages that these functions give, in the order of the code."""
    for function in several:
        tree, scope = _tree(function), _scope(function)
        texts = _texts(tree)
        for given in _findings(tree, scope):
            messages = _said(given.get("message"), texts)
            hints = _said(given.get("hint"), texts)
            paired = len(messages) == len(hints)
            for n, message in enumerate(messages):
                yield Told(
                    _word(given.get("rule"), scope),
                    message,
                    hints[n] if paired else " / ".join(hints),
                    _word(given.get("severity"), scope) or "error",
                )


def _findings(tree: ast.AST, scope: dict[str, object]) -> Iterator[dict[str, ast.expr]]:
    """The arguments of every call that makes findings."""
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        maker = scope.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if maker is None or getattr(maker, "__name__", "") == "Told" or not callable(maker):
            continue
        names = list(inspect.signature(maker).parameters) if _says(maker) else []
        if "message" not in names:
            continue
        given = dict(zip(names, call.args, strict=False))
        given |= {k.arg: k.value for k in call.keywords if k.arg}
        if isinstance(maker, FunctionType) and maker.__name__ not in MAKERS:
            inner = next(_findings(_tree(maker), _scope(maker)), {})
            given = {k: v for k, v in inner.items() if k in ("rule", "hint", "severity")} | given
        yield given


def _says(maker: object) -> bool:
    return getattr(maker, "__module__", "").startswith("onearm.")


def _scope(function: FunctionType) -> dict[str, object]:
    return vars(inspect.getmodule(function))


def told_by_entries() -> Iterator[Told]:
    """The messages of the entries' border, written there as ``message|hint``."""
    yield from told_in([f for f in functions(entry) if f.__name__ == "check_shape"])
    for node in ast.walk(ast.parse(inspect.getsource(entry))):
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            match = BARRED.match(_text(node) or "")
            if match:
                yield Told(entry.RULE, _dots(match["message"]), _dots(match["hint"]), "error")
    yield from told_in(functions(wide))


def _dots(text: str) -> str:
    return text.replace("{}", "{...}")


def _tree(function: FunctionType) -> ast.AST:
    return ast.parse(inspect.getsource(function))


def _texts(tree: ast.AST) -> dict[str, list[str]]:
    """What the names of a function may hold as text."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            else:
                pairs = [(target, node.value)]
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
            several = getattr(node.iter, "elts", [])
            pairs = [
                pair
                for one in several
                if isinstance(one, ast.Tuple)
                for pair in zip(node.target.elts, one.elts, strict=True)
            ]
        for name, value in pairs:
            text = _text(value)
            if isinstance(name, ast.Name) and text:
                found.setdefault(name.id, []).append(text)
    return found


def _said(node: ast.expr | None, texts: dict[str, list[str]]) -> list[str]:
    if node is None:
        return []
    if isinstance(node, ast.Name):
        return texts.get(node.id, [])
    if isinstance(node, ast.IfExp):
        return _said(node.body, texts) + _said(node.orelse, texts)
    text = _text(node)
    return [text] if text else []


def _text(node: ast.expr) -> str:
    """A text as it stands in the code, with ``{...}`` for what is put in; empty for no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(v) or "{...}" for v in node.values)
    if isinstance(node, ast.BinOp):
        left, right = _text(node.left), _text(node.right)
        return (left or "{...}") + (right or "{...}") if left or right else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_format = node.func.attr == "format" and node.args
        return _dots(_text(node.args[0])) if is_format else ""
    return ""


def _word(node: ast.expr | None, scope: dict[str, object]) -> str:
    """A constant, or a name of the module that holds a text."""
    if isinstance(node, ast.Name):
        found = scope.get(node.id, "")
        return found if isinstance(found, str) else ""
    if isinstance(node, ast.IfExp):
        return f"{_word(node.body, scope)} or {_word(node.orelse, scope)}"
    if isinstance(node, ast.Attribute):
        return "id of the check"
    return _text(node) if node is not None else ""
