"""``onearm design``: tables, sentences, JSON and refusals."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from onearm.cli.design import COMMANDS, design_app
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
        ("predictive --p0 0.2 --p1 0.4 --alpha 0.1 --beta 0.1 --n-max 40", "At most 36 patients"),
        ("bop2 --p0 0.1 --p1 0.3 --looks 20,35,50", "at or below 1/20, 4/35"),
        ("posterior --p0 0.1 --looks 10,20 --prior 0.5,0.5 --futility-below 0.1", "0/20"),
        ("toxicity --limit 0.25 --looks 10,20,30 --prior 0.5,1.5", "5/10, 8/20, 11/30"),
        ("toxicity --limit 0.2 --looks 1,2,3,4,5,6 --cross 0.05", "Pocock-type boundary"),
        (
            "log-rank --survival 0.5 --time 3 --hazard-ratio 0.6 --rate 2.5 --follow-up 6 -n 50",
            "has a power of 0.933",
        ),
        (
            "log-rank --survival 0.5 --time 3 --hazard-ratio 0.6 --rate 2.5 --follow-up 6",
            "32 patients are entered",
        ),
        (
            "log-rank --survival .5 --time 3 --hazard-ratio .6 --rate 3 --follow-up 6 --two-stage",
            "stops for futility if the one-sample log-rank Z is below",
        ),
    ],
)
def test_each_command_prints_a_table_with_its_sentence(words, expected):
    assert expected in run(*words.split()).replace("\n", " ")
    found = answer(*words.split())
    assert found["rows"]
    assert expected in found["sentence"]


EVERY = {
    "one-stage": "--p0 0.1 --p1 0.25",
    "simon": "--p0 0.1 --p1 0.25 --beta 0.15 --n-max 60",
    "two-stage": "--r1 2 --n1 20 -r 8 -n 50 --p0 0.1 --p1 0.25",
    "after-two-stages": "--r1 2 --n1 20 -r 8 -n 50 --p0 0.1 -k 9 --stage 2",
    "changed-first-stage": "--r1 2 --n1 20 -r 8 -n 50 --p0 0.1 --p1 0.25 --new-n1 22",
    "changed-second-stage": "--r1 2 --n1 20 -r 8 -n 50 --p0 0.1 --x1 4 --x2 5 --m2 25",
    "early-activity": "--p0 0.1 --p1 0.3 --n-max 44",
    "response-toxicity": "--response 0.1,0.4 --safe 0.6,0.9",
    "predictive": "--p0 0.2 --p1 0.4 --alpha 0.1 --beta 0.1 --n-max 40",
    "bop2": "--p0 0.1 --p1 0.3 --looks 20,35,50",
    "posterior": "--p0 0.1 --looks 10,20 --prior 0.5,0.5",
    "toxicity": "--limit 0.25 --looks 10,20,30 --prior 0.5,1.5",
    "toxicity-crossing": "--low 0.15 --high 0.3 --looks 10,20,30,40,50",
    "log-rank": "--survival 0.5 --time 3 --hazard-ratio 0.6 --rate 2.5 --follow-up 6 -n 50",
    "landmark": "--survival 0.5 --time 3 --hazard-ratio 0.6 --at 6 --rate 2.5 --follow-up 6 -n 50",
    "exponential": "--null-median 3 --median 5 --rate 2.5 --follow-up 6",
    "assurance": "--r1 2 --n1 20 -r 8 -n 50 --p0 0.1 --prior 3,9",
    "enrolment": "--target 50 --enrolled 20 --elapsed 8",
    "events": "-n 50 --rate 2.5 --median 5 --until 26",
    "outcomes": "--p ORR=0.01 --p PFS=0.2 --p DCR=",
}


def test_every_command_is_tried_here():
    assert list(EVERY) == list(COMMANDS)


@pytest.mark.parametrize("name", EVERY)
def test_every_command_prints_what_a_protocol_needs_and_draws_it(name, tmp_path):
    file = tmp_path / "drawn" / f"{name}.svg"
    found = answer(name, *EVERY[name].split(), "--figure", str(file))
    assert found["rows"]
    assert found["sentence"].endswith(".")
    assert found["method"]
    assert found["source"]
    drawn = file.read_text()
    assert drawn.startswith("<?xml")
    assert drawn.rstrip().endswith("</svg>")
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_figure_can_be_a_picture_or_a_page(kind, start, tmp_path):
    file = tmp_path / f"design.{kind}"
    run("one-stage", *RATES, "--figure", str(file))
    assert file.read_bytes().startswith(start)
    again = tmp_path / f"again.{kind}"
    run("one-stage", *RATES, "--figure", str(again))
    assert again.read_bytes() == file.read_bytes()


def test_the_json_has_the_attained_errors_unrounded_and_the_operating_characteristics():
    found = answer("simon", *RATES, "--beta", "0.15")
    assert found["rows"][-1]["alpha"] == pytest.approx(0.048153459973644445, abs=1e-12)
    assert found["boundary"][0] == {"patients": 20, "stop if <=": 2, "good if >=": None}
    null = next(row for row in found["operating"] if row["true rate"] == 0.1)
    assert null["P(if overruled)"] == pytest.approx(0.05786720571809426, abs=1e-12)
    assert null["EN"] == pytest.approx(29.69219584431602, abs=1e-10)
    assert "binding_futility_assumed" in found["notes"]
    assert found["sides"] == "one-sided"


def test_given_patients_and_responders_one_stage_says_which_rate_they_show():
    row = answer("one-stage", *RATES, "-n", "50", "--needs", "9")["rows"][0]
    assert row["p1 with power 0.8"] == pytest.approx(0.220, abs=5e-4)
    assert row["alpha"] == pytest.approx(0.05786720571809426, abs=1e-12)


def test_response_and_toxicity_are_also_evaluated_tied():
    words = ("--response", "0.1,0.4", "--safe", "0.6,0.9")
    found = answer("response-toxicity", *words)
    assert [row["odds ratio"] for row in found["operating"]] == [0.25, 1.0, 4.0]
    apart = found["operating"][1]
    assert apart["power"] == pytest.approx(found["rows"][0]["power"], abs=1e-12)


def test_an_uncertain_standard_and_early_success_can_be_asked_for():
    rule = answer("posterior", "--standard", "15,35", "--prior", "0.6,1.4", "--looks", "10-20")
    assert len(rule["rows"]) == 11
    words = "--p0 0.2 --p1 0.4 --alpha 0.1 --beta 0.1 --n-max 40 --theta-u 0.99"
    found = answer("predictive", *words.split())
    assert any(row["good if >="] is not None for row in found["boundary"][:-1])


def test_an_optimum_near_the_limit_is_noted_below_the_sentence():
    text = run("simon", *RATES, "--beta", "0.15", "--n-max", "52")
    assert "Note: the optimum lies within 10 of n_max = 52" in text


def test_outcomes_after_a_stop_for_futility_are_not_tested():
    rows = answer("outcomes", "--p", "ORR=", "--p", "PFS=0.001")["rows"]
    assert [(row["p adjusted"], row["claimed"]) for row in rows] == [(None, "no")] * 2


def test_a_boundary_no_count_reaches_is_shown_as_never():
    text = run("toxicity", "--limit", "0.2", "--looks", "1,2,3", "--cross", "0.05")
    assert "never" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("simon --p0 0.3 --p1 0.2", "p1 must exceed p0"),
        ("toxicity --limit 0.2 --looks ten,20", "looks is 'ten,20'; it must be whole numbers"),
        ("toxicity --limit 0.2 --looks 10,20 --prior 1", "prior is '1'; it must be two numbers"),
        ("outcomes --p ORR", "p is 'ORR'; it must be a name and a p-value, as ORR=0.012"),
        ("outcomes --p ORR=x", "p is 'ORR=x'"),
        ("assurance -r 8 -n 50 --p0 0.1 --prior 3,9 --r1 2", "r1 is 2; it must be given together"),
        ("events -n 50 --rate 2.5 --median 5 --until 26 --steps 0", "steps is 0"),
        ("enrolment --target 5 --enrolled 2 --elapsed 3 --probabilities x", "probabilities is 'x'"),
        ("one-stage --p0 0.1 --p1 0.3 --figure a.gif", "figure is 'a.gif'; it must be the name of"),
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
