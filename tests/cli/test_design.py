"""``onearm design``: tables, sentences, JSON and refusals."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from onearm.cli.design import design_app
from onearm.design import NoDesign
from onearm.errors import OnearmError

RATES = ("--p0", "0.1", "--p1", "0.25")


def run(*words: str) -> str:
    result = CliRunner().invoke(design_app, list(words), env={"COLUMNS": "200"})
    if isinstance(result.exception, OnearmError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def answer(*words: str) -> dict:
    return json.loads(run(*words, "--json"))


def test_one_stage_prints_the_first_and_the_stable_size():
    found = answer("one-stage", *RATES)
    assert [(row["good if >="], row["of n"]) for row in found["rows"]] == [(8, 40), (9, 44)]
    assert "at least 8 of 40 respond" in run("one-stage", *RATES)
    assert answer("one-stage", *RATES, "-n", "50")["rows"][0]["good if >="] == 10


def test_simon_prints_the_designs_from_minimax_to_optimal():
    rows = answer("simon", *RATES, "--beta", "0.15")["rows"]
    assert (rows[0]["design"], rows[-1]["design"]) == ("minimax", "optimal")
    assert (rows[0]["of n"], rows[-1]["of n"], rows[-1]["of n1"]) == (47, 50, 20)
    assert (rows[0]["q max"], rows[-1]["q min"]) == (1.0, 0.0)
    text = run("simon", *RATES, "--beta", "0.15")
    assert "stops for futility if 2 or fewer respond" in text.replace("\n", " ")


@pytest.mark.parametrize("columns", ["80", "40"])
def test_no_number_is_cut_in_a_narrow_window(columns):
    words = ["simon", *RATES, "--beta", "0.15"]
    text = CliRunner().invoke(design_app, words, env={"COLUMNS": columns}).output
    assert "…" not in text
    if columns == "80":
        rows = answer(*words)["rows"]
        assert all(f"{row[name]:.4f}" in text for row in rows for name in ("alpha", "power"))


def test_simon_with_a_given_size_lists_the_trade():
    rows = answer("simon", *RATES, "-n", "50", "--beta", "0.15")["rows"]
    assert rows[-1]["of n1"] == 20
    assert {row["of n"] for row in rows} == {50}


def test_after_two_stages_prints_the_adjusted_and_the_naive_limits():
    words = "after-two-stages --r1 2 --n1 20 -r 8 -n 50 --p0 0.1 -k 9 --stage 2 --level 0.9"
    row = answer(*words.split())["rows"][0]
    assert row["p"] == pytest.approx(0.0482, abs=5e-5)
    assert row["lower"] == pytest.approx(0.1007, abs=5e-5)
    assert row["naive lower"] == pytest.approx(0.0972, abs=5e-5)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("early-activity --p0 0.1 --p1 0.3 --n-max 44", "5 or more respond"),
        ("response-toxicity --response 0.1,0.4 --safe 0.6,0.9", "is accepted if more than"),
        ("bayes --p0 0.2 --p1 0.4 --alpha 0.1 --beta 0.1 --n-max 40", "At most 36 patients"),
        ("bop2 --p0 0.1 --p1 0.3 --looks 20,35,50", "at or below 1/20, 4/35"),
        ("monitor --p0 0.1 --looks 10,20 --prior 0.5,0.5 --futility-below 0.1", "0/20"),
        ("toxicity --limit 0.25 --looks 10,20,30 --prior 0.5,1.5", "5/10, 8/20, 11/30"),
        ("toxicity --limit 0.2 --looks 1,2,3,4,5,6 --cross 0.05", "Pocock-type boundary"),
        (
            "logrank --survival 0.5 --time 3 --hazard-ratio 0.6 --rate 2.5 --follow-up 6 -n 50",
            "has a power of 0.933",
        ),
        (
            "logrank --survival 0.5 --time 3 --hazard-ratio 0.6 --rate 2.5 --follow-up 6",
            "32 patients are entered",
        ),
        (
            "logrank --survival 0.5 --time 3 --hazard-ratio 0.6 --rate 3 --follow-up 6 --two-stage",
            "stops for futility if the one-sample log-rank Z is below",
        ),
    ],
)
def test_each_command_prints_a_table_with_its_sentence(words, expected):
    assert expected in run(*words.split()).replace("\n", " ")
    found = answer(*words.split())
    assert found["rows"]
    assert expected in found["sentence"]


def test_a_boundary_no_count_reaches_is_shown_as_never():
    text = run("toxicity", "--limit", "0.2", "--looks", "1,2,3", "--cross", "0.05")
    assert "never" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("simon --p0 0.3 --p1 0.2", "p1 must exceed p0"),
        ("toxicity --limit 0.2 --looks ten,20", "looks is 'ten,20'; it must be whole numbers"),
        ("toxicity --limit 0.2 --looks 10,20 --prior 1", "prior is '1'; it must be two numbers"),
    ],
)
def test_refusals_name_the_argument(words, message):
    with pytest.raises(OnearmError, match=message):
        run(*words.split())


def test_an_infeasible_search_says_what_to_try():
    with pytest.raises(NoDesign, match="Try n_max"):
        run("simon", "--p0", "0.1", "--p1", "0.15", "--n-max", "30")


def test_the_command_line_loads_no_numeric_library_before_a_command_runs():
    code = "import sys, onearm.cli.design; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
