"""Progress on the terminal, and the files of a build, for the commands that make one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.outputs.labels import Language
    from onearm.pipeline import Progress, Trial
    from onearm.study import Study

STUDY_HELP = "The study folder."
RESULTS = "results.csv"
LANGUAGES: dict[str, Language] = {"en": "en", "zh": "zh"}


@contextmanager
def shown_progress(title: str) -> Iterator[Progress]:
    """A line that tells the step at work and the time it has taken; silent where nobody looks."""
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title)
        yield lambda step: bar.update(task, description=f"{title}: {step}")


def read_date(text: str | None) -> date | None:
    """A date from the command line; raises ``OnearmError`` that shows what was typed."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise OnearmError(f"--cut {text}: not a date; write it as 2024-06-30") from problem


def read_formats(text: str) -> list[str]:
    """``--formats parquet,csv`` as a list; raises ``OnearmError`` for a form that is unknown."""
    from onearm.store.write import FORMATS

    names = [name.strip().lower() for name in text.split(",")]
    if unknown := [name for name in names if name not in FORMATS]:
        known = ", ".join(FORMATS)
        raise OnearmError(f"--formats {text}: {unknown[0]!r} is not one of {known}")
    return names


def read_uses(uses: list[str]) -> dict[str, str]:
    """``--use RS=rs_onco.parquet`` as a mapping; raises ``OnearmError`` for another form."""
    pairs = [use.partition("=") for use in uses]
    for whole, (name, _, file) in zip(uses, pairs, strict=True):
        if not name or not file:
            raise OnearmError(f"--use {whole}: write it as DOMAIN=FILE, for example RS=rs.xpt")
    return {name.upper(): file for name, _, file in pairs}


def load_study(folder: Path) -> Study:
    """The study, checked against the columns of the standards; every problem in one pass."""
    from onearm.cli.lint import catalogue
    from onearm.errors import Problems
    from onearm.study import lint, load

    study = load(folder)
    errors = [f for f in lint.check(study, catalogue(study)) if f.severity == "error"]
    if errors:
        raise Problems(errors, f"{folder}: the study cannot be used as it is")
    return study


def simulated_cut(data: Path) -> str | None:
    """The data cut of data that ``simulate``, ``demo`` or a build of theirs wrote, else None.

    Such a folder, or the one around it, holds the mark of what made it.
    """
    from onearm.store.folder import MARK

    for folder in (data, data.parent):
        if (folder / MARK).is_file():
            mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
            if mark.get("simulated"):
                return str(mark["data_cut"])
    return None


def write_trial(
    trial: Trial,
    target: Path,
    *,
    formats: list[str],
    language: str,
    progress: Progress,
    entries: Path | None = None,
    is_simulated: bool = False,
) -> Path:
    """Write datasets, results and report into ``target``, whole or not at all; returns the report.

    A study without outputs.yaml has no report: then the file of results is written and returned.
    entries: the file of captured values, copied beside the rest where it was made in the same run.
    """
    from onearm import adam, outputs, sdtm
    from onearm.store import replaced_folder, write_datasets, write_findings
    from onearm.store.folder import MARK

    if language not in LANGUAGES:
        raise OnearmError(f"--language {language}: {' or '.join(LANGUAGES)}")
    created = datetime.combine(trial.cut or date(1970, 1, 1), time(), UTC)
    with replaced_folder(target) as folder:
        progress("datasets")
        for name, frames, specs in (
            ("sdtm", trial.domains, sdtm.specs()),
            ("adam", trial.datasets, adam.specs(trial.study)),
        ):
            write_datasets(
                frames, specs, folder / name, formats=formats, study=trial.study.id, created=created
            )
        if entries is not None:
            shutil.copy(entries, folder / entries.name)
        write_findings(trial.findings, folder / "findings.csv")
        progress("report")
        if trial.study.outputs is None:
            trial.numbers.write_csv(folder / RESULTS)
        else:
            outputs.render(
                trial.study,
                trial.datasets,
                trial.numbers,
                trial.findings,
                folder,
                language=LANGUAGES[language],
                is_simulated=is_simulated,
                progress=progress,
            )
        mark = {
            "study": trial.study.id,
            "simulated": is_simulated,
            "study_version": trial.study.version,
            "data_cut": trial.cut.isoformat() if trial.cut else None,
            "findings": len(trial.findings),
            "results": trial.numbers.height,
        }
        (folder / MARK).write_text(json.dumps(mark, indent=1) + "\n", encoding="utf-8")
    return target / ("report.html" if trial.study.outputs else RESULTS)
