"""Forms as data: items, checks, skip logic, and where each item goes in SDTM (``forms/*.yaml``)."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from onearm.study.text import Part, Words

ItemType = Literal[
    "text", "integer", "decimal", "date", "partial_date", "time", "datetime", "code", "multiple",
    "yes_no",
]  # fmt: skip
"""``multiple``: several codes of a list in one text, in the list's order: ``PAIN;COUGH``."""

SEPARATOR = ";"
"""Between the codes of an item of several choices; no code and no words of one hold it."""

DATED: tuple[ItemType, ...] = ("date", "partial_date", "datetime")
"""Types of which a value begins with a day, or with the year or month of one."""

Source = Literal["record", "paper", "direct", "device", "patient"]
"""Where a value comes from before it is entered: the patient's record, a paper form, nowhere else
(it is entered here first), a device or its file, the patient. FDA's guidance on electronic source
data asks that the originator of each data element is known."""

TARGET = re.compile(
    r"^(?P<domain>[A-Z]{2}|SUPP[A-Z]{2})\.(?P<variable>[A-Z][A-Z0-9]{0,7})"
    r"(?:\s+where\s+(?P<where>.+))?$"
)
PAIR = re.compile(r"^\s*(?P<variable>[A-Z][A-Z0-9]{0,7})\s*=\s*'?(?P<value>[^'=]+?)'?\s*$")


class Target(Part):
    """Where a value goes: ``VS.VSORRES where VSTESTCD = SYSBP, VSPOS = SITTING``.

    ``where`` names the row within the domain: items of one form row that share it share the row.
    Items without it belong to every row of that domain that the form row makes.
    """

    domain: str
    variable: str
    where: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read the notation; raises ``ValueError`` that shows the text and the expected form."""
        match = TARGET.match(text.strip())
        if match is None:
            raise ValueError(f"'{text}' is not DOMAIN.VARIABLE [where VARIABLE = VALUE, ...]")
        pairs = []
        for part in (match["where"] or "").split(","):
            if not part.strip():
                continue
            pair = PAIR.match(part)
            if pair is None:
                raise ValueError(f"'{part.strip()}' in '{text}' is not VARIABLE = VALUE")
            pairs.append((pair["variable"], pair["value"]))
        return cls(domain=match["domain"], variable=match["variable"], where=tuple(pairs))


class Choice(Part):
    """One answer of an item: the stored code and the words shown."""

    code: str
    label: Words


Given = dict[str, str | int | float | None]
"""Values by the columns that a check reads; None where nothing is entered."""

OUTCOMES = ("fires", "passes", "unknown")
"""What a check makes of values: it asks, it does not, or it cannot tell and does not ask either."""


class Case(Part):
    """One trial of a check: the values of all that it reads, under the outcome they must have.

    ``fires: {VISIT: SCREENING, LESROLE: TARGET, LESDIAM: 9.9}``. What is not named is empty.
    """

    fires: Given | None = None
    passes: Given | None = None
    unknown: Given | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> Case:
        if sum(getattr(self, outcome) is not None for outcome in OUTCOMES) != 1:
            raise ValueError("a case names one of fires, passes and unknown, with its values")
        return self

    @property
    def outcome(self) -> str:
        """``fires``, ``passes`` or ``unknown``."""
        return next(outcome for outcome in OUTCOMES if getattr(self, outcome) is not None)

    @property
    def given(self) -> Given:
        """The values."""
        found: Given = getattr(self, self.outcome)
        return found


class Check(Part):
    """An edit check: where ``when`` holds, ``require`` must hold; unknown (null) raises nothing.

    Both are SQL conditions over the items of the form (typed), VISIT, VISIT_REPEAT, SUBJID, SITEID,
    and items of forms filled once a subject as ``FORM.ITEM``. ``previous.ITEM`` is the same item of
    the same row key at the visit before. ``cases`` try the check whenever the study is linted.
    """

    id: str
    when: str = ""
    require: str
    says: Words
    hint: Words | None = None
    severity: Literal["hard", "soft"] = "soft"
    source: str = ""
    cases: tuple[Case, ...] = ()


class Item(Part):
    """One question of a form.

    ``to`` may name several targets. ``shown_when`` is skip logic: where it does not hold the item
    must be empty. ``required`` items need a value or a missing reason. ``also`` sends another
    column of the item's codelist along: target ``AE.AEBODSYS`` -> column ``soc``. An item that
    ``identifies`` a person (initials, telephone) is left out of exports without names. ``source``
    says where the value comes from; without it the form's holds. ``above`` is a text that stands
    over the question and asks for nothing: a heading, an explanation.
    """

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,15}$")
    label: Words
    type: ItemType
    unit: str = ""
    codes: str = ""  # a codelist of the study's terms folder or of the shipped terminology
    choices: tuple[Choice, ...] = ()
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    required: bool = False
    identifies: bool = False
    source: Source | None = None
    shown_when: str = ""
    calculated: str = ""
    help: Words | None = None
    above: Words | None = None
    to: tuple[Target, ...] = ()
    also: dict[str, str] = Field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    @field_validator("to", mode="before")
    @classmethod
    def _targets(cls, value: object) -> object:
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list | tuple):
            return tuple(Target.parse(t) if isinstance(t, str) else t for t in texts)
        return value

    def codes_in(self, value: str) -> tuple[str, ...]:
        """The codes that a value of the item holds: several of an item of several choices."""
        return tuple(value.split(SEPARATOR)) if self.type == "multiple" else (value,)


class DomainRule(Part):
    """How one form fills one domain beyond its items.

    ``sets``: constants. ``when``: only form rows for which this holds make rows. ``once``: an item;
    only the first form row (in visit order) with each value of it makes a row. ``drop_empty``: rows
    whose topic result is empty are left out (default for findings).
    """

    sets: dict[str, str] = Field(default_factory=dict)
    when: str = ""
    once: str = ""
    drop_empty: bool = True


class Form(Part):
    """One form. ``rows`` is the noun of a repeating row ("lesion", "event"); empty: one row.

    ``key`` names the item that identifies a repeating row from visit to visit. ``date`` names the
    item that dates the rows; without it the visit's date is used. ``source`` says where the values
    come from before they are entered: the patient's record unless it says otherwise.
    """

    form: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,11}$")
    label: Words
    rows: str = ""
    key: str = ""
    date: str = ""
    source: Source = "record"
    intro: Words | None = None
    domains: dict[str, DomainRule] = Field(default_factory=dict)
    items: tuple[Item, ...]
    checks: tuple[Check, ...] = ()

    def item(self, name: str) -> Item:
        """The item of that name; ``KeyError`` where there is none."""
        return {i.name: i for i in self.items}[name]

    def source_of(self, item: Item) -> Source:
        """Where the values of an item come from."""
        return item.source or self.source
