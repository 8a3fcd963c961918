"""Bad study files through the front door: file, line, what was written and what was meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from onearm.cli.demo import shipped_study
from tests.whole.door import former_output, stopped

# What stood there, what stands there now, and what must be said of it, by file. Mistakes of one
# pass are made together: every one must be reported.
Mistakes = dict[str, tuple[str, str, str, tuple[str, ...]]]

OF_FORM: Mistakes = {
    "tab": (
        "study.yaml",
        "\n  ",
        "\n\t",
        ("the line is indented with a tab", "Indent with spaces"),
    ),
    "wrong indentation": (
        "schedule.yaml",
        "    kind: log",
        "   kind: log",
        ("schedule.yaml:1", "not YAML", "Check the indentation"),
    ),
    "duplicate key": (
        "forms/dm.yaml",
        "use: DM\n",
        "use: DM\nuse: AE\n",
        ("forms/dm.yaml:2", "'use' stands twice", "line 1"),
    ),
    "unknown key": (
        "outputs.yaml",
        "columns: total",
        "colums: total",
        ("outputs.yaml:20: tables[T 14.1.1.1].colums: unknown key", "Did you mean columns?"),
    ),
    "unknown kind": (
        "analyses.yaml",
        "kind: count",
        "kind: cuont",
        ("analyses[screening].kind: is not one of count, flow", "(found cuont;", "mean count?"),
    ),
    "unknown choice": (
        "subjects.yaml",
        "pick: min",
        "pick: least",
        ("variables[TRTSDT].pick: is not one of first, last", "(found least;", "mean last?"),
    ),
    "unknown library form": (
        "forms/tumor.yaml",
        "use: TUMOR",
        "use: TUMOUR",
        ("forms/tumor.yaml:1: the library has no form TUMOUR", "Did you mean TUMOR?"),
    ),
    "misspelt item of a library form": (
        "forms/ex.yaml",
        "name: EXDOSE",
        "name: EXDOZE",
        ("forms/ex.yaml:3: items[EXDOZE].label: is missing",),
    ),
}

OF_MEANING: Mistakes = {
    "misspelt column of subjects, taken": (
        "subjects.yaml",
        "take: EXSTDTC",
        "take: EXSTDT",
        ("subjects.yaml:10: 'EXSTDT' reads EXSTDT, which EX does not have", "mean EXSTDTC?"),
    ),
    "misspelt column of subjects, in a condition": (
        "subjects.yaml",
        "EXDOSE > 0 AND EXENDTC IS NULL",
        "EXDOSEE > 0 AND EXENDTC IS NULL",
        ("subjects.yaml:17: ", "reads EXDOSEE, which EX does not have", "Did you mean EXDOSE?"),
    ),
    "unknown dataset": (
        "subjects.yaml",
        "{name: RFICDT, type: date, from: DM,",
        "{name: RFICDT, type: date, from: DMM,",
        ("reads the dataset DMM, which does not exist", "Did you mean DM?"),
    ),
    "misspelt column of endpoints": (
        "endpoints.yaml",
        "new_therapy: NACTDT",
        "new_therapy: NACTD",
        ("endpoints.yaml:33: 'NACTD' reads NACTD, which ADSL does not have", "mean NACTDT?"),
    ),
    "condition that does not end": (
        "endpoints.yaml",
        "\"CBOR IN ('CR', 'PR', 'SD')\"",
        "\"CBOR IN ('CR', 'PR', 'SD'\"",
        ("endpoints.yaml:49: ", "is not an SQL expression", "found CBOR IN ('CR', 'PR', 'SD'"),
    ),
    "unknown criteria": (
        "endpoints.yaml",
        "criteria: recist11",
        "criteria: recist12",
        ("endpoints.yaml:5: there are no response criteria 'recist12'", "mean 'recist11'?"),
    ),
    "unknown parameter": (
        "endpoints.yaml",
        "max_ne_between: 1",
        "max_ne_betwen: 1",
        ("there is no response parameter 'max_ne_betwen'; did you mean 'max_ne_between'?",),
    ),
    "parameter of another type": (
        "endpoints.yaml",
        "sd_min_days: 42",
        "sd_min_days: soon",
        ("sd_min_days: found 'soon'; a whole number, 0 or more, is needed",),
    ),
    "unknown choice of a parameter": (
        "endpoints.yaml",
        "pd_date_rule: fda_component",
        "pd_date_rule: fda_compnent",
        ("pd_date_rule: found 'fda_compnent'; choose one of fda_component",),
    ),
    "misspelt column of analyses": (
        "analyses.yaml",
        "split: SCRFREAS",
        "split: SCRFREASN",
        ("analyses.yaml:25: 'SCRFREASN' reads SCRFREASN, which ADSL", "Did you mean SCRFREAS?"),
    ),
    "unknown analysis": (
        "outputs.yaml",
        "analysis: analysis_sets",
        "analysis: analysis_set",
        ("reads analysis 'analysis_set', which analyses.yaml does not", "mean analysis_sets?"),
    ),
    "unknown form in the schedule": (
        "schedule.yaml",
        "forms: [VISIT, FOLLOWUP]",
        "forms: [VISIT, FOLLOWUPP]",
        ("schedule.yaml:84: FOLLOWUP holds the form FOLLOWUPP", "Did you mean FOLLOWUP?"),
    ),
    "misspelt item of a check": (
        "forms/dm.yaml",
        '"AGE >= 18"',
        '"AGEE >= 18"',
        ("forms/dm.yaml:18: 'AGEE >= 18' reads AGEE, which is not there", "Did you mean AGE?"),
    ),
}


def copied(folder: Path, mistakes: Mistakes) -> Path:
    """The shipped study with mistakes in it."""
    shutil.copytree(shipped_study(), folder)
    for file, old, new, _ in mistakes.values():
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def lint_of(mistakes: Mistakes, tmp: Path) -> str:
    return stopped("lint", copied(tmp / "study", mistakes))


@pytest.fixture(scope="module")
def said_of_form(tmp_path_factory: pytest.TempPathFactory) -> str:
    return lint_of(OF_FORM, tmp_path_factory.mktemp("form"))


@pytest.fixture(scope="module")
def said_of_meaning(tmp_path_factory: pytest.TempPathFactory) -> str:
    return lint_of(OF_MEANING, tmp_path_factory.mktemp("meaning"))


@pytest.mark.parametrize("name", OF_FORM)
def test_a_file_that_is_not_written_rightly_is_named(said_of_form: str, name: str) -> None:
    for words in OF_FORM[name][3]:
        assert words in said_of_form, said_of_form


@pytest.mark.parametrize("name", OF_MEANING)
def test_a_rule_that_names_what_is_not_there_is_named(said_of_meaning: str, name: str) -> None:
    for words in OF_MEANING[name][3]:
        assert words in said_of_meaning, said_of_meaning


# Whole files: the content of one (None: taken away), and what must be said.
WHOLE: dict[str, tuple[str, bytes | None, tuple[str, ...]]] = {
    "no study.yaml": ("study.yaml", None, ("study.yaml: the file is missing",)),
    "empty file": ("schedule.yaml", b"", ("schedule.yaml", "the file is empty")),
    "GB 18030": (
        "subjects.yaml",
        "variables: [] # 变量\n".encode("gb18030"),
        ("subjects.yaml:1", "not UTF-8"),
    ),
    "UTF-16": ("outputs.yaml", "tables: []\n".encode("utf-16"), ("outputs.yaml:1", "not UTF-8")),
    "list": ("endpoints.yaml", b"- one\n", ("endpoints.yaml", "does not hold keys")),
    "alias of itself": (
        "analyses.yaml",
        b"analyses: &a\n  - *a\n",
        ("analyses.yaml:1: an anchor holds an alias of itself", "Write out what the alias stands"),
    ),
    "form that uses itself": (
        "forms/vs.yaml",
        b"use: MYVS\nform: MYVS\n",
        ("forms/vs.yaml", "the library has no form MYVS"),
    ),
    "form twice": (
        "forms/again.yaml",
        b"use: VS\n",
        ("stands in forms/", "VS"),
    ),
    "file that nobody reads": (
        "endpoint.yaml",
        b"a: 1\n",
        ("endpoint.yaml", "Did you mean endpoints.yaml?"),
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_wrong_as_a_whole_is_named(name: str, tmp_path: Path) -> None:
    file, content, says = WHOLE[name]
    folder = copied(tmp_path / "study", {})
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    text = stopped("lint", folder)
    for words in says:
        assert words in text, text


@pytest.mark.parametrize("file", ["study.yaml", "endpoints.yaml", "forms/vs.yaml"])
def test_a_folder_where_a_file_should_be_is_named(file: str, tmp_path: Path) -> None:
    folder = copied(tmp_path / "study", {})
    (folder / file).unlink()
    (folder / file).mkdir()
    text = stopped("lint", folder)
    assert file in text


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("id: X\n")
    text = stopped("lint", tmp_path / "study")
    assert f"{tmp_path / 'study'}: there is no such folder" in text
    assert "Name the folder that holds study.yaml." in text


def test_a_build_with_a_bad_study_leaves_the_former_output_whole(tmp_path: Path) -> None:
    mistakes = {"unknown criteria": OF_MEANING["unknown criteria"]}
    folder = copied(tmp_path / "study", mistakes)
    (tmp_path / "e.csv").write_text("SITEID\n")
    with former_output(tmp_path / "out") as out:
        text = stopped("build", folder, "--entries", tmp_path / "e.csv", "--out", out)
    assert f"{folder}: the study cannot be used as it is" in text
    assert "endpoints.yaml:5: there are no response criteria 'recist12'" in text
