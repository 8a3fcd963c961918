"""What a person reads in a PDF, and in typst source."""

from __future__ import annotations

import shutil
import subprocess

import pytest

needs_reader = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext (poppler) is not here"
)


def text_of(pdf: bytes, *, plain: bool = True) -> str:
    """The text of a PDF, in reading order; plain: with single spaces and without breaks."""
    words = ["pdftotext", "-enc", "UTF-8", *([] if plain else ["-layout"]), "-", "-"]
    done = subprocess.run(words, input=pdf, capture_output=True, check=True)
    text = done.stdout.decode()
    return " ".join(text.replace("\u200b", "").split()) if plain else text


def spoken(source: str) -> str:
    """Typst source without the places where its lines may break."""
    return source.replace("\u200b", "")
