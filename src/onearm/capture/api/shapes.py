"""What all topics of the programming interface share: names, pages of lists, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Protocol, TypeVar

from ninja import Path, Query, Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints

from onearm.capture.actions.take_file import FATES

T = TypeVar("T")
FIRST_YEAR, LAST_YEAR = 1900, 2999
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"
WORD = r"^[^\x00-\x1f\x7f]+$"

Line = Annotated[str, StringConstraints(max_length=4000, pattern=TEXT)]
"""Words of a person; no control signs but tab and line end."""

Short = Annotated[str, StringConstraints(max_length=200, pattern=TEXT)]
Code = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/]{1,40}$")]
"""The number of a subject or the code of a site."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,15}$")]
"""A visit, a form or an item as the study names it."""

NameOrNone = Annotated[str, StringConstraints(pattern=r"^([A-Z][A-Z0-9_]{0,15})?$")]
Repeat = Annotated[int, Path(ge=1, le=999)]
Number = Annotated[int, Path(ge=1, le=2**62)]
"""What the database numbers: a query, a file, a request."""

Chosen = Annotated[str, Query(max_length=40, pattern=TEXT)]
"""A site's code or a subject's number that a list is cut down to; empty for all."""

Key = Annotated[int, Field(ge=1, le=2**62)]
Row = Annotated[int, Field(ge=1, le=99_999)]
RowOrNone = Annotated[int, Field(ge=0, le=99_999)]
TARGET = (
    r"^(study|site:[^\x00-\x1f\x7f/:]{1,20}|subject:[^\x00-\x1f\x7f/:]{1,40}|event:[0-9]{1,18}"
    r"|form:[0-9]{1,18}|item:[0-9]{1,18}:[0-9]{1,5}:[A-Z][A-Z0-9_]{0,15})$"
)
Target = Annotated[str, StringConstraints(pattern=TARGET)]
"""What is held or signed: ``study``, ``site:CODE``, ``subject:CODE``, ``event:N``, ``form:N`` or
``item:N:ROW:ITEM``; schedules and forms give theirs."""


D = TypeVar("D", bound=date)


def _of_our_time(moment: D) -> D:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"the year lies between {FIRST_YEAR} and {LAST_YEAR}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
"""A moment with its distance from UTC."""

Day = Annotated[date, AfterValidator(_of_our_time)]


class Given(Schema):
    """What a request may hold: fields that are not described are refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(Schema):
    """Why something was refused; ``findings`` are all the reasons where there are several."""

    detail: str
    findings: Annotated[list[str], Field(default_factory=list)]


class Invalid(Schema):
    """Where the request itself is not as described."""

    detail: list[dict[str, Any]]


class Reason(Given):
    """Why, in words."""

    reason: Line = ""


class Paging(Schema):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class Page(Schema, Generic[T]):
    """A part of a list, and how many there are in all."""

    total: int
    items: list[T]


class FatesOut(Schema):
    """How many lines or values of a file have which fate; is_dry: nothing was written."""

    is_dry: bool
    new: int
    changed: int
    same: int
    refused: int


class Judged(Protocol):
    """The account of a file, as the acts give it."""

    @property
    def is_dry(self) -> bool: ...

    def count(self, *fates: str) -> int:
        """How many have one of these fates."""
        ...


def fates(made: Judged) -> FatesOut:
    """The counts of an account."""
    counts = {fate: made.count(fate) for fate in FATES}
    return FatesOut(is_dry=made.is_dry, **counts)


REFUSALS: dict[int, type[Schema]] = {
    400: Problem,
    401: Problem,
    403: Problem,
    404: Problem,
    409: Problem,
    422: Invalid,
    503: Problem,
}
"""The answers of every route besides its own: what each means is in the guide."""


def a_file(*media_types: str) -> dict[str, Any]:
    """What a route that answers with a file adds to the description."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(media_types, binary)
    return {"responses": {200: {"description": "The file", "content": content}}}


def page(found: Any, paging: Paging, shape: Callable[[Any], T]) -> dict[str, object]:
    """The part of a list or of a query that was asked for, each in its shape."""
    total = len(found) if isinstance(found, list) else found.count()
    part: Iterable[Any] = found[paging.offset : paging.offset + paging.limit]
    return {"total": total, "items": [shape(one) for one in part]}


def utc(moment: datetime) -> datetime:
    """The same moment in UTC."""
    return moment.astimezone(UTC)
