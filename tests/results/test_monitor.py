"""The running trial against its design: hand-made patients, and every documented situation."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats as scipy_stats

from onearm import adam, records, sdtm
from onearm.design import TwoStage, after_two_stages, changed_first_stage, changed_second_stage
from onearm.errors import Problems
from onearm.results import FACTS, monitor, rows_behind, rows_hash, run
from onearm.simulate import trial as simulate_trial
from onearm.study import Study, load
from onearm.study.analyses import RULE_KINDS, Analyses
from onearm.study.design import TrialDesign
from onearm.study.identity import Identity
from tests.results.fixture import STUDY_FOLDER

START, MONTH = date(2024, 1, 1), 30.4375
Entry = dict[str, Any]  # Any: values of a study file
DESIGN: Entry = {
    "status": "planned",
    "patients": 50,
    "enrolment": {"per_month": 2.5},
    "response": {
        "outcome": "ORR", "analysis": "orr", "null_rate": 0.1, "target_rate": 0.25,
        "stage_1": {"patients": 20, "stop_if_at_most": 2},
        "final": {"patients": 50, "promising_from": 9},
        "if_futility_is_overruled": {"promising_from": 10},
    },
    "survival": {
        "outcome": "PFS", "analysis": "pfs", "null_median_months": 3.0,
        "target_median_months": 5.0, "follow_up_months": 6,
        "landmark": {"months": 6, "null_rate": 0.25, "target_rate": 0.435},
    },
    "disease_control": {
        "outcome": "DCR", "analysis": "dcr", "null_rate": 0.5, "target_rate": 0.7,
        "final": {"patients": 50, "promising_from": 32},
    },
    "multiplicity": {"method": "fixed_sequence", "order": ["ORR", "PFS", "DCR"]},
    "interim": {
        "what": "Two scans", "set": "FAS", "evaluable": [{"in": "ADSL", "when": "NADEQ >= 2"}],
        "predictive_prior": {"a": 0.1, "b": 0.9},
    },
    "safety": [
        {
            "id": "toxicity", "title": "Toxicity", "what": "Grade 4", "set": "FAS",
            "event": [{"in": "ADAE", "when": "ATOXGRN >= 4"}],
            "observed": "LSTALVDT >= TRTSDT + INTERVAL '41 days'", "limit": 0.25,
            "prior": {"a": 0.5, "b": 1.5}, "certainty": 0.9,
            "stop_at": {10: 5, 20: 8, 30: 11, 40: 14, 50: 17},
        }
    ],
}  # fmt: skip
FAS: Entry = {"set": "FAS"}
PLAN = Analyses.model_validate(
    {
        "sets": {"FAS": {"label": "Full analysis set", "when": "FASFL = 'Y'"}},
        "analyses": [
            {"id": "orr", "kind": "proportion", "dataset": "ADRS", "parameter": "CRSP",
             "success": "AVALC = 'Y'", **FAS},
            {"id": "pfs", "kind": "survival", "dataset": "ADTTE", "parameter": "PFS", **FAS},
            {"id": "dcr", "kind": "proportion", "dataset": "ADRS", "parameter": "DCR",
             "success": "AVALC = 'Y'", **FAS},
            {"id": "in", "kind": "enrolment", **FAS},
            {"id": "response", "kind": "two_stage", "rule": "response", **FAS},
            {"id": "survival", "kind": "one_sample_log_rank", "rule": "survival", **FAS},
            {"id": "control", "kind": "one_stage", "rule": "disease_control", **FAS},
            {"id": "toxicity", "kind": "boundary", "rule": "toxicity", **FAS},
            {"id": "claims", "kind": "sequence", **FAS},
        ],
    }
)  # fmt: skip
DEFAULT = TwoStage(2, 20, 8, 50, 0.10, 0.25)


def patients(
    n: int,
    *,
    responders: tuple[int, ...] = (),
    waiting: tuple[int, ...] = (),
    toxic: tuple[int, ...] = (),
    cut_months: float = 12.0,
    months: float = 3.0,
    events: int = 0,
) -> dict[str, pl.DataFrame]:
    """``n`` patients dosed every ten days; the tuples name them by their number in that order.

    All but ``waiting`` have two scans; all were followed ``months``, and the first ``events`` had
    the event then. Rows come in the reverse order, so that nothing rests on it.
    """
    ids = [f"S{i:03d}" for i in range(1, n + 1)]
    doses = [START + timedelta(days=10 * i) for i in range(n)]
    cut = START + timedelta(days=round(cut_months * MONTH))
    adsl = pl.DataFrame(
        {
            "USUBJID": ids,
            "FASFL": ["Y"] * n,
            "COHORT": ["A"] * n,
            "TRTSDT": doses,
            "DCUTDT": [cut] * n,
            "LSTALVDT": [cut] * n,
            "EOSSTT": ["ONGOING"] * n,
            "NADEQ": [1 if i in waiting else 2 for i in range(1, n + 1)],
        },
        schema_overrides={
            **dict.fromkeys(("USUBJID", "FASFL", "COHORT", "EOSSTT"), pl.String),
            **dict.fromkeys(("TRTSDT", "DCUTDT", "LSTALVDT"), pl.Date),
            "NADEQ": pl.Int64,
        },
    )
    yes = ["Y" if i in responders else "N" for i in range(1, n + 1)]
    rows = [(s, p, y) for p in ("CRSP", "DCR") for s, y in zip(ids, yes, strict=True)]
    schema = {"USUBJID": pl.String, "PARAMCD": pl.String, "AVALC": pl.String}
    adrs = pl.DataFrame(rows, schema=schema, orient="row").with_columns(ASEQ=pl.lit(1, pl.Int32))
    adrs = adrs.with_columns(ASEQ=pl.when(PARAMCD="DCR").then(2).otherwise(1).cast(pl.Int32))
    adtte = pl.DataFrame(
        {
            "USUBJID": ids,
            "PARAMCD": ["PFS"] * n,
            "AVAL": [months * MONTH] * n,
            "CNSR": [0 if i <= events else 1 for i in range(1, n + 1)],
            "EVNTDESC": ["x"] * n,
            "CNSDTDSC": ["x"] * n,
            "ASEQ": pl.Series([1] * n, dtype=pl.Int32),
        },
        schema_overrides={
            **dict.fromkeys(("USUBJID", "PARAMCD", "EVNTDESC", "CNSDTDSC"), pl.String),
            "AVAL": pl.Float64,
            "CNSR": pl.Int32,
        },
    )
    adae = pl.DataFrame(
        {"USUBJID": [ids[i - 1] for i in toxic], "ATOXGRN": [4] * len(toxic)},
        schema={"USUBJID": pl.String, "ATOXGRN": pl.Int32},
    ).with_columns(ASEQ=pl.lit(1, pl.Int32))
    frames = {"ADSL": adsl, "ADRS": adrs, "ADTTE": adtte, "ADAE": adae}
    return {name: frame.reverse() for name, frame in frames.items()}


def study(**changes: Any) -> Study:  # Any: keys of design.yaml
    """A study with that design and these analyses; keys with None are left out of the design."""
    parts = {k: v for k, v in {**DESIGN, **changes}.items() if v is not None}
    return Study(
        identity=Identity.model_validate({"id": "X", "title": "X"}),
        folder=Path("x"),
        version="0",
        analyses=PLAN,
        design=TrialDesign.model_validate(parts),
    )


def facts(frames: dict[str, pl.DataFrame], **changes: Any) -> dict[str, dict[str, Any]]:
    """The facts by rule and item: the value, or the text."""
    found: dict[str, dict[str, Any]] = {}
    for row in monitor(study(**changes), frames).iter_rows(named=True):
        value = row["text"] if row["value"] is None else row["value"]
        found.setdefault(row["rule"], {})[row["item"]] = value
    return found


def results(frames: dict[str, pl.DataFrame], **changes: Any) -> dict[str, Any]:
    """Value or text by result id, of the analyses that carry out the design."""
    numbers = run(PLAN, frames, levels=(), design=study(**changes).design)
    values = zip(numbers["value"].to_list(), numbers["text"].to_list(), strict=True)
    return {
        k: t if v is None else v for k, (v, t) in zip(numbers["result_id"], values, strict=True)
    }


# -- Response


def test_before_the_interim_only_the_evaluable_count() -> None:
    found = facts(patients(17, responders=(2, 9), waiting=(15, 16, 17)))["response"]
    assert (found["evaluable patients"], found["with success"]) == (14, 2)
    assert (found["success still needed"], found["patients still missing"]) == (1, 6)
    assert (found["standing"], found["stops"]) == ("before_interim", 0)
    stop = scipy_stats.binom.pmf(0, 6, 0.25)
    assert found["chance of a stop, at the target rate"] == pytest.approx(stop)


def test_at_the_interim_two_responders_stop_and_three_go_on() -> None:
    stopped = facts(patients(20, responders=(1, 20)))["response"]
    assert (stopped["standing"], stopped["stops"]) == ("stopped_for_futility", 1)
    going = facts(patients(20, responders=(1, 2, 20)))["response"]
    assert (going["standing"], going["stops"]) == ("second_stage", 0)
    assert going["success still needed"] == 6


def test_the_first_twenty_evaluable_decide_whoever_else_is_in() -> None:
    # Patient 3 waits for the second scan: number 21 is the twentieth who can be judged.
    found = facts(patients(24, responders=(1, 2, 21, 24), waiting=(3,)))["response"]
    assert (found["standing"], found["with success"]) == ("second_stage", 4)
    assert found["earlier patients not evaluable yet"] == 1
    assert "1 earlier patient is not evaluable yet" in found["sentence"]
    stopped = facts(patients(24, responders=(1, 2, 22, 24), waiting=(3,)))["response"]
    assert stopped["standing"] == "stopped_for_futility"


@pytest.mark.parametrize("n", [21, 22])
def test_an_overrun_shows_both_alternatives_and_neither_is_taken(n: int) -> None:
    frames = patients(n, responders=(1, 2, 3))
    numbers = results(frames)
    other = changed_first_stage(DEFAULT, n1=n)
    assert other.adjusted is not None
    assert numbers["response.cut_alpha.Total.planned"] == pytest.approx(DEFAULT.alpha)
    assert numbers["response.cut_alpha.Total.kept"] == pytest.approx(other.kept.alpha)
    assert numbers["response.cut_r1.Total.adjusted"] == other.adjusted.r1
    assert numbers["response.stage1_n.Total"] == 20
    assert other.sentence() in facts(frames)["response"]["sentence"]


def test_a_look_held_with_others_follows_what_the_design_says_of_it() -> None:
    frames = patients(30, responders=(1, 2, 3))
    interim = {**DESIGN["interim"], "evaluated": 22}
    planned = results(frames, interim=interim)
    assert planned["response.stage1_n.Total"] == 20
    kept = results(frames, interim={**interim, "overrun": "keep_cuts"})
    assert (kept["response.stage1_n.Total"], kept["response.stage1_r.Total"]) == (22, 2)
    new = results(frames, interim={**interim, "overrun": "new_cuts"})
    adjusted = changed_first_stage(DEFAULT, n1=22).adjusted
    assert adjusted is not None
    assert new["response.stage1_r.Total"] == adjusted.r1
    assert new["response.needs.Total"] == adjusted.needs


@pytest.mark.parametrize("k", [8, 9])
def test_after_the_trial_the_design_belongs_in_the_analysis(k: int) -> None:
    # 6 of the first 20 and the others later; the data are as of the final analysis.
    who = (1, 2, 3, 4, 5, 6, *range(30, 30 + k - 6))
    numbers = results(patients(50, responders=who, cut_months=30.0))
    expected = after_two_stages(DEFAULT, k, stage=2)
    tested = after_two_stages(DEFAULT, k, stage=2, level=0.90)
    assert numbers["response.standing.Total"] == ("promising" if k > 8 else "not_promising")
    assert numbers["response.umvue.Total"] == expected.estimate
    assert numbers["response.p_value.Total"] == expected.p_value
    limits = (numbers["response.ci_low.Total"], numbers["response.ci_high.Total"])
    assert limits == (expected.lower, expected.upper)
    assert numbers["response.test_low.Total"] == tested.lower
    assert (tested.lower > 0.1) == (k > 8)
    assert numbers["response.naive.Total"] == k / 50
    assert numbers["response.naive_low.Total"] == expected.naive.lower


def test_a_trial_that_goes_on_after_the_stop_is_described_only() -> None:
    frames = patients(50, responders=(1, *range(31, 42)), cut_months=30.0)
    numbers = results(frames)
    assert numbers["response.standing.Total"] == "stopped_for_futility"
    assert (numbers["response.N.Total"], numbers["response.n.Total"]) == (20, 1)
    assert numbers["response.p_value.Total"] == pytest.approx(1 - 0.9**20)
    overruled = [numbers[f"response.overruled_{x}.Total"] for x in ("n", "N", "needs")]
    assert overruled == [12, 50, 10]
    assert [numbers[f"claims.standing.Total.{x}"] for x in ("ORR", "PFS", "DCR")] == [
        "failed", "not_tested", "not_tested",
    ]  # fmt: skip
    # Nothing later is tested; what was estimated is printed all the same.
    assert numbers["claims.p_value.Total.PFS"] is None
    assert numbers["survival.ratio.Total"] is not None


def test_a_look_that_was_not_planned_never_rejects() -> None:
    numbers = results(patients(45, responders=tuple(range(1, 31)), cut_months=16.0))
    assert numbers["response.standing.Total"] == "second_stage"
    assert (numbers["response.more.Total"], numbers["response.p_value.Total"]) == (0, None)
    assert numbers["response.test_low.Total"] is None
    assert numbers["claims.standing.Total.ORR"] == "open"


def test_closed_enrolment_is_judged_by_koyama_and_chen() -> None:
    closed = {"per_month": 2.5, "closed": START + timedelta(days=300)}
    numbers = results(patients(40, responders=(1, 2, 3, 25, 26, 27)), enrolment=closed)
    other = changed_second_stage(DEFAULT, x1=3, x2=3, m2=20)
    assert numbers["response.standing.Total"] == "ended_early"
    assert numbers["response.p_value.Total"] == other.p_value
    assert facts(patients(40), enrolment=closed)["enrolment"]["standing"] == "closed"


def test_from_the_final_analysis_on_everybody_counts() -> None:
    who = (1, 2, 3, *range(30, 36))
    before = patients(50, responders=who, waiting=(48,), cut_months=20.0)
    assert facts(before)["response"]["standing"] == "second_stage"
    after = patients(50, responders=who, waiting=(48,), cut_months=30.0)
    assert facts(after)["response"]["standing"] == "promising"
    assert facts(after)["response"]["evaluable patients"] == 50


# -- Time to an event, disease control, several outcomes


def test_the_log_rank_test_waits_for_its_day() -> None:
    frames = patients(50, months=6.0, events=20, cut_months=21.0)
    expected = 50 * 6 * math.log(2) / 3
    z = (expected - 20) / math.sqrt((expected + 20) / 2)
    before = results(frames)
    assert before["survival.standing.Total"] == "before_analysis"
    assert before["survival.z.Total"] == pytest.approx(z)
    assert (before["survival.p_value.Total"], before["survival.landmark_p.Total.6"]) == (None, None)
    # The last first dose is on day 490; six months later, on day 673, the test is due.
    day = START + timedelta(days=490 + 183)
    assert before["survival.likely.Total.day"] == day.isoformat()
    due = frames | {"ADSL": frames["ADSL"].with_columns(DCUTDT=pl.lit(day))}
    after = results(due)
    assert after["survival.standing.Total"] == "significant"
    assert after["survival.p_value.Total"] == pytest.approx(scipy_stats.norm.sf(z))
    assert after["survival.ratio.Total"] == pytest.approx(20 / expected)
    low = scipy_stats.chi2.ppf(0.025, 40) / 2 / expected
    assert after["survival.ratio_low.Total"] == pytest.approx(low)


def test_nobody_followed_is_said_and_not_tested() -> None:
    numbers = results(patients(3, months=0.0, cut_months=1.0))
    assert numbers["survival.standing.Total"] == "no_follow_up"
    assert numbers["survival.z.Total"] is None
    found = facts(patients(3, months=0.0, cut_months=1.0))["survival"]
    assert "Nobody has been followed" in found["sentence"]


def test_the_sequence_stops_at_the_first_outcome_that_fails() -> None:
    who = (1, 2, 3, *range(21, 50))  # 32 of 50 for both rates: response and disease control
    good = patients(50, responders=who, months=6.0, events=45, cut_months=30.0)
    numbers = results(good)
    assert [numbers[f"claims.standing.Total.{x}"] for x in ("ORR", "PFS", "DCR")] == [
        "claimed", "claimed", "claimed",
    ]  # fmt: skip
    bad = results(patients(50, responders=who, months=3.0, events=45, cut_months=30.0))
    assert [bad[f"claims.standing.Total.{x}"] for x in ("ORR", "PFS", "DCR")] == [
        "claimed", "failed", "after_failure",
    ]  # fmt: skip
    raw = [bad[f"claims.p_value.Total.{x}"] for x in ("ORR", "PFS", "DCR")]
    adjusted = [bad[f"claims.p_adjusted.Total.{x}"] for x in ("ORR", "PFS", "DCR")]
    assert adjusted == [raw[0], max(raw[:2]), max(raw)]
    assert raw[2] == pytest.approx(scipy_stats.binom.sf(31, 50, 0.5))


def test_a_design_made_afterwards_claims_nothing() -> None:
    frames = patients(50, responders=tuple(range(1, 41)), cut_months=30.0, months=9.0)
    numbers = results(frames, status="planning")
    words = {numbers[f"claims.standing.Total.{x}"] for x in ("ORR", "PFS", "DCR")}
    assert words == {"descriptive"}
    assert numbers["claims.p_value.Total.ORR"] is not None


# -- Safety and enrolment


def test_toxicity_counts_at_once_and_its_absence_after_two_cycles() -> None:
    # Dosed every ten days, cut on day 61: numbers 1 to 3 are over 41 days, number 7 has the event.
    frames = patients(7, toxic=(7,), cut_months=2.0)
    found = facts(frames)["toxicity"]
    assert (found["patients who count"], found["with the event"]) == (4, 1)
    assert (found["standing"], found["stops"]) == ("holds", 0)


def test_a_crossed_boundary_stops_the_trial_and_stays_crossed() -> None:
    found = facts(patients(10, toxic=(1, 2, 3, 4, 5)))["toxicity"]
    assert (found["standing"], found["stops"]) == ("crossed", 1)
    assert "the boundary is crossed" in found["sentence"]
    later = results(patients(40, toxic=(1, 2, 3, 4, 5), cut_months=16.0))
    assert later["toxicity.standing.Total"] == "crossed"
    assert [later[f"toxicity.events.Total.{n}"] for n in (10, 20, 30, 40)] == [5, 5, 5, 5]
    assert later["toxicity.events.Total.50"] is None


def test_enrolment_is_dated_by_the_waits_seen_so_far() -> None:
    frames = patients(21, cut_months=8.0)
    found = facts(frames)["enrolment"]
    elapsed = round(8 * MONTH) / MONTH
    assert found["patients a month"] == pytest.approx(20 / elapsed)
    assert found["expected by the plan"] == pytest.approx(1 + 2.5 * elapsed)
    # A Gamma wait over a Gamma rate: twenty waits seen, twenty-nine to come.
    ratio = scipy_stats.betaprime.ppf(0.5, 29, 20.5)
    likely = START + timedelta(days=round(8 * MONTH) + round(elapsed * ratio * MONTH))
    assert abs((date.fromisoformat(found["patient 50, likely"]) - likely).days) <= 1
    assert found["patient 50, early"] < found["patient 50, likely"] < found["patient 50, late"]
    assert "patient 20, likely" not in found


# -- Edges


def test_a_rule_that_the_data_cannot_answer_says_so() -> None:
    frames = {k: v for k, v in patients(20, responders=(1, 2, 3)).items() if k != "ADAE"}
    found = facts(frames)["toxicity"]
    assert (found["standing"], found["stops"]) == ("cannot_be_judged", 0)
    assert "the data do not have ADAE" in found["sentence"]
    assert not [k for k in results(frames) if k.startswith("toxicity.")]


def test_an_empty_trial_is_before_everything() -> None:
    found = facts(patients(0))
    assert found["enrolment"]["patients dosed"] == 0
    assert found["response"]["standing"] == "before_interim"
    assert found["survival"]["standing"] == "no_follow_up"
    assert found["toxicity"]["standing"] == "holds"


def test_a_study_without_rules_cannot_be_monitored() -> None:
    bare = study()
    for part, words in (("design", "design.yaml"), ("analyses", "analyses.yaml")):
        lacking = Study(
            **{
                f: None if f == part else getattr(bare, f)
                for f in ("identity", "folder", "version", "design", "analyses")
            }
        )
        with pytest.raises(Problems, match=words):
            monitor(lacking, patients(3))
    without = dict.fromkeys(
        ("response", "survival", "disease_control", "multiplicity", "interim", "safety")
    )
    with pytest.raises(Problems, match="no rule to monitor by"):
        monitor(study(status="descriptive", **without), patients(3))


@pytest.mark.parametrize(
    ("entry", "design", "words"),
    [
        ({"kind": "two_stage", "rule": "respons"}, DESIGN, "did you mean response?"),
        ({"kind": "one_stage", "rule": "response"}, DESIGN, "does not have for the kind one_stage"),
        ({"kind": "boundary", "rule": "toxicity"}, None, "the study has no design"),
        (
            {"kind": "one_sample_log_rank", "rule": "survival"},
            {k: v for k, v in DESIGN.items() if k != "enrolment"},
            "needs the planned patients and their enrolment",
        ),
    ],
)
def test_an_analysis_without_its_rule_is_refused(
    entry: Entry, design: Entry | None, words: str
) -> None:
    analyses = [*PLAN.model_dump(mode="json", exclude_unset=True)["analyses"][:3]]
    plan = Analyses.model_validate(
        {"sets": PLAN.model_dump()["sets"], "analyses": [*analyses, {"id": "x", **FAS, **entry}]}
    )
    chosen = TrialDesign.model_validate(design) if design else None
    with pytest.raises(Problems) as caught:
        run(plan, patients(3), levels=(), design=chosen)
    assert words in str(caught.value)


def test_every_number_of_the_design_finds_its_rows_again() -> None:
    data = patients(30, responders=(1, 2, 3), toxic=(4,), events=9)
    numbers = run(PLAN, data, levels=(), design=study().design)
    kinds = {a.id for a in PLAN.analyses if a.kind in RULE_KINDS}
    mine = numbers.filter(pl.col("analysis").is_in(list(kinds)))
    assert set(mine["analysis"]) == kinds
    for row in mine.iter_rows(named=True):
        rows = rows_behind(data, row["dataset"], row["where"])
        assert row["rows_hash"] == rows_hash(row["dataset"], rows), row["result_id"]


# -- The shipped study, simulated


@cache
def shipped() -> Study:
    return load(STUDY_FOLDER)


@cache
def simulated(cut: date) -> dict[str, pl.DataFrame]:
    """The datasets of one simulated trial of the shipped study as they are on that day."""
    made = simulate_trial(shipped(), subjects=50, seed=4, cut=cut)
    domains = sdtm.derive(shipped(), records.at_cut(shipped(), made.entries, cut=cut))
    return {**domains, **adam.derive(shipped(), domains, cut=cut)}


@pytest.mark.parametrize(
    ("cut", "standing"),
    [
        (date(2019, 8, 31), "before_interim"),
        (date(2020, 3, 31), "before_interim"),
        (date(2020, 5, 31), "stopped_for_futility"),
        (date(2022, 3, 31), "stopped_for_futility"),
    ],
)
def test_the_shipped_study_is_counted_as_by_hand(cut: date, standing: str) -> None:
    data = simulated(cut)
    found: dict[str, dict[str, Any]] = {}
    frame = monitor(shipped(), data)
    assert dict(frame.schema) == FACTS
    for row in frame.iter_rows(named=True):
        found.setdefault(row["rule"], {})[row["item"]] = row["value"]
    words = frame.filter(rule="response", item="standing")["text"].item()
    assert words == standing
    # The same counts with plain loops over rows, from what the study file says in words.
    subjects = sorted(
        (r for r in data["ADSL"].to_dicts() if r["FASFL"] == "Y"),
        key=lambda r: (r["TRTSDT"], r["USUBJID"]),
    )
    off = {r["USUBJID"] for r in data["ADEVENT"].to_dicts() if r["PARAMCD"] in ("PROG", "CLINPD")}
    responses = {
        r["USUBJID"]
        for r in data["ADRS"].to_dicts()
        if r["PARAMCD"] == "CRSP" and r["AVALC"] == "Y"
    }
    judged = [
        r["USUBJID"]
        for r in subjects
        if (r["NADEQ"] or 0) >= 2
        or r["DTHFL"] == "Y"
        or r["EOSSTT"] == "DISCONTINUED"
        or r["NACTDT"] is not None
        or r["USUBJID"] in off
    ]
    assert found["response"]["evaluable patients"] == min(len(judged), 20)
    assert found["response"]["with success"] == len(responses & set(judged[:20]))
    assert found["enrolment"]["patients dosed"] == len(subjects)
    deaths = {
        r["USUBJID"] for r in subjects if r["DTHFL"] == "Y" and r.get("DTHREL") == "RELATED"
    } | {
        r["USUBJID"]
        for r in data["ADAE"].to_dicts()
        if r["TRTEMFL"] == "Y" and r["AREL"] == "Y"
        and (r["ATOXGRN"] == 5 or r["AEOUT"] == "FATAL" or r["AESDTH"] == "Y")
    }  # fmt: skip
    assert found["treatment_deaths"]["with the event"] == len(deaths)
    times = [
        (r["AVAL"] / MONTH, r["CNSR"]) for r in data["ADTTE"].to_dicts() if r["PARAMCD"] == "PFS"
    ]
    expected = sum(t for t, _ in times) * math.log(2) / 3
    assert found["survival"]["events"] == sum(c == 0 for _, c in times)
    assert found["survival"]["events expected under the null"] == pytest.approx(expected)
