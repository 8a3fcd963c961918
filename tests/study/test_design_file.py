"""design.yaml is read into a value, and every number in it is computed again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from onearm.errors import Finding
from onearm.study import load
from onearm.study.design import SafetyRule, TrialDesign
from onearm.study.designnumbers import check_numbers
from onearm.study.hypotheses import SurvivalTest
from onearm.study.lint import check
from onearm.study.notebook import Notebook
from tests.study.small import COLUMNS, FILES, problems, shown, write

STUDY = FILES["study.yaml"].replace(
    "outcomes:\n",
    """\
enrolment: {planned: 50, unit: patients}
outcomes:
  - {id: PFS, type: primary, measure: {en: Time, zh: 时间}}
  - {id: DCR, type: primary, measure: {en: Control, zh: 控制}}
""",
)

ENDPOINTS = """\
responses:
  - category: RECIST 1.1
    reader: INVESTIGATOR
    computed: OVRC
    answers:
      - {param: CRSP, label: Response, kind: response}
      - {param: DCR, label: Control, kind: best}
endpoints:
  - endpoint: PFS
    label: Time
    from: ADSL.TRTSDT
    event: [{id: death, in: ADSL, when: DTHFL = 'Y', date: DTHDT}]
    censor: [{id: alive, in: ADSL, date: TRTSDT}]
"""

ANALYSES = """\
sets:
  FAS: {label: All, when: SAFFL = 'Y'}
analyses:
  - {id: orr, kind: proportion, dataset: ADRS, parameter: CRSP, success: AVALC = 'Y', set: FAS,
     outcome: ORR}
  - {id: pfs, kind: survival, dataset: ADTTE, parameter: PFS, set: FAS, outcome: PFS}
  - {id: dcr, kind: proportion, dataset: ADRS, parameter: DCR, success: AVALC = 'Y', set: FAS,
     outcome: DCR}
"""

DESIGN = """\
status: planned
patients: 50
enrolment: {per_month: 2.5}
response:
  outcome: ORR
  analysis: orr
  null_rate: 0.10
  target_rate: 0.25
  alpha: 0.05
  beta: 0.15
  method: optimal
  stage_1: {patients: 20, stop_if_at_most: 2}
  final: {patients: 50, promising_from: 9}
  futility: binding
  alpha_reached: 0.0482
  power: 0.8535
  if_futility_is_overruled: {promising_from: 10, alpha_reached: 0.0245}
survival:
  outcome: PFS
  analysis: pfs
  null_median_months: 3.0
  target_median_months: 5.0
  follow_up_months: 6
  power: 0.933
  landmark: {months: 6, null_rate: 0.25, target_rate: 0.435}
disease_control:
  outcome: DCR
  analysis: dcr
  null_rate: 0.50
  target_rate: 0.70
  method: exact
  final: {patients: 50, promising_from: 32}
  alpha_reached: 0.032
  power: 0.859
multiplicity: {method: fixed_sequence, order: [ORR, PFS, DCR]}
interim:
  what: {en: The first, zh: 前}
  set: FAS
  evaluable:
    - {in: ADSL, when: DTHFL = 'Y'}
safety:
  - id: toxicity
    title: {en: Toxicity, zh: 毒性}
    what: {en: Grade 4, zh: 4 级}
    set: FAS
    event:
      - {in: ADAE, when: ATOXGRN >= 4 AND SAFFL = 'Y'}
    observed: DTHFL = 'Y'
    limit: 0.25
    prior: {a: 0.5, b: 1.5}
    certainty: 0.90
    stop_at: {10: 5, 20: 8, 30: 11, 40: 14, 50: 17}
