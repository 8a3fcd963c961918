"""A process that answers: it reads the program first, and takes requests when it is told."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from multiprocessing.synchronize import Event
from typing import Any

from onearm.capture import orphans

AT_ONCE = 2
"""So many requests a worker answers at once: they are work, not waiting, and more would only hold
each other up."""


def load(is_prepared: Event) -> Callable[..., Any]:
    """The application, as soon as the database that it works on is prepared.

    What the first forms need is read behind it, while the first person logs in.
    """
    orphans.end_with_parent()
    gc.disable()  # what is read now stays: looking through it for waste is time lost
    from onearm.capture.wsgi import application

    _read_program()
    is_prepared.wait()
    threading.Thread(target=_read_studies, name="studies", daemon=True).start()
    return _few_at_once(application)


def _few_at_once(application: Callable[..., Any]) -> Callable[..., Any]:
    places = threading.BoundedSemaphore(AT_ONCE)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        with places:
            return application(environ, start_response)

    return answer


def _read_program() -> None:
    """Views, addresses and the largest templates, which the first request would else read."""
    from django.template.loader import get_template
    from django.urls import reverse

    reverse("month")
    for name in ("capture/month.html", "capture/form.html"):
        get_template(name)


def _read_studies() -> None:
    """The studies that sites work under now; then waste is looked for among what comes later."""
    from django.db import connection

    from onearm.capture import clock, studies
    from onearm.capture.models import Site

    try:
        day = clock.now().date()
        for version in {studies.version_at(site, day) for site in Site.objects.all()}:
            if version is not None:
                studies.study_of(version)
    finally:
        connection.close()
        gc.freeze()
        gc.enable()
