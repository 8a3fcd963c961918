"""``onearm serve``: the web page on which a trial team captures its data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    study: Annotated[
        Path | None, typer.Argument(help="The study folder; needed the first time.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the database, uploads and keys [onearm-data]."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1)] = 1,
    environment: Annotated[
        str, typer.Option(help="live or test: shown by colour on every page.")
    ] = "test",
    demo: Annotated[
        bool, typer.Option("--demo", help="A made-up trial half-way through; one account a role.")
    ] = False,
) -> None:
    """Start the web page; SQLite in --data, or the database that DATABASE_URL names."""
    import os

    from onearm.capture import serving
    from onearm.cli.demo import shipped_study
    from onearm.errors import OnearmError

    if environment not in ("live", "test"):
        raise OnearmError(f"--environment {environment}: live or test")
    if demo:
        # Whatever the surroundings say: invented data never go into another database.
        os.environ["ONEARM_ENVIRONMENT"] = environment = "demo"
        study = study or shipped_study()
    data = data or Path("onearm-demo-data" if demo else "onearm-data")
    serving.require_free(host, port)
    serving.surround(data, environment=environment)

    def prepare() -> None:
        _prepare(data, study, f"http://{host}:{port}", is_demo=demo)

    serving.run(host, port, workers=workers, first=prepare)


def _prepare(data: Path, study: Path | None, address: str, *, is_demo: bool) -> None:
    """Bring the database up to date and say how to get in."""
    from onearm.capture import serving, timekeeping

    serving.configure(data)
    if is_demo:
        typer.echo("Preparing the demo (the first time takes about a minute).")
    ready = serving.prepare(data, study, is_demo=is_demo)
    if timekeeping.is_synchronised() is False:
        typer.echo("Warning: no time service keeps this machine's clock right (chrony, timesyncd).")
    if ready.demo is not None:
        typer.echo(f"DEMO with invented data on {address}")
        typer.echo(f"Password of every account until the next start: {ready.demo.password}")
        for name, role in ready.demo.accounts:
            typer.echo(f"  {name:<24} {role.replace('_', ' ')}")
    elif ready.token:
        typer.echo("No account exists yet. Make the administrator's with this address:")
        typer.echo(f"  {address}/start?token={ready.token}")
    else:
        typer.echo(f"Serving on {address}")
    typer.echo("Stop with Ctrl-C.")
