"""The page of study files: the keys of each file, from the models that read them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from onearm.study.design import TrialDesign
from onearm.study.forms import Form, Target
from onearm.study.library import shipped
from onearm.study.load import MODELS
from onearm.study.standard import NAMED, STANDARD
from onearm.study.text import Text
from printing.markdown import code, codes, doc, page, table

Model = type[BaseModel]
PLAIN = {
    str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "",
}  # fmt: skip
PLAIN_DESIGN = """
One stage and one outcome need no more than this; `onearm lint` says where a number is wrong.

```yaml
status: planned
patients: 40
response:
  outcome: ORR
  analysis: orr_confirmed
  null_rate: 0.10
  target_rate: 0.25
  method: exact
  final: {patients: 40, promising_from: 8}
  alpha_reached: 0.0419
  power: 0.818
```
""".strip()
FOLDER = """
Only `study.yaml` is required; a command that needs another file says so. Conditions are SQL
expressions. Where a key takes **words**, write one text (English) or `{en: ..., zh: ...}`. A key
that is not listed here is refused, with its line and a guess at the key that was meant.

An editor that reads JSON Schema completes and checks these files while you type:

```python
from pathlib import Path

from onearm.study.schema import write

print(*sorted(path.name for path in write(Path("schemas"))), sep="\\n")
```

```output
```
"""


def taken() -> str:
    """What ``use: standard`` takes, and how a study changes it."""
    return (
        f"## Rules of the library\n\nA file may begin with `use: {STANDARD}`: it then has the "
        "library's rules, and below stands only what differs. An entry with the name of one in the "
        "library changes the keys it gives; any other is added; `without` lists names that are "
        f"left out. Files that can: {codes(sorted(f'{n}.yaml' for n in shipped(STANDARD)))}.\n\n"
        + table(["list", "key that names an entry"], [(code(a), code(b)) for a, b in NAMED.items()])
    )


def files() -> dict[str, Model]:
    """The files of a study folder and the model of each."""
    found: dict[str, Model] = {}
    for name, model in MODELS.items():
        found[name] = model
        if name == "schedule.yaml":
            found["forms/*.yaml"] = Form
    return found


def study_files() -> str:
    """``reference/study_files.md``."""
    listed = files()
    overview = table(
        ["file", "what stands in it"],
        [(f"[`{name}`](#{_anchor(name)})", _module_line(model)) for name, model in listed.items()]
        + [
            ("`terms/*.csv`", "codelists: columns `code`, `en`, `zh` and what else is needed"),
        ],
    )
    return page("Study files", overview, FOLDER, taken(), *(_file(n, m) for n, m in listed.items()))


def _anchor(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum() or c in "-_")


def _module_line(model: Model) -> str:
    import sys

    words = (sys.modules[model.__module__].__doc__ or "").split("\n\n")[0]
    return " ".join(words.split()).replace("``", "`")


def _file(name: str, model: Model) -> str:
    parts = [f"## {name}"]
    if model is Form:
        parts.append(
            "A form of the library is taken by name and changed: `use: AE`, then only the items "
            "and checks that differ; `after` places a new item, `without` lists what is left out. "
            f"The library has {codes(shipped('forms'))}."
        )
    if model is TrialDesign:
        parts.append(PLAIN_DESIGN)
    for part in parts_of(model):
        parts.append(f"### {name}: {part.__name__}\n\n{doc(part)}\n\n{keys(part)}")
    return "\n\n".join(parts)


def parts_of(model: Model) -> list[Model]:
    """The model and every model inside it, each once, in the order in which they are named."""
    found: list[Model] = []

    def visit(one: Model) -> None:
        if one in found or one in (Text, Target):
            return
        found.append(one)
        for field in one.model_fields.values():
            for inner in models_in(field.annotation):
                visit(inner)

    visit(model)
    return found


def models_in(kind: Any) -> Iterator[Model]:  # Any: an annotation may be anything
    """The models that an annotation speaks of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from models_in(inner)


def keys(model: Model) -> str:
    """The table of a model's keys."""
    rows = []
    for name, field in model.model_fields.items():
        if field.is_required():
            default = "needed"
        elif field.default is PydanticUndefined:
            default = ""
        else:
            default = _shown(field.default)
        rows.append((code(field.alias or name), kind_of(field.annotation), default))
    return table(["key", "kind", "default"], rows)


def _shown(value: object) -> str:
    if value is None or value == "" or value == () or value == {} or isinstance(value, Text):
        return f"{value}" if isinstance(value, Text) else ""
    if isinstance(value, bool):
        return code(str(value).lower())
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return "" if any(isinstance(v, BaseModel) for v in value) else codes(value)
    return code(value)


def kind_of(kind: Any) -> str:  # Any: an annotation may be anything
    """An annotation in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return kind_of(inner[0])
    if origin is Literal:
        return "one of " + codes(v if v != "" else "''" for v in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(filter(None, dict.fromkeys(kind_of(one) for one in inner)))
    if origin in (tuple, list):
        if inner[-1] is Ellipsis or len(inner) == 1:
            return f"list of {kind_of(inner[0])}"
        return f"{len(inner)} values: " + ", ".join(kind_of(one) for one in inner)
    if origin is dict:
        return f"{kind_of(inner[1])} by {kind_of(inner[0])}"
    if kind is Text:
        return "words"
    if kind is Target:
        return "SDTM target"
    if kind in PLAIN:
        return PLAIN[kind]
    return getattr(kind, "__name__", str(kind))
