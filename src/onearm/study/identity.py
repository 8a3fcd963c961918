"""What the trial is (study.yaml): registry facts, arms, treatments, outcomes, assumptions."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from onearm.study.text import Part, Text, Words


class Registration(Part):
    """Where the trial is registered and the file of the folder that holds the record."""

    name: str
    number: str
    record: str = ""


class Site(Part):
    """One centre."""

    id: str
    name: Words
    country: str = ""


class Intervention(Part):
    """An intervention in the registry's words; ``type`` as there (DRUG, BIOLOGICAL, ...)."""

    type: str
    name: str
    description: str = ""


class Design(Part):
    """Allocation, model, masking and purpose in the codes of ClinicalTrials.gov's API."""

    allocation: str = ""
    model: str = ""
    masking: str = ""
    purpose: str = ""


class Enrolment(Part):
    """How many are planned."""

    planned: int | None = Field(default=None, ge=1)
    unit: str = "patients"


class Arm(Part):
    """One arm; ``code`` is ARMCD, ``treatments`` are names of treatments."""

    code: str = Field(pattern=r"^[A-Z0-9_]{1,20}$")
    label: Words
    type: str = ""
    description: str = ""
    treatments: tuple[str, ...] = ()


class Step(Part):
    """A dose to step down to; an empty frequency means that of the treatment."""

    amount: float = Field(gt=0)
    frequency: str = ""


class Dose(Part):
    """A starting dose, the condition on baseline items for it, and its steps down."""

    amount: float = Field(gt=0)
    when: str = ""
    reductions: tuple[Step, ...] = ()


class Treatment(Part):
    """A study drug; ``name`` is EXTRT. ``every_days`` is the interval between planned doses."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9 +-]*$")
    label: Words
    unit: str = ""
    form: str = ""
    route: str = ""
    frequency: str = ""
    every_days: int | None = Field(default=None, gt=0)
    doses: tuple[Dose, ...] = ()
    source: str = ""


class Level(Part):
    """One level of the cohort variable."""

    code: str
    label: Words


class Cohort(Part):
    """The variable that splits the patients into disease groups, and its levels in order."""

    variable: str = "COHORT"
    label: Words = Text(en="Cohort", zh="队列")
    levels: tuple[Level, ...]


class Outcome(Part):
    """One outcome measure in the registry's words. ``analyses`` names those that answer it."""

    id: str
    type: Literal["primary", "secondary", "other"]
    measure: Words
    description: Words = Text(en="")
    time_frame: Words = Text(en="")
    source: Literal["registry", "description"] = "registry"
    analyses: tuple[str, ...] = ()


class Criterion(Part):
    """One eligibility criterion; an empty source means that of the list."""

    id: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    type: Literal["inclusion", "exclusion"]
    text: Words
    source: str = ""


class Eligibility(Part):
    """The criteria and where they come from: ``registry``, ``protocol`` or ``neighbour``."""

    source: Literal["registry", "protocol", "neighbour"] = "registry"
    note: Words = Text(en="")
    text: str = ""
    criteria: tuple[Criterion, ...] = ()


class Dictionary(Part):
    """A terminology and its version; null while none has been chosen."""

    name: str
    version: str | None


class Assumption(Part):
    """Something the registry does not say: the statement, the value used, and its source."""

    id: str
    statement: Words
    value: str
    source: str


class Identity(Part):
    """The whole of ``study.yaml``."""

    id: str = Field(min_length=1)
    name: str = ""
    title: Words
    official_title: str = ""
    registry: Registration | None = None
    sponsor: Words = Text(en="")
    phase: str = ""
    phase_as_registered: str = ""
    line_of_therapy: str = ""
    summary: Words = Text(en="")
    description: Words = Text(en="")
    conditions: tuple[Words, ...] = ()
    keywords: tuple[str, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    design: Design = Design()
    enrolment: Enrolment = Enrolment()
    sites: tuple[Site, ...] = ()
    population: Words = Text(en="")
    arms: tuple[Arm, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    cohort: Cohort | None = None
    outcomes: tuple[Outcome, ...] = ()
    eligibility: Eligibility = Eligibility()
    dictionaries: dict[str, Dictionary] = Field(default_factory=dict)
    data_cut: date | None = None
    assumptions: tuple[Assumption, ...] = ()
