"""Where a request points: subjects, visits and forms that exist and that the person may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404

from onearm.capture import clock, permissions, visible, zones
from onearm.capture.models import FormInstance
from onearm.capture.studies import study_of, version_at

if TYPE_CHECKING:
    from django.http import HttpRequest

    from onearm.capture.models import Site, Subject
    from onearm.study import Study


def site(request: HttpRequest, code: str) -> Site:
    """A site that the person may see."""
    found = {each.code: each for each in visible.sites(request.user)}
    if code not in found:
        raise Http404
    return found[code]


def sites(request: HttpRequest, code: str) -> list[Site]:
    """The sites that the person may see, or the one with the code; 404 for another."""
    found = visible.chosen_sites(request.user, code)
    if code and not found:
        raise Http404
    return found


def study(subject: Subject) -> Study:
    """The version that the subject's site works with; 404 before its first release."""
    version = version_at(subject.site, zones.today(subject.site))
    if version is None:
        raise Http404
    return study_of(version)


def saved_form(request: HttpRequest, code: str, visit: str, repeat: int, form: str) -> FormInstance:
    """A saved form that the person may read; 404 for one that nobody has saved."""
    subject = visible.subject(request.user, code)
    permissions.actor(request.user, "form.view", subject.site, clock.now().date())
    instance = instance_of(subject, visit, repeat, form)
    if instance is None:
        raise Http404
    return instance


def instance_of(subject: Subject, visit: str, repeat: int, form: str) -> FormInstance | None:
    """The form as it is kept; None where nobody has saved it."""
    forms = FormInstance.objects.filter(
        event__subject=subject, event__visit=visit, event__repeat=repeat, form=form
    )
    return forms.select_related("event__subject__site", "study_version").first()


def require_form(subject: Subject, visit: str, repeat: int, form: str) -> None:
    """404 for a form that the visit does not hold, or a repeat that it does not have."""
    known = study(subject).schedule
    held = [v for v in (known.visits if known else ()) if v.id == visit and form in v.forms]
    if not held or (repeat > 1 and held[0].repeat is None and held[0].kind != "unscheduled"):
        raise Http404
