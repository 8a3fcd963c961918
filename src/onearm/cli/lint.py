"""``onearm lint``: what is wrong with a study's files, with file, line and suggestion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onearm.errors import Finding
    from onearm.study import Study

ORDER = ("error", "warning", "note")


def lint(study: Annotated[Path, typer.Argument(help="The study folder.")]) -> None:
    """Check a study's files: spelling, references, columns, skip logic, translations.

    Exit code 1 where something must be mended before the study can be built.
    """
    from onearm.errors import Problems
    from onearm.study import load
    from onearm.study.lint import check

    try:
        loaded = load(study)
    except Problems as problems:
        show(problems.findings)
        raise typer.Exit(1) from None
    findings = check(loaded, catalogue(loaded), operations())
    show(findings)
    if any(f.severity == "error" for f in findings):
        raise typer.Exit(1)


def catalogue(study: Study) -> dict[str, tuple[str, ...]]:
    """The columns that the study's rules may read, by dataset: SDTM, and ADaM with its own."""
    from onearm import adam, sdtm

    return {
        **{name: spec.names for name, spec in sdtm.specs().items()},
        **adam.catalogue(study),
    }


def operations() -> dict[str, tuple[str, ...]]:
    """What each kind of analysis gives, by its name: the numbers that a format may read."""
    from onearm.results import KINDS

    return {name: kind.operations for name, kind in KINDS.items()}


def show(findings: Iterable[Finding]) -> None:
    """Print findings, worst first, and how many there are of each kind."""
    listed = sorted(findings, key=lambda f: ORDER.index(f.severity))
    for finding in listed:
        typer.echo(f"{finding.severity}: {finding}")
    counts = {kind: sum(f.severity == kind for f in listed) for kind in ORDER}
    words = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items() if n]
    typer.echo(", ".join(words) if words else "No problem found.")
