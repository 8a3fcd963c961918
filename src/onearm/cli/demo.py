"""``onearm demo``: the shipped study simulated and built, ending with the path to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEMO_STUDY = "lenvatinib-pembrolizumab"


def demo(
    out: Annotated[Path, typer.Option(help="The folder to write; replaced whole.")] = Path(
        "onearm-demo"
    ),
    subjects: Annotated[int, typer.Option(help="Patients enrolled.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="The same seed gives the same trial.", min=0)] = 1,
) -> None:
    """Simulate the shipped study and build its report: the whole river in one go."""
    from tempfile import TemporaryDirectory

    from onearm import pipeline, store
    from onearm.cli.steps import (
        assay_reader,
        load_study,
        shown_progress,
        write_assays,
        write_trial,
    )
    from onearm.simulate import trial as simulate_trial
    from onearm.store.folder import refuse_foreign

    refuse_foreign(out)
    with shown_progress("onearm demo") as progress, TemporaryDirectory() as scratch:
        progress("study files")
        study = load_study(shipped_study())
        progress(f"simulating {subjects} patients")
        captured = Path(scratch) / "entries.parquet"
        made = simulate_trial(study, subjects=subjects, seed=seed)
        store.write_entries(made.entries, captured)
        cut, values = made.cut, made.entries.height
        progress("simulating assays")
        assays = write_assays(study, made, Path(scratch) / "assays", seed=seed)
        del made  # from here on as `onearm build`: from the file of entries alone
        entered = store.read_entries(captured)
        reader = assay_reader(study, None, beside=captured)
        trial = pipeline.build(study, entered, reader, cut=cut, progress=progress)
        report = write_trial(
            trial,
            out,
            formats=["parquet"],
            language="en",
            progress=progress,
            entries=captured,
            assays=assays,
            is_simulated=True,
        )
    typer.echo(
        f"{subjects} virtual patients, {values} entries, "
        f"{len(trial.findings)} data findings, {trial.numbers.height} results"
    )
    typer.echo(f"Report: {report}")
    typer.echo(f"As PDF: {report.with_suffix('.pdf')}")


def shipped_study() -> Path:
    """The folder of the study that ships with the package, in a checkout or an installation."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "studies" / DEMO_STUDY
    return inside if inside.is_dir() else package.parents[1] / "studies" / DEMO_STUDY