"""

CATALOGUE = {
    **COLUMNS,
    "ADSL": ("USUBJID", "SAFFL", "COHORT", "TRTSDT", "DTHFL", "DTHDT"),
    "ADRS": ("USUBJID", "PARAMCD", "AVALC"),
    "ADTTE": ("USUBJID", "PARAMCD", "AVAL", "CNSR"),
    "ADAE": ("USUBJID", "ATOXGRN"),
}


def designed(folder: Path, old: str = "", new: str = "", file: str = "design.yaml") -> Path:
    """The small study with a design, and one piece of one file written otherwise."""
    files = {
        "study.yaml": STUDY,
        "endpoints.yaml": ENDPOINTS,
        "analyses.yaml": ANALYSES,
        "design.yaml": DESIGN,
    }
    assert old in files[file], f"{old!r} is not in {file}"
    return write(folder, {**files, file: files[file].replace(old, new, 1)})


def found(folder: Path) -> list[Finding]:
    return check(load(folder), CATALOGUE)


def test_a_study_with_a_design_is_clean(tmp_path: Path) -> None:
    assert shown(found(designed(tmp_path))) == ""


def test_the_design_is_a_value(tmp_path: Path) -> None:
    design = load(designed(tmp_path)).design
    assert design is not None
    assert list(design.tests) == ["response", "survival", "disease_control"]
    assert design.is_confirmatory
    assert design.safety[0].looks == (10, 20, 30, 40, 50)
    assert design.response is not None
    assert design.response.stage_1 is not None
    assert (design.response.stage_1.stop_if_at_most, design.response.r) == (2, 8)


def test_a_study_without_a_design_needs_no_file(tmp_path: Path) -> None:
    assert load(write(tmp_path, {})).design is None


PLAIN = """\
status: planned
patients: 40
response:
  outcome: ORR
  analysis: orr
  null_rate: 0.10
  target_rate: 0.25
  method: exact
  final: {patients: 40, promising_from: 8}
  alpha_reached: 0.0419
  power: 0.818
