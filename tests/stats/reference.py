"""Reading the reference numbers, and comparing them so that one run shows every difference."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.shared import SHARED, shared

SURVIVAL = shared("statistics", "survival")


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none where the shared folder is absent."""
    if not SHARED.is_dir():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def expected(name: str) -> dict[str, Any]:  # Any: the peers' answers as they wrote them
    """What the peer answered for one data set."""
    return json.loads((SURVIVAL / "expected" / f"{name}.json").read_text())


def names_with(key: str) -> list[str]:
    """The data sets whose expected answers include ``key``."""
    if not SHARED.is_dir():
        return []
    paths = sorted((SURVIVAL / "expected").glob("*.json"))
    return [path.stem for path in paths if key in expected(path.stem)]


def dataset(name: str) -> dict[str, np.ndarray]:
    """The columns of one data set: numbers where every cell is one, else text."""
    rows = rows_of(SURVIVAL / "datasets" / f"{name}.csv")
    return {key: _column([row[key] for row in rows]) for key in rows[0]}


def _column(cells: list[str]) -> np.ndarray:
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        return np.array(cells)


def strata_of(answers: dict[str, Any], data: dict[str, np.ndarray]) -> Iterator[tuple]:
    """(label, rows, answers) of the whole data set and of each of its groups."""
    yield "all", np.ones(data["time"].size, dtype=bool), answers["km"]
    groups = answers.get("km_by_group", {"strata": {}})
    for label, group_answers in groups["strata"].items():
        yield label, data[groups["group"]] == float(label), group_answers


class Differences:
    """Collects what differs; `check` fails once with all of it."""

    def __init__(self) -> None:
        self.compared = 0
        self.found: list[str] = []

    def same(self, what: object, ours: object, theirs: object, tolerance: float = 1e-9) -> None:
        """``ours`` is ``theirs`` within ``tolerance``, relative above 1; None is only None."""
        self.compared += 1
        if ours is None or theirs is None:
            is_same = ours is theirs
        else:
            is_same = abs(ours - theirs) <= tolerance * max(1.0, abs(theirs))
        if not is_same:
            self.found.append(f"{what}: ours {ours!r}, reference {theirs!r}")

    def all_same(
        self, what: object, ours: Iterable, theirs: Iterable, tolerance: float = 1e-9
    ) -> None:
        """Item by item, and as many."""
        ours, theirs = list(ours), list(theirs)
        if len(ours) != len(theirs):
            self.found.append(f"{what}: {len(ours)} items, reference {len(theirs)}")
        for place, (a, b) in enumerate(zip(ours, theirs, strict=False)):
            self.same(f"{what}[{place}]", a, b, tolerance)

    def check(self) -> None:
        """Fail with every difference, or if nothing was compared."""
        assert not self.found, "\n".join(self.found)
        assert self.compared, "nothing was compared"
