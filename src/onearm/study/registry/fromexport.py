"""Records in the plain-text export of the registry's list view."""

from __future__ import annotations

import re

from onearm.study.registry.record import (
    RANKS,
    BadRecord,
    Rank,
    RegisteredIntervention,
    RegisteredOutcome,
    RegistryRecord,
)
from onearm.study.registry.words import code, required

NCT = re.compile(r"NCT\d{8}")


def from_export(text: str, name: str) -> RegistryRecord:
    """Line by line: title, summary, conditions, interventions, three kinds of outcome, description.

    Lists have a vertical bar; an outcome is measure, description and time frame with commas, read
    from both ends because the description has commas of its own.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) < 5:
        raise BadRecord(f"neither JSON nor XML, and too short for an export ({len(lines)} lines)")
    padded = [line.strip() for line in lines] + [""] * 8
    title, summary, conditions, interventions = padded[:4]
    number = NCT.search(name) or NCT.search(text)
    return RegistryRecord(
        shape="export",
        nct_id=required(number.group() if number else "", "NCT number (name the file by it)"),
        title=required(title, "title"),
        summary=summary,
        description="\n".join(padded[7 : len(lines)]).strip(),
        conditions=_listed(conditions),
        interventions=tuple(map(_export_intervention, _listed(interventions))),
        outcomes=tuple(
            _export_outcome(rank, part)
            for rank, line in zip(RANKS, padded[4:7], strict=True)
            for part in _listed(line)
        ),
    )


def _listed(line: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in line.split("|") if part.strip())


def _export_intervention(text: str) -> RegisteredIntervention:
    kind, colon, name = text.partition(":")
    return RegisteredIntervention(code(kind), name.strip()) if colon else _other(text)


def _other(name: str) -> RegisteredIntervention:
    return RegisteredIntervention("OTHER", name)


def _export_outcome(rank: Rank, text: str) -> RegisteredOutcome:
    measure, _, rest = text.partition(", ")
    description, comma, time_frame = rest.rpartition(", ")
    if not comma:
        return RegisteredOutcome(rank, measure, "", rest)
    return RegisteredOutcome(rank, measure, description, time_frame)
