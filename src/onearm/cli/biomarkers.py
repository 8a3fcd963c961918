"""``onearm biomarkers``: what the assays of a trial, or of any cohort, say about its endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from onearm.omics.chapter import Chapter
    from onearm.outputs.biomarkers import About
    from onearm.pieces import Workers
    from onearm.pipeline import Progress
    from onearm.study.biomarkers import Biomarkers


class _AnalyseByDefault(TyperGroup):
    """``onearm biomarkers STUDY`` is ``onearm biomarkers analyse STUDY``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the usual command in front where no command is named."""
        # Any: the class of the context is private to typer.
        if args and args[0] not in (*self.commands, "--help"):
            args = ["analyse", *args]
        return super().parse_args(ctx, args)


biomarkers_app = typer.Typer(
    cls=_AnalyseByDefault,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="What assays say about response and survival: of a trial, or of any cohort.",
    epilog="onearm biomarkers STUDY is short for onearm biomarkers analyse STUDY.",
)


@biomarkers_app.command("analyse")
def analyse(
    study: Annotated[
        Path | None, typer.Argument(help="The study folder; or name --outcomes and --samples.")
    ] = None,
    entries: Annotated[
        Path | None, typer.Option(help="Captured entries: a Parquet or CSV file, or its folder.")
    ] = None,
    sdtm: Annotated[Path | None, typer.Option(help="A folder of SDTM datasets.")] = None,
    assays: Annotated[
        Path | None,
        typer.Option(
            help="The folder of assays or its manifest; those beside the data if not given."
        ),
    ] = None,
    cut: Annotated[str | None, typer.Option(help="Data cut-off, for example 2024-06-30.")] = None,
    outcomes: Annotated[
        Path | None, typer.Option(help="For any cohort: its outcomes, one row a subject.")
    ] = None,
    samples: Annotated[
        Path | None, typer.Option(help="For any cohort: the manifest, which names the sheet.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="For any cohort: a biomarkers.yaml of what is asked.")
    ] = None,
    timepoint: Annotated[
        str, typer.Option(help="For any cohort without a plan: the time point analysed.")
    ] = "C1D1",
    stratum: Annotated[
        list[str] | None, typer.Option(help="A column within which patients are permuted.")
    ] = None,
    batch: Annotated[
        list[str] | None, typer.Option(help="A batch column of the sample sheet.")
    ] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave subjects with bad times out of an endpoint.")
    ] = False,
    permutations: Annotated[
        int, typer.Option(help="Permutations, for any cohort without a plan.", min=99)
    ] = 10_000,
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same files; without a plan.", min=0)
    ] = 1,
    out: Annotated[Path, typer.Option(help="The folder to write; replaced whole.")] = Path(
        "biomarkers"
    ),
    language: Annotated[str, typer.Option(help="Language of the report: en or zh.")] = "en",
    backend: Annotated[
        str, typer.Option(help="Who works: serial, processes, or dask (a cluster).")
    ] = "serial",
    jobs: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
    scheduler: Annotated[
        str, typer.Option(help="A Dask scheduler; one is started if not given.")
    ] = "",
) -> None:
    """The markers of a trial (STUDY) or of any cohort (--outcomes, --samples), with a report.

    A trial's outcomes come from its analysis datasets. A cohort without a plan is all discovery:
    every feature against every endpoint of the table, whose other columns the confounding gate
    checks. Ends with status 1 where that gate refused an association; everything else is analysed
    and written all the same.
    """
    from onearm.cli.steps import LANGUAGES, shown_progress
    from onearm.errors import OnearmError
    from onearm.pieces import Workers
    from onearm.store.folder import refuse_foreign

    if (study is None) == (outcomes is None) or (outcomes is None) != (samples is None):
        raise OnearmError("name a study folder, or --outcomes FILE and --samples FILE")
    if language not in LANGUAGES:
        raise OnearmError(f"--language {language}: {' or '.join(LANGUAGES)}")
    refuse_foreign(out)
    workers = Workers(backend, jobs, scheduler)
    with shown_progress("Markers") as progress:
        if study is not None:
            found = _of_study(study, (entries, sdtm, assays), cut, workers, progress)
        else:
            asked = _Asked(timepoint, tuple(stratum or ()), tuple(batch or ()), permutations, seed)
            files = (outcomes or Path(), samples or Path(), plan)
            found = _of_cohort(files, asked, workers, progress, leave_out=leave_out)
        progress("report")
        _write(found, out, language)
    _finish(found, out)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a cohort without a plan."""

    timepoint: str
    strata: tuple[str, ...]
    batch: tuple[str, ...]
    permutations: int
    seed: int


@dataclass(frozen=True, slots=True)
class _Found:
    """An analysis with what its report needs to know."""

    chapter: Chapter
    plan: Biomarkers
    about: About


