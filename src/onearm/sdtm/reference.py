"""The table of derivation methods beside the code."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def methods() -> dict[str, str]:
    """The sentence of each derivation by the id that specifications name (define.xml Method)."""
    text = files("onearm.sdtm").joinpath("methods.csv").read_text("utf-8")
    return {row["id"]: row["sentence"] for row in csv.DictReader(text.splitlines())}
