"""One row a subject: variables and analysis sets as rules (``subjects.yaml``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, model_validator

from onearm.study.text import Part, Words

Expressions = Iterable[tuple[tuple[str | int, ...], str, str]]
"""Where an expression stands in its file, its text, and the dataset whose columns it reads."""

Pick = Literal["first", "last", "baseline", "max", "min", "any", "count", "sum"]
Partial = Literal["drop", "first", "last"]
Kind = Literal["text", "integer", "float", "date", "flag"]


class Source(Part):
    """A value read out of one dataset, one a subject.

    ``when``: SQL over the dataset's columns. ``pick``: which of a subject's rows; ``baseline`` is
    the last on or before the start; ``any`` says whether there is a row. ``by``: the date that
    orders the rows (default: the dataset's own date). ``partial``: what a partial date means.
    ``says``: the words that name this source where it wins among several.
    """

    from_: str = Field(alias="from")
    when: str = ""
    take: str = ""
    pick: Pick = "first"
    by: str = ""
    partial: Partial = "drop"
    says: str = ""


class Variable(Part):
    """One variable of ADSL.

    Its value comes from exactly one of: ``from`` (a dataset), ``latest_of`` or ``earliest_of``
    (dates of several sources; ``source_in`` receives the words of the one that won), ``span``
    (days from the first date to the second, both counted), ``expr`` (SQL over ADSL so far).
    ``not_before``: a date variable that a partial date is not completed to a day before, within
    what the text allows; ``imputed_in`` receives D or M where a part of the date was missing.
    ``not_after``: a later day counts as the day of that date variable (the data cut-off).
    """

    name: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    label: Words | None = None
    type: Kind = "text"
    from_: str = Field(default="", alias="from")
    when: str = ""
    take: str = ""
    pick: Pick = "first"
    by: str = ""
    partial: Partial = "drop"
    latest_of: tuple[Source, ...] = ()
    earliest_of: tuple[Source, ...] = ()
    span: tuple[str, str] | None = None
    expr: str = ""
    source_in: str = ""
    imputed_in: str = ""
    not_before: str = ""
    not_after: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Variable:
        ways = [self.from_, self.latest_of, self.earliest_of, self.span, self.expr]
        if sum(map(bool, ways)) != 1:
            raise ValueError(
                f"{self.name}: give exactly one of from, latest_of, earliest_of, span, expr"
            )
        return self

    @property
    def as_source(self) -> Source:
        """The single dataset this variable is read from."""
        return Source.model_validate(
            {"from": self.from_}
            | {k: getattr(self, k) for k in ("when", "take", "pick", "by", "partial")}
        )

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets it reads."""
        several = tuple(s.from_ for s in (*self.latest_of, *self.earliest_of))
        return (self.from_, *several) if self.from_ else several


class Requirement(Part):
    """A condition of an analysis set, and the reason written where it does not hold."""

    when: str
    says: str


class AnalysisSet(Part):
    """A set as a flag (Y or N, never empty): all requirements hold.

    ``reason`` names the variable that says why a subject is out: the first requirement that fails.
    """

    name: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,5}FL$")
    label: Words | None = None
    reason: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    require: tuple[Requirement, ...]


class SubjectRules(Part):
    """The whole of ``subjects.yaml``: one row a subject.

    ``start``: the ADSL date that is day 1. ``carry``: ADSL variables that every analysis dataset
    has. ``constants``: numbers the expressions may name.
    """

    start: str = "TRTSDT"
    carry: tuple[str, ...] = ("AGE", "SEX", "TRT01P", "TRT01A", "TRTSDT", "TRTEDT")
    constants: dict[str, float | int | str] = Field(default_factory=dict)
    variables: tuple[Variable, ...] = ()
    sets: tuple[AnalysisSet, ...] = ()

    def expressions(self) -> Expressions:
        """Every SQL expression with its place in the file and the dataset it reads."""
        for n, variable in enumerate(self.variables):
            here: tuple[str | int, ...] = ("variables", n)
            if variable.when:
                yield (*here, "when"), variable.when, variable.from_
            yield from _columns(here, variable.from_, variable)
            if variable.expr:
                yield (*here, "expr"), variable.expr, "ADSL"
            for key in ("latest_of", "earliest_of"):
                sources: tuple[Source, ...] = getattr(variable, key)
                for m, source in enumerate(sources):
                    if source.when:
                        yield (*here, key, m, "when"), source.when, source.from_
                    yield from _columns((*here, key, m), source.from_, source)
        for n, group in enumerate(self.sets):
            for m, requirement in enumerate(group.require):
                yield ("sets", n, "require", m, "when"), requirement.when, "ADSL"


def _columns(here: tuple[str | int, ...], dataset: str, rule: Variable | Source) -> Expressions:
    """The columns that a rule names outside its condition: a name is an expression too."""
    for key, name in (("take", rule.take), ("by", rule.by)):
        if dataset and name:
            yield (*here, key), name, dataset
