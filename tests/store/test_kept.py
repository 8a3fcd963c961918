"""Pieces kept on disk: whole files, one work a folder, nothing lost and nothing mixed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from onearm.pieces import each
from onearm.store.kept import MARK, KeptFiles, OtherWork, kept_frames, opened, program

WORK = {"study": "S1", "scenarios": "planned", "seed": "7"}


def frame(number: int) -> pl.DataFrame:
    return pl.DataFrame({"piece": [number, number], "value": [0.1 * number, None]})


def test_a_piece_comes_back_as_it_was_put(tmp_path: Path) -> None:
    kept = kept_frames(tmp_path / "pieces", WORK)
    assert kept.get(3) is None
    assert kept.count() == 0
    kept.put(3, frame(3))
    again = kept_frames(tmp_path / "pieces", WORK)
    assert again.get(3).equals(frame(3))
    assert again.count() == 1
    again.remove()
    assert not (tmp_path / "pieces").exists()


def test_only_what_is_not_kept_is_done_again(tmp_path: Path) -> None:
    done: list[int] = []

    def work(number: int) -> pl.DataFrame:
        done.append(number)
        if number == 2 and done.count(2) == 1:
            raise KeyboardInterrupt
        return frame(number)

    with pytest.raises(KeyboardInterrupt):
        each(work, range(4), kept=kept_frames(tmp_path / "pieces", WORK))
    told: list[tuple[int, int]] = []
    results = each(
        work,
        range(4),
        kept=kept_frames(tmp_path / "pieces", WORK),
        progress=lambda k, of: told.append((k, of)),
    )
    assert done == [0, 1, 2, 2, 3]
    assert told == [(2, 4), (3, 4), (4, 4)]
    assert pl.concat(results).equals(pl.concat([frame(k) for k in range(4)]))


def test_a_file_cut_off_while_it_was_written_is_no_piece(tmp_path: Path) -> None:
    kept = kept_frames(tmp_path / "pieces", WORK)
    kept.put(0, frame(0))
    (kept.folder / ".000001.ipc.new").write_bytes(b"half")
    again = kept_frames(tmp_path / "pieces", WORK)
    assert again.get(1) is None
    assert again.count() == 1


def test_other_work_is_refused_with_what_differs_and_left_as_it_is(tmp_path: Path) -> None:
    kept_frames(tmp_path / "pieces", WORK).put(0, frame(0))
    before = sorted((p.name, p.read_bytes()) for p in (tmp_path / "pieces").iterdir())
    with pytest.raises(OtherWork) as problem:
        kept_frames(tmp_path / "pieces", WORK | {"seed": "8"})
    message = str(problem.value)
    assert "seed: 7 there, 8 now" in message
    assert "scenarios" not in message
    assert "--fresh" in message
    after = sorted((p.name, p.read_bytes()) for p in (tmp_path / "pieces").iterdir())
    assert before == after


def test_the_code_that_decides_is_part_of_the_work(tmp_path: Path) -> None:
    some, more = program(("stats",)), program(("stats", "design"))
    assert some == program(("stats",))
    assert some != more
    assert some.startswith("onearm 0.")
    kept_frames(tmp_path / "pieces", WORK | {"program": some})
    with pytest.raises(OtherWork, match=f"program: {some} there, {more} now"):
        kept_frames(tmp_path / "pieces", WORK | {"program": more})


def test_fresh_throws_pieces_away_and_nothing_else(tmp_path: Path) -> None:
    kept_frames(tmp_path / "pieces", WORK).put(0, frame(0))
    (tmp_path / "pieces" / "notes.txt").write_text("mine")
    kept = kept_frames(tmp_path / "pieces", WORK | {"seed": "8"}, fresh=True)
    assert kept.get(0) is None
    assert (tmp_path / "pieces" / "notes.txt").read_text() == "mine"
    assert kept_frames(tmp_path / "pieces", WORK | {"seed": "8"}).count() == 0


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "000000.ipc").write_text("somebody's")
    with pytest.raises(OtherWork, match="no pieces of unfinished work"):
        kept_frames(tmp_path, WORK, fresh=fresh)
    assert [p.name for p in tmp_path.iterdir()] == ["000000.ipc"]


def test_a_mark_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    kept_frames(tmp_path / "pieces", WORK)
    (tmp_path / "pieces" / MARK).write_text("{")
    with pytest.raises(OtherWork, match="cannot be read"):
        kept_frames(tmp_path / "pieces", WORK)
    assert kept_frames(tmp_path / "pieces", WORK, fresh=True).count() == 0


def test_other_kinds_of_results_can_be_kept(tmp_path: Path) -> None:
    kept: KeptFiles[int] = opened(
        tmp_path / "counts",
        WORK,
        write=lambda n: str(n).encode(),
        read=lambda content: int(content),
        ending="txt",
    )
    assert each(abs, [-4, 5], kept=kept) == [4, 5]
    assert (tmp_path / "counts" / "000000.txt").read_text() == "4"
