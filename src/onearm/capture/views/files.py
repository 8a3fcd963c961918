"""Files of a form: attached on its page, read back by those who may see the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csp.constants import NONE
from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from onearm.capture import permissions, visible, words
from onearm.capture.actions import files
from onearm.capture.models import Attachment
from onearm.capture.sending import as_file
from onearm.capture.surroundings import look_around
from onearm.capture.views.entry_place import find_place
from onearm.errors import OnearmError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

UNTRUSTED = {"sandbox": [""], "script-src": [NONE]}
"""For files from outside: where a browser shows one all the same, nothing in it runs."""


@login_required
@require_POST
def attach(request: HttpRequest, code: str, visit: str, repeat: int, form_id: str) -> HttpResponse:
    """Take an uploaded file for a form that was saved before."""
    place = find_place(request, code, visit, repeat, form_id)
    instance = look_around(place).now
    given = request.FILES.get("file")
    if instance is None or given is None:
        messages.error(request, words.say("files.choose"))
        return redirect("form", code, visit, repeat, form_id)
    instead = request.POST.get("instead", "")
    old = None
    if instead.isdigit():
        old = get_object_or_404(Attachment, pk=int(instead), instance=instance)
    try:
        # One byte more than allowed is enough to see that it is too large.
        content = given.read(files.LARGEST + 1)
        files.attach(request.user, instance, files.Upload(given.name, content), instead_of=old)
        messages.success(request, words.say("files.kept"))
    except permissions.NotAllowed as problem:
        raise PermissionDenied from problem
    except OnearmError as problem:
        messages.error(request, str(problem))
    return redirect("form", code, visit, repeat, form_id)


@csp_update(UNTRUSTED)
@login_required
@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The file itself, never run by the browser; 404 for who may not see its form."""
    one = visible.attachment(request.user, pk)
    return as_file(files.content(request.user, one), one.name, one.media_type)
