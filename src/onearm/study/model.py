"""The study as one frozen value: everything its folder says, and the line on which it says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from onearm.errors import Place
from onearm.study.analyses import Analyses
from onearm.study.biomarkers import Biomarkers
from onearm.study.design import TrialDesign
from onearm.study.endpoints import Endpoints, SubjectRules
from onearm.study.forms import Choice, Form, Item
from onearm.study.identity import (
    Arm,
    Assumption,
    Dictionary,
    Eligibility,
    Identity,
    Level,
    Outcome,
    Treatment,
)
from onearm.study.outputs import Outputs
from onearm.study.schedule import Schedule
from onearm.study.simulation import Simulation
from onearm.study.text import Text
from onearm.study.yamlfile import Document, KeyPath
from onearm.terms import load_codelist

YES_NO = (
    Choice(code="Y", label=Text(en="Yes", zh="是")),
    Choice(code="N", label=Text(en="No", zh="否")),
)


@dataclass(frozen=True, slots=True)
class Study:
    """Everything a study's folder says. Parts whose file is absent are None (forms: empty).

    ``forms`` are by form id in file order; ``terms`` are the codelists by name, all text: the
    files of ``terms/`` and, made from study.yaml, ``treatments``, ``cohort`` and ``eligibility``.
    ``version`` is the SHA-256 of the folder's text files and of the library's files that they take,
    which ``library`` holds by the name under which a folder keeps them (``library/forms/AE.yaml``).
    ``documents`` keep the line of each value.
    """

    identity: Identity
    folder: Path
    version: str
    schedule: Schedule | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)
    subjects: SubjectRules | None = None
    endpoints: Endpoints | None = None
    analyses: Analyses | None = None
    outputs: Outputs | None = None
    simulation: Simulation | None = None
    biomarkers: Biomarkers | None = None
    design: TrialDesign | None = None
    terms: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    documents: Mapping[str, Document] = field(default_factory=dict, repr=False)
    form_files: Mapping[str, str] = field(default_factory=dict, repr=False)
    library: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """STUDYID."""
        return self.identity.id

    @property
    def name(self) -> str:
        """The short name; the folder's name where study.yaml gives none."""
        return self.identity.name or self.folder.name

    @property
    def title(self) -> Text:
        """The title in both languages."""
        return self.identity.title

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms in order."""
        return self.identity.arms

    @property
    def treatments(self) -> tuple[Treatment, ...]:
        """The study drugs in order."""
        return self.identity.treatments

    @property
    def cohorts(self) -> tuple[Level, ...]:
        """The levels of the cohort variable in order; empty where there are no cohorts."""
        return self.identity.cohort.levels if self.identity.cohort else ()

    @property
    def cohort_variable(self) -> str:
        """The name of the cohort variable; empty where there are no cohorts."""
        return self.identity.cohort.variable if self.identity.cohort else ""

    @property
    def population(self) -> Text:
        """Who is studied."""
        return self.identity.population

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome measures in the registry's order."""
        return self.identity.outcomes

    @property
    def eligibility(self) -> Eligibility:
        """The criteria with their source."""
        return self.identity.eligibility

    @property
    def dictionaries(self) -> Mapping[str, Dictionary]:
        """Terminologies by their use, with versions."""
        return self.identity.dictionaries

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the registry does not say and the study assumes."""
        return self.identity.assumptions

    @property
    def data_cut(self) -> date | None:
        """The last day whose data count, where one has been set."""
        return self.identity.data_cut

    def choices(self, item: Item) -> tuple[Choice, ...]:
        """The answers of an item in order: its own, those of its codelist, or yes and no.

        A codelist is the study's, else CDISC's of that short name, whose words are its codes.
        Empty for items that are not coded. Raises ``KeyError`` for a codelist that neither has.
        """
        if item.type == "yes_no":
            return YES_NO
        if item.choices or not item.codes:
            return item.choices
        if item.codes not in self.terms:
            terms = load_codelist(item.codes).terms
            return tuple(Choice(code=term, label=Text(en=term)) for term in terms)
        return tuple(
            Choice(code=row["code"], label=Text(en=row["en"] or row["code"], zh=row["zh"] or ""))
            for row in self.terms[item.codes].iter_rows(named=True)
        )

    def place(self, file: str, path: KeyPath) -> Place:
        """Where a key path of one of the study's files stands."""
        document = self.documents.get(file)
        return Place(file=file, line=document.line(path) if document else 0)
