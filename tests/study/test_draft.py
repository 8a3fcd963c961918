"""A drafted study loads, lints without errors, says what the record says, and lists its gaps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from onearm.cli import app
from onearm.cli.lint import catalogue
from onearm.study import load
from onearm.study.draft import draft_study
from onearm.study.lint import check
from onearm.study.registry import (
    RegisteredArm,
    RegisteredIntervention,
    RegisteredOutcome,
    RegistryRecord,
    read_record,
)
from tests.shared import SHARED, needs_shared, shared

RECORDS = (
    sorted(p.name for p in (SHARED / "registry").iterdir() if p.suffix in (".json", ".xml", ".txt"))
    if SHARED.is_dir()
    else []
)


def written(folder: Path, record: RegistryRecord) -> Path:
    for name, text in draft_study(record).files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@needs_shared
@pytest.mark.parametrize("name", RECORDS)
def test_every_record_becomes_a_study_without_errors(name: str, tmp_path: Path) -> None:
    record = read_record(shared("registry", name))
    study = load(written(tmp_path, record))
    errors = [f for f in check(study, catalogue(study)) if f.severity == "error"]
    assert "\n".join(map(str, errors)) == ""
    assert (study.id, str(study.title)) == (record.nct_id, record.title)
    assert str(study.identity.summary) == record.summary
    assert str(study.identity.description) == record.description
    assert study.eligibility.text == record.eligibility.rstrip()
    assert [(o.type, str(o.measure), str(o.description)) for o in study.outcomes] == [
        (o.rank, o.measure, o.description) for o in record.outcomes
    ]
    assert study.identity.enrolment.planned == record.enrolment
    # A record has no hypothesis: the draft says so, and keeps how many patients are planned.
    assert study.design is not None
    assert (study.design.status, study.design.patients) == ("descriptive", record.enrolment or None)
    assert study.design.tests == {}


@needs_shared
def test_what_the_export_does_not_tell_is_listed() -> None:
    gaps = draft_study(read_record(shared("registry", "NCT03895970_export.txt"))).gaps
    told = "\n".join(gaps)
    for gap in (
        "does not give the planned number of patients",
        "does not give eligibility criteria",
        "was taken as 2 treatments: Lenvatinib, Pembrolizumab",
        "Lenvatinib: dose, unit, route, frequency",
        "scan interval",
        "take the library's rules",
        "neutral planning values",
        "Hypotheses, sample size reasons and stopping rules: none is drafted",
    ):
        assert gap in told


@needs_shared
def test_outcomes_that_the_library_answers_get_its_names() -> None:
    record = read_record(shared("registry", "NCT03895970_export.txt"))
    text = draft_study(record).files["study.yaml"]
    for name in ("ORR", "DCR", "PFS", "OS", "DOR", "TEAE"):
        assert f"id: {name}\n" in text, name


@needs_shared
def test_a_trial_with_two_arms_is_drafted_and_told_so() -> None:
    gaps = draft_study(read_record(shared("registry", "NCT02210780.json"))).gaps
    assert "The record has 2 arms; onearm analyses one." in gaps
    assert any("randomised" in gap for gap in gaps)


words = st.text(max_size=30)
some = words.filter(lambda text: text.strip() != "")
RECORD = st.builds(
    RegistryRecord,
    shape=st.just("api-v2"),
    nct_id=st.just("NCT00000001"),
    title=some,
    summary=words,
    conditions=st.tuples(words),
    enrolment=st.none() | st.integers(1, 10**6),
    arms=st.lists(
        st.builds(RegisteredArm, label=words, interventions=st.tuples(words)), max_size=2
    ).map(tuple),
    interventions=st.lists(
        st.builds(RegisteredIntervention, type=st.sampled_from(["DRUG", "OTHER"]), name=words),
        max_size=2,
    ).map(tuple),
    outcomes=st.lists(
        st.builds(RegisteredOutcome, rank=st.just("primary"), measure=some), max_size=2
    ).map(tuple),
    eligibility=words,
)


@settings(max_examples=60, deadline=None)
@given(record=RECORD)
def test_any_words_survive_the_draft(
    record: RegistryRecord, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("draft")
    text = draft_study(record).files["study.yaml"]
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    study = load(folder)
    assert [f for f in check(study, {}) if f.severity == "error"] == []
    assert _plain(str(study.title)) == _plain(record.title)
    assert _plain(str(study.identity.summary)) == _plain(record.summary)


def _plain(text: str) -> list[str]:
    """Words alone: blanks at line ends and tabs are not kept, nor are signs no text file takes."""
    return "".join(sign if sign.isprintable() else " " for sign in text).split()


@needs_shared
def test_the_command_writes_the_folder_and_lists_the_gaps(tmp_path: Path) -> None:
    target = tmp_path / "trial"
    source = shared("registry", "NCT01065844.xml")
    done = CliRunner().invoke(app, ["new", str(target), "--from-registry", str(source)])
    assert done.exit_code == 0, done.output
    assert "Nelfinavir in Recurrent Adenoid Cystic Cancer" in done.output
    assert "  - Nelfinavir: dose, unit, route, frequency and steps down" in done.output
    assert (target / "registry" / "NCT01065844.xml").read_text() == source.read_text()
    assert CliRunner().invoke(app, ["lint", str(target)]).exit_code == 0


@needs_shared
def test_the_command_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.yaml").write_text("id: MINE\n")
    source = str(shared("registry", "NCT01065844.xml"))
    done = CliRunner().invoke(app, ["new", str(tmp_path / "mine"), "--from-registry", source])
    assert done.exit_code == 1
    assert "exists already" in str(done.exception)
    assert [p.name for p in tmp_path.rglob("*")] == ["mine", "study.yaml"]


def test_a_record_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    args = ["new", str(tmp_path / "trial"), "--from-registry", str(tmp_path / "r.json")]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 1
    assert "r.json" in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_lint_prints_every_problem_and_fails(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("id: X\ntitel: A title\n")
    done = CliRunner().invoke(app, ["lint", str(tmp_path)])
    assert done.exit_code == 1
    assert "error: study.yaml:2: titel: unknown key" in done.output
    assert "Did you mean title?" in done.output
    assert "1 error\n" in done.output


def test_lint_of_a_sound_study_succeeds(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("id: X\ntitle: {en: A title, zh: 标题}\n")
    done = CliRunner().invoke(app, ["lint", str(tmp_path)])
    assert (done.exit_code, done.output) == (0, "No problem found.\n")
