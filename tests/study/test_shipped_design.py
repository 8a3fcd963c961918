"""The shipped design: what it says is what the specification of the trial recommends, exactly.

Numbers: the planning tables of the trial (statistics specification, section 14), printed there
with three or four digits, and the exact values of ``default_design.json`` where that is at hand.
"""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import beta

from onearm.cli.lint import catalogue
from onearm.design import (
    OneStage,
    Plan,
    Scenario,
    SurvivalHypothesis,
    Tally,
    TwoStage,
    after_two_stages,
    changed_first_stage,
    log_rank_design_at,
    one_stage_at,
    one_stage_design,
    simon,
    simon_at,
    simulate,
    two_stage,
)
from onearm.design.timetoevent import Accrual
from onearm.expr import parse
from onearm.stats import INTERVALS
from onearm.study import Study, load
from onearm.study.design import RateTest, SafetyRule, SurvivalTest, TrialDesign
from onearm.study.designrules import rate_design, safety_rule, survival_design
from onearm.study.lint import check
from tests.shared import needs_shared, shared

FOLDER = Path(__file__).resolve().parents[2] / "studies" / "lenvatinib-pembrolizumab"


@pytest.fixture(scope="module")
def study() -> Study:
    return load(FOLDER)


@pytest.fixture(scope="module")
def design(study: Study) -> TrialDesign:
    assert study.design is not None
    return study.design


@pytest.fixture(scope="module")
def response(design: TrialDesign) -> TwoStage:
    assert design.response is not None
    found = rate_design(design.response)
    assert isinstance(found, TwoStage)
    return found


def reference() -> Any:  # Any: whatever the reference file holds
    return json.loads(shared("statistics", "default_design.json").read_text())


def test_it_lints_clean(study: Study) -> None:
    assert "\n".join(map(str, check(study, catalogue(study)))) == ""


def test_nothing_may_be_claimed_because_nothing_was_registered(design: TrialDesign) -> None:
    assert design.status == "planning"
    assert not design.is_confirmatory
    assert design.multiplicity is not None
    assert (design.multiplicity.method, design.multiplicity.order) == (
        "fixed_sequence",
        ("ORR", "PFS", "DCR"),
    )
    assert {test.alpha for test in design.tests.values()} == {0.05, design.multiplicity.alpha}


def test_every_text_a_person_reads_is_in_both_languages(design: TrialDesign) -> None:
    texts = [design.why, *(rule.why for rule in design.safety)]
    texts += [text for rule in design.safety for text in (rule.title, rule.what)]
    texts += [test.why for test in design.tests.values()]
    assert design.interim is not None
    assert design.multiplicity is not None
    texts += [design.interim.what, design.interim.why, design.multiplicity.why]
    assert all(text.en and text.zh for text in texts)


# -- Response --------------------------------------------------------------------------------------


def test_the_cuts_are_the_optimal_design_at_fifty(design: TrialDesign, response: TwoStage) -> None:
    found = simon(p0=0.10, p1=0.25, alpha=0.05, beta=0.15).optimal
    assert (found.r1, found.n1, found.r, found.n) == (2, 20, 8, 50)
    assert (response.r1, response.n1, response.r, response.n) == (2, 20, 8, 50)
    assert design.patients == response.n


def test_what_the_two_stages_attain(response: TwoStage) -> None:
    attained = (response.alpha, response.power, response.pet0, response.pet1, response.en0)
    assert [round(value, 4) for value in attained] == [0.0482, 0.8535, 0.6769, 0.0913, 29.6922]
    assert round(response.alpha_non_binding, 3) == 0.058


