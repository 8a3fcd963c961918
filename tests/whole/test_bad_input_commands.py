"""Bad command lines: what was typed, what is allowed, and nothing touched."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from onearm.cli.demo import shipped_study
from tests.records.clinic import frame
from tests.whole.clinic import patient
from tests.whole.door import contents, former_output, no_report, quick_study, stopped

STUDY = str(shipped_study())

# What follows ``--out OUT``: {e} is a file of sound entries, {d} an empty folder.
OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown format": (
        "--entries {e} --formats parquet,xlsx",
        ("--formats parquet,xlsx: 'xlsx' is not one of parquet, csv, json, xpt",),
    ),
    "no format": ("--entries {e} --formats ,", ("'' is not one of parquet, csv, json, xpt",)),
    "date of another country": (
        "--entries {e} --cut 30.6.2024",
        ("--cut 30.6.2024: not a date; write it as 2024-06-30",),
    ),
    "month for a day": ("--entries {e} --cut 2024-06", ("--cut 2024-06: not a date",)),
    "day of no calendar": ("--entries {e} --cut 2024-02-30", ("--cut 2024-02-30: not a date",)),
    "use of no form": (
        "--sdtm {d} --use RS",
        ("--use RS: write it as DOMAIN=FILE, for example RS=rs.xpt",),
    ),
    "use of entries": ("--entries {e} --use RS=rs.xpt", ("--use RS=rs.xpt: ", "with --sdtm")),
    "unknown language": ("--entries {e} --language fr", ("--language fr: en or zh",)),
    "two sources": ("--entries {e} --sdtm {d}", ("--entries FILE or --sdtm FOLDER, not both",)),
    "no source": ("", ("name the data: --entries FILE or --sdtm FOLDER",)),
    "no such file": ("--entries {d}/none.csv", ("there is no ", "none.csv")),
    "no such folder": ("--sdtm {d}/none", ("none: there is no such folder of SDTM datasets",)),
    "empty folder": ("--sdtm {d}", ("no dataset found", "Name the folder that holds dm")),
    "misspelt option": ("--entrys {e}", ("No such option: --entrys", "--entries")),
}


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    frame(patient("01-001")).write_csv(tmp_path / "e.csv")
    (tmp_path / "d").mkdir()
    return tmp_path / "e.csv"


def plain(text: str) -> str:
    """The words without the frames that the terminal draws around them."""
    return " ".join("".join(c if c not in "│╭╮╰╯─" else " " for c in text).split())


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_cannot_be_is_shown_with_what_can(
    name: str, entries: Path, tmp_path: Path
) -> None:
    options, says = OPTIONS[name]
    words = options.format(e=entries, d=tmp_path / "d").split()
    with quick_study(), no_report(), former_output(tmp_path / "out") as out:
        text = plain(stopped("build", STUDY, "--out", out, *words))
    for part in says:
        assert part in text, text


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("simulate", STUDY, "--subjects", "0"), "'--subjects': Input should be greater than"),
        (("simulate", STUDY, "--subjects", "many"), "'--subjects': Input should be a valid int"),
        (("simulate", STUDY, "--seed", "-1"), "'--seed': Input should be greater than"),
        (("simulate", STUDY, "--formats", "xpt"), "--formats xpt: parquet or csv"),
        (("simulate", STUDY, "--cut", "soon"), "--cut soon: not a date"),
        (("demo", "--subjects", "0"), "'--subjects': Input should be greater than or equal to 1"),
        (("demo", "--seed", "-1"), "'--seed': Input should be greater than or equal to 0"),
        (("bild",), "No such command 'bild'. Did you mean 'build'?"),
        (("build",), "Missing argument 'study'"),
    ],
)
def test_a_command_that_cannot_be_is_told_and_writes_nothing(
    command: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in plain(stopped(*command))
    assert list(tmp_path.iterdir()) == []


def build_into(out: Path, entries: Path) -> str:
    with quick_study(), no_report():
        return stopped("build", STUDY, "--entries", entries, "--out", out)


def test_a_folder_of_somebody_else_is_left_alone(entries: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    before = contents(tmp_path)
    text = build_into(tmp_path / "mine", entries)
    assert f"{tmp_path / 'mine'} holds files that onearm did not write" in text
    assert "Name a new folder, or empty this one yourself." in text
    assert contents(tmp_path) == before


@pytest.mark.parametrize("below", ["", "/sub", "/sub/sub"])
def test_a_file_where_the_output_should_go_is_left_alone(
    below: str, entries: Path, tmp_path: Path
) -> None:
    (tmp_path / "note").write_text("dear")
    before = contents(tmp_path)
    text = build_into(Path(f"{tmp_path / 'note'}{below}"), entries)
    assert f"{tmp_path / 'note'} is a file" in text
    assert contents(tmp_path) == before


def test_a_folder_that_may_not_be_written_to_is_told_before_the_work(
    entries: Path, tmp_path: Path
) -> None:
    # Whoever runs the tests may be allowed everything, so the answer is given in their place.
    answers = SimpleNamespace(access=lambda path, mode: False, W_OK=2)
    with patch("onearm.store.folder.os", answers):
        text = build_into(tmp_path / "out", entries)
    assert f"{tmp_path / 'out'} cannot be made: {tmp_path} may not be written to." in text
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_full_ends_with_its_message_and_nothing_half_written(
    entries: Path, tmp_path: Path
) -> None:
    def full(*frames: object, **options: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "out"))

    broken = patch("onearm.outputs.render", full)
    with quick_study(), broken, former_output(tmp_path / "out") as out:
        text = stopped("build", STUDY, "--entries", entries, "--out", out)
    assert text.strip() == f"onearm: {tmp_path / 'out'}: No space left on device"
