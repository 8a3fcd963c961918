"""Controlled terminology: the codelists that our tabulation variables use.

Source: CDISC Controlled Terminology, SDTM package of 2025-03-28, published by the US National
Cancer Institute, Enterprise Vocabulary Services (NCI EVS), free of licence restrictions. Only the
codelists that a variable of ``sdtm/spec`` names are shipped, with submission values and NCI codes.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Codelist:
    """One codelist: its short name, NCI code, title, values with their NCI codes, and openness.

    ``extensible`` lists take a study's own terms where the study declares them; closed ones do not.
    """

    name: str
    code: str
    label: str
    extensible: bool
    terms: Mapping[str, str]

    def __contains__(self, value: object) -> bool:
        return value in self.terms


def _rows(file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files(__package__).joinpath(file).read_text("utf-8").splitlines()))


@lru_cache(maxsize=1)
def _codelists() -> dict[str, Codelist]:
    values: dict[str, dict[str, str]] = {}
    for row in _rows("terms.csv"):
        values.setdefault(row["codelist"], {})[row["value"]] = row["code"]
    return {
        row["codelist"]: Codelist(
            name=row["codelist"],
            code=row["code"],
            label=row["name"],
            extensible=row["extensible"] == "Yes",
            terms=values[row["codelist"]],
        )
        for row in _rows("codelists.csv")
    }


def load_codelist(name: str) -> Codelist:
    """The codelist of that short name, for example ``SEX``; ``KeyError`` where none is shipped."""
    return _codelists()[name]


def codelist_names() -> tuple[str, ...]:
    """The short names of all shipped codelists, in alphabetical order."""
    return tuple(sorted(_codelists()))