@needs_shared
def test_the_attained_errors_are_those_of_the_reference(response: TwoStage) -> None:
    known = reference()["primary_orr"]
    assert response.alpha == pytest.approx(known["alpha"], abs=1e-10)
    assert response.power == pytest.approx(known["power"], abs=1e-10)
    assert (response.pet0, response.pet1) == pytest.approx(
        (known["PET0"], known["PET1"]), abs=1e-10
    )
    assert (response.en0, response.en1) == pytest.approx((known["EN0"], known["EN1"]), abs=1e-10)
    for row in known["oc"]:
        assert response.reject(row["p"]) == pytest.approx(row["reject"], abs=1e-10)
        assert response.expected_n(row["p"]) == pytest.approx(row["EN"], abs=1e-9)


@pytest.mark.parametrize(("responders", "stops"), [(1, True), (2, True), (3, False)])
def test_the_first_stage_stops_at_two_of_twenty(
    design: TrialDesign, responders: int, stops: bool
) -> None:
    assert design.response is not None
    assert design.response.stage_1 is not None
    assert design.response.stage_1.patients == 20
    assert (responders <= design.response.stage_1.stop_if_at_most) is stops


@pytest.mark.parametrize(
    ("responders", "promising", "p_value", "lower"),
    [(8, False, 0.0933, 0.0872), (9, True, 0.0482, 0.1007), (10, True, 0.0217, 0.1151)],
)
def test_the_final_decision_its_p_value_and_its_lower_limit_agree(
    design: TrialDesign, response: TwoStage, responders: int, promising: bool,
    p_value: float, lower: float,
) -> None:  # fmt: skip
    """The 90 % lower limit lies above the null rate of 10 % exactly where the drug is promising."""
    assert design.response is not None
    assert (responders >= design.response.final.promising_from) is promising
    found = after_two_stages(response, responders, stage=2, level=0.90)
    assert round(found.p_value, 4) == p_value
    assert (found.p_value <= 0.05) is promising
    assert round(found.lower, 4) == lower
    assert (found.lower > 0.10) is promising


def test_the_naive_limit_would_contradict_the_decision() -> None:
    """Nine of 50: Clopper-Pearson's 90 % lower limit is 9.72 %, below the null rate."""
    lower, _ = INTERVALS["exact"].limits(9, 50, 0.90)
    assert round(lower, 4) == 0.0972


@pytest.mark.parametrize(
    ("needs", "alpha", "power"), [(9, 0.0579, 0.9084), (10, 0.0245, 0.8363), (11, 0.0094, 0.7378)]
)
def test_a_team_that_overrules_the_stop_needs_ten(
    design: TrialDesign, needs: int, alpha: float, power: float
) -> None:
    one = one_stage_design(50, needs - 1, p0=0.10, p1=0.25)
    assert (round(one.alpha, 4), round(one.power, 4)) == (alpha, power)
    assert design.response is not None
    assert design.response.futility == "binding"
    overruled = design.response.if_futility_is_overruled
    assert overruled is not None
    assert (one.alpha <= 0.05) is (needs >= overruled.promising_from)


def test_chances_at_the_look(design: TrialDesign, response: TwoStage) -> None:
    """After 0 to 4 responders of 20: conditional power at 25 %, and the predictive probability."""
    assert design.interim is not None
    assert design.interim.predictive_prior is not None
    prior = design.interim.predictive_prior.pair
    assert prior == (0.1, 0.9)
    conditional = [round(response.conditional_power(x, 0.25), 2) for x in range(5)]
    assert conditional == [0.33, 0.49, 0.65, 0.80, 0.90]
    predicted = [response.predictive_power(x, prior=prior) for x in range(5)]
    assert [round(p, 4) for p in predicted] == [0.0001, 0.0133, 0.0964, 0.3145, 0.6167]


@needs_shared
def test_the_interim_table_is_that_of_the_reference(response: TwoStage) -> None:
    for row in reference()["primary_orr"]["interim_table"]:
        x1 = row["x1"]
        assert (x1 > response.r1) is row["continue_"]
        assert response.conditional_power(x1, 0.25) == pytest.approx(
            row["conditional_power_p1"], abs=1e-10
        )
        assert response.predictive_power(x1, prior=(0.1, 0.9)) == pytest.approx(
            row["predictive_probability_beta_01_09"], abs=1e-10
        )


