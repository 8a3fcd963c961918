"""Accounts, roles, who has access, and the review of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from allauth.mfa.models import Authenticator
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from onearm.capture import access, clock, permissions
from onearm.capture.actions import accounts, take_lists
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Day,
    Given,
    Key,
    Line,
    Number,
    Page,
    Paging,
    Reason,
    Short,
    a_file,
    page,
    utc,
)
from onearm.capture.models import Grant, Site, User
from onearm.capture.sending import as_csv

if TYPE_CHECKING:
    from onearm.capture.access import Authorised
    from onearm.capture.models import AuditEvent

router = Router()
OnDay = Annotated[Day | None, Query()]


class RoleOut(Schema):
    """A role of a person: where and from when until before when; ``site`` is empty for all.

    waits: it needs training that is not recorded, and gives nothing until then.
    """

    number: int
    user: str
    role: str
    site: str
    begins: date
    ends: date | None
    waits: bool


class PersonOut(Schema):
    """One account with its roles of today."""

    number: int
    username: str
    name: str
    email: str
    language: str
    is_active: bool
    is_locked: bool
    has_second_factor: bool
    trained_on: date | None
    identity_checked_on: date | None
    last_login: datetime | None
    roles: list[RoleOut]


class MeOut(Schema):
    """Who asks, and what that person may do somewhere today."""

    username: str
    name: str
    language: str
    roles: list[RoleOut]
    may: list[str]


class PersonIn(Given):
    """A new account: the name to sign in with, the person's own name, mail and language."""

    username: Annotated[str, StringConstraints(pattern=r"^[\w.@+-]{1,150}$")]
    first: Short
    last: Short
    email: Short = ""
    language: Literal["en", "zh-hans"] = "en"


class PasswordOut(Schema):
    """A password for the next log-in, shown only now; the person then chooses another."""

    number: int
    username: str
    password: str


class RoleIn(Given):
    """A role at a site (at all sites without one), from today on without a day."""

    role: Short
    site: Code | None = None
    begins: Day | None = None
    ends: Day | None = None


class TrainingIn(Given):
    """On which day the person was trained, and in what."""

    day: Day
    what: Line


class IdentityIn(Given):
    """On which day somebody saw who the person is; how: the kind of paper, never its number."""

    day: Day
    how: Line


class ReviewIn(Given):
    """The numbers of the roles that are confirmed; all others that stand today end now."""

    confirmed: Annotated[list[Key], Field(max_length=10_000)]
    remark: Line = ""


class ReviewOut(Schema):
    """A review of access."""

    by: str
    at: datetime
    remark: str
    confirmed: list[str]
    ended: list[str]


@router.get("/me", response={200: MeOut, **REFUSALS})
def me(request: HttpRequest) -> MeOut:
    """Who asks, with which roles, and every capability that they give somewhere."""
    today, user = clock.now().date(), request.user
    mine = [row for row in access.authorised(today) if row.grant.user_id == user.pk]
    return MeOut(
        username=user.username,
        name=user.get_full_name(),
        language=user.language,
        roles=[_role(row) for row in mine],
        may=[c for c in permissions.table() if permissions.can(user, c, None, today)],
    )


@router.get("/people", response={200: Page[PersonOut], **REFUSALS})
def people(request: HttpRequest, paging: Query[Paging]) -> Any:
    """Every account, ended ones too."""
    _require(request, "account.manage")
    standing, factors = _standing(), set(Authenticator.objects.values_list("user_id", flat=True))
    found = User.objects.order_by("username")
    return page(
        found,
        paging,
        lambda user: _person(user, standing.get(user.pk, []), has_factor=user.pk in factors),
    )


@router.post("/people", response={200: PasswordOut, **REFUSALS})
def new_person(request: HttpRequest, given: PersonIn) -> PasswordOut:
    """Make an account; its first password is shown only in this answer."""
    asked = accounts.Asked(given.username, given.first, given.last, given.email, given.language)
    user, password = accounts.make(request.user, asked)
    return PasswordOut(number=user.pk, username=user.username, password=password)


@router.get("/people/{number}", response={200: PersonOut, **REFUSALS})
def person(request: HttpRequest, number: Number) -> PersonOut:
    """One account."""
    return _shown(_user(request, number))


@router.post("/people/{number}/roles", response={200: PersonOut, **REFUSALS})
def give(request: HttpRequest, number: Number, given: RoleIn) -> PersonOut:
    """Give a role."""
    user = _user(request, number)
    site = Site.objects.filter(code=given.site).first() if given.site else None
    if given.site and site is None:
        raise Http404
    begins = given.begins or clock.now().date()
    accounts.give(request.user, user, given.role, site=site, begins=begins, ends=given.ends)
    return _shown(user)


@router.post("/people/{number}/roles/{role}/end", response={200: PersonOut, **REFUSALS})
def end_role(request: HttpRequest, number: Number, role: Number, given: Reason) -> PersonOut:
    """End a role at once."""
    user = _user(request, number)
    grant = Grant.objects.filter(pk=role, user=user).first()
    if grant is None:
        raise Http404
    accounts.end_role(request.user, grant, given.reason)
    return _shown(user)


