"""What is computed (``analyses.yaml``): analysis sets, one entry an analysis, checked on load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from onearm import expr
from onearm.errors import OnearmError
from onearm.stats import INTERVALS
from onearm.stats.curve_limits import CURVE_INTERVALS
from onearm.study.text import Part, Text, Words

Kind = Literal[
    "count",
    "flow",
    "incidence",
    "shift",
    "proportion",
    "summary",
    "range",
    "best_change",
    "agreement",
    "survival",
    "curve",
    "followup",
    "competing",
    "two_stage",
    "one_stage",
    "one_sample_log_rank",
    "boundary",
    "enrolment",
    "sequence",
]
"""The kinds of analysis; `onearm.results.KINDS` has one function for each."""

RULE_KINDS = (
    "two_stage",
    "one_stage",
    "one_sample_log_rank",
    "boundary",
    "enrolment",
    "sequence",
)
"""Kinds that carry out what design.yaml says; ``rule`` names which of its parts."""

METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "proportion": tuple(INTERVALS),
        "agreement": tuple(INTERVALS),
        "survival": tuple(CURVE_INTERVALS),
        "curve": tuple(CURVE_INTERVALS),
        "followup": tuple(CURVE_INTERVALS),
    }
)
"""The methods a kind can use; the first is its default. A kind that is not here has one method."""

NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "flow": ("lines",),
        "incidence": ("terms",),
        "shift": ("parameters", "baseline", "variable"),
        "proportion": ("success",),
        "summary": ("variable",),
        "range": ("variable",),
        "best_change": ("variable",),
        "agreement": ("parameter", "against", "variable"),
        "survival": ("parameter",),
        "curve": ("parameter",),
        "followup": ("parameter",),
        "competing": ("parameter", "success", "against", "times"),
        "two_stage": ("rule",),
        "one_stage": ("rule",),
        "one_sample_log_rank": ("rule",),
        "boundary": ("rule",),
    }
)
"""Keys that a kind cannot do without."""

COMMON = frozenset(
    [
        "id",
        "kind",
        "title",
        "dataset",
        "parameter",
        "set",
        "when",
        "columns",
        "unit",
        "outcome",
        "purpose",
        "reason",
        "note",
        "source",
    ]
)
READ: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        kind: COMMON | frozenset(keys.split())
        for kind, keys in {
            "count": "variable lines levels by of events order",
            "flow": "lines",
            "incidence": "terms grade grades at_least share",
            "shift": "parameters baseline variable levels",
            "proportion": "success by of method level null_rate smallest",
            "summary": "variable by",
            "range": "variable by",
            "best_change": "variable bands",
            "agreement": "against variable match method level levels",
            "survival": "times by method level smallest",
            "curve": "times method level",
            "followup": "method level",
            "competing": "success against times level",
            "two_stage": "rule level",
            "one_stage": "rule level",
            "one_sample_log_rank": "rule level",
            "boundary": "rule",
            "enrolment": "",
            "sequence": "",
        }.items()
    }
)
"""Keys that a kind reads; any other key in its entry is refused."""


class AnalysisSet(Part):
    """Subjects that an analysis is about: an SQL condition over ADSL."""

    label: Words
    when: str
    definition: Words | None = None


class Columns(Part):
    """The columns of every table: one a level of an ADSL variable, and all subjects together.

    ``levels`` are the levels in order; where they are empty, those of the study's cohorts are used.
    """

    variable: str = "COHORT"
    total: str = "Total"
    levels: tuple[str, ...] = ()


class Line(Part):
    """One line of a table: its text, the condition its rows meet, and a variable to split it by."""

    level: str
    when: str
    split: str = ""


class Analysis(Part):
    """One analysis. ``kind`` says what is done and which of the keys below are read.

    dataset, parameter, set, when: the rows (PARAMCD = parameter, subjects of the set, and SQL).
    variable: the column that is counted or summarised; lines: conditions instead of a variable.
    levels: categories in order; a category without subjects is shown with 0.
    by: variables by which the analysis is repeated, one after the other.
    of: what percentages are of: the subjects of the ``set`` or only those with rows (``subset``).
    success: SQL condition of a counted row; null_rate: rate of the one-sided exact test.
    against: for ``agreement`` the PARAMCD compared with, for ``competing`` the condition of the
    competing event; match: columns that pair the rows within a subject.
    times: months. smallest: a group with fewer subjects shows counts only.
    terms: from wide to narrow; grade: its severity column; grades, at_least: grades that are shown
    apart and together with all above; share: only terms with at least this proportion in total.
    bands: limits between the groups of best change, in percent.
    rule: the part of design.yaml that is carried out: the key of a test (``response``), which says
    by its own ``analysis`` which rows count, or the id of a safety boundary.
    columns: false gives the total only. level: two-sided confidence level.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    title: Words = Text(en="")
    dataset: str = "ADSL"
    parameter: str = ""
    set: str
    when: str = ""
    columns: bool = True
    variable: str = ""
    lines: tuple[Line, ...] = ()
    levels: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    of: Literal["set", "subset"] = "set"
    events: bool = False
    order: Literal["written", "frequency"] = "written"
    success: str = ""
    null_rate: float | None = Field(default=None, gt=0, lt=1)
    smallest: int = 0
    against: str = ""
    match: tuple[str, ...] = ()
    times: tuple[float, ...] = ()
    terms: tuple[str, ...] = ()
    grade: str = ""
    grades: tuple[int, ...] = ()
    at_least: tuple[int, ...] = ()
    share: float = Field(default=0.0, ge=0, le=1)
    parameters: str = ""
    baseline: str = ""
    bands: tuple[float, ...] = ()
    rule: str = ""
    method: str = ""
    level: float = Field(default=0.95, gt=0, lt=1)
    unit: str = ""
    outcome: str = ""
    purpose: Literal["primary", "secondary", "exploratory", ""] = ""
    reason: Literal[
        "SPECIFIED IN PROTOCOL",
        "SPECIFIED IN SAP",
        "DATA DRIVEN",
        "REQUESTED BY REGULATORY AGENCY",
    ] = "SPECIFIED IN SAP"
    note: Literal["", "descriptive", "exploratory"] = ""
    source: str = ""

    @property
    def methods(self) -> tuple[str, ...]:
        """Names that ``method`` may have for this kind; empty where there is no choice."""
        return METHODS.get(self.kind, ())

    @property
    def chosen_method(self) -> str:
        """The method asked for, or the default of the kind, or the kind itself."""
        return self.method or (self.methods[0] if self.methods else self.kind)

    def conditions(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every SQL condition and column name of this entry with its place in the entry."""
        for key in ("when", "success", "variable", "grade", "parameters", "baseline"):
            if text := getattr(self, key):
                yield (key,), text
        if self.kind == "competing":
            yield ("against",), self.against
        for key in ("by", "match", "terms"):
            for i, name in enumerate(getattr(self, key)):
                yield (key, i), name
        for i, line in enumerate(self.lines):
            yield ("lines", i, "when"), line.when
            if line.split:
                yield ("lines", i, "split"), line.split


class Analyses(Part):
    """The whole of ``analyses.yaml``: columns, analysis sets, and the analyses in their order."""

    columns: Columns = Columns()
    sets: dict[str, AnalysisSet]
    analyses: tuple[Analysis, ...]

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # Any: raw YAML
        plan = handler(data)
        if problems := list(plan._problems()):
            raise ValidationError.from_exception_data("Analyses", problems)
        return plan

    def analysis(self, id: str) -> Analysis:  # noqa: A002 - the study file's own word
        """The analysis of that id; ``KeyError`` where there is none."""
        return {a.id: a for a in self.analyses}[id]

    def expressions(self) -> Iterable[tuple[tuple[str | int, ...], str, str]]:
        """Every expression with its key path in the file and the dataset whose columns it reads.

        An analysis of a dataset other than ADSL may also read the columns of ADSL: its dataset is
        then written as ``ADRS+ADSL``.
        """
        yield ("columns", "variable"), self.columns.variable, "ADSL"
        for name, chosen in self.sets.items():
            yield ("sets", name, "when"), chosen.when, "ADSL"
        for i, analysis in enumerate(self.analyses):
            dataset = analysis.dataset
            reads = dataset if dataset == "ADSL" else f"{dataset}+ADSL"
            for path, text in analysis.conditions():
                yield ("analyses", i, *path), text, reads

    def _problems(self) -> Iterator[InitErrorDetails]:
        for path, text, _ in self.expressions():
            try:
                expr.parse(text)
            except OnearmError as problem:
                yield _problem(path, text, str(problem))
        uses = Counter(a.id for a in self.analyses)
        for i, analysis in enumerate(self.analyses):
            here = ("analyses", i)
            if uses[analysis.id] > 1:
                yield _problem((*here, "id"), analysis.id, f"the id '{analysis.id}' is used twice")
            if analysis.set not in self.sets:
                yield _problem(
                    (*here, "set"), analysis.set, _unknown("set", analysis.set, self.sets)
                )
            yield from _problems_of(analysis, here)


def _problems_of(analysis: Analysis, here: tuple[str | int, ...]) -> Iterator[InitErrorDetails]:
    kind, given = analysis.kind, analysis.model_fields_set
    if analysis.methods and analysis.chosen_method not in analysis.methods:
        message = _unknown("method", analysis.method, analysis.methods)
        yield _problem((*here, "method"), analysis.method, message)
    for key in sorted(given - READ[kind]):
        yield _problem(
            (*here, key), getattr(analysis, key), f"the kind '{kind}' does not read '{key}'"
        )
    for key in NEEDED.get(kind, ()):
        if not getattr(analysis, key):
            yield _problem(here, analysis.id, f"the kind '{kind}' needs '{key}'")
    if kind == "count" and bool(analysis.variable) == bool(analysis.lines):
        yield _problem(here, analysis.id, "the kind 'count' needs either 'variable' or 'lines'")
    if (analysis.grades or analysis.at_least) and not analysis.grade:
        yield _problem(here, analysis.id, "'grades' and 'at_least' need 'grade'")


def _problem(path: tuple[str | int, ...], value: object, message: str) -> InitErrorDetails:
    # The message goes in as a context value because a template would read braces in it.
    error = PydanticCustomError("analyses", "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=path, input=value)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    hint = expr.suggest(name, names)
    return f"unknown {what} '{name}'; {hint or 'known: ' + ', '.join(names)}"
