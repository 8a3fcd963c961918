"""Tumours and responses as rules: who reads, what counts, what is answered (``endpoints.yaml``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from onearm.study.subjects import Expressions, Partial
from onearm.study.text import Part, Text, Words


class Reader(Part):
    """Who read the scans: the name in PARCAT2 and the rows of TR that are theirs."""

    name: str
    when: str = ""


class Measure(Part):
    """A lesion's diameter as a parameter: the one that is summed, the longest, or the shorter."""

    param: str = "LDIAM"
    label: str = "Target lesion diameter (mm)"
    of: Literal["analysis", "longest", "perpendicular"] = "analysis"


class Tumours(Part):
    """From lesions to sums and responses (ADTR, and the computed part of ADRS).

    ``baseline``: SQL over TR that marks baseline rows; without it the last visit with all days on
    or before the start. ``partial``: what a partial scan date means. ``lesion`` and ``sum`` are
    parameter codes; ``{n}`` in one stands for the number in the lesion's id. ``other``: the code
    of the second diameter, where it is kept. ``best_until``: the best change is looked for up to
    the first progression and before new therapy, or over everything.
    """

    criteria: str = "recist11"
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    readers: tuple[Reader, ...] = (Reader(name="INVESTIGATOR", when="TREVAL = 'INVESTIGATOR'"),)
    baseline: str = ""
    partial: Partial = "last"
    category: str = "Target lesions"
    measures: tuple[Measure, ...] = (Measure(),)
    sum: str = "SUMDIAM"
    best_until: Literal["follow-up", "everything"] = "follow-up"


class Entered(Part):
    """The responses as the reader wrote them: rows of RS."""

    param: str = "OVRS"
    label: Words = Text(en="Overall response, as entered")
    when: str
    take: str = "RSSTRESC"
    partial: Partial = "last"


class Component(Part):
    """A part of the computed response kept as a parameter of its own."""

    param: str
    label: Words
    of: Literal["target", "nontarget", "new"]


class Parameter(Part):
    """One answer a subject, from the assessments of a response block.

    ``kind``
      ``best``         best overall response
      ``response``     whether and when there was a CR or PR
      ``progression``  whether and when the first PD came, whatever therapy was given
      ``any``          whether an assessment fulfils ``when``; ``take`` the first or the last one;
                       ``or_of``: earlier parameters whose date counts as well, the earliest wins
      ``subject``      ``when`` over ADSL and the parameters before this one: ``BOR`` is the answer,
                       ``BOR_DT`` its date, ``BOR_DAY`` its days from the start, likewise for every
                       date of ADSL (``DTHDT_DAY``); ``date`` names the column that dates it
    ``within``: ``follow-up`` (up to PD, before new therapy), ``progression`` (up to PD), ``all``.
    ``answer``: Y or N, or the response itself.
    """

    param: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")
    label: Words
    kind: Literal["best", "response", "progression", "any", "subject"]
    confirmed: bool = False
    when: str = ""
    take: Literal["first", "last"] = "first"
    within: Literal["follow-up", "progression", "all"] = "follow-up"
    or_of: tuple[str, ...] = ()
    answer: Literal["yes-no", "value"] = "yes-no"
    date: str = ""


class Responses(Part):
    """One reading by one set of criteria: the assessments that count and what follows from them.

    ``computed``: parameter code of the response worked out from lesions (empty: not wanted).
    ``use``: which of the two decides. ``one_a_day``: where a day has several, the first word of
    this list wins, then the highest sequence number; words not in the list do not count.
    ``from_start``: assessments before the start do not count. ``new_therapy``, ``cutoff``: dates of
    ADSL. ``population``: SQL over ADSL.
    """

    category: str
    reader: str
    population: str = ""
    criteria: str = "recist11"
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    computed: str = ""
    computed_label: Words = Text(en="Overall response, computed from lesions")
    components: tuple[Component, ...] = ()
    entered: Entered | None = None
    use: Literal["computed", "entered"] = "computed"
    one_a_day: tuple[str, ...] = ("PD", "SD", "NON-CR/NON-PD", "PR", "CR", "NED", "NE")
    from_start: bool = True
    new_therapy: str = ""
    cutoff: str = ""
    constants: dict[str, float | int | str] = Field(default_factory=dict)
    answers: tuple[Parameter, ...] = ()

    @model_validator(mode="after")
    def _something_to_use(self) -> Responses:
        if self.use == "computed" and not self.computed:
            raise ValueError("use: computed needs a parameter code in 'computed'")
        if self.use == "entered" and self.entered is None:
            raise ValueError("use: entered needs 'entered'")
        return self


def block_expressions(here: tuple[str | int, ...], block: Responses) -> Expressions:
    """The SQL expressions of one response block."""
    if block.population:
        yield (*here, "population"), block.population, "ADSL"
    for key, date in (("new_therapy", block.new_therapy), ("cutoff", block.cutoff)):
        if date:
            yield (*here, key), date, "ADSL"
    if block.entered is not None:
        yield (*here, "entered", "when"), block.entered.when, "RS"
        yield (*here, "entered", "take"), block.entered.take, "RS"
    for n, answer in enumerate(block.answers):
        if answer.when:
            dataset = "ANSWERS" if answer.kind == "subject" else "ASSESSMENTS"
            yield (*here, "answers", n, "when"), answer.when, dataset
