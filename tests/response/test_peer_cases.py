"""The engine against the peers' own cases: unit tests, worked examples, 1,000 simulated courses.

The peer is a second opinion, not the truth: where it departs from RECIST 1.1 the test says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

import polars as pl
import pytest

from onearm.response import RECIST11, Criteria, best_response, fixed_point, in_mm, time_points
from onearm.response.confirm import add_confirmation
from onearm.response.criteria import ADMIRALONCO
from onearm.response.followup import counted_assessments
from onearm.response.milestones import (
    clinical_benefit,
    first_response,
    keep_relative,
    last_assessment,
    progression,
)
from tests.shared import SHARED, needs_shared, shared

pytestmark = needs_shared

PEER = RECIST11.with_parameters(**ADMIRALONCO)
FOLDER = "response_cases"
Case = dict[str, str]


@cache
def read(*parts: str) -> pl.DataFrame:
    return pl.read_csv(shared(FOLDER, *parts), infer_schema=False)


def cases(*kinds: str) -> list[Case]:
    """The peers' cases of some kinds; none where the reference folder is absent."""
    if not SHARED.is_dir():
        return []
    rows = read("unit", "cases.csv").filter(pl.col("kind").is_in(kinds)).iter_rows(named=True)
    return [{name: value or "" for name, value in row.items()} for row in rows]


def by_id(case: Case) -> str:
    return case["case_id"]


def visits(case: Case) -> pl.DataFrame:
    return (
        read("unit", "visits.csv")
        .filter(pl.col("case_id") == case["case_id"])
        .with_columns(pl.col("seq").cast(pl.Int64))
        .sort("seq")
    )


def responses(case: Case) -> pl.DataFrame:
    """The case's assessments; where it names visits and not dates, visit n is day n of 2020."""
    day = pl.col("date_or_visit")
    return visits(case).select(
        subject=pl.lit("P"),
        reader=pl.lit("R"),
        date=pl.coalesce(
            day.str.to_date("%Y-%m-%d", strict=False),
            pl.date(2020, 1, 1) + pl.duration(days=pl.col("seq")),
        ),
        response=pl.col("value").replace("", None),
    )


def subjects(case: Case) -> pl.DataFrame:
    start = case["reference_date"] or "2000-01-01"
    return pl.DataFrame(
        {
            "subject": ["P"],
            "start": [date.fromisoformat(start)],
            "new_therapy": [None],
            "cutoff": [date.fromisoformat(case["pd_date"]) if case["pd_date"] else None],
        },
        schema_overrides={"new_therapy": pl.Date, "cutoff": pl.Date},
    )


def options(case: Case) -> Criteria:
    """The case's own options; its PD source, not the sequence, says where to stop."""
    named = {
        "sd_min_days": case["ref_start_window"],
        "confirm_days": case["ref_confirm"],
        "max_ne_between": case["max_nr_ne"],
    }
    changes: dict[str, object] = {name: int(value) for name, value in named.items() if value}
    changes["stop_at_pd"] = False
    changes["max_sd_between"] = 1 if case["accept_sd"] == "True" else 0
    changes["nobody_assessed"] = "NE" if case["missing_as_ne"] == "True" else "MISSING"
    return PEER.with_parameters(**changes)


def day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


@pytest.mark.parametrize("case", cases("BOR", "CBOR"), ids=by_id)
def test_best_responses_of_the_unit_cases(case: Case) -> None:
    found = best_response(
        responses(case), subjects(case), criteria=options(case), confirmed=case["kind"] == "CBOR"
    ).row(0, named=True)
    if case["case_id"] == "CBOR-341b6f05":
        # A patient with "not done" only: the peer's confirmed value is ND, a quirk by its readme.
        assert (found["response"], found["date"]) == ("NE", None)
        return
    assert (found["response"], day(found["date"])) == (
        case["expected_value"],
        case["expected_date"],
    )


@pytest.mark.parametrize("case", cases("RSP", "CRSP", "CB", "CRSP_ANY"), ids=by_id)
def test_responses_and_benefit_of_the_unit_cases(case: Case) -> None:
    criteria = options(case)
    if case["kind"] == "CRSP_ANY":
        criteria = criteria.with_parameters(confirm_days=0)
    if case["kind"] == "CB":
        found = clinical_benefit(
            responses(case),
            subjects(case),
            criteria=criteria,
            confirmed=False,
            counting=tuple(case["clinben_vals"].split("|")),
        )
    else:
        found = first_response(
            responses(case), subjects(case), criteria=criteria, confirmed=case["kind"] != "RSP"
        )
    row = found.row(0, named=True)
    assert row["occurred"] == (case["expected_value"] == "Y")
    expected = case["expected_date"]
    assert day(row["date"]) == ("2020-01-02" if expected == "visit 1" else expected)


