"""Results of finished pieces on disk, so that long work that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Generic, TypeVar

import polars as pl

from onearm.errors import OnearmError
from onearm.store.folder import write_beside

R = TypeVar("R")

MARK = "onearm-pieces.json"
"""The file that says which work the pieces of a folder belong to."""


CODE = {".py", ".csv", ".yaml"}
"""Endings of the files that decide what the program does."""


class OtherWork(OnearmError):
    """The folder holds pieces of work that is not the one asked for."""


@dataclass(frozen=True)
class KeptFiles(Generic[R]):
    """One file a piece in a folder that belongs to one piece of work; see ``onearm.pieces.Kept``.

    ``write`` and ``read`` turn a result into a file's bytes and back; ``ending`` is that of the
    files. A piece is written beside its place and renamed, so that what is there is whole.
    Make one with `kept_frames`, or with `opened` for another kind of result.
    """

    folder: Path
    write: Callable[[R], bytes]
    read: Callable[[bytes], R]
    ending: str

    def get(self, number: int) -> R | None:
        """The result of a piece; None where it is still to do."""
        try:
            return self.read(self._file(number).read_bytes())
        except FileNotFoundError:
            return None

    def put(self, number: int, result: R) -> None:
        """Keep the result of a piece."""
        write_beside(self._file(number), self.write(result))

    def count(self) -> int:
        """How many pieces are kept."""
        return len(list(self.folder.glob(f"*.{self.ending}")))

    def remove(self) -> None:
        """Take the pieces away, when what they were for is written; the folder too if empty."""
        _throw_away(self.folder, self.ending)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06d}.{self.ending}"


def kept_frames(
    folder: Path, work: Mapping[str, str], *, fresh: bool = False
) -> KeptFiles[pl.DataFrame]:
    """Frames kept in ``folder`` for the ``work`` described; as `opened`."""
    return opened(folder, work, write=_frame_bytes, read=_frame_of, ending="ipc", fresh=fresh)


def opened(
    folder: Path,
    work: Mapping[str, str],
    *,
    write: Callable[[R], bytes],
    read: Callable[[bytes], R],
    ending: str,
    fresh: bool = False,
) -> KeptFiles[R]:
    """The pieces kept in ``folder``, none where it is not there yet.

    work: what decides every byte of the results, in words: study, scenario, seed, and the code (see
    `program`). A folder with the same work is taken up again. Raises ``OtherWork``, and
    touches nothing, where it holds another one, or files that are no pieces; ``fresh`` throws the
    pieces of another or of the same work away, and nothing else.
    """
    mark = folder / MARK
    if folder.exists() and not mark.is_file() and (folder.is_file() or any(folder.iterdir())):
        raise OtherWork(
            f"{folder} holds files that are no pieces of unfinished work (it has no {MARK}). "
            "Move them away, or name another --out."
        )
    if mark.is_file() and fresh:
        _throw_away(folder, ending)
    elif mark.is_file():
        _check(folder, _marked(mark), work)
    if not mark.is_file():
        facts = {"work": _hash(work), "of": dict(work)}
        write_beside(mark, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())
    return KeptFiles(folder, write, read, ending)


def _throw_away(folder: Path, ending: str) -> None:
    """The pieces, halves of them, and the mark; what somebody else put there stays."""
    for piece in [*folder.glob(f"*.{ending}"), *folder.glob(f".*.{ending}.new"), folder / MARK]:
        piece.unlink()


def _check(folder: Path, theirs: Mapping[str, str], mine: Mapping[str, str]) -> None:
    names = dict.fromkeys([*mine, *theirs])
    other = [
        f"  {name}: {theirs.get(name, 'not given')} there, {mine.get(name, 'not given')} now"
        for name in names
        if theirs.get(name) != mine.get(name)
    ]
    if other:
        raise OtherWork(
            "\n".join(
                [
                    f"{folder} holds unfinished work of another run:",
                    *other,
                    "Finish it with the command that began it, name another --out, or give",
                    "--fresh to throw the finished pieces away.",
                ]
            )
        )


def _marked(mark: Path) -> Mapping[str, str]:
    try:
        facts = json.loads(mark.read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in facts["of"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise OtherWork(
            f"{mark} cannot be read, so nobody can tell what the pieces beside it belong to. "
            "Give --fresh to throw them away."
        ) from problem


def _hash(work: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(work), sort_keys=True).encode()).hexdigest()


def program(parts: Sequence[str]) -> str:
    """The version of the program and a hash of these packages of it: what the code was.

    parts: names below ``onearm``, of packages or modules; those that decide the results, so that
    a change of a figure throws no work away.
    """
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    paths = [p for part in parts for p in (root / f"{part}.py", *(root / part).rglob("*"))]
    for path in sorted(p for p in paths if p.suffix in CODE and p.is_file()):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"onearm {version('onearm')}, {digest.hexdigest()[:16]}"


def _frame_bytes(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc(buffer)
    return buffer.getvalue()


def _frame_of(content: bytes) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(content))
