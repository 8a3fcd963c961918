"""Files of forms: attached with the same checks of their content, read back, never replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Schema, UploadedFile

from onearm.capture import visible
from onearm.capture.actions import files as actions
from onearm.capture.api import places
from onearm.capture.api.forms import FORM
from onearm.capture.api.shapes import (
    REFUSALS,
    Code,
    Given,
    Key,
    Name,
    Number,
    Page,
    Paging,
    Repeat,
    a_file,
    page,
    utc,
)
from onearm.capture.models import Attachment
from onearm.capture.sending import as_file

router = Router()


class FileOut(Schema):
    """A file of a form; ``superseded_by`` is the number of the newer one, None for a current."""

    number: int
    name: str
    media_type: str
    size: int
    sha256: str
    by: str
    at: datetime
    superseded_by: int | None


class InsteadIn(Given):
    """Which file of the form the new one supersedes."""

    instead_of: Key | None = None


@router.get(f"{FORM}/files", response={200: Page[FileOut], **REFUSALS})
def files(
    request: HttpRequest,
    code: Code,
    visit: Name,
    repeat: Repeat,
    form: Name,
    paging: Query[Paging],
) -> Any:
    """The files of a form, newest first, superseded ones too."""
    instance = places.saved_form(request, code, visit, repeat, form)
    found = Attachment.objects.filter(instance=instance).select_related("user").order_by("-pk")
    return page(found, paging, _out)


@router.post(f"{FORM}/files", response={200: FileOut, **REFUSALS})
def attach(
    request: HttpRequest,
    code: Code,
    visit: Name,
    repeat: Repeat,
    form: Name,
    file: Annotated[UploadedFile, File()],
    given: Annotated[InsteadIn, Form()],
) -> FileOut:
    """Attach a file to a form that was saved before."""
    instance = places.saved_form(request, code, visit, repeat, form)
    old = None
    if given.instead_of is not None:
        old = Attachment.objects.filter(pk=given.instead_of, instance=instance).first()
        if old is None:
            raise Http404
    # One byte more than allowed is enough to see that it is too large.
    upload = actions.Upload(file.name or "", file.read(actions.LARGEST + 1))
    return _out(actions.attach(request.user, instance, upload, instead_of=old))


@router.get("/files/{number}", response=REFUSALS, openapi_extra=a_file(*actions.ALLOWED))
def download(request: HttpRequest, number: Number) -> HttpResponse:
    """The file itself; the trail keeps that it was read."""
    one = visible.attachment(request.user, number)
    return as_file(actions.content(request.user, one), one.name, one.media_type)


def _out(one: Attachment) -> FileOut:
    return FileOut(
        number=one.pk,
        name=one.name,
        media_type=one.media_type,
        size=one.size,
        sha256=one.sha256,
        by=one.user.username,
        at=utc(one.at),
        superseded_by=one.superseded_by_id,
    )