@pytest.mark.parametrize(
    ("n1", "r1", "r", "alpha", "power"),
    [
        (21, 2, 8, 0.04997, 0.8663),
        (22, 2, 8, 0.05153, 0.8765),
        (22, 2, 9, 0.0228, 0.8145),
        (22, 3, 8, 0.0401, 0.8017),
    ],
)
def test_a_look_at_others_than_twenty(n1: int, r1: int, r: int, alpha: float, power: float) -> None:
    """2 of 21 keeps alpha, 2 of 22 does not; raise r to 9 or r1 to 3."""
    other = two_stage(r1=r1, n1=n1, r=r, n=50, p0=0.10, p1=0.25)
    assert round(other.alpha, 5 if alpha in (0.04997, 0.05153) else 4) == alpha
    assert round(other.power, 3) == pytest.approx(power, abs=6e-4)
    assert (other.alpha <= 0.05) is ((n1, r1, r) != (22, 2, 8))


def test_the_first_twenty_decide_whoever_else_is_in(
    design: TrialDesign, response: TwoStage
) -> None:
    assert design.interim is not None
    assert (design.interim.overrun, design.interim.accrual) == ("first_patients", "goes_on")
    assert design.interim.order == "TRTSDT"
    # Otherwise 22 evaluated would cost the type I error, and new cuts would be needed.
    other = changed_first_stage(response, n1=22)
    assert (other.kept.r1, other.kept.r, round(other.kept.alpha, 4)) == (2, 8, 0.0515)
    assert other.adjusted is not None
    assert (other.adjusted.r1, other.adjusted.r, round(other.adjusted.alpha, 4)) == (2, 9, 0.0228)


@needs_shared
def test_the_overrun_table_is_that_of_the_reference() -> None:
    for row in reference()["overrun_table"]:
        other = two_stage(r1=row["r1"], n1=row["n1"], r=row["r"], n=row["n"], p0=0.10, p1=0.25)
        assert other.alpha == pytest.approx(row["alpha"], abs=1e-10)
        assert other.power == pytest.approx(row["power_025"], abs=1e-10)
        assert (other.alpha <= 0.05) is row["controls_alpha"]


def test_precision_at_the_end(response: TwoStage) -> None:
    """12 of 50: 13.1 to 38.6 % after two stages, 13.1 to 38.2 % naively; 0 of 50: up to 7.1 %."""
    found = after_two_stages(response, 12, stage=2, level=0.95)
    assert (round(100 * found.lower, 1), round(100 * found.upper, 1)) == (13.1, 38.6)
    naive = INTERVALS["exact"].limits(12, 50, 0.95)
    assert tuple(round(100 * limit, 1) for limit in naive) == (13.1, 38.2)
    assert round(100 * INTERVALS["exact"].limits(0, 50, 0.95)[1], 1) == 7.1
    assert round(100 * INTERVALS["exact"].limits(0, 50, 0.90)[1], 1) == 5.8
    assert round(1 - (1 - 0.045) ** 50, 2) == 0.90


# -- Progression-free survival ---------------------------------------------------------------------


def survival(design: TrialDesign) -> SurvivalTest:
    assert design.survival is not None
    return design.survival


def test_the_null_and_the_target_of_the_time_to_progression(design: TrialDesign) -> None:
    test = survival(design)
    assert test.null_point == (0.5, 3.0)
    assert test.target_ratio == pytest.approx(0.6, abs=1e-12)
    assert (test.variance, test.follow_up_months, test.alpha) == ("wu", 6.0, 0.05)
    assert design.enrolment is not None
    assert design.enrolment.per_month == 2.5
    found = survival_design(test, design)
    assert found is not None
    assert (found.n, found.accrual_time) == (50, 20.0)
    assert round(found.power, 3) == 0.933


