"""The rules that ship with the package, written for a study's own drugs and cohorts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import cast

from onearm.study.identity import Identity, Treatment
from onearm.study.library import shipped
from onearm.study.yamlfile import Plain, read_yaml

Entry = dict[str, Plain]

STANDARD = "standard"
NAMED: Mapping[str, str] = {
    "variables": "name",
    "sets": "name",
    "responses": "category",
    "answers": "param",
    "facts": "param",
    "endpoints": "endpoint",
    "exposure": "treatment",
    "analyses": "id",
    "tables": "number",
    "figures": "number",
    "listings": "number",
    "sections": "number",
}
"""Lists whose entries have a name, and the key that holds it."""

DRUG, LEVEL, COHORT = re.compile(r"<TREATMENT>|<NN>|<LABEL>"), "<LEVEL>", "<COHORT>"
ANY = re.compile(r"<ANY>(.*?)</ANY>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Names:
    """What the library's rules leave open: the drugs, the cohorts, the response that decides."""

    treatments: tuple[Treatment, ...] = ()
    cohort: str = ""
    levels: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    response: str = "OVRC"
    has_schedule: bool = True

    @classmethod
    def of(
        cls, identity: Identity | None, endpoints: Mapping[str, Plain], *, has_schedule: bool
    ) -> Names:
        """From study.yaml (None where it could not be read) and the data of endpoints.yaml."""
        cohort = identity.cohort if identity else None
        return cls(
            identity.treatments if identity else (),
            cohort.variable if cohort else "",
            tuple(level.code for level in cohort.levels) if cohort else (),
            tuple(outcome.id for outcome in identity.outcomes) if identity else (),
            tuple(site.id for site in identity.sites) if identity else (),
            deciding_response(endpoints),
            has_schedule,
        )


def deciding_response(endpoints: Mapping[str, Plain]) -> str:
    """The parameter code of the overall response that the first response block uses."""
    blocks = endpoints.get("responses")
    block = blocks[0] if isinstance(blocks, list) and blocks else {}
    if not isinstance(block, dict):
        return "OVRC"
    if block.get("use") == "entered":
        entered = block.get("entered")
        return str(entered.get("param", "OVRS")) if isinstance(entered, dict) else "OVRS"
    return str(block.get("computed") or "OVRC")


def source(file: str) -> Path:
    """The library's file that a rule file of this name takes."""
    return Path(str(shipped(STANDARD)[file.removesuffix(".yaml")]))


@cache
def _library(file: str) -> Entry:
    document, problems = read_yaml(source(file), file)
    if document is None or problems:
        raise RuntimeError(f"the library's {file} cannot be read: {problems}")
    return document.data


def written_for(file: str, names: Names, library: Entry | None = None) -> Entry:
    """The library's rules of one file for a study's drugs and cohorts.

    library: the rules as the study's folder keeps them, in place of the package's.
    """
    rules = _library(file) if library is None else library
    base = cast(Entry, fill(cast(Plain, rules), names))
    if file == "endpoints.yaml":
        base["exposure"] = list(_exposures(names.treatments))
        if not names.has_schedule:
            # How long two missed assessments take is not known without a schedule.
            for endpoint in cast(list[Entry], base["endpoints"]):
                endpoint.pop("gap", None)
    if file == "simulation.yaml":
        base["sites"] = [{"id": site} for site in names.sites or ("01",)]
    if file == "analyses.yaml":
        for analysis in cast(list[Entry], base["analyses"]):
            if analysis.get("outcome") not in names.outcomes:
                analysis.pop("outcome", None)
    return base


def _exposures(treatments: tuple[Treatment, ...]) -> list[Plain]:
    """How each drug's exposure is counted; a drug of unknown interval or dose is left out."""
    found: list[Plain] = []
    for drug in treatments:
        if drug.every_days == 1:
            found.append({"treatment": drug.name, "kind": "daily"})
        elif drug.every_days and drug.doses:
            found.append(
                {
                    "treatment": drug.name,
                    "kind": "infusion",
                    "planned_dose": drug.doses[0].amount,
                    "cycle_days": drug.every_days,
                }
            )
    return found


def fill(value: Plain, names: Names) -> Plain:
    """A value of the library with the study's own names in it.

    An entry of a list that says ``<TREATMENT>`` (EXTRT), ``<LABEL>`` or ``<NN>`` (01, 02, ...) is
    written once for each drug, one that says ``<LEVEL>`` for each cohort; one that says
    ``<COHORT>`` (the cohort variable) is left out where there are no cohorts. ``<ANY>...</ANY>`` is
    a condition that holds for any of the drugs. ``<COLUMN>`` is the cohort variable, the planned
    treatment where there is none; ``<RESPONSE>`` the overall response that decides.
    """
    if isinstance(value, str):
        return _filled(value, names)
    if isinstance(value, list):
        return [made for part in value for made in _repeated(part, names)]
    if not isinstance(value, dict):
        return value
    found: Entry = {}
    for key, part in value.items():
        if DRUG.search(key):
            for number, drug in enumerate(names.treatments, start=1):
                found[_for_drug(drug, number, key, "en")] = fill(part, names)
        else:
            found[key] = fill(part, names)
    return found


def _repeated(part: Plain, names: Names) -> list[Plain]:
    said = ANY.sub("", _said(part))
    if COHORT in said and not names.cohort:
        return []
    if DRUG.search(said):
        return [
            fill(_everywhere(part, partial(_for_drug, drug, number)), names)
            for number, drug in enumerate(names.treatments, start=1)
        ]
    if LEVEL in said:
        return [
            fill(_everywhere(part, partial(_for_level, code)), names)
            for code in names.levels or ("ALL",)
        ]
    return [fill(part, names)]


def _said(part: Plain) -> str:
    """All words of an entry that are not inside a list of its own."""
    if isinstance(part, dict):
        return " ".join(_said(p) for p in part.values())
    return part if isinstance(part, str) else ""


def _everywhere(part: Plain, change: Callable[[str, str], str], key: str = "en") -> Plain:
    if isinstance(part, dict):
        return {k: _everywhere(p, change, k) for k, p in part.items()}
    if isinstance(part, list):
        return [_everywhere(p, change, key) for p in part]
    return change(part, key) if isinstance(part, str) else part


def _for_level(code: str, text: str, _: str) -> str:
    return text.replace(LEVEL, code)


def _for_drug(drug: Treatment, number: int, text: str, language: str) -> str:
    label = drug.label.zh or drug.label.en if language == "zh" else drug.label.en
    words = text.replace("<TREATMENT>", drug.name).replace("<NN>", f"{number:02d}")
    return words.replace("<LABEL>", label)


def _filled(text: str, names: Names) -> str:
    def any_drug(match: re.Match[str]) -> str:
        each = [_for_drug(d, n, match[1], "en") for n, d in enumerate(names.treatments, start=1)]
        return f"({' OR '.join(f'({condition})' for condition in each) or 'FALSE'})"

    words = ANY.sub(any_drug, text).replace("<COLUMN>", names.cohort or "TRT01P")
    return words.replace(COHORT, names.cohort).replace("<RESPONSE>", names.response)
