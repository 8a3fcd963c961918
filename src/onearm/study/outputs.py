"""What is printed and how: tables, figures, listings and the report (``outputs.yaml``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from onearm.errors import Finding, Place
from onearm.expr import suggest
from onearm.study.text import Part, Text, Words

Keys = tuple[str | int, ...]
NONE = Text(en="")
FIELD = re.compile(r"\{([^{}]+?)(?::([^{}:]*))?\}")
"""One number in a format or a sentence: ``{operation:spec}`` or ``{result_id:spec}``."""


class Line(Part):
    """One printed row of a block: its label and the format of its cells.

    A format names operations of the block's analysis: ``"{mean:.1f} ({sd:.1f})"``. ``star`` stands
    where a column's ``pick`` has ``*``: with it ``0``, ``* > 3`` is the level ``0 > 3``.
    """

    label: Words
    format: str
    analysis: str = ""
    star: str = ""


class Block(Part):
    """Rows that belong together and do not break over a page.

    ``analysis`` gives the numbers. With ``each`` there is one row a level of that group, in the
    order of the results; ``levels`` labels them, ``only`` shows no other. ``within`` is a second
    group whose levels stand indented below each level. With ``lines`` there is one row a line below
    the block's label (below each level where both are given). ``pick`` fixes further groups.
    ``hide_zero`` leaves out rows in which every count is 0.
    """

    label: Words = NONE
    analysis: str
    each: str = ""
    within: str = ""
    levels: dict[str, Words] = Field(default_factory=dict)
    only: bool = False
    format: str = ""
    lines: tuple[Line, ...] = ()
    pick: dict[str, str] = Field(default_factory=dict)
    indent: int = 0
    hide_zero: bool = False


class TableColumn(Part):
    """One column: its heading, the column and groups it shows, and the set its N counts (or none).

    ``analysis`` maps an analysis named in a block to the one read for this column; ``format``
    stands in place of the rows' format, for columns that show other operations of one analysis.
    """

    label: Words
    column: str = "Total"
    pick: dict[str, str] = Field(default_factory=dict)
    analysis: dict[str, str] = Field(default_factory=dict)
    format: str = ""
    count: str = ""


class Shell(Part):
    """What every output has: its number, title, analysis set and footnotes."""

    number: str = Field(pattern=r"^[A-Z] ?\d+(\.\d+)*$")
    title: Words
    set: str = ""
    footnotes: tuple[Words, ...] = ()

    @property
    def key(self) -> str:
        """The number without blanks: the name of the files, ``T14.1.1.1``."""
        return self.number.replace(" ", "")


class TableShell(Shell):
    """A table; ``columns`` is ``cohorts`` (each and Total), ``total``, or written out."""

    columns: Literal["cohorts", "total"] | tuple[TableColumn, ...] = "cohorts"
    stub: Words = NONE
    blocks: tuple[Block, ...]


class ListingColumn(Part):
    """One column of a listing; ``expression`` (SQL) makes it, else the variable of that name."""

    variable: str
    label: Words
    expression: str = ""


class Pivot(Part):
    """Turns rows into columns before listing: one column a value of ``names``, from ``values``."""

    keys: tuple[str, ...]
    names: str
    values: str


class ListingShell(Shell):
    """A listing of dataset rows; ``where`` selects, ``sort`` orders, ``most`` caps what is shown.

    After ``pivot`` the columns and ``having`` read the pivoted names.
    """

    dataset: str
    where: str = ""
    pivot: Pivot | None = None
    having: str = ""
    columns: tuple[ListingColumn, ...]
    sort: tuple[str, ...] = ()
    most: int = 200


class Source(Part):
    """Dataset rows that become marks or lines: ``date`` places a row in time, ``value`` is drawn.

    ``where`` and ``value`` are SQL over the dataset's columns; ``date`` is a column.
    """

    dataset: str
    where: str = ""
    label: Words = NONE
    value: str = ""
    date: str = ""


class FigureShell(Shell):
    """What all figures share; ``width`` is a journal's one or two columns (85 or 174 mm)."""

    width: Literal["one", "two"] = "two"


