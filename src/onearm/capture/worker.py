"""A process that answers: it reads the program first, and takes requests when it is told."""

from __future__ import annotations

import gc
from collections.abc import Callable
from multiprocessing.synchronize import Event
from typing import Any

from onearm.capture import orphans


def load(is_prepared: Event) -> Callable[..., Any]:
    """The application, warm, as soon as the database that it works on is prepared."""
    orphans.end_with_parent()
    from onearm.capture.wsgi import application

    _read_program()
    is_prepared.wait()
    _read_studies()
    # What is here now stays: to look through it for waste, again and again, would hold up requests.
    gc.freeze()
    return application


def _read_program() -> None:
    """Views, addresses and the largest templates, which the first request would else read."""
    from django.template.loader import get_template
    from django.urls import reverse

    reverse("month")
    for name in ("capture/month.html", "capture/form.html"):
        get_template(name)


def _read_studies() -> None:
    """The studies that sites work under now."""
    from django.db import connection

    from onearm.capture import clock, studies
    from onearm.capture.models import Site

    day = clock.now().date()
    for version in {studies.version_at(site, day) for site in Site.objects.all()}:
        if version is not None:
            studies.study_of(version)
    connection.close()
