"""Whole trials through the real derivations: the same numbers as the whole river, and the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from onearm import operating, pipeline, simulate
from onearm.design import after_two_stages
from onearm.design.oc import log_rank_z
from onearm.errors import OnearmError
from onearm.operating.entered import analyses_of
from onearm.operating.settings import setting_of, varied
from onearm.pieces import streams
from onearm.simulate.twin import analysis_day, twin
from onearm.study import Study, load
from onearm.study.simulation import Scenario, Simulation
from tests.simulate.studies import SHIPPED

pytestmark = pytest.mark.slow  # each simulates trials

PLANNED = Scenario.model_validate({"id": "planned", "label": "As planned"})
SEED = 11


@pytest.fixture(scope="module")
def shipped() -> Study:
    return load(SHIPPED)


def one_trial(study: Study, **changes: object) -> dict[str, object]:
    scenario = Scenario.model_validate({"id": "one", "label": "one", **changes})
    piece = operating.Entered(study, setting_of(study, scenario), 1, SEED)
    return operating.entered(piece).row(0, named=True)


@pytest.fixture(scope="module")
def planned(shipped: Study) -> dict[str, object]:
    return one_trial(shipped)


@pytest.fixture(scope="module")
def whole(shipped: Study) -> pipeline.Trial:
    """The same trial with every form, through the whole river."""
    study = varied(shipped, PLANNED)
    cut = analysis_day(study, subjects=50, seed=SEED, months=6.0)
    made = simulate.trial(study, subjects=50, seed=SEED, cut=cut)
    return pipeline.build(study, made.entries, cut=cut)


def test_leaving_out_forms_leaves_the_endpoints_as_they_are(
    planned: dict[str, object], whole: pipeline.Trial
) -> None:
    numbers = dict(whole.numbers.select("result_id", "value").iter_rows())
    assert planned["responders"] == numbers["orr_confirmed.n.Total"]
    assert planned["controlled"] == numbers["dcr_confirmed.n.Total"]
    for name in ("pfs", "os"):
        for column, place in (
            ("events", "events.Total"),
            ("last", "longest.Total"),
            ("median", "median.Total"),
            ("median_lower", "median_low.Total"),
            ("median_upper", "median_high.Total"),
            ("rate", "rate.Total.6"),
            ("rate_lower", "rate_low.Total.6"),
        ):
            assert planned[f"{name}_{column}"] == numbers[f"{name}.{place}"], (name, column)


def test_decisions_are_the_design_applied_to_the_datasets(
    shipped: Study, planned: dict[str, object], whole: pipeline.Trial
) -> None:
    plan = operating.plan_of(shipped)
    responded = whole.datasets["ADRS"].filter(PARAMCD="CRSP", AVALC="Y")["USUBJID"].to_list()
    dosed = whole.datasets["ADSL"].filter(FASFL="Y").sort("TRTSDT", "USUBJID")["USUBJID"]
    first = sum(subject in responded for subject in dosed.to_list()[:20])
    assert planned["responders_1"] == first
    assert planned["go"] == (first > 2)
    assert planned["promising"] == (first > 2 and len(responded) > 8)
    stage = 2 if first > 2 else 1
    told = after_two_stages(plan.response, len(responded) if stage == 2 else first, stage=stage)
    assert planned["orr_umvue"] == told.estimate
    times = whole.datasets["ADTTE"].filter(PARAMCD="PFS")
    months, event = times["AVAL"].to_numpy() / 30.4375, (times["CNSR"] == 0).to_numpy()
    z = log_rank_z(plan.survival.hypothesis, months[None, :], event[None, :])[0]
    assert planned["pfs_z"] == pytest.approx(z)
    assert planned["pfs_win"] == (z > plan.survival.critical)


def test_the_twin_is_what_a_trial_with_perfect_looks_finds(shipped: Study) -> None:
    # The scenario with scans every week and no error comes close to the twin of any scenario.
    scenario = {"scan_days": 7, "missed": 0.0, "measurement_error": 0.0, "dropout": 0.0}
    seen = one_trial(shipped, **scenario)
    assert seen["true_orr"] == one_trial(shipped)["true_orr"]
    assert abs(seen["responders"] / 50 - seen["true_orr"]) <= 0.06
    assert abs(seen["pfs_median"] - seen["true_pfs_median"]) <= 0.5


def test_the_twin_has_the_same_patients_whatever_the_looks(shipped: Study) -> None:
    cut = analysis_day(shipped, subjects=30, seed=3, months=6.0)
    planned = twin(varied(shipped, PLANNED), subjects=30, seed=3, cut=cut)
    noisy = Scenario.model_validate(
        {"id": "n", "label": "n", "missed": 0.4, "scan_days": 84, "measurement_error": 0.2}
    )
    assert twin(varied(shipped, noisy), subjects=30, seed=3, cut=cut).equals(planned)
    assert planned.height <= 30
    assert planned["pfs"].min() > 0


def test_looks_change_what_is_seen(shipped: Study, planned: dict[str, object]) -> None:
    rare = one_trial(shipped, scan_days=84)
    loose = one_trial(shipped, confirmation=False)
    assert rare["responders"] < planned["responders"] <= loose["responders"]
    assert rare["pfs_median"] > rare["true_pfs_median"]
    assert loose["pfs_median"] == planned["pfs_median"]
    assert one_trial(shipped, dropout=2.0)["os_events"] < planned["os_events"]


def test_every_patient_of_the_design_is_dosed_at_its_rate(
    shipped: Study, whole: pipeline.Trial
) -> None:
    subjects = whole.datasets["ADSL"]
    assert subjects.filter(FASFL="Y").height == 50
    assert varied(shipped, PLANNED).simulation.accrual_months == 20.0


# -- Settings --------------------------------------------------------------------------------------


def test_what_a_scenario_leaves_out_is_as_planned(shipped: Study) -> None:
    setting = setting_of(shipped, PLANNED)
    assert (setting.truth.response, setting.truth.control) == (0.25, 0.70)
    assert setting.truth.free.median == pytest.approx(5.0)
    assert setting.landmark == 6
    # Every 42 days to day 168, then every 63; in months.
    days = np.array(setting.looks.scans[:6]) * 30.4375
    assert days.round(9).tolist() == [42, 84, 126, 168, 231, 294]
    assert setting.looks.gap * 30.4375 == pytest.approx(98)
    assert setting.looks.confirm_after * 30.4375 == pytest.approx(28)
    assert setting.looks.missed == pytest.approx(1 - 0.965 * 0.988)
    wide = setting_of(shipped, PLANNED.model_copy(update={"scan_days": 84}))
    assert np.diff(wide.looks.scans) * 30.4375 == pytest.approx(
        np.full(len(wide.looks.scans) - 1, 84)
    )


def test_a_scenario_that_is_given_by_hand_stands_beside_the_plan(shipped: Study) -> None:
    plan, given = operating.given(shipped, {"missed": 0.3, "confirmation": False, "dropout": None})
    assert plan.id == "planned"
    assert (given.id, given.missed, given.confirmation) == ("given", 0.3, False)
    assert given.dropout is None


def test_messages_name_what_is_missing(shipped: Study) -> None:
    with pytest.raises(OnearmError, match="there is no scenario of this name; did you mean"):
        operating.chosen(shipped, ["missd_scans"])
    with pytest.raises(OnearmError, match=r"design\.yaml gives no response, survival, dis"):
        operating.plan_of(replace(shipped, design=None))
    with pytest.raises(OnearmError, match=r"it needs simulation\.yaml"):
        setting_of(replace(shipped, simulation=None), PLANNED)
    blocks = tuple(
        block.model_copy(update={"answers": tuple(a for a in block.answers if a.param != "RSP")})
        for block in shipped.endpoints.responses
    )
    bare = replace(shipped, endpoints=shipped.endpoints.model_copy(update={"responses": blocks}))
    asked = setting_of(shipped, PLANNED.model_copy(update={"confirmation": False}))
    with pytest.raises(OnearmError, match="no answer like CRSP without confirmation"):
        analyses_of(bare, asked)


def test_scenarios_that_contradict_themselves_are_refused(shipped: Study) -> None:
    with pytest.raises(ValidationError, match=r"control 0\.2 is below response 0\.4"):
        Scenario.model_validate({"id": "a", "label": "a", "response": 0.4, "control": 0.2})
    twice = [PLANNED.model_dump(), PLANNED.model_dump()]
    with pytest.raises(ValidationError, match="the id planned is used twice"):
        Simulation.model_validate(shipped.simulation.model_dump() | {"scenarios": twice})


# -- Pieces ----------------------------------------------------------------------------------------


def test_trial_k_has_the_same_stream_in_every_scenario(shipped: Study) -> None:
    scenarios = operating.chosen(shipped, ["planned", "missed_scans"])
    listed = operating.pieces(operating.Work(shipped, scenarios, 1100, 2, 5))
    drawn = [p for p in listed if isinstance(p, operating.Drawn)]
    entered = [p for p in listed if isinstance(p, operating.Entered)]
    assert [(p.setting.scenario.id, p.first, p.trials) for p in drawn] == [
        (name, first, count)
        for name in ("planned", "missed_scans")
        for first, count in ((1, 500), (501, 500), (1001, 100))
    ]
    assert [p.stream.spawn_key for p in drawn[:3]] == [p.stream.spawn_key for p in drawn[3:]]
    assert [p.seed for p in entered[:2]] == [p.seed for p in entered[2:]]
    assert len({p.seed for p in entered}) == 2
    assert drawn[0].stream.spawn_key != streams(5, 1)[0].spawn_key


def test_fewer_trials_are_the_first_of_more(shipped: Study) -> None:
    def trials(n: int) -> pl.DataFrame:
        work = operating.Work(shipped, operating.chosen(shipped, ["planned"]), n, 0, 5)
        return operating.trials_of(operating.run(work))

    assert trials(1500).head(1000).equals(trials(1000))


def test_both_ways_have_the_same_columns_and_are_summed_up_alike(shipped: Study) -> None:
    work = operating.Work(shipped, operating.chosen(shipped, ["null_drug"]), 300, 1, 5)
    found = operating.summary_of(operating.trials_of(operating.run(work)))
    names = [found.filter(route=route)["measure"].to_list() for route in operating.ROUTES]
    assert names[0] == names[1]
    drawn = {r["measure"]: r for r in found.filter(route="drawn").iter_rows(named=True)}
    assert drawn["orr_true"]["value"] == pytest.approx(0.10)
    assert drawn["go"]["lower"] < drawn["go"]["value"] < drawn["go"]["upper"]
    # What is true of survival is not known for patients who were entered.
    entered = {r["measure"]: r for r in found.filter(route="entered").iter_rows(named=True)}
    assert entered["os_median_true"]["value"] is None
    assert entered["os_median_coverage"]["value"] is None
    assert entered["go"]["trials"] == 1
