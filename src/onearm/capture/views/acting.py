"""What pages that act have in common: sites to choose from, and an act with its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied

from onearm.capture import clock, permissions, visible
from onearm.capture.models import Subject
from onearm.capture.visible import can
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from onearm.capture.models import FormInstance, Site

__all__ = ["act", "can", "chosen_sites", "sites_seen", "subjects_of", "visible_form"]


def act(request: HttpRequest, do: Callable[[], object], done: str) -> bool:
    """Carry out an act and say so; say why where it was refused. 403 where the right is missing."""
    try:
        do()
    except permissions.NotAllowed as problem:
        raise PermissionDenied(str(problem)) from problem
    except clock.ClockRanBack:
        raise  # the guard answers 503
    except OnearmError as problem:
        reasons = getattr(problem, "reasons", None) or getattr(problem, "points", None)
        for text in reasons or [str(problem)]:
            messages.error(request, text)
        return False
    messages.success(request, done)
    return True


def sites_seen(request: HttpRequest) -> list[Site]:
    """The sites whose subjects the reader may see."""
    return visible.sites(request.user)


def chosen_sites(request: HttpRequest) -> tuple[list[Site], list[Site], str]:
    """The sites to choose from, those chosen with ``?site=``, and the code that was chosen."""
    sites = sites_seen(request)
    code = request.GET.get("site", "")
    chosen = [site for site in sites if site.code == code] if code else sites
    return sites, chosen, code if chosen and code else ""


def subjects_of(sites: Iterable[Site]) -> QuerySet[Subject]:
    """The subjects of sites."""
    return Subject.objects.filter(site__in=[site.pk for site in sites])


def visible_form(request: HttpRequest, pk: int) -> FormInstance:
    """A saved form that the reader may read; 404 for any other."""
    return visible.form(request.user, pk)
