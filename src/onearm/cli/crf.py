"""``onearm crf``: the case report form of a study as a PDF, from its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Lang = Annotated[str, typer.Option("--language", "--lang", help="Language: en or zh.")]


def crf(
    study: Annotated[Path, typer.Argument(help="The study folder.")],
    out: Annotated[Path, typer.Option(help="The PDF file to write.")] = Path("crf.pdf"),
    language: Lang = "en",
    annotated: Annotated[
        bool,
        typer.Option(help="Add item names, codes, targets in the tabulation data and checks."),
    ] = False,
    form: Annotated[
        list[str] | None, typer.Option(help="Only this form; may be given several times.")
    ] = None,
) -> None:
    """Write the blank case report form: every form as it is asked, or with annotations.

    It is also the paper for times when the system cannot be reached.
    """
    from onearm.paper import blank_forms, pdf
    from onearm.study import load

    require_language(language)
    loaded = load(study)
    source = blank_forms(loaded, language, forms=form or (), annotated=annotated)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(pdf(source))
    typer.echo(f"{out}: {len(form or loaded.forms)} forms of {loaded.id}")


def require_language(language: str) -> None:
    """Raise ``OnearmError`` for a language that documents are not written in."""
    from onearm.cli.steps import LANGUAGES
    from onearm.errors import OnearmError

    if language not in LANGUAGES:
        raise OnearmError(f"--language {language}: {' or '.join(LANGUAGES)}")
