"""What pages that act have in common: sites to choose from, and an act with its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404

from onearm.capture import clock, identity, permissions, wording, zones
from onearm.capture.models import FormInstance, Query, Subject
from onearm.capture.studies import study_of, version_at
from onearm.capture.words import language
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from onearm.capture.models import Site, User
    from onearm.study import Study


def act(request: HttpRequest, do: Callable[[], object], done: str) -> bool:
    """Carry out an act and say so; say why where it was refused. 403 where the right is missing."""
    try:
        do()
    except permissions.NotAllowed as problem:
        raise PermissionDenied(str(problem)) from problem
    except OnearmError as problem:
        reasons = getattr(problem, "reasons", None) or getattr(problem, "points", None)
        for text in reasons or [str(problem)]:
            messages.error(request, text)
        return False
    messages.success(request, done)
    return True


def sites_seen(request: HttpRequest) -> list[Site]:
    """The sites whose subjects the reader may see."""
    return list(permissions.sites_of(request.user, "subject.view", clock.now().date()))


def chosen_sites(request: HttpRequest) -> tuple[list[Site], list[Site], str]:
    """The sites to choose from, those chosen with ``?site=``, and the code that was chosen."""
    sites = sites_seen(request)
    code = request.GET.get("site", "")
    chosen = [site for site in sites if site.code == code] if code else sites
    return sites, chosen, code if chosen and code else ""


def subjects_of(sites: Iterable[Site]) -> QuerySet[Subject]:
    """The subjects of sites."""
    return Subject.objects.filter(site__in=[site.pk for site in sites])


def can(user: User, capability: str, site: Site | None) -> bool:
    """Whether the person may do this at the site today."""
    return permissions.can(user, capability, site, zones.today(site) if site else _today())


def visible_form(request: HttpRequest, pk: int) -> FormInstance:
    """A saved form that the reader may read; 404 for any other."""
    form = (
        FormInstance.objects.filter(pk=pk)
        .select_related("event__subject__site", "study_version")
        .first()
    )
    if form is None or not can(request.user, "form.view", form.event.subject.site):
        raise Http404
    return form


class QueryReader:
    """The words of queries for one reader, with a value covered where the reader may not read it.

    It asks for the study and the rights of each site once.
    """

    def __init__(self, user: User) -> None:
        self.user = user
        self.studies: dict[int, Study | None] = {}
        self.hidden: dict[tuple[int, str], identity.Names] = {}

    def text(self, query: Query) -> str:
        """What a query asks, as it is kept."""
        return self._covered(query) or query.text

    def words(self, query: Query) -> str:
        """What a query asks, in the reader's language where it has words in it."""
        own = query.text_zh if language() == "zh" and query.text_zh else query.text
        return self._covered(query) or own

    def study(self, site: Site) -> Study | None:
        """The study that a site works with today."""
        if site.pk not in self.studies:
            version = version_at(site, zones.today(site))
            self.studies[site.pk] = study_of(version) if version else None
        return self.studies[site.pk]

    def _covered(self, query: Query) -> str:
        """The words about an item that the reader may not read; empty for any other."""
        site = query.subject.site
        study = self.study(site) if query.item and query.check_id else None
        if study is None:
            return ""
        where = (site.pk, query.form)
        if where not in self.hidden:
            today = zones.today(site)
            self.hidden[where] = identity.hidden_from(self.user, study, query.form, site, today)
        return wording.covered_query(study, query) if query.item in self.hidden[where] else ""


def days_since(at: datetime, site: Site) -> int:
    """Days from the day of a moment, as the site saw it, to today."""
    return (zones.today(site) - at.astimezone(zones.zone(site)).date()).days


def _today() -> date:
    return clock.now().date()
