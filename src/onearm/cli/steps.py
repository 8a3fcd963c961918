"""Progress on the terminal, and the files of a build, for the commands that make one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from onearm.errors import OnearmError

if TYPE_CHECKING:
    from onearm.omics.chapter import Chapter
    from onearm.omics.measure import Measured
    from onearm.outputs.labels import Language
    from onearm.pieces import Workers
    from onearm.pipeline import Assays, Progress, Trial
    from onearm.simulate import Simulated
    from onearm.study import Study

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
    from onearm.cli.lint import catalogue, operations
    from onearm.errors import Problems
    from onearm.study import lint, load

    study = load(folder)
    errors = [f for f in lint.check(study, catalogue(study), operations()) if f.severity == "error"]
    if errors:
        raise Problems(errors, f"{folder}: the study cannot be used as it is")
    return study


def source_of_data(entries: Path | None, sdtm: Path | None, uses: list[str] | None) -> Path:
    """The one place that the data come from; raises ``OnearmError`` for none or both."""
    if entries is not None and sdtm is not None:
        raise OnearmError("name one source of data: --entries FILE or --sdtm FOLDER, not both")
    data = entries or sdtm
    if data is None:
        raise OnearmError("name the data: --entries FILE or --sdtm FOLDER, or --database WHERE")
    if uses and entries is not None:
        raise OnearmError(f"--use {uses[0]}: it says which SDTM file to take; give it with --sdtm")
    return data


def build_trial(
    study: Study,
    entries: Path | None,
    sdtm: Path | None,
    uses: list[str] | None,
    *,
    cut: date | None,
    progress: Progress,
    assays: Path | None = None,
    workers: Workers | None = None,
) -> Trial:
    """Read the data that `source_of_data` let through, and derive everything from them.

    assays: see `assay_reader`; by default those that lie beside the data.
    """
    from onearm import pipeline, store
    from onearm.pieces import SERIAL

    progress("reading")
    reader = assay_reader(study, assays, beside=entries or sdtm)
    options = {"cut": cut, "progress": progress, "workers": workers or SERIAL}
    if entries is not None:
        return pipeline.build(study, store.read_entries(entries), reader, **options)  # type: ignore[arg-type]  # one option of each kind
    domains = store.read_sdtm(sdtm or Path(), use=read_uses(uses or []))
    return pipeline.build_from_sdtm(study, domains, reader, **options)  # type: ignore[arg-type]  # one option of each kind


def assay_reader(study: Study, assays: Path | None, *, beside: Path | None) -> Assays | None:
    """What reads the assays when the dates of first dose are known; None where there are none.

    assays: a manifest, or the folder that holds one. Where none is given, the manifest that
    biomarkers.yaml names, beside the data or one folder up. Raises ``OnearmError`` for assays that
    were named and are not there, or of which the study asks nothing.
    """
    from functools import partial

    asked = study.biomarkers
    if assays is not None and asked is None:
        raise OnearmError(f"--assays {assays}: the study has no biomarkers.yaml that asks of them")
    if asked is None:
        return None
    name = Path(asked.manifest)
    if assays is not None:
        inside = [assays / name, assays / name.name, assays / "manifest.csv"]
        found = assays if assays.is_file() else next((p for p in inside if p.is_file()), None)
        if found is None:
            raise OnearmError(f"--assays {assays}: there is no manifest ({name.name})")
        return partial(_read_assays, found)
    folders = [beside, beside.parent] if beside is not None else []
    near = next((f / name for f in folders if (f / name).is_file()), None)
    return partial(_read_assays, near) if near is not None else None


def write_assays(study: Study, made: Simulated, folder: Path, *, seed: int) -> Path | None:
    """Simulated assays of a simulated trial, written into ``folder``; None where none are asked."""
    from onearm.simulate.assays import assays
    from onearm.store.made_assays import write_made_assays

    found = assays(study, made, seed=seed)
    if found is None:
        return None
    write_made_assays(found, folder)
    return folder


def _read_assays(manifest: Path, first_dose: Mapping[str, date]) -> Measured:
    from onearm.store.assays import read_assays, read_manifest

    return read_assays(read_manifest(manifest), first_dose=first_dose)


def refusals(markers: Chapter | None) -> list[str]:
    """A line for each association of markers that was not tested because it would be dishonest."""
    if markers is None:
        return []
    errors = dict.fromkeys(str(f) for f in markers.findings if f.severity == "error")
    return [f"refused: {finding}" for finding in errors]


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
    assays: Path | None = None,
    is_simulated: bool = False,
) -> Path:
    """Write datasets, results and report into ``target``, whole or not at all; returns the report.

    A study without outputs.yaml has no report: then the file of results is written and returned.
    entries, assays: the file of captured values and the folder of assays, copied beside the rest
    where they were made in the same run.
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
        if assays is not None:
            shutil.copytree(assays, folder / assays.name)
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
                markers=trial.markers,
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
