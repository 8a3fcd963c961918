"""``onearm simulate``: a virtual trial as captured entries, or many whole trials and their sum."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer


def simulate(
    study: Annotated[Path, typer.Argument(help="The study folder.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder to write, replaced whole: simulated, or operating for whole trials."
        ),
    ] = None,
    subjects: Annotated[
        int | None,
        typer.Option(help="Patients enrolled; as in simulation.yaml if not given.", min=1),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The same seed gives the same trial; as in simulation.yaml if not given.", min=0
        ),
    ] = None,
    cut: Annotated[str | None, typer.Option(help="Data cut-off, for example 2024-06-30.")] = None,
    mess: Annotated[
        bool, typer.Option(help="With the errors and gaps that real data have.")
    ] = True,
    formats: Annotated[str, typer.Option(help="parquet or csv.")] = "parquet",
    trials: Annotated[
        int, typer.Option(help="Whole trials drawn from rates, for each scenario.", min=0)
    ] = 0,
    entered: Annotated[
        int,
        typer.Option(
            help="Whole trials drawn as entries and taken through the real derivations.", min=0
        ),
    ] = 0,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="A scenario of simulation.yaml; all of them if not given."),
    ] = None,
    missed: Annotated[
        float | None, typer.Option(help="Compare with the plan: share of scans missed.")
    ] = None,
    scan_days: Annotated[
        int | None, typer.Option(help="Compare with the plan: days from scan to scan.")
    ] = None,
    reader_error: Annotated[
        float | None,
        typer.Option(help="Compare with the plan: share of readings wrong (drawn from rates)."),
    ] = None,
    measurement_error: Annotated[
        float | None,
        typer.Option(help="Compare with the plan: error of a diameter, relative (as entries)."),
    ] = None,
    confirmation: Annotated[
        bool | None, typer.Option(help="Compare with the plan: whether responses are confirmed.")
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Compare with the plan: patients who leave, rate a year.")
    ] = None,
    backend: Annotated[
        str, typer.Option(help="Who works: serial, processes, or dask (a cluster).")
    ] = "processes",
    jobs: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
    scheduler: Annotated[
        str, typer.Option(help="A Dask scheduler, tcp://host:8786; one is started if not given.")
    ] = "",
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Throw away the pieces kept of a run that was cut off."),
    ] = False,
) -> None:
    """Make a virtual trial as captured entries, with the truth beside it; or many whole trials.

    Writes entries.parquet (or .csv), and truth/ with what a perfect analysis would find.
    With --trials or --entered instead many whole trials of the design, one row each, and what
    they come to: how often each decision is made, bias, and coverage of the limits. A run that was
    cut off goes on where it was when the same command is given again.
    """
    from onearm.cli.operating import Asked, simulate_trials
    from onearm.errors import OnearmError
    from onearm.pieces import Workers

    whole: dict[str, float | bool | None] = {
        "scan_days": scan_days,
        "missed": missed,
        "reader_error": reader_error,
        "measurement_error": measurement_error,
        "confirmation": confirmation,
        "dropout": dropout,
    }
    refuse_mixed(
        is_whole=bool(trials or entered),
        single={"subjects": subjects, "cut": cut},
        whole={**whole, "scenario": scenario, "scheduler": scheduler or None},
    )
    if formats not in {"parquet", "csv"}:
        raise OnearmError(f"--formats {formats}: parquet or csv")
    if trials or entered:
        asked = Asked(
            study=study,
            out=out or Path("operating"),
            trials=trials,
            entered=entered,
            seed=seed,
            scenarios=tuple(scenario or ()),
            given=whole,
            formats=formats,
            fresh=fresh,
        )
        simulate_trials(asked, Workers(backend, jobs, scheduler))
        return
    one_trial(
        study, out or Path("simulated"), subjects, seed=seed, cut=cut, mess=mess, formats=formats
    )


def refuse_mixed(
    *, is_whole: bool, single: Mapping[str, object], whole: Mapping[str, object]
) -> None:
    """Raise ``OnearmError`` for an option that the other way of simulating alone reads."""
    from onearm.errors import OnearmError

    for name, value in (single if is_whole else whole).items():
        if value is None:
            continue
        option = f"--{name.replace('_', '-')}"
        if is_whole:
            why = "whole trials have the patients and the analysis day of design.yaml"
            raise OnearmError(f"{option} {value}: {why}; leave it out")
        raise OnearmError(f"{option}: it is for whole trials; give --trials or --entered with it")


def one_trial(
    study: Path,
    out: Path,
    subjects: int | None,
    *,
    seed: int | None,
    cut: str | None,
    mess: bool,
    formats: str,
) -> None:
    """One virtual trial as entries, with the truth beside it, written whole."""
    import json

    from onearm import store
    from onearm.cli.steps import load_study, read_date, shown_progress, write_assays
    from onearm.simulate import trial as simulate_trial
    from onearm.store.folder import MARK, refuse_foreign

    refuse_foreign(out)
    cut_off = read_date(cut)
    with shown_progress("Simulating") as progress:
        loaded = load_study(study)
        plan = loaded.simulation
        # Without a plan there is no default either, and simulate_trial says that it is missing.
        subjects = subjects or (plan.subjects if plan else 1)
        seed = seed if seed is not None else (plan.seed if plan else 0)
        made = simulate_trial(loaded, subjects=subjects, seed=seed, cut=cut_off, mess=mess)
        progress("writing")
        with store.replaced_folder(out) as folder:
            store.write_entries(made.entries, folder / f"entries.{formats}")
            (folder / "truth").mkdir()
            for name, frame in made.truth.items():
                store.write_entries(frame, folder / "truth" / f"{name}.{formats}")
            write_assays(loaded, made, folder / "assays", seed=seed)
            facts = {
                "study": loaded.id,
                "simulated": True,
                "data_cut": made.cut.isoformat(),
                "seed": seed,
            }
            (folder / MARK).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{subjects} patients, {made.entries.height} entries, data cut {made.cut}")
    entries = out / f"entries.{formats}"
    typer.echo(f"Entries: {entries}")
    typer.echo(f"Next: onearm build {study} --entries {entries} --cut {made.cut}")