@pytest.mark.parametrize(
    ("median", "power"), [(4.0, 0.605), (4.5, 0.826), (5.0, 0.933), (5.5, 0.976), (6.0, 0.992)]
)
def test_power_at_other_medians(design: TrialDesign, median: float, power: float) -> None:
    hypothesis = SurvivalHypothesis(0.5, 3.0, 3.0 / median)
    found = log_rank_design_at(50, hypothesis, Accrual(2.5, 6.0), alpha=survival(design).alpha)
    assert round(found.power, 3) == power


@needs_shared
def test_the_power_is_that_of_the_reference(design: TrialDesign) -> None:
    found = survival_design(survival(design), design)
    assert found is not None
    assert found.power == pytest.approx(reference()["pfs"]["power_formula"], abs=1e-6)


def test_the_six_month_rates_beside_the_test(design: TrialDesign) -> None:
    landmark = survival(design).landmark
    assert landmark is not None
    assert (landmark.months, landmark.null_rate, landmark.target_rate) == (6, 0.25, 0.435)
    assert (0.5 ** (6 / 3), round(0.5 ** (6 / 5), 3)) == (0.25, 0.435)


# -- Disease control -------------------------------------------------------------------------------


def control(design: TrialDesign) -> RateTest:
    assert design.disease_control is not None
    return design.disease_control


@pytest.mark.parametrize(("responders", "holds"), [(31, False), (32, True), (33, True)])
def test_disease_control_is_shown_from_thirty_two(
    design: TrialDesign, responders: int, holds: bool
) -> None:
    test = control(design)
    alpha = one_stage_design(50, responders - 1, p0=0.50, p1=0.70).alpha
    assert (alpha <= 0.05) is holds
    assert (responders >= test.final.promising_from) is holds


def test_what_the_test_of_disease_control_attains(design: TrialDesign) -> None:
    found = rate_design(control(design))
    assert isinstance(found, OneStage)
    assert (round(found.alpha, 3), round(found.power, 3)) == (0.032, 0.859)


# -- The three together ----------------------------------------------------------------------------


def test_the_whole_rule_in_simulation(design: TrialDesign, response: TwoStage) -> None:
    """Printed there: of 100,000 trials each; here 20,000, so 3 standard errors of the difference.

    Responses, control and survival tied by a copula (0.5), accrual 2.5 and dropout 0.015 a month.
    """
    test, last = survival_design(survival(design), design), rate_design(control(design))
    assert test is not None
    assert isinstance(last, OneStage)
    plan = Plan(response, test, last)

    def near(seen: Tally, printed: float) -> bool:
        spread = math.sqrt(printed * (1 - printed) * (1 / seen.trials + 1 / 100_000))
        return abs(seen.estimate - printed) <= 3 * spread

    null = simulate(
        plan, Scenario(0.10, 0.50, 3.0, 0.5, 0.015), rng=np.random.default_rng(14), n_trials=20_000
    )
    assert near(null.response, 0.0476)  # the family error: response is tested first
    assert near(null.survival, 0.0489)  # Wu's size
    target = simulate(
        plan, Scenario(0.25, 0.70, 5.0, 0.5, 0.015), rng=np.random.default_rng(41), n_trials=20_000
    )
    assert near(target.survival, 0.951)
    assert near(target.go_survival, 0.869)
    assert near(target.sequence_control, 0.729)


# -- Safety ----------------------------------------------------------------------------------------

TOXICITY = {10: 5, 20: 8, 30: 11, 40: 14, 50: 17}
DEATHS = {10: 2, 20: 3, 30: 4, 40: 5, 50: 6}


def rule(design: TrialDesign, name: str) -> SafetyRule:
    return {one.id: one for one in design.safety}[name]


