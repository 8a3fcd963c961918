"""Both qualifications of an installation, as outcomes and as a report in text, CSV and HTML."""

from __future__ import annotations

import csv
import html
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from onearm.capture import clock, trail
from onearm.capture.qualification.installation import described, installation
from onearm.capture.qualification.outcome import COLUMNS, Outcome
from onearm.errors import OnearmError

STYLE = (
    "body{font:15px/1.45 sans-serif;margin:2em auto;max-width:75em;color:#1c2733}"
    "table{border-collapse:collapse;width:100%;margin:1em 0}"
    "th,td{border:1px solid #c6cdd5;padding:.25em .5em;text-align:left;vertical-align:top}"
    "th{background:#eef2f5}.failed{background:#fbe3e1}.noted{background:#fff5d6}"
)


def qualify(lock: Path | None, *, scratch_url: str = "") -> list[Outcome]:
    """Installation first, then operation in a scratch; the trail keeps that it was done.

    scratch_url: an empty PostgreSQL database for the scratch; SQLite in a temporary folder if not.
    """
    outcomes = [*installation(lock), *_operation(scratch_url)]
    counts = {one: sum(o.result == one for o in outcomes) for one in ("passed", "failed", "noted")}
    trail.record("study", "system.qualify", details={**counts, **described()})
    return outcomes


def _operation(scratch_url: str) -> list[Outcome]:
    """The steps of `operation`, in a process of its own."""
    kept = ("ONEARM_", "DATABASE_URL", "DJANGO_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
    if scratch_url:
        env["DATABASE_URL"] = scratch_url
    with TemporaryDirectory(prefix="onearm-qualify-") as scratch:
        folder = Path(scratch) / "data"
        program = [sys.executable, "-m", "onearm.capture.qualification.operation", str(folder)]
        done = subprocess.run(  # noqa: S603 - this Python, a module of ours
            program, env=env, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise OnearmError(f"the scratch cannot be made: {done.stderr.strip()[-800:]}")
    return [Outcome(*row) for row in json.loads(done.stdout.splitlines()[-1])]


def as_csv(outcomes: Sequence[Outcome]) -> str:
    """One line an outcome."""
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows(outcome.cells for outcome in outcomes)
    return text.getvalue()


def as_html(outcomes: Sequence[Outcome]) -> str:
    """A page to print, date and sign by hand."""
    head = "".join(f"<tr><th>{n}</th><td>{_plain(v)}</td></tr>" for n, v in described().items())
    rows = "".join(
        f'<tr class="{o.result}">{"".join(f"<td>{_plain(cell)}</td>" for cell in o.cells)}</tr>'
        for o in outcomes
    )
    titles = "".join(f"<th>{name}</th>" for name in COLUMNS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Qualification of onearm</title><style>{STYLE}</style></head><body>"
        f"<h1>Qualification of the installation</h1><p>{clock.now():%Y-%m-%d %H:%M:%S} UTC</p>"
        f"<table>{head}</table><h2>Steps</h2><table><tr>{titles}</tr>{rows}</table>"
        "<p>Carried out by (name, date, signature): ______________________________</p>"
        "<p>Reviewed by (name, date, signature): ______________________________</p>"
        "</body></html>\n"
    )


def _plain(text: str) -> str:
    return html.escape(text)