@pytest.mark.parametrize("case", cases("PD", "LAST_EVAL", "LAST_EVAL_VAL"), ids=by_id)
def test_progression_and_last_assessment_of_the_unit_cases(case: Case) -> None:
    derive = progression if case["kind"] == "PD" else last_assessment
    row = derive(responses(case), subjects(case), criteria=options(case)).row(0, named=True) if len(
        responses(case)
    ) else {"date": None, "response": None, "occurred": None}  # fmt: skip
    assert day(row["date"]) == case["expected_date"]
    if case["kind"] == "LAST_EVAL_VAL":
        assert (row["response"] or "") == case["expected_value"]
    elif case["expected_value"]:
        assert row["occurred"] == (case["expected_value"] == "Y")


@pytest.mark.parametrize("case", cases("PD_FLAG"), ids=by_id)
def test_progression_flag_of_the_unit_cases(case: Case) -> None:
    looks = responses(case)
    if case["case_id"] == "PD_FLAG-e0529afd":
        # The table of cases lost the parameter of each row: the last four are of a second
        # assessor (OVRF in the source), and the flag is about the first.
        looks = looks.head(4)
    found = progression(looks, subjects(case), criteria=options(case))
    flag = {True: "Y", False: "N", None: ""}
    got = flag[found["occurred"][0]] if found.height else ""
    assert got == case["expected_value"]


@pytest.mark.parametrize("case", cases("KEEP_RELATIVE"), ids=by_id)
def test_kept_visits_of_the_unit_cases(case: Case) -> None:
    rule = case["rule"]
    side, _, rest = rule.partition(" the ")
    which, response = rest.split(",")[0].split()
    looks = visits(case).select(
        subject=pl.lit("P"),
        reader=pl.lit("R"),
        order=pl.col("date_or_visit").cast(pl.Int64),
        response=pl.col("value"),
    )
    kept = keep_relative(
        looks,
        response=response,
        which="first" if which == "first" else "last",
        keep="before" if side.endswith("before") else "after",
        inclusive="inclusive=TRUE" in rule,
        without=rule.endswith("=TRUE"),
    )
    assert "|".join(str(x) for x in kept["order"]) == case["expected_kept"]


@pytest.mark.parametrize("case", cases("KEEP_TO_PD"), ids=by_id)
def test_visits_up_to_the_progression_of_the_unit_cases(case: Case) -> None:
    # Progression comes from another table here: its date is the last one that counts.
    kept = counted_assessments(responses(case), subjects(case), options(case).parameters)
    assert "|".join(kept["date"].cast(pl.String)) == case["expected_kept"]


@pytest.mark.parametrize("case", cases("CONFIRM_SELECT"), ids=by_id)
def test_confirmed_visits_of_the_unit_cases(case: Case) -> None:
    anything = {"max_ne_between": 99, "max_sd_between": 99, "confirm_days": 0}
    criteria = PEER.with_parameters(**anything)
    if "at most one SD" in case["rule"]:
        criteria = criteria.with_parameters(max_sd_between=1)
    looks = visits(case).select(
        case=pl.lit(0),
        seq=pl.col("seq"),
        date=pl.date(2020, 1, 1) + pl.duration(days=pl.col("seq")),
        # The peer's filter looks at nothing but CR, PR and SD; for us a PD between ends it.
        response=pl.col("value").replace("PD", "SD"),
    )
    wanted = "CR" if "a CR" in case["rule"] else "PR"
    found = add_confirmation(looks, criteria.parameters).filter(
        pl.col("by_date").is_not_null(), pl.col("response") == wanted
    )
    expected = case["expected_kept"] or case["expected_num"]
    assert "|".join(str(x) for x in found["seq"]) == expected


def grid_frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    looks = read("grid", "overall_responses.csv").select(
        "subject",
        reader=pl.lit("R"),
        date=pl.col("date").str.to_date(),
        response="overall_response",
    )
    people = read("grid", "subjects.csv").select(
        "subject",
        start=pl.col("treatment_start").str.to_date(),
        new_therapy=pl.lit(None, pl.Date),
        cutoff=pl.lit(None, pl.Date),
    )
    return looks, people


