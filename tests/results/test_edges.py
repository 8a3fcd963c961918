"""What happens where there is little or nothing: empty sets, empty datasets, absent columns."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from onearm.errors import Problems
from onearm.results import KINDS, SCHEMA, run
from onearm.study.analyses import RULE_KINDS
from tests.results.fixture import COHORTS, datasets, design
from tests.results.fixture import plan as shipped
from tests.results.plans import analysed, plan, subjects, values

TIME: dict[str, Any] = {  # Any: an entry of analyses.yaml
    "dataset": "ADTTE", "parameter": "PFS",
}  # fmt: skip
ONE_OF_EACH: dict[str, dict[str, Any]] = {  # Any: entries of analyses.yaml
    "count": {"variable": "SEX", "levels": ["M", "F"], "by": ["AGEGR1"]},
    "flow": {"lines": [{"level": "All", "when": "USUBJID IS NOT NULL", "split": "SEX"}]},
    "incidence": {
        "dataset": "ADAE", "terms": ["AEBODSYS", "AEDECOD"], "grade": "ATOXGRN", "grades": [3],
        "at_least": [3],
    },
    "shift": {
        "dataset": "ADLB", "parameters": "PARAMCD", "baseline": "BTOXGRH", "variable": "ATOXGRH"
    },
    "proportion": {
        "dataset": "ADRS", "parameter": "CRSP", "success": "AVALC = 'Y'", "by": ["SEX"]
    },
    "summary": {"variable": "AGE"},
    "range": {**TIME, "parameter": "TTR", "variable": "AVAL"},
    "best_change": {"dataset": "ADTR", "variable": "PCHG", "bands": [-30, 20]},
    "agreement": {
        "dataset": "ADRS", "parameter": "OVRC", "against": "OVRS", "variable": "AVALC",
        "match": ["VISITNUM"],
    },
    "survival": {**TIME, "times": [6], "by": ["SEX"]},
    "curve": {**TIME, "times": [0, 6]},
    "followup": TIME,
    "competing": {
        **TIME, "times": [6], "success": "CNSR = 0 AND EVNTDESC = 'DEATH'",
        "against": "CNSR = 0 AND EVNTDESC <> 'DEATH'",
    },
}  # fmt: skip


def entry(kind: str, **more: Any) -> dict[str, Any]:  # Any: values of the entry
    """An analysis of that kind which the fixture can answer."""
    return {"id": kind, "kind": kind, **ONE_OF_EACH[kind], **more}


def test_there_is_an_example_of_every_kind() -> None:
    # Kinds that carry out a design have their own edges: test_monitor.
    assert set(ONE_OF_EACH) == set(KINDS) - set(RULE_KINDS)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_every_kind_gives_numbers_in_the_frame_of_results(kind: str) -> None:
    numbers = run(plan(entry(kind)), datasets(), levels=COHORTS)
    assert numbers.height > 0
    assert dict(numbers.schema) == dict(SCHEMA)
    assert not numbers["result_id"].is_duplicated().any()
    patterns = [o.replace("*", r"\w+") for o in KINDS[kind].operations]
    unknown = numbers.filter(~pl.col("operation").str.contains(f"^({'|'.join(patterns)})$"))
    assert unknown["operation"].unique().to_list() == []


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_an_empty_set_gives_zeros_and_nulls_never_an_error(kind: str) -> None:
    numbers = run(plan(entry(kind, set="NOBODY")), datasets(), levels=COHORTS)
    shown = numbers.filter(pl.col("kind") == "count", pl.col("operation") != "order")
    assert set(shown["value"].drop_nulls()) <= {0.0}
    others = numbers.filter(pl.col("kind") != "count")
    assert others["value"].null_count() == others.height


@pytest.mark.parametrize("kind", [k for k, e in ONE_OF_EACH.items() if "dataset" in e])
def test_an_empty_dataset_gives_zeros_and_nulls_never_an_error(kind: str) -> None:
    data = datasets()
    data[ONE_OF_EACH[kind]["dataset"]] = data[ONE_OF_EACH[kind]["dataset"]].clear()
    numbers = run(plan(entry(kind)), data, levels=COHORTS)
    counted = numbers.filter(pl.col("operation").is_in(["n", "events", "pairs"]))
    assert set(counted["value"]) <= {0.0}


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_one_patient_is_enough(kind: str) -> None:
    data = datasets()
    first = data["ADSL"].filter(pl.col("RESPFL") == "Y")["USUBJID"][0]
    alone = {name: frame.filter(pl.col("USUBJID") == first) for name, frame in data.items()}
    numbers = run(plan(entry(kind)), alone, levels=COHORTS)
    assert numbers.filter(pl.col("kind") == "count", pl.col("operation") != "order")[
        "value"
    ].max() is not None  # fmt: skip


def test_nobody_at_all_still_gives_the_shipped_tables() -> None:
    nothing = {name: frame.clear() for name, frame in datasets().items()}
    numbers = run(shipped(), nothing, levels=COHORTS, design=design())
    sizes = numbers.filter(pl.col("operation") == "N")
    assert sizes.height > 0
    assert set(sizes["value"]) == {0.0}


def test_analyses_of_an_absent_dataset_have_no_numbers() -> None:
    data = {name: frame for name, frame in datasets().items() if name != "ADLB"}
    numbers = run(plan(entry("shift"), entry("summary")), data, levels=COHORTS)
    assert set(numbers["analysis"]) == {"summary"}


def test_without_adsl_nothing_can_be_analysed() -> None:
    with pytest.raises(Problems, match="no dataset ADSL"):
        run(plan(entry("summary")), {}, levels=())


def test_every_unknown_column_is_named_at_once_with_a_suggestion() -> None:
    wrong = plan(
        {"id": "a", "kind": "count", "variable": "SEXX"},
        {"id": "b", "kind": "count", "variable": "AGEGR1", "when": "RACEE = 'ASIAN'"},
    )
    with pytest.raises(Problems) as caught:
        run(wrong, datasets(), levels=COHORTS)
    text = str(caught.value)
    assert "a reads SEXX, which ADSL does not have" in text
    assert "did you mean SEX?" in text
    assert "b reads RACEE, which ADSL does not have" in text


def test_a_subject_without_a_cohort_stands_in_the_total_only() -> None:
    people = subjects(COHORT=["A", None], SEX=["M", "M"])
    found = values(analysed({"kind": "count", "variable": "SEX"}, {"ADSL": people}, ("A",)))
    assert (found["n.A.M"], found["n.Total.M"]) == (1, 2)


def test_rows_of_subjects_that_adsl_does_not_have_do_not_count() -> None:
    data = {
        "ADSL": subjects(SEX=["M"]),
        "ADCM": pl.DataFrame({"USUBJID": ["S1", "S9"], "X": ["a", "a"]}),
    }
    found = values(
        analysed({"kind": "count", "dataset": "ADCM", "variable": "X", "events": True}, data)
    )
    assert (found["n.Total.a"], found["events.Total.a"]) == (1, 1)


def test_the_order_of_the_rows_does_not_matter() -> None:
    shuffled = {k: f.sample(fraction=1, shuffle=True, seed=3) for k, f in datasets().items()}
    again = run(shipped(), shuffled, levels=COHORTS, design=design())
    assert again.equals(run(shipped(), datasets(), levels=COHORTS, design=design()))
