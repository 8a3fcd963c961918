"""What a registry record says, as one value, whatever form it came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onearm.errors import OnearmError

Shape = Literal["api-v2", "api-v1", "xml", "export"]
Rank = Literal["primary", "secondary", "other"]

RANKS: tuple[Rank, ...] = ("primary", "secondary", "other")


class BadRecord(OnearmError):
    """A file that is no registry record, or one that cannot be read."""


@dataclass(frozen=True, slots=True)
class RegisteredArm:
    """One arm; ``type`` as in API v2 (EXPERIMENTAL, ...); ``interventions`` by name."""

    label: str
    type: str = ""
    description: str = ""
    interventions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisteredIntervention:
    """One intervention; ``type`` as in API v2 (DRUG, BIOLOGICAL, ...)."""

    type: str
    name: str
    description: str = ""
    other_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisteredOutcome:
    """One outcome measure as registered; absent texts are empty."""

    rank: Rank
    measure: str
    description: str = ""
    time_frame: str = ""


@dataclass(frozen=True, slots=True)
class RegisteredSite:
    """One place of the trial."""

    facility: str
    city: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """What a record says, whatever form it came in. Absent texts are empty, absent numbers None.

    Codes (phase, allocation, model, masking, purpose, types) are those of API v2. Dates are ISO
    8601, as precise as the record gives them. ``shape`` is the form it was read from.
    """

    shape: Shape
    nct_id: str
    title: str
    official_title: str = ""
    acronym: str = ""
    summary: str = ""
    description: str = ""
    status: str = ""
    start: str = ""
    completion: str = ""
    sponsor: str = ""
    collaborators: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    study_type: str = ""
    phases: tuple[str, ...] = ()
    allocation: str = ""
    model: str = ""
    masking: str = ""
    purpose: str = ""
    enrolment: int | None = None
    enrolment_type: str = ""
    arms: tuple[RegisteredArm, ...] = ()
    interventions: tuple[RegisteredIntervention, ...] = ()
    outcomes: tuple[RegisteredOutcome, ...] = ()
    eligibility: str = ""
    sex: str = ""
    minimum_age: str = ""
    maximum_age: str = ""
    sites: tuple[RegisteredSite, ...] = ()
