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
    subjects: Annotated[int, typer.Option(help="Patients enrolled.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="The same seed gives the same trial.")] = 1,
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
        made = simulate_trial(loaded, subjects=subjects, seed=seed, cut=cut_off, mess=mess)
        progress("writing")
        with store.replaced_folder(out) as folder:
            store.write_entries(made.entries, folder / f"entries.{formats}")
            (folder / "truth").mkdir()
            for name, frame in made.truth.items():
                store.write_entries(frame, folder / "truth" / f"{name}.{formats}")
            facts = {"study": loaded.id, "data_cut": made.cut.isoformat(), "seed": seed}
            (folder / MARK).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{subjects} patients, {made.entries.height} entries, data cut {made.cut}")
    typer.echo(f"Entries: {out / f'entries.{formats}'}")