@pytest.mark.parametrize(
    ("name", "look", "stop"),
    [("toxicity", *at) for at in TOXICITY.items()]
    + [("treatment_deaths", *at) for at in DEATHS.items()],
)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_boundary_stops_where_it_is_reached_and_not_before(
    design: TrialDesign, name: str, look: int, stop: int, more: int
) -> None:
    """The posterior P(rate > limit) by its beta integral, one event below, at, and above."""
    chosen = rule(design, name)
    assert chosen.stop_at[look] == stop
    assert chosen.prior is not None
    assert chosen.certainty is not None
    events = stop + more
    above = float(beta.sf(chosen.limit, chosen.prior.a + events, chosen.prior.b + look - events))
    assert (above > chosen.certainty) is (more >= 0)


def test_the_rules_are_those_of_the_specification(design: TrialDesign) -> None:
    toxicity, deaths = rule(design, "toxicity"), rule(design, "treatment_deaths")
    assert (toxicity.limit, toxicity.certainty, toxicity.stop_at) == (0.25, 0.90, TOXICITY)
    assert (deaths.limit, deaths.certainty, deaths.stop_at) == (0.05, 0.90, DEATHS)
    assert toxicity.prior is not None
    assert deaths.prior is not None
    assert (toxicity.prior.pair, deaths.prior.pair) == ((0.5, 1.5), (0.1, 1.9))


@pytest.mark.parametrize(
    ("name", "rate", "stops"),
    [
        *(
            ("toxicity", rate, stops)
            for rate, stops in zip(
                (0.15, 0.20, 0.25, 0.30, 0.35, 0.40),
                (0.015, 0.071, 0.218, 0.465, 0.723, 0.897),
                strict=True,
            )
        ),
        *(
            ("treatment_deaths", rate, s)
            for rate, s in ((0.02, 0.021), (0.05, 0.153), (0.1, 0.563))
        ),
    ],
)
def test_how_often_a_boundary_stops(
    design: TrialDesign, name: str, rate: float, stops: float
) -> None:
    """The specification prints .219 at 25 %; its data, and this, have .21847."""
    assert round(safety_rule(rule(design, name)).operating(rate).stop_high, 3) == stops


@needs_shared
@pytest.mark.parametrize(
    ("name", "key"),
    [("toxicity", "unacceptable_toxicity"), ("treatment_deaths", "treatment_related_death")],
)
def test_stopping_probabilities_are_those_of_the_reference(
    design: TrialDesign, name: str, key: str
) -> None:
    known = reference()["safety"][key]
    found = safety_rule(rule(design, name))
    assert list(found.stop_at) == known["stop_if_geq"]
    for rate, row in known["oc"].items():
        assert found.operating(float(rate)).stop_high == pytest.approx(row["p_stop"], abs=1e-10)


# -- Which patients have the event -----------------------------------------------------------------

EVENT = {
    "TRTEMFL": "Y", "AREL": "Y", "ASTDY": 30, "ATOXGRN": 4, "AEIMM": "N", "AESDTH": "N",
    "AEBODSYS": "Gastrointestinal disorders", "AEDECOD": "Colitis", "AEOUT": "RECOVERED/RESOLVED",
}  # fmt: skip
LAB = {"AEBODSYS": "Investigations", "AEDECOD": "Lipase increased"}


