"""The command line. Each command imports what it needs when it runs, so that help is instant."""

from __future__ import annotations

import gc
import sys

import typer

from onearm.cli.biomarkers import biomarkers_app
from onearm.cli.build import build
from onearm.cli.capture import capture_app
from onearm.cli.crf import crf
from onearm.cli.demo import demo
from onearm.cli.design import design_app
from onearm.cli.lint import lint
from onearm.cli.monitor import monitor
from onearm.cli.new import new
from onearm.cli.response import response
from onearm.cli.serve import serve
from onearm.cli.simulate import simulate

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run and analyse a single-arm oncology trial, from its registry record to its report.",
    epilog="A study is a folder of text. Start with 'onearm demo', then read its report.",
)
for command in (demo, new, lint, crf, simulate, build, monitor, serve, response):
    app.command()(command)
app.add_typer(design_app, name="design")
app.add_typer(biomarkers_app, name="biomarkers")
app.add_typer(capture_app, name="capture")


def main() -> None:
    """Run the command line; a problem meant for people ends with its message and exit code 1."""
    from onearm.errors import OnearmError

    # A command makes millions of small values and ends: looking for cycles often costs a tenth.
    gc.set_threshold(200_000, 20, 20)
    try:
        app()
    except OnearmError as problem:
        print(f"onearm: {problem}", file=sys.stderr)
        sys.exit(1)
    except OSError as problem:
        # The disk said no (full, read-only, a file where a folder should be): nothing to trace.
        where = f"{problem.filename}: " if problem.filename else ""
        print(f"onearm: {where}{problem.strerror or problem}", file=sys.stderr)
        sys.exit(1)