def derive_grid(code: str, criteria: Criteria) -> pl.DataFrame:
    looks, people = grid_frames()
    confirmed = code.startswith("C") and code != "CB"
    derivations: dict[str, Callable[[], pl.DataFrame]] = {
        "BOR": lambda: best_response(looks, people, criteria=criteria, confirmed=confirmed),
        "RSP": lambda: first_response(looks, people, criteria=criteria, confirmed=confirmed),
        "CB": lambda: clinical_benefit(looks, people, criteria=criteria, confirmed=confirmed),
        "PD": lambda: progression(looks, people, criteria=criteria),
    }
    found = derivations[code if code in derivations else code[1:]]()
    if "occurred" in found.columns:
        yes = pl.col("occurred").fill_null(value=False)
        found = found.with_columns(response=pl.when(yes).then(pl.lit("Y")).otherwise(pl.lit("N")))
    return found.select("subject", "response", pl.col("date").cast(pl.String))


@pytest.mark.parametrize("parameter_set", ["P1", "P3"])
@pytest.mark.parametrize("code", ["BOR", "CBOR", "RSP", "CRSP", "CB", "CCB", "PD"])
def test_a_thousand_simulated_courses(parameter_set: str, code: str) -> None:
    row = read("grid", "param_sets.csv").row(
        by_predicate=pl.col("param_set") == parameter_set, named=True
    )
    criteria = PEER.with_parameters(
        sd_min_days=int(row["ref_start_window_days"]),
        confirm_days=int(row["ref_confirm_days"]),
        max_ne_between=int(row["max_nr_ne"]),
        max_sd_between=1 if row["accept_sd"] == "Y" else 0,
        nobody_assessed="NE" if row["missing_as_ne"] == "Y" else "MISSING",
    )
    expected = read("grid", "expected_response.csv").filter(
        pl.col("param_set") == parameter_set, pl.col("paramcd") == code
    )
    both = expected.join(derive_grid(code, criteria), on="subject", how="full", coalesce=True)
    same = pl.col("expected_value").eq_missing(pl.col("response")) & pl.col(
        "expected_date"
    ).eq_missing(pl.col("date"))
    others = both.filter(~same)["subject"].to_list()
    # DEV-0909 has "not done" only: ND as a confirmed best response is a quirk, by the readme.
    assert others == (["DEV-0909"] if code == "CBOR" else [])
    assert both.height == 1_000


def test_sums_of_diameters_of_three_hundred_simulated_patients() -> None:
    node = pl.col("TULOC") == "LYMPH NODE"
    counted = pl.when(node).then(pl.lit("LPERP")).otherwise(pl.lit("LDIAM"))
    rows = read("grid", "target_lesions.csv").filter(pl.col("TRTESTCD") == counted)
    lesions = rows.select(
        subject="USUBJID",
        reader=pl.lit("R"),
        time_point=pl.col("VISITNUM").cast(pl.Int32) - 1,
        date=pl.col("TRDTC").str.to_date(),
        lesion="TRLNKID",
        role=pl.lit("target"),
        nodal=node,
        size=fixed_point(rows["TRSTRESN"]),
        state=pl.lit(None, pl.String),
    )
    found = time_points(lesions).with_columns(
        in_mm("sum"), in_mm("base"), in_mm("nadir"), in_mm("change"), in_mm("change_nadir")
    )
    visit = pl.col("AVISITN").cast(pl.Int32)
    expected = read("grid", "expected_sum_of_diameters.csv").with_columns(
        subject="USUBJID", time_point=pl.when(visit == 0).then(0).otherwise(visit - 1)
    )
    both = expected.join(found, on=["subject", "time_point"], how="full", coalesce=True)
    assert both.height == expected.height == found.height == 1_633
    # Where no lesion was measured the peer's sum is 0; for us there is none.
    unmeasured = pl.col("n_assessed") == 0
    assert both.filter(unmeasured)["AVAL"].unique().to_list() == ["0"]
    seen = both.filter(~unmeasured)
    for theirs, ours in (
        ("AVAL", "sum"), ("BASE", "base"), ("NADIR", "nadir"), ("CHG", "change"),
        ("CHGNAD", "change_nadir"), ("PCHG", "pct_change"), ("PCHGNAD", "pct_change_nadir"),
    ):  # fmt: skip
        value = pl.col(theirs).cast(pl.Float64)
        differs = ((value - pl.col(ours)).abs() > 1e-9) | (
            value.is_null() != pl.col(ours).is_null()
        )
        # The peer leaves the changes from the nadir empty at baseline, as we do.
        assert seen.filter(differs).height == 0, theirs
    complete = (pl.col("ANL01FL") == "Y").fill_null(value=False)
    assert both.filter(complete != pl.col("complete")).height == 0


