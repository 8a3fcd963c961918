"""Files that leave by a page: kept by who asked for them, by no cache on the way, and never run."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.http.response import HttpResponseBase

from onearm.capture.actions.export import Exported
from onearm.capture.sending import as_csv, as_file, as_long_csv, as_zip

pytestmark = pytest.mark.django_db  # the end of an answer looks after connections


def exported(folder: Path) -> Exported:
    path = folder / "made.zip"
    path.write_bytes(b"PK")
    return Exported(path=path, name="受试者 01.csv", sha256="0" * 64, rows=1)


@pytest.mark.parametrize("kind", ["file", "csv", "long_csv", "zip"])
def test_a_file_goes_to_who_asked_and_to_nobody_else(kind: str, tmp_path: Path) -> None:
    answers: dict[str, HttpResponseBase] = {
        "file": as_file(b"PK", "受试者 01.csv", "text/html"),
        "csv": as_csv(["a,b\n"], "受试者 01.csv"),
        "long_csv": as_long_csv(iter(["a,b\n"]), "受试者 01.csv"),
        "zip": as_zip(exported(tmp_path)),
    }
    answer = answers[kind]
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''%E5%8F%97")
    answers["zip"].close()


def test_an_export_is_gone_from_the_server_once_it_was_sent(tmp_path: Path) -> None:
    answer = as_zip(exported(tmp_path))
    assert b"".join(answer.streaming_content) == b"PK"
    answer.close()
    assert list(tmp_path.iterdir()) == []
