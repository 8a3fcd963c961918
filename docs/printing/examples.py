"""Pages with examples: each is run in an empty folder, and what it answers is written under it.

A fenced block opened with ``console`` holds commands (after ``$ ``) and what they print. A block
opened with ``python`` is run, and the ``output`` block behind it holds what it prints. A block
whose first line names ``file=PATH`` is written to that file; ``diff file=PATH`` changes the file.
All blocks of a page share one folder, which starts with a copy of ``studies/``.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from typer.testing import CliRunner

from onearm.cli import app
from onearm.errors import OnearmError

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.M | re.S)
FILE = re.compile(r"\bfile=(\S+)")
WIDTH = "100"


class ExampleFailed(Exception):
    """An example of a page that cannot be run as it stands."""


def has_examples(text: str) -> bool:
    """Whether a page holds a block that is run."""
    return any(re.match(r"console\b|python\b", m["info"]) for m in FENCE.finditer(text))


def run(text: str) -> str:
    """The page with the answers of all its examples as they are now."""
    # pl.Config: an example may set how frames are printed, for its page only.
    with tempfile.TemporaryDirectory() as name, _inside(Path(name)), pl.Config():
        scope: dict[str, object] = {}
        answer: str | None = None
        pieces, at = [], 0
        for block in FENCE.finditer(text):
            info, body = block["info"].strip(), block["body"]
            kind = info.split()[0]
            if kind == "output":
                if answer is None:
                    raise ExampleFailed(f"an output without an example before it:\n{body}")
                body, answer = answer, None
            elif kind == "console":
                body = "".join(_console(body))
            elif kind == "python":
                answer = _python(body, scope)
            elif kind == "diff" and (found := FILE.search(info)):
                _change(Path(found[1]), body)
            elif found := FILE.search(info):
                Path(found[1]).parent.mkdir(parents=True, exist_ok=True)
                Path(found[1]).write_text(body, encoding="utf-8", newline="\n")
            pieces += [text[at : block.start("body")], body]
            at = block.end("body")
        return "".join([*pieces, text[at:]])


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    shutil.copytree(ROOT / "studies", folder / "studies")
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def _python(body: str, scope: dict[str, object]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(body, "example", "exec"), scope)  # noqa: S102 - our own pages
    return _tidy(printed.getvalue())


def _console(body: str) -> Iterator[str]:
    before = ""
    for line in body.splitlines():
        if line.startswith("$ "):
            try:
                before = _tidy(_command(shlex.split(line[2:])))
            except OSError as problem:
                raise ExampleFailed(
                    f"{line}: {problem}; the command before said:\n{before}"
                ) from None
            yield f"{line}\n{before}"


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _command(words: list[str]) -> str:
    program, *rest = words
    if program == "onearm":
        return _onearm(rest)
    if program == "cp" and rest[0] == "-r":
        shutil.copytree(rest[1], rest[2])
        return ""
    if program == "cp":
        for source in rest[:-1]:
            shutil.copy(source, rest[-1])
        return ""
    if program == "cat":
        return "".join(Path(name).read_text(encoding="utf-8") for name in rest)
    if program == "ls":
        return "\n".join(sorted(p.name for p in Path(rest[0]).iterdir())) + "\n"
    raise ExampleFailed(f"an example may call onearm, cp, cat and ls, not {program}")


def _onearm(words: list[str]) -> str:
    done = CliRunner().invoke(app, words)
    if isinstance(done.exception, OnearmError):
        # As onearm.cli.main prints it.
        return f"{done.output}onearm: {done.exception}\n"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def _change(path: Path, body: str) -> None:
    """Apply a difference: lines with ``-`` and without a sign must stand in the file, in order."""
    lines = body.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ExampleFailed(f"{path} has these lines {text.count(old)} times, not once:\n{old}")
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")
