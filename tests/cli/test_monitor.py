"""``onearm monitor``: tables, sentences, JSON, exit status and refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from onearm import records, sdtm, store
from onearm.cli import app
from onearm.cli.monitor import CROSSED
from onearm.errors import OnearmError
from onearm.study import load

# Each simulates and builds; the counts themselves are tried in tests/results.
pytestmark = pytest.mark.slow

STUDY = Path(__file__).resolve().parents[2] / "studies" / "lenvatinib-pembrolizumab"


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "200"})
    if isinstance(result.exception, OnearmError):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def trials(tmp_path_factory) -> dict[str, Path]:
    """The same simulated trial before its interim, and after it was stopped."""
    folder = tmp_path_factory.mktemp("trials")
    made = {}
    for name, cut in (("before", "2020-03-31"), ("after", "2020-05-31")):
        made[name] = folder / name
        words = ("simulate", STUDY, "--seed", 4, "--cut", cut, "--out", made[name])
        assert run(*words).exit_code == 0
    return made


@pytest.fixture(scope="module")
def before(trials) -> dict:
    """What the command says of the trial before its interim, for machines."""
    result = run("monitor", STUDY, "--entries", trials["before"], "--json")
    assert result.exit_code == 0
    return json.loads(result.output)


def test_a_trial_within_its_boundaries_ends_with_0(before):
    answer = before
    assert (answer["cut"], answer["crossed"]) == ("2020-03-31", [])
    assert answer["rules"]["response"]["standing"] == "before_interim"
    assert answer["rules"]["response"]["stops"] is False
    assert isinstance(answer["rules"]["response"]["evaluable patients"], int)
    assert 0 < answer["rules"]["response"]["predictive probability of promising"] < 1


def test_a_crossed_boundary_ends_with_3_and_names_itself(trials):
    result = run("monitor", STUDY, "--entries", trials["after"], "--json")
    assert result.exit_code == CROSSED == 3
    answer = json.loads(result.output)
    assert answer["crossed"] == ["response"]
    assert "stops for futility" in answer["rules"]["response"]["sentence"]


def test_the_tables_say_what_the_json_says(trials, before):
    text = " ".join(run("monitor", STUDY, "--entries", trials["before"]).output.split())
    for rule in before["rules"].values():
        assert rule["title"] in text
        assert " ".join(rule["sentence"].split()) in text
    assert before["rules"]["enrolment"]["patient 50, likely"] in text


def test_an_earlier_cut_than_the_data_looks_back(trials):
    words = ("monitor", STUDY, "--entries", trials["after"], "--json", "--cut", "2019-09-30")
    answer = json.loads(run(*words).output)
    assert answer["cut"] == "2019-09-30"
    assert answer["rules"]["response"]["standing"] == "before_interim"
    assert answer["rules"]["enrolment"]["patients dosed"] < 20


def test_a_study_without_design_is_refused_before_the_data_are_read(tmp_path):
    bare = tmp_path / "study"
    shutil.copytree(STUDY, bare)
    for name in ("design.yaml", "outputs.yaml"):
        (bare / name).unlink()
    lines = (bare / "analyses.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    (bare / "analyses.yaml").write_text(
        "".join(x for x in lines if "rule:" not in x), encoding="utf-8"
    )
    with pytest.raises(OnearmError, match=r"design\.yaml"):
        run("monitor", bare, "--entries", tmp_path / "none.parquet")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name the data"),
        (("--entries", "a.csv", "--sdtm", "b"), "one source of data"),
        (("--entries", "a.csv", "--use", "RS=rs.xpt"), "give it with --sdtm"),
        (("--entries", "a.csv", "--cut", "june"), "not a date"),
        (("--entries", "none.parquet"), "none.parquet"),
    ],
)
def test_words_that_do_not_fit_are_refused_by_name(words, message):
    with pytest.raises(OnearmError, match=message):
        run("monitor", STUDY, *words)


@pytest.mark.slow
def test_sdtm_from_elsewhere_is_monitored_too(trials, before, tmp_path):
    study = load(STUDY)
    entries = store.read_entries(trials["before"])
    domains = sdtm.derive(study, records.at_cut(study, entries, cut=None))
    for name, frame in domains.items():
        assert isinstance(frame, pl.DataFrame)
        frame.write_parquet(tmp_path / f"{name.lower()}.parquet")
    result = run("monitor", STUDY, "--sdtm", tmp_path, "--cut", "2020-03-31", "--json")
    ours, theirs = before["rules"], json.loads(result.output)["rules"]
    assert theirs["response"] == ours["response"]
    assert theirs["treatment_deaths"] == ours["treatment_deaths"]
