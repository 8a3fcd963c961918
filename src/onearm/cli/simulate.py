"""``onearm simulate``: a virtual trial as captured entries, with the truth beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def simulate(
    study: Annotated[Path, typer.Argument(help="The study folder.")],
    out: Annotated[Path, typer.Option(help="The folder to write; replaced whole.")] = Path(
        "simulated"
    ),
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
) -> None:
    """Make a virtual trial as captured entries, with the truth beside it.

    Writes entries.parquet (or .csv), and truth/ with what a perfect analysis would find.
    """
    import json

    from onearm import store
    from onearm.cli.steps import load_study, read_date, shown_progress
    from onearm.errors import OnearmError
    from onearm.simulate import trial as simulate_trial
    from onearm.store.folder import MARK, refuse_foreign

    if formats not in {"parquet", "csv"}:
        raise OnearmError(f"--formats {formats}: parquet or csv")
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
