"""Facts, times to an event, and safety as rules; the whole of ``endpoints.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator, model_validator

from onearm.study.assessments import Responses, Tumours, block_expressions
from onearm.study.subjects import Expressions, SubjectRules
from onearm.study.text import Part, Words

__all__ = ["Endpoint", "Endpoints", "SubjectRules"]

TAKE = re.compile(
    r"^(?:(?P<pick>first|last)\((?P<inner>[A-Z][A-Z0-9_]*)\)|(?P<name>[A-Z][A-Z0-9_]*))$"
)


class Fact(Part):
    """One kind of dated fact of ADEVENT, which times to an event may start, stop or end at.

    ``before``: another fact; only days before the subject's first day of it are facts of this kind.
    """

    param: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    label: Words
    in_: str = Field(alias="in")
    when: str = ""
    date: str
    planned: str = ""
    before: str = ""


class Rule(Part):
    """One line of a time to an event: where a date comes from.

    ``date``: a column, or ``first(X)``, ``last(X)``. ``compare``: the column that stops and gaps
    are compared with, where it is not ``date``. ``of``: SQL over ADSL, the subjects the line is
    for. ``beyond``: a date after the end of follow-up is dropped, or moved back to it (``clip``).
    ``says``: EVNTDESC; ``date_says``: CNSDTDSC, the same words unless given.
    """

    id: str
    in_: str = Field(alias="in")
    when: str = ""
    date: str
    compare: str = ""
    of: str = ""
    beyond: Literal["drop", "clip"] = "drop"
    says: Words | None = None
    date_says: Words | None = None

    @field_validator("date")
    @classmethod
    def _readable(cls, value: str) -> str:
        if TAKE.match(value) is None:
            raise ValueError(f"'{value}' is not COLUMN, first(COLUMN) or last(COLUMN)")
        return value

    @property
    def column(self) -> str:
        """The column that holds the date."""
        match = TAKE.match(self.date)
        return (match["inner"] or match["name"]) if match else self.date

    def pick(self, default: str) -> str:
        """``first`` or ``last``: as written, else ``default``."""
        match = TAKE.match(self.date)
        return (match["pick"] if match else None) or default


class Stop(Rule):
    """What ends follow-up. ``same_day``: whether an event on that very day still counts.

    A stop without ``says`` (the data cut-off) never names the censoring.
    """

    same_day: bool = True


class Gap(Rule):
    """The missed-assessments rule: an event more than ``days`` after the last of these dates (or
    the start) does not count, and follow-up ends at that date. Without ``days`` the limit is two
    intervals and two windows of the schedule's tumour assessments.
    """

    days: int | None = None


class Endpoint(Part):
    """One time to an event, as ordered lists; the line that decided is kept in RULE.

    ``from``: ``ADSL.TRTSDT``, or a line of its own. ``stop``: the earliest ends follow-up.
    ``event``: the earliest within follow-up wins, of those on one day the one written first.
    ``censor``: without an event, the first line that applies. ``without_start``: what becomes of a
    subject whose start is missing.
    """

    endpoint: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    label: Words
    population: str = ""
    from_: str | Rule = Field(alias="from")
    stop: tuple[Stop, ...] = ()
    gap: Gap | None = None
    event: tuple[Rule, ...]
    censor: tuple[Rule, ...]
    without_start: Literal["drop", "keep"] = "drop"
    source: str = ""

    @property
    def start(self) -> Rule:
        """Where the clock starts, as a line."""
        if isinstance(self.from_, Rule):
            return self.from_
        dataset, _, column = self.from_.partition(".")
        return Rule.model_validate({"id": "start", "in": dataset, "date": column})

    def lines(self) -> Iterator[tuple[tuple[str | int, ...], Rule]]:
        """Every line with its place."""
        if isinstance(self.from_, Rule):
            yield ("from",), self.from_
        if self.gap is not None:
            yield ("gap",), self.gap
        for key in ("stop", "event", "censor"):
            rules: tuple[Rule, ...] = getattr(self, key)
            for n, rule in enumerate(rules):
                yield (key, n), rule


class DrugRelation(Part):
    """The relation of an event to one drug: where it was written, and the variables it makes.

    ``from``: a variable of AE, or a QNAM of SUPPAE. ``name``: the variable with the answer as
    entered; ``flag``: Y where related.
    """

    name: str
    flag: str
    label: Words
    from_: str = Field(alias="from")


class AdverseEvents(Part):
    """When an event is treatment-emergent, related, and counted.

    Emergent from the start to ``window_days`` after the last dose of any drug; where
    ``long_when`` holds to ``long_window_days``, unless new therapy (``new_therapy``, a date of
    ADSL) began before the event. ``related_values`` are the answers that mean related; a missing
    answer counts as related and is flagged. ``leave_out``: rows that are not counted in tables.
    ``supplemental``: QNAMs of SUPPAE that become columns. ``severity_grades``: the grade that a
    severity (AESEV) stands for where no toxicity grade was recorded; empty means none.
    """

    window_days: int = 30
    long_window_days: int = 90
    long_when: str = ""
    new_therapy: str = ""
    related_values: tuple[str, ...] = ("Y", "RELATED", "POSSIBLY RELATED", "PROBABLY RELATED")
    related_from: str = "AEREL"
    drugs: tuple[DrugRelation, ...] = ()
    leave_out: str = ""
    supplemental: tuple[str, ...] = ()
    severity_grades: dict[str, int] = Field(default_factory=dict)


class Exposure(Part):
    """How the exposure to one drug is counted.

    ``daily``: a row is a period with ``EXDOSE`` a day; planned is the first dose level on every
    day from first to last dose. ``infusion``: a row is one infusion; planned is ``planned_dose``
    every ``cycle_days`` up to the last one. ``extra_days``: added to the duration by convention.
    """

    treatment: str
    kind: Literal["daily", "infusion"]
    planned_dose: float | None = None
    cycle_days: int = 21
    extra_days: int = 0

    @model_validator(mode="after")
    def _dose_known(self) -> Exposure:
        if self.kind == "infusion" and not self.planned_dose:
            raise ValueError(f"{self.treatment}: an infusion needs planned_dose")
        return self


class Labs(Part):
    """Laboratory results: the grading table, and which days count as on treatment.

    ``derived``: parameters computed from others of the same day (``corrected_calcium``).
    ``symptoms_from``: a column of LB or a QNAM of SUPPLB that says Y or N; otherwise unknown.
    """

    grading: str = "ctcae5_lab"
    on_treatment_days: int = 30
    derived: tuple[Literal["corrected_calcium"], ...] = ()
    symptoms_from: str = ""


class Endpoints(Part):
    """The whole of ``endpoints.yaml``."""

    tumours: Tumours | None = None
    responses: tuple[Responses, ...] = ()
    facts: tuple[Fact, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    adverse_events: AdverseEvents | None = None
    exposure: tuple[Exposure, ...] = ()
    labs: Labs | None = None

    def expressions(self) -> Expressions:
        """Every SQL expression with its place in the file and the dataset it reads.

        Expressions over assessments and over a subject's answers name the datasets ``ASSESSMENTS``
        and ``ANSWERS``; ``onearm.adam.catalogue`` knows their columns.
        """
        if self.tumours is not None:
            if self.tumours.baseline:
                yield ("tumours", "baseline"), self.tumours.baseline, "TR"
            for n, reader in enumerate(self.tumours.readers):
                if reader.when:
                    yield ("tumours", "readers", n, "when"), reader.when, "TR"
        for n, block in enumerate(self.responses):
            yield from block_expressions(("responses", n), block)
        for n, fact in enumerate(self.facts):
            yield ("facts", n, "date"), fact.date, fact.in_
            if fact.when:
                yield ("facts", n, "when"), fact.when, fact.in_
        for n, endpoint in enumerate(self.endpoints):
            here: tuple[str | int, ...] = ("endpoints", n)
            if endpoint.population:
                yield (*here, "population"), endpoint.population, "ADSL"
            for place, rule in endpoint.lines():
                yield (*here, *place, "date"), rule.column, rule.in_
                if rule.compare:
                    yield (*here, *place, "compare"), rule.compare, rule.in_
                if rule.when:
                    yield (*here, *place, "when"), rule.when, rule.in_
                if rule.of:
                    yield (*here, *place, "of"), rule.of, "ADSL"
        if self.adverse_events is not None:
            for key in ("long_when", "leave_out"):
                if text := getattr(self.adverse_events, key):
                    yield ("adverse_events", key), text, "ADAE"