def _of_study(
    study: Path,
    data: tuple[Path | None, Path | None, Path | None],
    cut: str | None,
    workers: Workers,
    progress: Progress,
) -> _Found:
    """Entries or SDTM, and assays, of a trial."""
    from onearm.cli.steps import (
        build_trial,
        load_study,
        read_date,
        simulated_cut,
        source_of_data,
    )
    from onearm.errors import OnearmError
    from onearm.outputs.biomarkers import About

    entries, sdtm, assays = data
    source = source_of_data(entries, sdtm, None)
    made_up = simulated_cut(source)
    loaded = load_study(study)
    if loaded.biomarkers is None:
        raise OnearmError(f"{study}: it has no biomarkers.yaml, so nothing is asked of its assays")
    day = read_date(cut or made_up)
    trial = build_trial(
        loaded, entries, sdtm, None, cut=day, progress=progress, assays=assays, workers=workers
    )
    if trial.markers is None:
        raise OnearmError(f"no assays lie beside {source}; name their folder with --assays")
    about = About(loaded.id, str(loaded.title), trial.cut, loaded.version, made_up is not None)
    return _Found(trial.markers, loaded.biomarkers, about)


def _of_cohort(
    files: tuple[Path, Path, Path | None],
    asked: _Asked,
    workers: Workers,
    progress: Progress,
    *,
    leave_out: bool,
) -> _Found:
    """A table of outcomes, a manifest, and maybe a plan."""
    from onearm.omics.chapter import analyse as analysed
    from onearm.outputs.biomarkers import About
    from onearm.store.assays import read_assays, read_manifest, read_outcomes
    from onearm.study.cohortplan import cohort_plan, read_plan

    outcomes, samples, plan = files
    progress("reading")
    known = read_outcomes(outcomes, bad_times="leave out" if leave_out else "refuse")
    measured = read_assays(read_manifest(samples))
    wanted = (
        read_plan(plan)
        if plan
        else cohort_plan(
            known,
            list(measured.assays),
            timepoint=asked.timepoint,
            strata=asked.strata,
            batch=asked.batch,
            permutations=asked.permutations,
            seed=asked.seed,
        )
    )
    found = analysed(wanted.plan(), measured, known, workers=workers, progress=progress)
    return _Found(found, wanted, About(outcomes.stem, str(wanted.statement)))


@biomarkers_app.command("power")
def power(
    patients: Annotated[int, typer.Option(help="Patients with the assay.", min=10)] = 50,
    events: Annotated[int, typer.Option(help="Events among them.", min=5)] = 36,
    families: Annotated[
        str, typer.Option(help="Numbers of features tested together, separated by commas.")
    ] = "10,20,50,2000,20000",
    alpha: Annotated[float, typer.Option(help="Chance of any false finding.", min=0, max=1)] = 0.05,
    trials: Annotated[int, typer.Option(help="Simulated trials for each line.", min=50)] = 400,
    permutations: Annotated[int, typer.Option(help="Permutations for each threshold.", min=99)] = (
        1000
    ),
    seed: Annotated[int, typer.Option(help="The same seed gives the same table.", min=0)] = 1,
) -> None:
    """What can be found: the chance of finding one marker, by its hazard ratio and family size.

    By simulation: the threshold is that of max-T permutation over correlated noise, the marker is
    standard normal, survival exponential.
    """
    from onearm.cli.steps import shown_progress
    from onearm.errors import OnearmError
    from onearm.omics.detectable import RATIOS, detectable, power_table

    if events > patients:
        raise OnearmError(f"--events {events}: there are only {patients} patients")
    try:
        sizes = [int(size) for size in families.split(",")]
    except ValueError as problem:
        raise OnearmError(f"--families {families}: whole numbers separated by commas") from problem
    if min(sizes) < 1:
        raise OnearmError(f"--families {families}: a family has at least one feature")
    with shown_progress("Power") as progress:
        table = power_table(
            patients, events, sizes, alpha=alpha, trials=trials, permutations=permutations,
            seed=seed, progress=lambda size: progress(f"{size} features"),
        )  # fmt: skip
    typer.echo(f"{patients} patients, {events} events, alpha {alpha:g}, {trials} trials a line")
    typer.echo("features   " + "".join(f"HR {ratio:<5g}" for ratio in RATIOS) + "80% from")
    for size, curve in table.items():
        numbers = "".join(f"{point.power:<8.2f}" for point in curve)
        least = detectable(curve)
        typer.echo(f"{size:<11}{numbers}{least if least == least else '-'}")


def _write(found: _Found, out: Path, language: str) -> None:
    """The report and its files; the folder is replaced whole or not at all."""
    import json

    from onearm.cli.steps import LANGUAGES
    from onearm.outputs.biomarkers import write_report
    from onearm.store import replaced_folder
    from onearm.store.folder import MARK

    with replaced_folder(out) as folder:
        chosen = LANGUAGES[language]
        write_report(found.chapter, found.plan, folder, found.about, language=chosen)
        mark = {"study": found.about.study, "made_by": "onearm biomarkers"}
        (folder / MARK).write_text(json.dumps(mark, indent=1) + "\n", encoding="utf-8")


def _finish(found: _Found, out: Path) -> None:
    """The conclusion on the terminal; status 1 where an association was refused."""
    from onearm.cli.steps import refusals
    from onearm.outputs.biomarkers import conclusion
    from onearm.outputs.labels import Labels
    from onearm.outputs.marker_pictures import Words

    typer.echo(conclusion(found.chapter, Words.of(found.plan, Labels("en"))))
    typer.echo(f"{found.chapter.n_tests:,} hypotheses tested. Report: {out / 'report.html'}")
    if found.chapter.is_refused:
        for line in refusals(found.chapter):
            typer.echo(line, err=True)
        raise typer.Exit(1)
