"""Documents on paper: blank forms, saved forms, casebooks, serious events; each print is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from ninja import Router
from pydantic import Field

from onearm.capture import clock, permissions, visible
from onearm.capture.actions import paper
from onearm.capture.api import places
from onearm.capture.api.forms import FORM
from onearm.capture.api.shapes import REFUSALS, Code, Given, Name, Number, Repeat, a_file
from onearm.capture.sending import as_file
from onearm.capture.studies import study_of

router = Router()
PDF = "application/pdf"
DJANGO = {"en": "en", "zh": "zh-hans"}


class PrintIn(Given):
    """In which language to print: the person's own where none is named."""

    language: Literal["en", "zh"] | None = None


class BlankIn(PrintIn):
    """Which blank forms of which version (the newest, all); annotated: with their SDTM places."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    forms: Annotated[list[Name], Field(default_factory=list, max_length=1000)]
    annotated: bool = False


@router.post("/paper/blank", response=REFUSALS, openapi_extra=a_file(PDF))
def blank(request: HttpRequest, given: BlankIn) -> HttpResponse:
    """The empty forms of a study version, all or some, as PDF; the trail keeps who printed."""
    permissions.actor(request.user, "study.view", None, clock.now().date())
    version = paper.version_of(given.version)
    if set(given.forms) - set(study_of(version).forms):
        raise Http404
    forms = tuple(dict.fromkeys(given.forms))
    return _made(
        given,
        lambda: paper.print_blank(request.user, version, forms=forms, annotated=given.annotated),
    )


@router.post(f"{FORM}/paper", response=REFUSALS, openapi_extra=a_file(PDF))
def form(
    request: HttpRequest, code: Code, visit: Name, repeat: Repeat, form: Name, given: PrintIn
) -> HttpResponse:
    """A saved form with its history, queries and signatures, as PDF; the trail keeps who."""
    instance = places.saved_form(request, code, visit, repeat, form)
    return _made(given, lambda: paper.print_form(request.user, instance))


@router.post("/subjects/{code}/paper", response=REFUSALS, openapi_extra=a_file(PDF))
def casebook(request: HttpRequest, code: Code, given: PrintIn) -> HttpResponse:
    """Every form of a subject as one PDF; the trail keeps who printed."""
    subject = visible.subject(request.user, code)
    return _made(given, lambda: paper.print_casebook(request.user, subject))


@router.post("/serious/{number}/paper", response=REFUSALS, openapi_extra=a_file(PDF))
def serious(request: HttpRequest, number: Number, given: PrintIn) -> HttpResponse:
    """A serious event with its reports, as PDF; the trail keeps who printed."""
    event = visible.serious_event(request.user, number)
    return _made(given, lambda: paper.print_serious(request.user, event))


def _made(given: PrintIn, make: Callable[[], paper.Paper]) -> HttpResponse:
    language = DJANGO.get(given.language or "", translation.get_language() or "en")
    with translation.override(language):
        made = make()
    return as_file(made.pdf, made.name, PDF)