@router.post("/people/{number}/training", response={200: PersonOut, **REFUSALS})
def train(request: HttpRequest, number: Number, given: TrainingIn) -> PersonOut:
    """Record that a person was trained."""
    user = _user(request, number)
    accounts.record_training(request.user, user, given.day, given.what)
    return _shown(user)


@router.post("/people/{number}/identity", response={200: PersonOut, **REFUSALS})
def check_identity(request: HttpRequest, number: Number, given: IdentityIn) -> PersonOut:
    """Record that somebody saw who the person is; nothing is signed before."""
    user = _user(request, number)
    accounts.record_identity(request.user, user, given.day, given.how)
    return _shown(user)


@router.post("/people/{number}/unlock", response={200: PersonOut, **REFUSALS})
def unlock(request: HttpRequest, number: Number, given: Reason) -> PersonOut:
    """Release an account that was locked after failed log-ins."""
    user = _user(request, number)
    accounts.unlock(request.user, user, given.reason)
    return _shown(user)


@router.post("/people/{number}/factor", response={200: PersonOut, **REFUSALS})
def remove_factor(request: HttpRequest, number: Number, given: Reason) -> PersonOut:
    """Take away a lost second factor."""
    user = _user(request, number)
    accounts.remove_second_factor(request.user, user, given.reason)
    return _shown(user)


@router.post("/people/{number}/password", response={200: PasswordOut, **REFUSALS})
def renew_password(request: HttpRequest, number: Number, given: Reason) -> PasswordOut:
    """A new password for the next log-in, shown only in this answer."""
    user = _user(request, number)
    password = accounts.renew_password(request.user, user, given.reason)
    return PasswordOut(number=user.pk, username=user.username, password=password)


@router.post("/people/{number}/end", response={200: PersonOut, **REFUSALS})
def end(request: HttpRequest, number: Number, given: Reason) -> PersonOut:
    """End an account at once, with its roles."""
    user = _user(request, number)
    accounts.end(request.user, user, given.reason)
    return _shown(user)


@router.get("/access", response={200: Page[RoleOut], **REFUSALS})
def authorised(request: HttpRequest, paging: Query[Paging], day: OnDay = None) -> Any:
    """Every role that stood on a day (today without one)."""
    _require(request, "access.log")
    return page(access.authorised(day or clock.now().date()), paging, _role)


@router.get("/access/file", response=REFUSALS, openapi_extra=a_file("text/csv"))
def authorised_file(request: HttpRequest, day: OnDay = None) -> HttpResponse:
    """The same as CSV; the trail keeps who took it."""
    day = day or clock.now().date()
    return as_csv(take_lists.take_access(request.user, day), f"access-{day}.csv")


@router.post("/access/reviews", response={200: ReviewOut, **REFUSALS})
def review(request: HttpRequest, given: ReviewIn) -> ReviewOut:
    """Store a review of access: what is confirmed stays, the rest is ended."""
    return _review(accounts.review(request.user, given.confirmed, given.remark.strip()))


@router.get("/access/reviews", response={200: Page[ReviewOut], **REFUSALS})
def reviews(request: HttpRequest, paging: Query[Paging]) -> Any:
    """The reviews of access, newest first."""
    _require(request, "access.log")
    return page(access.reviews(), paging, _review)


def _require(request: HttpRequest, capability: str) -> None:
    permissions.actor(request.user, capability, None, clock.now().date())


def _user(request: HttpRequest, number: int) -> User:
    _require(request, "account.manage")
    found = User.objects.filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _standing() -> dict[int, list[Authorised]]:
    found: dict[int, list[Authorised]] = {}
    for row in access.authorised(clock.now().date()):
        found.setdefault(row.grant.user_id, []).append(row)
    return found


def _shown(user: User) -> PersonOut:
    user = User.objects.get(pk=user.pk)
    has_factor = Authenticator.objects.filter(user=user).exists()
    return _person(user, _standing().get(user.pk, []), has_factor=has_factor)


def _person(user: User, standing: list[Authorised], *, has_factor: bool) -> PersonOut:
    return PersonOut(
        number=user.pk,
        username=user.username,
        name=user.get_full_name(),
        email=user.email,
        language=user.language,
        is_active=user.is_active,
        is_locked=access.is_locked(user),
        has_second_factor=has_factor,
        trained_on=user.trained_on,
        identity_checked_on=user.identity_checked_on,
        last_login=utc(user.last_login) if user.last_login else None,
        roles=[_role(row) for row in standing],
    )


def _role(row: Authorised) -> RoleOut:
    grant = row.grant
    return RoleOut(
        number=grant.pk,
        user=grant.user.username,
        role=grant.role,
        site=grant.site.code if grant.site else "",
        begins=grant.begins,
        ends=grant.ends,
        waits=row.waits,
    )


def _review(event: AuditEvent) -> ReviewOut:
    return ReviewOut(
        by=event.user.username if event.user else "",
        at=utc(event.at),
        remark=event.reason,
        confirmed=event.details["confirmed"],
        ended=event.details["ended"],
    )