@pytest.mark.parametrize(
    ("story", "changes", "toxic", "death"),
    [
        ("grade 4, related, in the first two cycles", {}, True, False),
        ("not related", {"AREL": "N"}, False, False),
        ("not emergent", {"TRTEMFL": None}, False, False),
        ("on the last day of the two cycles", {"ASTDY": 42}, True, False),
        ("one day later", {"ASTDY": 43}, False, False),
        ("a laboratory value", LAB, False, False),
        ("a metabolic laboratory value", {"AEDECOD": "Hypokalemia"}, False, False),
        (
            "an electrocardiogram is no laboratory value",
            {**LAB, "AEDECOD": "Electrocardiogram QT corrected interval prolonged"}, True, False,
        ),
        ("no class given", {"AEBODSYS": None}, True, False),
        ("no grade given", {"ATOXGRN": None}, False, False),
        ("grade 5", {"ATOXGRN": 5, "AEOUT": "FATAL"}, True, True),
        ("a laboratory value of grade 5", {**LAB, "ATOXGRN": 5}, True, True),
        ("grade 5 much later", {"ATOXGRN": 5, "ASTDY": 400}, False, True),
        ("fatal without a grade", {"ATOXGRN": None, "AESDTH": "Y"}, False, True),
        ("fatal and not related", {"AREL": "N", "AEOUT": "FATAL", "ATOXGRN": 5}, False, False),
        ("grade 3", {"ATOXGRN": 3}, False, False),
        ("grade 3, immune, recovered", {"ATOXGRN": 3, "AEIMM": "Y"}, False, False),
        (
            "grade 3, immune, not recovered",
            {"ATOXGRN": 3, "AEIMM": "Y", "AEOUT": "NOT RECOVERED/NOT RESOLVED"}, True, False,
        ),
        (
            "grade 3, immune, with after-effects",
            {"ATOXGRN": 3, "AEIMM": "Y", "AEOUT": "RECOVERED/RESOLVED WITH SEQUELAE"}, True, False,
        ),
        (
            "grade 3, not immune, not recovered",
            {"ATOXGRN": 3, "AEOUT": "NOT RECOVERED/NOT RESOLVED"}, False, False,
        ),
    ],
)  # fmt: skip
def test_which_adverse_events_count(
    design: TrialDesign, story: str, changes: dict[str, object], toxic: bool, death: bool
) -> None:
    row = pl.DataFrame([{**EVENT, **changes}]).cast({"ATOXGRN": pl.Int32, "ASTDY": pl.Int32})
    (toxicity,) = rule(design, "toxicity").event
    of_death = next(s for s in rule(design, "treatment_deaths").event if s.in_ == "ADAE")
    counted = row.select(parse(toxicity.when).holds(), parse(of_death.when).holds().alias("death"))
    assert counted.row(0) == (toxic, death), story


@pytest.mark.parametrize(
    ("died", "related", "death"),
    [("Y", "RELATED", True), ("Y", "NOT RELATED", False), ("Y", None, False), ("N", None, False)],
)
def test_a_death_counts_by_what_the_investigator_says(
    design: TrialDesign, died: str, related: str | None, death: bool
) -> None:
    row = pl.DataFrame(
        {"DTHFL": [died], "DTHREL": [related]}, schema={"DTHFL": pl.String, "DTHREL": pl.String}
    )
    sign = next(s for s in rule(design, "treatment_deaths").event if s.in_ == "ADSL")
    assert row.select(parse(sign.when).holds()).item() is death


@pytest.mark.parametrize(
    ("last_alive", "died", "status", "counts"),
    [
        (date(2024, 2, 10), "N", "ONGOING", False),
        (date(2024, 2, 11), "N", "ONGOING", True),
        (date(2024, 1, 9), "Y", "COMPLETED", True),
        (date(2024, 1, 9), "N", "DISCONTINUED", True),
        (None, "N", None, False),
    ],
)
def test_a_patient_without_the_event_counts_after_the_two_cycles(
    design: TrialDesign, last_alive: date | None, died: str, status: str | None, counts: bool
) -> None:
    """First dose on 1 January: day 42 is 11 February."""
    row = pl.DataFrame(
        {
            "TRTSDT": [date(2024, 1, 1)],
            "LSTALVDT": [last_alive],
            "DTHFL": [died],
            "EOSSTT": [status],
        },
        schema={"TRTSDT": pl.Date, "LSTALVDT": pl.Date, "DTHFL": pl.String, "EOSSTT": pl.String},
    )
    assert row.select(parse(rule(design, "toxicity").observed).holds()).item() is counts


