"""Skip logic of REDCap and OpenEDC as SQL, where it says something that SQL says too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

TOKEN = re.compile(
    r"""\s*(?:
      \[(?P<field>[a-z0-9_]+)(?:\((?P<box>-?\w+)\))?\]
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<op><>|!=|==|<=|>=|=|<|>)
    | (?P<bracket>[()])
    | (?P<word>&&|\|\||!|[A-Za-z_][\w.\-]*)
    )""",
    re.VERBOSE,
)
WORDS = {"and": "AND", "or": "OR", "not": "NOT", "&&": "AND", "||": "OR", "!": "NOT"}
OPS = {"==": "=", "!=": "<>"}

TRUTHS = {"true": "Y", "1": "Y", "yes": "Y", "false": "N", "0": "N", "no": "N"}
"""How systems write yes and no."""

Kind = Literal["number", "truth", "text"]
ItemOf = Callable[[str], tuple[str, Kind] | None]
"""From a foreign name to the item of the same form and what it holds; None: no such item."""


class Untranslatable(ValueError):
    """The expression says something that has no plain SQL; the message says what."""


def to_sql(expression: str, item_of: ItemOf) -> str:
    """A condition as SQL over the items of one form; raises `Untranslatable`.

    Comparison with an empty text becomes IS NULL, a check box ``[name(code)]`` its own item.
    """
    parts: list[str] = []
    kind: Kind = "text"
    at = 0
    expression = expression.strip()
    while at < len(expression):
        match = TOKEN.match(expression, at)
        if match is None:
            raise Untranslatable(f"cannot read it from '{expression[at : at + 12]}' on")
        at = match.end()
        if match["field"] or (match["word"] and match["word"].lower() not in WORDS):
            name = match["field"] or match["word"]
            name = box_name(name, match["box"]) if match["box"] else name
            found = item_of(name)
            if found is None:
                raise Untranslatable(f"{name} is not an item of the same form")
            parts.append(found[0])
            kind = found[1]
        elif match["word"]:
            parts.append(WORDS[match["word"].lower()])
        elif match["op"]:
            parts.append(OPS.get(match["op"], match["op"]))
        elif match["bracket"]:
            parts.append(match["bracket"])
        else:
            _append_value(parts, (match["text"] or f"'{match['number']}'")[1:-1], kind)
    return " ".join(parts).replace("( ", "(").replace(" )", ")")


def box_name(field: str, code: str) -> str:
    """REDCap's name of the column that one choice of a check box has in data.

    >>> box_name("habit", "1"), box_name("habit", "-9")
    ('habit___1', 'habit____9')
    """
    return f"{field}___{code.lower().replace('-', '_')}"


def negated(sql: str) -> str:
    """The opposite of a condition, without a double NOT."""
    inner = re.fullmatch(r"NOT \(([^()]*)\)", sql)
    return inner[1] if inner else f"NOT ({sql})"


def _append_value(parts: list[str], value: str, kind: Kind) -> None:
    if value == "" and parts and parts[-1] in ("=", "<>"):
        parts[-1] = "IS NULL" if parts[-1] == "=" else "IS NOT NULL"
    elif kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", value):
        parts.append(value)
    else:
        value = TRUTHS.get(value.lower(), value) if kind == "truth" else value
        parts.append("'" + value.replace("'", "''") + "'")
