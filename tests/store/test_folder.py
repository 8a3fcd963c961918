"""A folder is replaced whole or not at all, and never when it is somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from onearm.store.folder import MARK, FolderInUse, replaced_folder, write_beside


def built(folder: Path, content: str) -> None:
    with replaced_folder(folder) as fresh:
        (fresh / MARK).write_text("{}")
        (fresh / "report.html").write_text(content)


def test_a_build_replaces_the_former_one(tmp_path: Path) -> None:
    built(tmp_path / "out", "first")
    built(tmp_path / "out", "second")
    assert (tmp_path / "out" / "report.html").read_text() == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_build_that_fails_leaves_the_former_one_whole(tmp_path: Path) -> None:
    built(tmp_path / "out", "first")

    def fail() -> None:
        with replaced_folder(tmp_path / "out") as fresh:
            (fresh / "report.html").write_text("half")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        fail()
    assert (tmp_path / "out" / "report.html").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_run_cut_off_between_the_two_renames_is_put_right_by_the_next(tmp_path: Path) -> None:
    built(tmp_path / "out", "first")
    (tmp_path / "out").rename(tmp_path / ".out.old")
    (tmp_path / ".out.new").mkdir()
    (tmp_path / ".out.new" / "half").write_text("")
    with pytest.raises(RuntimeError), replaced_folder(tmp_path / "out"):
        raise RuntimeError
    assert (tmp_path / "out" / "report.html").read_text() == "first"


def test_a_folder_of_somebody_elses_files_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    with pytest.raises(FolderInUse, match=r"letters holds files that onearm did not write"):
        built(tmp_path / "letters", "report")
    assert [p.name for p in (tmp_path / "letters").iterdir()] == ["dear.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(FolderInUse, match="out is a file"):
        built(tmp_path / "out", "report")


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write_beside(tmp_path / "new" / "a.csv", b"1")
    write_beside(tmp_path / "new" / "a.csv", b"2")
    assert (tmp_path / "new" / "a.csv").read_bytes() == b"2"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.csv"]