class Box(Part):
    """One box of the flow: a count, with those who left before it listed in ``aside``.

    The count is operation ``n`` of the analysis where ``pick`` holds. ``each`` lists the levels of
    a further group below it, as reasons.
    """

    label: Words
    analysis: str
    operation: str = "n"
    pick: dict[str, str] = Field(default_factory=dict)
    each: str = ""
    aside: tuple[Box, ...] = ()


class Flow(FigureShell):
    """Participant flow: boxes from the top; the last row holds the analysis sets."""

    kind: Literal["flow"]
    boxes: tuple[Box, ...]
    last: tuple[Box, ...] = ()


class Waterfall(FigureShell):
    """Best change of each patient, falling; ``bars`` has ``value`` in percent."""

    kind: Literal["waterfall"]
    bars: Source
    subjects: Source
    mark: Source | None = None
    lines: tuple[float, ...] = ()
    axis: Words


class Spider(FigureShell):
    """Change over time, one line a patient; ``marks`` are placed on the line by date."""

    kind: Literal["spider"]
    points: Source
    marks: tuple[Source, ...] = ()
    lines: tuple[float, ...] = ()
    axis: Words


class Bar(Part):
    """Time on one drug: rows that date its first and its last dose, one each a patient."""

    label: Words
    first: Source
    last: Source


class Swimmer(FigureShell):
    """One row a patient: bars of time on each drug, marks of what happened, arrows if ongoing."""

    kind: Literal["swimmer"]
    subjects: Source
    bars: tuple[Bar, ...]
    marks: tuple[Source, ...] = ()
    ongoing: Source | None = None


class KaplanMeier(FigureShell):
    """A curve with limits, censor marks and numbers at risk, from the rows of one analysis."""

    kind: Literal["kaplan_meier"]
    analysis: str
    summary: str = ""
    columns: tuple[str, ...] = ("Total",)
    axis: Words
    time_axis: Words = NONE
    every_months: int = 0


class ForestRow(Part):
    """One subgroup variable of a forest plot: its levels are the lines."""

    label: Words
    each: str
    levels: dict[str, Words] = Field(default_factory=dict)


class Forest(FigureShell):
    """Proportions with limits, one line a subgroup level; a group without limits shows counts.

    ``overall`` and ``analysis`` are analyses with the operations n, N, estimate, ci_low, ci_high.
    """

    kind: Literal["forest"]
    overall: str
    analysis: str
    rows: tuple[ForestRow, ...]
    axis: Words
    reference: float | None = None


class MirrorSide(Part):
    """One side of the mirrored bars: the analysis that counts its subjects by term and grade."""

    label: Words
    analysis: str


class Mirror(FigureShell):
    """Adverse events by worst grade: all on one side, related on the other.

    ``each`` is the group of terms; ``grades`` are operations, light to dark, with their labels.
    """

    kind: Literal["mirror"]
    each: str
    set: str
    left: MirrorSide
    right: MirrorSide
    grades: dict[str, Words]
    most: int = 20


class Liver(FigureShell):
    """Peak aminotransferase against peak bilirubin in multiples of the upper limit of normal."""

    kind: Literal["liver"]
    across: Source
    up: Source
    axis_across: Words
    axis_up: Words
    limits: tuple[float, float] = (3.0, 2.0)


AnyFigure = Annotated[
    Flow | Waterfall | Spider | Swimmer | KaplanMeier | Forest | Mirror | Liver,
    Field(discriminator="kind"),
]


class SetCount(Part):
    """An analysis set: its name, and the analysis that counts its subjects by cohort."""

    label: Words
    count: str
    operation: str = "n"


class Card(Part):
    """One key result: a label, the number in large type, and a line of detail."""

    label: Words
    value: str
    detail: Words = NONE


class Section(Part):
    """A chapter of the report: sentences (templates over result ids) and outputs by number."""

    number: str
    title: Words
    text: tuple[Words, ...] = ()
    outputs: tuple[str, ...] = ()
    part: Literal[
        "",
        "key_results",
        "objectives",
        "design",
        "monitoring",
        "biomarkers",
        "findings",
        "methods",
        "registry",
    ] = ""


class RegistryRow(Part):
    """What is entered at the registry for one outcome of ``study.yaml``."""

    outcome: str
    analysis: Words
    value: str
    note: Words = NONE


