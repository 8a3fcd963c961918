"""Answers that are files: kept by the browser and not shown, by nobody on the way either."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onearm.capture.actions.export import Exported

CSV = "text/csv; charset=utf-8"
Answer = TypeVar("Answer", bound=HttpResponseBase)


def as_file(content: bytes, name: str, media_type: str) -> HttpResponse:
    """The bytes of a file under its name."""
    return _kept(HttpResponse(content, content_type=media_type), name)


def as_csv(lines: Iterable[str], name: str) -> HttpResponse:
    """Lines of CSV as one file."""
    return _kept(HttpResponse("".join(lines), content_type=CSV), name)


def as_long_csv(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """Lines of CSV sent as they come, however many there are."""
    return _kept(StreamingHttpResponse(lines, content_type=CSV), name)


def as_zip(made: Exported) -> FileResponse:
    """An export; its temporary file is gone once the answer has been read."""
    opened = made.path.open("rb")
    made.path.unlink()
    return _kept(FileResponse(opened, content_type="application/zip"), made.name)


def _kept(answer: Answer, name: str) -> Answer:
    """An answer that the browser keeps under a name and never runs, and that nobody else keeps."""
    answer["Content-Disposition"] = content_disposition_header(True, name)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer
