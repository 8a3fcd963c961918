"""``onearm serve``: the web page on which a trial team captures its data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    study: Annotated[
        Path | None, typer.Argument(help="The study folder; needed the first time.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder of the database, uploads and keys.")] = Path(
        "onearm-data"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1)] = 1,
    environment: Annotated[
        str, typer.Option(help="live or test: shown by colour on every page.")
    ] = "test",
) -> None:
    """Start the web page; SQLite in --data, or the database that DATABASE_URL names."""
    from onearm.capture import serving
    from onearm.errors import OnearmError

    if environment not in ("live", "test"):
        raise OnearmError(f"--environment {environment}: live or test")
    serving.configure(data, environment=environment)
    ready = serving.prepare(data, study)
    address = f"http://{host}:{port}"
    if ready.token:
        typer.echo("No account exists yet. Make the administrator's with this address:")
        typer.echo(f"  {address}/start?token={ready.token}")
    else:
        typer.echo(f"Serving on {address}")
    typer.echo("Stop with Ctrl-C.")
    serving.run(host, port, workers=workers)