"""


def test_a_plain_one_stage_study_needs_no_more(tmp_path: Path) -> None:
    """A'Hern's 8 of 40 for 10 % against 25 % (Statistics in Medicine 20:859-866)."""
    folder = designed(tmp_path, "planned: 50", "planned: 40", "study.yaml")
    (folder / "design.yaml").write_text(PLAIN, encoding="utf-8")
    assert shown(found(folder)) == ""
    design = load(folder).design
    assert design is not None
    assert design.is_confirmatory


@dataclass(frozen=True)
class Bad:
    """A wrong piece: what stood there, what stands there now, its line, what must be said."""

    old: str
    new: str
    line: int
    says: tuple[str, ...]
    file: str = "design.yaml"


STOP = "stop_at: {10: 5, 20: 8, 30: 11, 40: 14, 50: 17}"
OPTIMAL = DESIGN[DESIGN.index("method: optimal") : DESIGN.index("  alpha_reached: 0.0482")]
WRONG = {
    # What it names is not there.
    "outcome": Bad("outcome: ORR", "outcome: ORX", 5, ("the outcome ORX", "Did you mean ORR?")),
    "analysis": Bad("analysis: orr", "analysis: orrr", 6, ("the analysis orrr", "mean orr?")),
    "analysis of another kind": Bad(
        "analysis: pfs", "analysis: dcr", 20,
        ("needs an analysis of the kind survival", "proportion"),
    ),
    "analysis of another outcome": Bad(
        "analysis: orr", "analysis: dcr", 6, ("response tests ORR", "answers DCR")
    ),
    "parameter": Bad(
        "parameter: CRSP, success", "parameter: CRSQ, success", 6,
        ("reads the parameter CRSQ, which endpoints.yaml does not make for ADRS", "CRSP?"),
        "analyses.yaml",
    ),
    "parameter of a time": Bad(
        "parameter: PFS", "parameter: PFX", 20, ("parameter PFX", "ADTTE"), "analyses.yaml"
    ),
    "null rate said twice": Bad(
        "outcome: ORR}", "outcome: ORR, null_rate: 0.2}", 7,
        ("null rate 0.1, and the analysis 0.2",), "analyses.yaml",
    ),
    "set of the look": Bad("  set: FAS\n  eval", "  set: FASS\n  eval", 38, ("analysis set FASS",)),
    "set of a rule": Bad(
        "    set: FAS\n", "    set: SAF\n", 45, ("analysis set SAF", "It has FAS.")
    ),
    "column of the look": Bad(
        "ADSL, when: DTHFL", "ADSL, when: DTHFLL", 40, ("reads DTHFLL, which ADSL does not have",)
    ),
    "column of an event": Bad("ATOXGRN >= 4", "ATOXGR >= 4", 47, ("reads ATOXGR", "ADAE+ADSL")),
    "column of the observed": Bad("observed: DTHFL", "observed: DTHF", 48, ("reads DTHF",)),
    "dataset": Bad("in: ADAE", "in: ADXE", 47, ("reads the dataset ADXE",)),
    "order of patients": Bad(
        "    observed:", "    order: TRTSTD\n    observed:", 48, ("TRTSTD", "TRTSDT?")
    ),
    # It contradicts itself or another file.
    "patients of the study": Bad(
        "planned: 50", "planned: 60", 2, ("plans 50 patients, and study.yaml 60",), "study.yaml"
    ),
    "patients of a cut": Bad(
        "{patients: 50, promising_from: 32}", "{patients: 49, promising_from: 32}", 32,
        ("the cut is for 49 patients, and the trial has 50",),
    ),
    "no rule for several": Bad(
        "multiplicity: {method: fixed_sequence, order: [ORR, PFS, DCR]}\n", "", 1,
        ("3 outcomes are tested, and no rule",),
    ),
    "order names what is not tested": Bad(
        "[ORR, PFS, DCR]", "[ORR, PFS, DCR, OS]", 35, ("the tested outcome OS",)
    ),
    "order names one twice": Bad("[ORR, PFS, DCR]", "[ORR, PFS, DCR, ORR]", 35, ("ORR stands 2",)),
    "order leaves one out": Bad("[ORR, PFS, DCR]", "[ORR, PFS]", 35, ("DCR is tested and has no",)),
    "family alpha": Bad(
        "order: [ORR, PFS, DCR]}", "order: [ORR, PFS, DCR], alpha: 0.025}", 9,
        ("ORR is tested at 0.05, above the family's 0.025",),
    ),
    "two stages and no look": Bad(
        DESIGN[DESIGN.index("interim:") : DESIGN.index("safety:")], "", 12, ("no interim look",)
    ),
    "look after all patients": Bad(
        "  set: FAS\n  eval", "  set: FAS\n  evaluated: 50\n  eval", 39,
        ("50 patients at the look, and 50 in all",),
    ),
    "look without a first stage": Bad(
        DESIGN[DESIGN.index("response:") : DESIGN.index("survival:")], "", 22,
        ("there is an interim look, and response has no stage_1",),
    ),
    "rule twice": Bad(
        "safety:\n", "safety:\n" + DESIGN[DESIGN.index("  - id: toxicity") :], 41,
        ("the safety rule toxicity stands 2 times",),
    ),
    "look after the last patient": Bad(
        "50: 17}", "50: 17, 60: 20}", 52, ("a look at 60 patients, and the trial has 50",)
    ),
    # Its numbers are not what the rule gives.
    "alpha reached": Bad(
        "alpha_reached: 0.0482", "alpha_reached: 0.0481", 15,
        ("type I error of 0.0481 is stated; the rule gives 0.04815", "Write 0.0482."),
    ),
    "alpha of one stage": Bad(
        "alpha_reached: 0.032", "alpha_reached: 0.033", 33, ("0.033 is stated", "gives 0.0325"),
    ),
    "power wrong": Bad("power: 0.8535", "power: 0.8545", 16, ("0.8545 is stated", "0.85345")),
    "cut not optimal": Bad(
        "promising_from: 9}", "promising_from: 10}", 13,
        ("stop at 2 of 20, promising from 10 of 50 is stated;",
         "the optimal design is stop at 2 of 20, promising from 9 of 50"),
    ),
    "cut too low": Bad(
        "promising_from: 9}", "promising_from: 8}", 13,
        ("promising from 8 of 50 has a type I error of 0.0933, above the 0.05 asked for",
         "From 9 of 50 on the type I error is 0.0482."),
    ),
    "stop elsewhere": Bad("stop_if_at_most: 2", "stop_if_at_most: 3", 13, ("stop at 3 of 20",)),
    "not the minimax": Bad(
        "method: optimal", "method: minimax", 13, ("minimax design is stop at 2 of 24", "9 of 47")
    ),
    "stop that is not binding": Bad(
        OPTIMAL, OPTIMAL.replace("optimal", "given").replace(": binding", ": non_binding"), 13,
        ("type I error of 0.0579, above the 0.05", "From 10 of 50 on the type I error is 0.0245"),
    ),
    "too little power": Bad(
        "beta: 0.15\n  method: optimal", "beta: 0.10\n  method: given", 10,
        ("has a power of 0.8535, below the 0.9 asked for",),
    ),
    "no such design": Bad(
        "target_rate: 0.25", "target_rate: 0.101", 4, ("no two-stage design", "best power reached")
    ),
    "cut when overruled": Bad(
        "promising_from: 10, alpha", "promising_from: 11, alpha", 17,
        ("without the stop the smallest cut that keeps 0.05 is 10 (type I error 0.0245)",),
    ),
    "cut when overruled, impossible": Bad(
        "promising_from: 10, alpha", "promising_from: 51, alpha", 17, ("51 responders of 50",)
    ),
    "one-stage cut too low": Bad(
        "promising_from: 32", "promising_from: 31", 32,
        ("the smallest cut that keeps 0.05 is 32 (type I error 0.0325)",),
    ),
    "one-stage cut too high": Bad(
        "promising_from: 32", "promising_from: 33", 32, ("keeps 0.05 is 32",)
    ),
    "power of a time": Bad("power: 0.933", "power: 0.951", 24, ("0.951 is stated", "0.9331")),
    "power that cannot be known": Bad(
        "enrolment: {per_month: 2.5}\n", "", 23, ("cannot be computed without patients",)
    ),
    "landmark": Bad(
        "target_rate: 0.435", "target_rate: 0.436", 25, ("0.436 is stated", "gives 0.4353")
    ),
    "boundary too early": Bad(
        STOP, STOP.replace("20: 8", "20: 7"), 52,
        ("stop at 7 of 20 patients is stated; the rule stops at 8 or more of 20",
         "P(rate > 25.0% | data) > 0.9"),
    ),
    "boundary too late": Bad(STOP, STOP.replace("50: 17", "50: 18"), 52, ("17 or more of 50",)),
    "boundary that is none": Bad(STOP, STOP.replace("10: 5", "10: null"), 52, ("5 or more of 10",)),
    "boundary where none is": Bad(
        STOP, "stop_at: {1: 1}\n", 52, ("stop at 1 of 1 patients is stated; the rule stops never",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_line(name: str, tmp_path: Path) -> None:
    bad = WRONG[name]
    findings = found(designed(tmp_path, bad.old, bad.new, bad.file))
    said = shown(findings)
    assert any(
        f.place.file == "design.yaml"
        and f.place.line == bad.line
        and f.severity == "error"
        and all(words in str(f) for words in bad.says)
        for f in findings
    ), said


def test_a_text_without_chinese_is_a_note(tmp_path: Path) -> None:
    (finding,) = found(designed(tmp_path, "{en: Grade 4, zh: 4 级}", "Grade 4"))
    assert (finding.severity, finding.place.line) == ("note", 44)
    assert "1 texts have no Chinese" in str(finding)


def test_a_number_with_fewer_decimals_is_right_when_it_rounds(tmp_path: Path) -> None:
    assert shown(found(designed(tmp_path, "power: 0.8535", "power: 0.85"))) == ""


REFUSED = {
    "unknown key": Bad("futility: binding", "futile: binding", 14, ("unknown key",)),
    "unknown status": Bad("status: planned", "status: plan", 1, ("is not one of planned",)),
    "rates reversed": Bad("target_rate: 0.25", "target_rate: 0.05", 4, ("0.05 does not exceed",)),
    "alpha above a half": Bad("alpha: 0.05\n", "alpha: 0.6\n", 9, ("less than or equal to 0.5",)),
    "more responders than patients": Bad(
        "promising_from: 32", "promising_from: 51", 26, ("51 responders of 50 patients",)
    ),
    "first stage too large": Bad(
        "stage_1: {patients: 20", "stage_1: {patients: 50", 4, ("the first stage is the smaller",)
    ),
    "always stops": Bad(
        "stop_if_at_most: 2}", "stop_if_at_most: 20}", 4, ("20 of 20 patients always stops",)
    ),
    "stop above the cut": Bad(
        "stop_if_at_most: 2}", "stop_if_at_most: 9}", 4, ("which final calls promising",)
    ),
    "optimal in one stage": Bad("method: exact", "method: optimal", 26, ("is for two stages",)),
    "binding in one stage": Bad(
        "method: exact", "method: exact\n  futility: binding", 26, ("futility is for two stages",)
    ),
    "exact in two stages": Bad("method: optimal", "method: exact", 4, ("exact is for one stage",)),
    "optimal without beta": Bad("  beta: 0.15\n", "", 4, ("method optimal needs beta",)),
    "optimal and not binding": Bad(
        "futility: binding", "futility: non_binding", 4, ("counts on a binding futility stop",)
    ),
    "two nulls": Bad(
        "null_median_months: 3.0", "null_median_months: 3.0\n  null_survival: 0.5", 18,
        ("the null is null_median_months, or",),
    ),
    "half a null": Bad(
        "null_median_months: 3.0", "null_survival: 0.5", 18, ("together with null_at_months",)
    ),
    "two targets": Bad(
        "target_median_months: 5.0", "target_median_months: 5.0\n  hazard_ratio: 0.6", 18,
        ("one of the two",),
    ),
    "target below the null": Bad(
        "target_median_months: 5.0", "target_median_months: 3.0", 18, ("3 does not exceed",)
    ),
    "posterior without prior": Bad(
        "    prior: {a: 0.5, b: 1.5}\n", "", 42, ("the method posterior needs prior",)
    ),
    "posterior with cross": Bad(
        "certainty: 0.90", "certainty: 0.90\n    cross: 0.05", 42, ("does not read cross",)
    ),
    "prior of nothing": Bad("{a: 0.5,", "{a: 0,", 50, ("greater than 0",)),
    "looks do not increase": Bad(
        "20: 8, 30: 11", "30: 11, 20: 8", 42, ("the looks 10, 30, 20, 40, 50 do not increase",)
    ),
    "more events than patients": Bad("10: 5,", "10: 11,", 42, ("11 of 10 patients cannot be",)),
    "no evaluable": Bad(
        "  evaluable:\n    - {in: ADSL, when: DTHFL = 'Y'}\n", "  evaluable: []\n", 39,
        ("expected at least 1 entry, found 0",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_a_design_does_not_load(name: str, tmp_path: Path) -> None:
    bad = REFUSED[name]
    findings = problems(designed(tmp_path, bad.old, bad.new))
    assert any(
        f.place.line == bad.line and all(words in str(f) for words in bad.says) for f in findings
    ), shown(findings)


def test_descriptive_has_no_rule_and_the_others_have_one() -> None:
    assert TrialDesign(status="descriptive").tests == {}
    with pytest.raises(ValueError, match="status planned needs at least one of response"):
        TrialDesign(status="planned", patients=20)
    rules = {"status": "descriptive", "safety": [TOXICITY]}
    with pytest.raises(ValueError, match="status descriptive has no rule, and safety is one"):
        TrialDesign.model_validate(rules)


TOXICITY: dict[str, object] = {
    "id": "pocock", "title": "T", "what": "W", "set": "SAF", "method": "pocock", "limit": 0.2,
    "event": [{"in": "ADAE", "when": "ATOXGRN >= 4"}], "cross": 0.05, "stop_at": {10: 5},
}  # fmt: skip


def test_a_pocock_boundary_is_checked_too(tmp_path: Path) -> None:
    """P(ever cross) at a rate of 20 % is at most 5 %, with looks after 10, 20 and 30 patients."""
    other = (
        "    method: pocock\n    limit: 0.2\n    cross: 0.05\n    stop_at: {10: 6, 20: 8, 30: 11}\n"
    )
    start = DESIGN.index("    limit: 0.25")
    findings = found(designed(tmp_path, DESIGN[start:], other))
    rule = SafetyRule.model_validate({**TOXICITY, "stop_at": {10: 6, 20: 8, 30: 11}})
    assert rule.looks == (10, 20, 30)
    assert shown(findings) == ""
    wrong = found(designed(tmp_path, DESIGN[start:], other.replace("20: 8", "20: 9")))
    assert "the rule stops at 8 or more of 20 (Pocock-type boundary" in shown(wrong)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Finding]]:
    """What the numbers of a design of these parts are told."""
    study = load(designed(tmp_path_factory.mktemp("designed")))

    def told(**parts: object) -> list[Finding]:
        design = TrialDesign.model_validate({"status": "planned", **parts})
        notes = Notebook(replace(study, design=design), {})
        check_numbers(notes, design)
        return notes.findings

    return told


@given(
    limit=st.floats(0.02, 0.6),
    certainty=st.floats(0.5, 0.99),
    prior=st.tuples(st.floats(0.05, 5), st.floats(0.05, 5)),
    looks=st.sets(st.integers(1, 60), min_size=1, max_size=5),
    which=st.integers(0, 4),
)
@settings(deadline=None, max_examples=60)
def test_every_boundary_of_the_rule_is_right_and_every_other_is_wrong(
    said: Callable[..., list[Finding]], limit: float, certainty: float,
    prior: tuple[float, float], looks: set[int], which: int,
) -> None:  # fmt: skip
    """Counted out by the beta integral of scipy.stats, which the rule itself does not use."""
    sizes = sorted(looks)
    a, b = prior
    stop_at = {
        n: next((k for k in range(n + 1) if beta.sf(limit, a + k, b + n - k) > certainty), None)
        for n in sizes
    }
    if 0 in stop_at.values():  # a prior that stops before any event is no rule of this file
        return
    rule = {
        **TOXICITY, "method": "posterior", "limit": limit, "certainty": certainty,
        "prior": {"a": a, "b": b}, "stop_at": stop_at,
    }  # fmt: skip
    del rule["cross"]
    assert said(safety=[rule]) == []
    look = sizes[which % len(sizes)]
    right = stop_at[look]
    other = look if right is None else None if right == look else right + 1
    (finding,) = said(safety=[{**rule, "stop_at": {**stop_at, look: other}}])
    assert f"of {look} patients is stated" in finding.message


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
    st.sampled_from([-1, 0, 1, 2, 10, 51, 10_000, 10**12, 0.5, 0.999, -0.1, 1e-9, 1e300]),
)  # fmt: skip
LEAVES = [
    (at, match.span(1))
    for at, line in enumerate(DESIGN.splitlines())
    for match in re.finditer(r": ([^{}\[\],:]+)", line)
]


@given(leaf=st.sampled_from(LEAVES), value=ANYTHING)
@settings(deadline=None, max_examples=150)
def test_whatever_stands_in_the_file_is_answered_with_findings(
    written: Path, leaf: tuple[int, tuple[int, int]], value: object
) -> None:
    """No value makes the lint fail, run on, or point at another file."""
    at, (start, end) = leaf
    lines = DESIGN.splitlines()
    lines[at] = f"{lines[at][:start]}{json.dumps(value)}{lines[at][end:]}"
    (written / "design.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    findings = problems(written) or tuple(found(written))
    assert {f.place.file for f in findings} <= {"design.yaml"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return designed(tmp_path_factory.mktemp("written"))


@given(p0=st.floats(0.05, 0.6), gain=st.floats(0.05, 0.3), n=st.integers(10, 80))
@settings(deadline=None, max_examples=60)
def test_the_smallest_cut_is_right_and_its_neighbours_are_wrong(
    said: Callable[..., list[Finding]], p0: float, gain: float, n: int
) -> None:
    needs = next(k for k in range(n + 2) if binom.sf(k - 1, n, p0) <= 0.05)
    for cut in (needs - 1, needs, needs + 1):
        if 0 < cut <= n:
            test = {
                "outcome": "ORR", "analysis": "orr", "null_rate": p0, "target_rate": p0 + gain,
                "method": "exact", "final": {"patients": n, "promising_from": cut},
            }  # fmt: skip
            messages = [f.message for f in said(response=test)]
            assert any(f"keeps 0.05 is {needs}" in m for m in messages) is (cut != needs)
            assert any("above the 0.05 asked for" in m for m in messages) is (cut < needs)


@pytest.mark.parametrize(
    ("changes", "point", "ratio"),
    [
        ({"null_median_months": 3.0, "target_median_months": 5.0}, (0.5, 3.0), 0.6),
        ({"null_median_months": 3.0, "hazard_ratio": 0.7}, (0.5, 3.0), 0.7),
        # Median 6 and shape 2: twice the median is a quarter of the hazard.
        ({"null_median_months": 6.0, "shape": 2.0, "target_median_months": 12.0}, (0.5, 6.0), 0.25),
        # 25 % at 6 months is a median of 3 months.
        (
            {"null_survival": 0.25, "null_at_months": 6.0, "target_median_months": 5.0},
            (0.25, 6.0),
            0.6,
        ),
    ],
)
def test_medians_become_a_hazard_ratio(
    changes: dict[str, float], point: tuple[float, float], ratio: float
) -> None:
    test = SurvivalTest.model_validate(
        {"outcome": "PFS", "analysis": "pfs", "follow_up_months": 6, **changes}
    )
    assert test.null_point == point
    assert test.target_ratio == pytest.approx(ratio, abs=1e-12)
