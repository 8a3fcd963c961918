"""Answers that are files: kept by the browser and not shown, by nobody on the way either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onearm.capture.actions.export import Exported

CSV = "text/csv; charset=utf-8"


def as_file(content: bytes, name: str, media_type: str) -> HttpResponse:
    """The bytes of a file under its name, never run by the browser."""
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(True, name)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer


def as_csv(lines: Iterable[str], name: str) -> HttpResponse:
    """Lines of CSV as one file."""
    answer = HttpResponse("".join(lines), content_type=CSV)
    answer["Content-Disposition"] = content_disposition_header(True, name)
    return answer


def as_long_csv(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """Lines of CSV sent as they come, however many there are."""
    answer = StreamingHttpResponse(lines, content_type=CSV)
    answer["Content-Disposition"] = content_disposition_header(True, name)
    return answer


def as_zip(made: Exported) -> FileResponse:
    """An export; its temporary file is gone once the answer has been read."""
    opened = made.path.open("rb")
    made.path.unlink()
    return FileResponse(
        opened, as_attachment=True, filename=made.name, content_type="application/zip"
    )