class Report(Part):
    """The report: title, key results, chapters in the order of ICH E3, registry outcomes."""

    title: Words
    key_results: tuple[Card, ...] = ()
    sections: tuple[Section, ...] = ()
    registry: tuple[RegistryRow, ...] = ()
    abbreviations: dict[str, Words] = Field(default_factory=dict)


class Outputs(Part):
    """The whole of ``outputs.yaml``.

    ``digits_allowed`` are the texts with digits that shells may carry (names of standards, levels
    of intervals); any other digit outside ``{...}`` is a typed number and a finding.
    """

    sets: dict[str, SetCount] = Field(default_factory=dict)
    total: Words = Text(en="Total", zh="合计")
    cohort: str = "COHORT"
    footnotes: tuple[Words, ...] = ()
    digits_allowed: tuple[str, ...] = ()
    tables: tuple[TableShell, ...] = ()
    figures: tuple[AnyFigure, ...] = ()
    listings: tuple[ListingShell, ...] = ()
    report: Report

    def expressions(self) -> Iterable[tuple[Keys, str, str]]:
        """Every SQL condition with its key path in the file and the dataset it reads."""
        for i, listing in enumerate(self.listings):
            here: Keys = ("listings", i)
            if listing.where:
                yield (*here, "where"), listing.where, listing.dataset
            for j, column in enumerate(listing.columns):
                if listing.pivot is None:
                    text = column.expression or column.variable
                    yield (*here, "columns", j), text, listing.dataset
        for i, figure in enumerate(self.figures):
            for keys, source in sources(figure):
                for key in ("where", "value", "date"):
                    if text := getattr(source, key):
                        yield ("figures", i, *keys, key), text, source.dataset

    def analyses(self) -> Iterable[tuple[Keys, str]]:
        """Every analysis id that is read, with its key path in the file."""
        for name, each in self.sets.items():
            yield ("sets", name, "count"), each.count
        for i, table in enumerate(self.tables):
            yield from (((("tables", i, *keys)), name) for keys, name in _in_table(table))
        for i, figure in enumerate(self.figures):
            yield from ((("figures", i, *keys), name) for keys, name in _in_figure(figure))

    def sentences(self) -> Iterable[tuple[Keys, str]]:
        """Every template of the report, in each language, with its key path in the file."""
        report = self.report
        for i, card in enumerate(report.key_results):
            yield ("report", "key_results", i, "value"), card.value
            yield from _languages(("report", "key_results", i, "detail"), card.detail)
        for i, section in enumerate(report.sections):
            for j, words in enumerate(section.text):
                yield from _languages(("report", "sections", i, "text", j), words)
        for i, row in enumerate(report.registry):
            yield ("report", "registry", i, "value"), row.value

    def formats(self) -> Iterable[tuple[Keys, str]]:
        """Every cell format of the tables, with its key path in the file."""
        for i, table in enumerate(self.tables):
            for j, block in enumerate(table.blocks):
                here: Keys = ("tables", i, "blocks", j)
                if block.format:
                    yield (*here, "format"), block.format
                for k, line in enumerate(block.lines):
                    yield (*here, "lines", k, "format"), line.format
            for j, column in enumerate(table.columns if isinstance(table.columns, tuple) else ()):
                if column.format:
                    yield ("tables", i, "columns", j, "format"), column.format


