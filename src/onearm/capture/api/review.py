"""What in the trail calls for a look: each list as data and as a file."""

from __future__ import annotations

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router, Schema

from onearm.capture import clock, permissions, review_aids
from onearm.capture.actions.take_lists import take_review
from onearm.capture.api.shapes import REFUSALS, Chosen, Day, Short, a_file
from onearm.capture.review_aids import Aid, Scope
from onearm.capture.sending import as_csv
from onearm.capture.words import say

router = Router()
RIGHT = "review.aids"


class AidOut(Schema):
    """One list: its title and from where on a row is in it, in the person's language."""

    name: str
    title: str
    limit: str


class AidRowsOut(AidOut):
    """The same with its rows, oldest first, of the saves between two days."""

    begins: date
    ends: date
    headings: list[str]
    rows: list[list[str]]


@router.get("/review", response={200: list[AidOut], **REFUSALS})
def aids(request: HttpRequest) -> list[AidOut]:
    """The lists of what calls for a look."""
    permissions.actor(request.user, RIGHT, None, clock.now().date())
    return [AidOut(**_head(aid)) for aid in review_aids.ALL.values()]


@router.get("/review/{name}", response={200: AidRowsOut, **REFUSALS})
def rows(
    request: HttpRequest,
    name: Short,
    site: Chosen = "",
    begins: Day | None = None,
    ends: Day | None = None,
) -> AidRowsOut:
    """One list: of the last quarter and of all the person's sites where nothing else is named."""
    aid, scope = _wanted(request, name, site, begins, ends)
    table = aid.table(scope)
    return AidRowsOut(
        **_head(aid),
        begins=scope.begins,
        ends=scope.ends,
        headings=list(table.headings),
        rows=[[cell.plain for cell in row] for row in table.rows],
    )


@router.get("/review/{name}/file", response=REFUSALS, openapi_extra=a_file("text/csv"))
def rows_file(
    request: HttpRequest,
    name: Short,
    site: Chosen = "",
    begins: Day | None = None,
    ends: Day | None = None,
) -> HttpResponse:
    """The same as CSV; the trail keeps who took it."""
    aid, scope = _wanted(request, name, site, begins, ends)
    return as_csv(take_review(request.user, aid, scope), f"review_{aid.name}.csv")


def _wanted(
    request: HttpRequest, name: str, code: str, begins: date | None, ends: date | None
) -> tuple[Aid, Scope]:
    today = clock.now().date()
    permissions.actor(request.user, RIGHT, None, today)
    mine = permissions.sites_of(request.user, RIGHT, today)
    sites = [site for site in mine if not code or site.code == code]
    if name not in review_aids.ALL or (code and not sites):
        raise Http404
    return review_aids.ALL[name], review_aids.scope(sites, begins, ends)


def _head(aid: Aid) -> dict[str, str]:
    return {"name": aid.name, "title": say(f"aid.{aid.name}"), "limit": aid.limit()}