def vignette() -> list[tuple[str, str]]:
    """The RECIST 1.1 parameters of the worked examples that are about responses."""
    if not SHARED.is_dir():
        return []
    codes = ("BOR", "CBOR", "RSP", "CRSP", "CB", "CCB", "PD", "LSTA")
    rows = read("vignette", "expected.csv").filter(
        pl.col("criteria").str.starts_with("RECIST"), pl.col("paramcd").is_in(codes)
    )
    return list(rows.select("criteria", "paramcd").unique(maintain_order=True).iter_rows())


@pytest.mark.parametrize(("example", "code"), vignette())
def test_worked_examples_of_the_peer(example: str, code: str) -> None:
    looks = read("vignette", "inputs.csv").filter(pl.col("criteria") == example)
    expected = read("vignette", "expected.csv").filter(
        pl.col("criteria") == example, pl.col("paramcd") == code
    )
    rows = looks.select(
        "subject",
        reader=pl.lit("R"),
        date=pl.col("analysis_date").str.to_date(),
        response="response",
    )
    known = looks.select("subject", start=pl.col("randomisation_date").str.to_date()).unique()
    people = (
        expected.select("subject")
        .unique()
        .join(known, on="subject", how="left")
        .with_columns(new_therapy=pl.lit(None, pl.Date), cutoff=pl.lit(None, pl.Date))
    )
    # The first example asks for 21 days to confirmation, the second for 28.
    criteria = PEER.with_parameters(confirm_days=21 if "event objects" in example else 28)
    rows = rows.filter(pl.col("subject").is_in(people["subject"].to_list()))
    if code == "LSTA":
        found = last_assessment(rows, people, criteria=criteria, evaluable=False)
        found = found.with_columns(pl.col("date").cast(pl.String))
    else:
        confirmed = code in ("CBOR", "CRSP", "CCB")
        derive = {"BOR": best_response, "RSP": first_response, "CB": clinical_benefit}
        name = code[1:] if confirmed else code
        if name == "PD":
            found = progression(rows, people, criteria=criteria)
        else:
            found = derive[name](rows, people, criteria=criteria, confirmed=confirmed)
        found = found.with_columns(pl.col("date").cast(pl.String))
    if "occurred" in found.columns and code != "LSTA":
        yes = pl.col("occurred").fill_null(value=False)
        found = found.with_columns(response=pl.when(yes).then(pl.lit("Y")).otherwise(pl.lit("N")))
    both = expected.join(found, on="subject", how="left")
    got = both.select("subject", "response", "date").rows()
    assert got == both.select("subject", "expected_value", "expected_date").rows()


def known_differences() -> list[Case]:
    if not SHARED.is_dir():
        return []
    rows = read("known_differences", "recist11_table3_vs_peer.csv").iter_rows(named=True)
    return [{name: value or "" for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("case", known_differences(), ids=by_id)
def test_table_3_is_the_default_and_the_peer_is_an_option(case: Case) -> None:
    looks = pl.DataFrame(
        {
            "subject": ["P", "P"],
            "reader": ["R", "R"],
            "date": [
                date.fromisoformat(case["first_date"]),
                date.fromisoformat(case["second_date"]),
            ],
            "response": [case["first"], case["second"]],
        }
    )
    people = pl.DataFrame(
        {"subject": ["P"], "start": [date.fromisoformat(case["start_date"])]}
    ).with_columns(new_therapy=pl.lit(None, pl.Date), cutoff=pl.lit(None, pl.Date))
    ours = best_response(looks, people).row(0, named=True)
    peer = best_response(looks, people, criteria=PEER).row(0, named=True)
    if case["recist11_table3"]:
        assert ours["response"] == case["recist11_table3"]
    assert (peer["response"], day(peer["date"])) == (case["peer_value"], case["peer_date"])
