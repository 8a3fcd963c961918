"""Whether the server and its database answer; to administrators also how the clock is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import DatabaseError, connection
from django.http import JsonResponse

from onearm.capture import clock, permissions, timekeeping, words

if TYPE_CHECKING:
    from django.http import HttpRequest


CLOCK = {True: "clock.kept", False: "clock.lost", None: "clock.unknown"}


def health(request: HttpRequest) -> JsonResponse:
    """200 where the database answers, 503 where it does not; no data, no names.

    An administrator is told in words besides whether time synchronisation keeps the clock.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "the database does not answer"}, status=503)
    told = {"status": "ok"}
    if permissions.can(request.user, "account.manage", None, clock.now().date()):
        told["clock"] = words.say(CLOCK[timekeeping.is_synchronised()])
    return JsonResponse(told, json_dumps_params={"ensure_ascii": False})
