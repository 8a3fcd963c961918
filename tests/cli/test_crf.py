"""``onearm crf``: the blank forms of a study folder as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from onearm.cli import app
from onearm.errors import OnearmError
from onearm.paper import blank_forms, pdf
from onearm.study import load

STUDY = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["crf", str(STUDY), *words], catch_exceptions=False)
    return done.output


def test_it_writes_the_forms_that_are_named_in_the_language_that_is_named(tmp_path: Path) -> None:
    out = tmp_path / "new" / "crf.pdf"
    told = run("--out", str(out), "--lang", "zh", "--annotated", "--form", "VS", "--form", "ECOG")
    assert told == f"{out}: 2 forms of NCT03895970\n"
    source = blank_forms(load(STUDY), "zh", forms=["VS", "ECOG"], annotated=True)
    assert out.read_bytes() == pdf(source)


def test_it_says_what_is_wrong_with_a_language_or_a_form(tmp_path: Path) -> None:
    out = tmp_path / "crf.pdf"
    with pytest.raises(OnearmError, match="--language fr: en or zh"):
        run("--out", str(out), "--language", "fr")
    with pytest.raises(OnearmError, match="has no form LX"):
        run("--out", str(out), "--form", "LX")
    assert not out.exists()