@pytest.mark.parametrize(
    ("changes", "evaluable"),
    [
        ({}, False),
        ({"NADEQ": 2}, True),
        ({"DTHFL": "Y"}, True),
        ({"EOSSTT": "DISCONTINUED"}, True),
        ({"NACTDT": date(2024, 3, 1)}, True),
    ],
)
def test_who_is_evaluable_at_the_look(
    design: TrialDesign, changes: dict[str, object], evaluable: bool
) -> None:
    row = pl.DataFrame(
        [{"NADEQ": 1, "DTHFL": "N", "EOSSTT": "ONGOING", "NACTDT": None, **changes}],
        schema={"NADEQ": pl.Int32, "DTHFL": pl.String, "EOSSTT": pl.String, "NACTDT": pl.Date},
    )
    assert design.interim is not None
    signs = [sign for sign in design.interim.evaluable if sign.in_ == "ADSL"]
    assert any(row.select(parse(sign.when).holds()).item() for sign in signs) is evaluable


# -- The decision page: the alternatives --------------------------------------------------------


@pytest.mark.parametrize(
    ("p0", "p1", "needs", "alpha", "power"),
    [(0.10, 0.25, 10, 0.0245, 0.8363), (0.05, 0.20, 6, 0.0378, 0.9520),
     (0.15, 0.30, 13, 0.0301, 0.7771)],
)  # fmt: skip
def test_one_stage_with_fifty_patients(
    p0: float, p1: float, needs: int, alpha: float, power: float
) -> None:
    one = one_stage_at(50, p0=p0, p1=p1, alpha=0.05)
    assert (one.needs, round(one.alpha, 4), round(one.power, 4)) == (needs, alpha, power)


@pytest.mark.parametrize(
    ("stop", "n1", "needs", "n", "alpha", "power", "expected"),
    [
        (8, 38, 12, 50, 0.0497, 0.8092, 39.3),
        (5, 26, 12, 50, 0.0477, 0.7795, 30.4),
        (3, 23, 12, 48, 0.0455, 0.8035, 34.5),
        (3, 21, 12, 49, 0.0493, 0.8054, 31.9),
    ],
)
def test_two_stages_for_mostly_hepatocellular_carcinoma(
    stop: int, n1: int, needs: int, n: int, alpha: float, power: float, expected: float
) -> None:
    found = two_stage(r1=stop, n1=n1, r=needs - 1, n=n, p0=0.15, p1=0.30)
    attained = (round(found.alpha, 4), round(found.power, 4), round(found.en0, 1))
    assert attained == (alpha, power, expected)


def test_what_the_alternatives_are_called() -> None:
    search = simon(p0=0.15, p1=0.30, alpha=0.05, beta=0.20)
    names = [(d.r1, d.n1, d.needs, d.n) for d in (one.design for one in search.admissible)]
    assert names[:2] == [(3, 23, 12, 48), (3, 21, 12, 49)]
    assert (search.minimax.r1, search.minimax.n1, search.minimax.n) == (3, 23, 48)
    at_fifty = simon_at(50, p0=0.15, p1=0.30, alpha=0.05, beta=0.20)
    least = min(at_fifty, key=lambda d: d.en0)
    assert (least.r1, least.n1, least.needs) == (8, 38, 12)
    fewest = simon(p0=0.10, p1=0.25, alpha=0.05, beta=0.15).minimax
    assert (fewest.r1, fewest.n1, fewest.needs, fewest.n) == (2, 24, 9, 47)
    assert [round(v, 4) for v in (fewest.alpha, fewest.power)] == [0.0393, 0.8525]
    assert [round(fewest.pet0, 3), round(fewest.en0, 1)] == [0.564, 34.0]


def test_at_a_true_rate_of_fifteen_percent_the_chosen_cuts_are_passed_often(
    response: TwoStage,
) -> None:
    assert round(response.reject(0.15), 3) == 0.286
