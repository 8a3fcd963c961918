"""The front door: what a person who types a command sees, and what it leaves on the disk."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from onearm.cli import main
from tests.whole.clinic import study


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code and everything it printed."""

    code: int
    text: str


def typed(*words: str | Path) -> Ended:
    """Run ``onearm`` as a person would; an exception that escapes it escapes here too."""
    printed = StringIO()
    with (
        patch.object(sys, "argv", ["onearm", *map(str, words)]),
        redirect_stdout(printed),
        redirect_stderr(printed),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ended(code, printed.getvalue())


def stopped(*words: str | Path) -> str:
    """What a command says that has to stop: exit code not 0, a message, and no traceback."""
    ended = typed(*words)
    assert ended.code != 0, ended.text
    assert ended.text.strip()
    assert "Traceback" not in ended.text
    return ended.text


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


FORMER = {"onearm-build.json": "{}\n", "report.html": "<p>former</p>\n", "adam/adsl.csv": "x\n"}


@contextmanager
def former_output(out: Path) -> Iterator[Path]:
    """A folder as a former build left it; it and its surroundings must end as they began."""
    for name, text in FORMER.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = contents(out), sorted(p.name for p in out.parent.iterdir())
    yield out
    assert (contents(out), sorted(p.name for p in out.parent.iterdir())) == before


def quick_study() -> AbstractContextManager[object]:
    """The shipped study loaded once for many commands; what it reads is tested elsewhere."""
    return patch("onearm.cli.steps.load_study", lambda folder: study())


def no_report() -> AbstractContextManager[object]:
    """A build without tables, figures and report, which take most of its time."""
    return patch("onearm.outputs.render", lambda *frames, **options: [])
