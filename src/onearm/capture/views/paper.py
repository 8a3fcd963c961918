"""Documents on paper: blank forms, filled forms, casebooks and reports of serious events.

The trail keeps every print, so a document is asked for by a button with the page's token: a link
from elsewhere, opened by a person who is signed in, prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from django.views.decorators.http import require_POST

from onearm.capture import clock
from onearm.capture.actions import paper
from onearm.capture.models import SeriousEvent
from onearm.capture.permissions import NotAllowed
from onearm.capture.views.acting import visible_form
from onearm.capture.views.month import visible_subjects
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

LANGUAGES = {"en": "en", "zh": "zh-hans"}


@login_required
@require_POST
def blank(request: HttpRequest, form_id: str = "") -> HttpResponse:
    """The blank forms of a study version (``?version=``, the newest if not), one or all."""
    number = request.GET.get("version", "")
    forms = (form_id,) if form_id else ()
    annotated = request.GET.get("annotated") == "1"

    def make() -> paper.Paper:
        version = paper.version_of(int(number) if number.isdecimal() else None)
        return paper.print_blank(request.user, version, forms=forms, annotated=annotated)

    return _handed_out(request, make)


@login_required
@require_POST
def form(request: HttpRequest, pk: int) -> HttpResponse:
    """A saved form with its audit trail."""
    instance = visible_form(request, pk)
    return _handed_out(request, lambda: paper.print_form(request.user, instance))


@login_required
@require_POST
def casebook(request: HttpRequest, code: str) -> HttpResponse:
    """Every form of a subject."""
    mine = visible_subjects(request.user, clock.now().date()).select_related("site")
    subject = get_object_or_404(mine, code=code)
    return _handed_out(request, lambda: paper.print_casebook(request.user, subject))


@login_required
@require_POST
def serious(request: HttpRequest, pk: int) -> HttpResponse:
    """A serious event with its reports."""
    related = ("instance__event__subject__site", "instance__study_version")
    event = get_object_or_404(SeriousEvent.objects.select_related(*related), pk=pk)
    return _handed_out(request, lambda: paper.print_serious(request.user, event), hides=True)


def _handed_out(
    request: HttpRequest, make: Callable[[], paper.Paper], *, hides: bool = False
) -> HttpResponse:
    """The PDF in the reader's language, or in that of ``?language=``; 404 for what is not there.

    hides: say "not there" of what the reader may not see.
    """
    chosen = LANGUAGES.get(request.GET.get("language", ""), translation.get_language() or "en")
    try:
        with translation.override(chosen):
            made = make()
    except NotAllowed as problem:
        if hides:
            raise Http404 from problem
        raise PermissionDenied(str(problem)) from problem
    except OnearmError as problem:
        raise Http404(str(problem)) from problem
    response = HttpResponse(made.pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{_plain(made.name)}"'
    response["Cache-Control"] = "no-store"
    return response


def _plain(name: str) -> str:
    """A file name that every system takes; codes of subjects may hold other signs."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name)
