"""What the programming interface takes and gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field, StringConstraints

Line = Annotated[
    str, StringConstraints(max_length=4000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")
]
Name = Annotated[str, StringConstraints(pattern=r"^([A-Z][A-Z0-9_]{0,15})?$")]
Row = Annotated[int, Field(ge=0, le=99_999)]


class Problem(Schema):
    """Why something was refused."""

    detail: str
    findings: Annotated[list[str], Field(default_factory=list)]


class Invalid(Schema):
    """Where the request itself is not as described."""

    detail: list[dict[str, Any]]


class Answer(Schema):
    """A file comes back; this stands only in the description."""


class SubjectOut(Schema):
    """One subject."""

    site: str
    subject: str
    stage: str


class VisitOut(Schema):
    """One planned visit; days are None where the day they are counted from is not known."""

    visit: str
    repeat: int
    day: date | None
    early: date | None
    late: date | None
    status: str
    forms: list[str]


class CellOut(Schema):
    """One value as it was typed, or why it is missing."""

    row: int
    item: str
    value: str
    reason: str


class FindingOut(Schema):
    """What a check found."""

    visit: str
    form: str
    item: str
    row: int
    rule: str
    message: str


class FormOut(Schema):
    """A form as it stands; ``version`` goes back with the next save."""

    version: int
    is_complete: bool
    rows: list[int]
    cells: list[CellOut]
    findings: list[FindingOut]


class CellIn(Schema):
    """A value to save; an empty value with a reason says why it is missing, both empty clear it."""

    row: Annotated[int, Field(ge=1, le=99_999)] = 1
    item: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,15}$")]
    value: Line = ""
    reason: Literal["", "ND", "UNK", "NA"] = ""


class RowOut(Schema):
    """A row to take out with a reason, or to put back with none."""

    row: Annotated[int, Field(ge=1, le=99_999)]
    reason: Line = ""


class FormIn(Schema):
    """Cells to save; those that are not named stay. ``clear`` confirms that hidden items empty."""

    version: Annotated[int, Field(ge=0, le=2**31 - 1)]
    cells: Annotated[list[CellIn], Field(default_factory=list, max_length=5000)]
    removed: Annotated[list[RowOut], Field(default_factory=list, max_length=5000)]
    reason: Line = ""
    clear: bool = False


class VersionOut(Schema):
    """One version of a form."""

    version: int
    delta: dict[str, Any]
    user: str
    role: str
    at: datetime
    reason: str
    origin: str
    study_version: int
    hash: str


class QueryOut(Schema):
    """One query."""

    number: int
    subject: str
    visit: str
    repeat: int
    form: str
    row: int
    item: str
    check_id: str
    text: str
    state: str
    opened_at: datetime


class AskIn(Schema):
    """A question; empty parts mean the whole of what is above them."""

    text: Line
    visit: Name = ""
    repeat: Annotated[int, Field(ge=1, le=999)] = 1
    form: Annotated[str, StringConstraints(pattern=r"^([A-Z][A-Z0-9_]{0,11})?$")] = ""
    row: Row = 0
    item: Name = ""


class MoveIn(Schema):
    """The state a query goes to, with words where they are needed."""

    state: Literal["open", "answered", "closed", "cancelled"]
    text: Line = ""


class ExportIn(Schema):
    """What to export; empty lists mean everything that the person may export."""

    formats: list[
        Literal[
            "parquet",
            "csv",
            "sheet",
            "json",
            "xpt",
            "spss",
            "odm",
            "odm_audit",
            "odm2",
            "odm2_audit",
        ]
    ]
    sites: Annotated[list[Line], Field(default_factory=list)]
    subjects: Annotated[list[Line], Field(default_factory=list)]
    forms: Annotated[list[Line], Field(default_factory=list)]
    as_of: datetime | None = None
    with_names: bool = False
