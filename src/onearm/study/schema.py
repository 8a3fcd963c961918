"""JSON Schemas of the study files, so that an editor completes and checks them while typing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from onearm.study.forms import TARGET, Form
from onearm.study.library import shipped
from onearm.study.load import MODELS
from onearm.study.standard import NAMED, STANDARD

Schema = dict[str, Any]  # Any: JSON Schema is whatever JSON allows

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, Schema]:
    """The schema of each file of a study: ``study``, ``schedule``, ``form`` and the others."""
    models: dict[str, type[BaseModel]] = {"form": Form}
    models |= {file.removesuffix(".yaml"): model for file, model in MODELS.items()}
    found = {
        name: _as_written(model.model_json_schema(by_alias=True)) for name, model in models.items()
    }
    found["form"] = _with_library(found["form"])
    found |= {name: _with_rules(found[name]) for name in shipped(STANDARD)}
    return {name: {"$schema": DIALECT, **schema} for name, schema in found.items()}


def write(folder: Path) -> list[Path]:
    """Write ``<name>.schema.json`` for each file of a study into ``folder``; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas().items():
        path = folder / f"{name}.schema.json"
        text = json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")
        written.append(path)
    return written


def _as_written(schema: Schema) -> Schema:
    """The shorthands of the files: a text in one language, a target as one line."""
    parts = schema.get("$defs", {})
    if "Text" in parts:
        parts["Text"] = {"anyOf": [{"type": "string"}, parts["Text"]]}
    if "Target" in parts:
        # The groups' names are Python's; JSON Schema knows plain patterns only.
        pattern = TARGET.pattern.replace("?P<domain>", "").replace("?P<variable>", "")
        parts["Target"] = {"type": "string", "pattern": pattern.replace("?P<where>", "")}
        to = parts["Item"]["properties"]["to"]
        parts["Item"]["properties"]["to"] = {"anyOf": [{"$ref": "#/$defs/Target"}, to]}
    return schema


def _with_library(schema: Schema) -> Schema:
    """A form file may take a form of the library and give only what differs."""
    item, check = schema["$defs"]["Item"], schema["$defs"]["Check"]
    item["properties"]["after"] = {"type": "string"}
    schema["properties"] |= {
        "use": {"enum": list(shipped("forms"))},
        "without": {"type": "array", "items": {"type": "string"}},
    }
    required = {"form": schema.pop("required"), "item": item.pop("required")}
    item["required"], check["required"] = ["name"], ["id"]
    whole = {
        "required": required["form"],
        "properties": {"items": {"items": {"required": required["item"]}}},
    }
    return {**schema, "anyOf": [{"required": ["use"]}, whole]}


def _with_rules(schema: Schema) -> Schema:
    """A file of rules may take those of the library and give only what differs.

    Inside the file nothing but the names of entries is then required: whether the rest is there is
    known when both are put together, and ``onearm lint`` says so.
    """
    for part in schema.get("$defs", {}).values():
        title = next((name for name in NAMED.values() if name in part.get("properties", {})), None)
        if part.get("type") == "object":
            part["properties"]["after"] = {"type": "string"}
            part["required"] = [title] if title in part.get("required", ()) else []
    schema["properties"] |= {
        "use": {"enum": [STANDARD]},
        "without": {"type": "array", "items": {"type": "string"}},
    }
    required = {"required": schema.pop("required", [])}
    return {**schema, "anyOf": [{"required": ["use"]}, required]}
