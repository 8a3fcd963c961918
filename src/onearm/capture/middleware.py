"""What stands before every page: language, what a person must do first, and problems in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation

from onearm.capture import clock, permissions, words
from onearm.capture.actions.accounts import choose_language
from onearm.capture.duties import first_duty

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from onearm.capture.models import User

ALWAYS = {"account_logout", "set_language", "health", "account_reauthenticate"}
"""Pages that are open whatever a person must do first."""

HOMES = (
    ("people", "account.manage"),
    ("amendments", "study.load"),
    ("exchange", "export.deidentified"),
)
"""Where the work begins of people who see no subjects, by the right that it takes."""

SEEN, SEEN_EVERY_S = "seen", 60
"""When the session was last prolonged, and how often it is."""


def programs(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Requests of programs have addresses of their own.

    A third of what a server reads when it starts is the programming interface, and no page needs
    it: it is read with its first request.
    """

    def pass_on(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/"):
            request.urlconf = "onearm.capture.urls_api"
        return get_response(request)

    return pass_on


class Guard:
    """After log-in: the person's language, then password, second factor and acknowledgement."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on in the person's language; keep the language where it was chosen."""
        is_known = request.user.is_authenticated
        if is_known:
            _keep_session(request)
            # The table of rights is asked several times a page.
            prefetch_related_objects([request.user], "grants")
        else:
            _say_why_signed_out(request)
        if is_known and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        response = self.get_response(request)
        chosen = response.cookies.get(settings.LANGUAGE_COOKIE_NAME)
        if is_known and request.user.is_authenticated and chosen is not None:
            choose_language(request.user, chosen.value)
        if is_known and not request.user.is_authenticated:
            # The next person at this machine does not read in the language of the last.
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        """Send the person to what must be done first, if anything."""
        here = request.resolver_match.url_name or ""
        if not request.user.is_authenticated or here in ALWAYS:
            return None
        if request.resolver_match.namespace == "api":
            return None  # it says the duty itself: a program follows no redirection to a page
        first = first_duty(request.user)
        home = _home(request.user) if here == "month" and not first else ""
        if home:
            return redirect(home)
        if not first or here == first or (first.startswith("mfa_") and here.startswith("mfa_")):
            return None
        messages.warning(request, words.say(f"duty.{first}"))
        if getattr(request, "htmx", False):
            return HttpResponse(headers={"HX-Redirect": reverse(first)})
        return redirect(first)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """Problems that any page may meet, in the reader's words."""
        if isinstance(problem, permissions.NotAllowed):
            return render(request, "403.html", {"exception": problem}, status=403)
        if isinstance(problem, clock.ClockRanBack):
            return HttpResponse(
                f"{problem}\n", content_type="text/plain; charset=utf-8", status=503
            )
        if isinstance(problem, (OperationalError, InterfaceError)):
            text = words.say("error.database")
            return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8", status=503)
        return None


def _keep_session(request: HttpRequest) -> None:
    """Begin the idle time anew, once a minute: a page that is only read writes nothing.

    Not while the clock shows an earlier time than it did: the session would seem to have ended
    long ago once the clock is right again.
    """
    now = int(clock.now().timestamp())
    if now - request.session.get(SEEN, 0) >= SEEN_EVERY_S:
        request.session[SEEN] = now


def _home(user: User) -> str:
    """Where the work of a person begins who sees no subjects; empty for the month's work."""
    today = clock.now().date()
    if permissions.can(user, "subject.view", None, today):
        return ""
    homes = (page for page, right in HOMES if permissions.can(user, right, None, today))
    return next(homes, "")


def _say_why_signed_out(request: HttpRequest) -> None:
    """A session cookie without a session, on a page that asks for one: the person was idle."""
    had_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    if had_session and request.session.session_key is None and request.method == "GET":
        minutes = str(settings.IDLE_MINUTES)
        messages.info(request, words.say("idle.out").replace("{n}", minutes))