def sources(part: Part) -> Iterable[tuple[Keys, Source]]:
    """The dataset sources of one figure with their key paths."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Source):
            yield (name,), value
        elif isinstance(value, tuple):
            for i, each in enumerate(value):
                if isinstance(each, Source):
                    yield (name, i), each
                elif isinstance(each, Bar):
                    yield from (((name, i, *keys), source) for keys, source in sources(each))


def _languages(keys: Keys, words: Text) -> Iterable[tuple[Keys, str]]:
    yield keys, words.en
    if words.zh:
        yield (*keys, "zh"), words.zh


def _in_table(table: TableShell) -> Iterable[tuple[Keys, str]]:
    columns = table.columns if isinstance(table.columns, tuple) else ()
    for i, column in enumerate(columns):
        yield from ((("columns", i, "analysis", k), v) for k, v in column.analysis.items())
    for i, block in enumerate(table.blocks):
        yield ("blocks", i, "analysis"), block.analysis
        for j, line in enumerate(block.lines):
            if line.analysis:
                yield ("blocks", i, "lines", j, "analysis"), line.analysis


def _in_figure(figure: AnyFigure) -> Iterable[tuple[Keys, str]]:
    if isinstance(figure, KaplanMeier):
        yield ("analysis",), figure.analysis
        if figure.summary:
            yield ("summary",), figure.summary
    elif isinstance(figure, Forest):
        yield ("overall",), figure.overall
        yield ("analysis",), figure.analysis
    elif isinstance(figure, Mirror):
        yield ("left", "analysis"), figure.left.analysis
        yield ("right", "analysis"), figure.right.analysis
    elif isinstance(figure, Flow):
        yield from _in_boxes(("boxes",), figure.boxes)
        yield from _in_boxes(("last",), figure.last)


def _in_boxes(keys: Keys, boxes: Iterable[Box]) -> Iterable[tuple[Keys, str]]:
    for i, box in enumerate(boxes):
        yield (*keys, i, "analysis"), box.analysis
        yield from _in_boxes((*keys, i, "aside"), box.aside)


def check_outputs(
    outputs: Outputs,
    analyses: Collection[str],
    *,
    place: Callable[[Keys], Place] = lambda _: Place(file="outputs.yaml"),
) -> list[Finding]:
    """What is wrong with the shells before any patient exists; an empty list is good news.

    Looks for analyses that ``analyses.yaml`` does not have, output numbers used twice or named by
    the report but absent, and digits typed into a format or sentence. ``analyses`` are the ids that
    exist; ``place`` gives file and line of a key path (``study.place("outputs.yaml", keys)``).
    """
    found = [
        _finding(keys, name, "OUT-ANALYSIS", f"reads analysis '{name}', which analyses.yaml does "
                 "not have", suggest(name, analyses) or "Write the analysis, or read another.")
        for keys, name in outputs.analyses()
        if name not in analyses
    ]  # fmt: skip
    for keys, template in outputs.sentences():
        found += [
            _finding(keys, name, "OUT-ANALYSIS", f"reads result '{name}' of an analysis that "
                     "analyses.yaml does not have", suggest(name.split(".")[0], analyses)
                     or "A result id is analysis.operation.level.")
            for name, _ in FIELD.findall(template)
            if name.split(".")[0] not in analyses
        ]  # fmt: skip
    found += [
        _finding(keys, text, "OUT-TYPED", "carries a number typed by hand",
                 "Name the result in braces, or add the text to digits_allowed.")
        for keys, text in (*outputs.sentences(), *outputs.formats())
        if typed_numbers(text, outputs.digits_allowed)
    ]  # fmt: skip
    found += _numbering(outputs)
    return [
        replace(f, place=replace(place(keys), field=".".join(map(str, keys)))) for keys, f in found
    ]


def _finding(keys: Keys, value: object, rule: str, message: str, hint: str) -> tuple[Keys, Finding]:
    return keys, Finding(Place(), value, rule, message, hint)


def _numbering(outputs: Outputs) -> list[tuple[Keys, Finding]]:
    numbers = [o.number for o in (*outputs.tables, *outputs.figures, *outputs.listings)]
    found = [
        _finding(("tables",), number, "OUT-NUMBER", f"output number {number} is used twice",
                 "Give each output a number of its own.")
        for number, times in Counter(numbers).items()
        if times > 1
    ]  # fmt: skip
    found += [
        _finding(("report", "sections", i, "outputs"), number, "OUT-NUMBER",
                 f"the report shows {number}, which is not defined", suggest(number, numbers))
        for i, section in enumerate(outputs.report.sections)
        for number in section.outputs
        if number not in numbers
    ]  # fmt: skip
    return found


def typed_numbers(template: str, allowed: Iterable[str]) -> list[str]:
    """Digits in a template outside its fields and outside the allowed texts."""
    rest = FIELD.sub(" ", template)
    for text in sorted(allowed, key=len, reverse=True):
        rest = rest.replace(text, " ")
    return re.findall(r"\d+", rest)
