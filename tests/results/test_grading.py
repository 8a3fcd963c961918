"""Adverse events by term and worst grade, and laboratory shifts, counted by hand."""

from __future__ import annotations

import polars as pl

from tests.results.plans import analysed, rows, subjects, values

ADSL = subjects(COHORT=["A", "A", "B", "B"])


def event(subject: str, soc: str, term: str, grade: int | None) -> dict[str, object]:
    """One treatment-emergent adverse event."""
    return {"USUBJID": subject, "SOC": soc, "PT": term, "GRADE": grade, "TRTEMFL": "Y"}


ADAE = rows(
    event("S1", "Gut", "Diarrhoea", 2),
    event("S1", "Gut", "Diarrhoea", 2),
    event("S1", "Gut", "Diarrhoea", 3),
    event("S1", "Gut", "Nausea", 1),
    event("S2", "Gut", "Nausea", 1),
    event("S3", "Gut", "Nausea", None),
    event("S3", "Skin", "Rash", 4),
    event("S4", "Skin", "Rash", 1) | {"TRTEMFL": None},
)
ENTRY = {
    "kind": "incidence", "dataset": "ADAE", "when": "TRTEMFL = 'Y'", "terms": ["SOC", "PT"],
    "grade": "GRADE", "grades": [1, 2, 3, 4, 5], "at_least": [3],
}  # fmt: skip


def test_subjects_count_once_a_term_and_at_their_worst_grade() -> None:
    found = values(analysed(ENTRY, {"ADSL": ADSL, "ADAE": ADAE}, ("A", "B")))
    assert (found["n.Total"], found["events.Total"], found["percent.Total"]) == (3, 7, 0.75)
    assert (found["n.Total.Gut.Diarrhoea"], found["events.Total.Gut.Diarrhoea"]) == (1, 3)
    # Grade 2 twice and grade 3 once: counted once, at grade 3 (clinical specification, A17).
    assert found["n_grade_2.Total.Gut.Diarrhoea"] == 0
    assert found["n_grade_3.Total.Gut.Diarrhoea"] == 1
    assert found["percent_grade_3.A.Gut.Diarrhoea"] == 0.5
    # Over all terms S1 is at grade 3, S2 at 1, S3 at 4; the ungraded nausea of S3 hides nothing.
    assert [found[f"n_grade_{g}.Total"] for g in range(1, 6)] == [1, 0, 1, 1, 0]
    assert (found["n_grade_ge3.Total"], found["n_grade_ge3.B"]) == (2, 1)
    assert found["n_grade_1.Total.Gut.Nausea"] == 2
    assert found["n.Total.Gut.Nausea"] == 3


def test_terms_go_by_falling_frequency_within_their_class() -> None:
    numbers = analysed(ENTRY, {"ADSL": ADSL, "ADAE": ADAE}, ("A", "B"))
    order = numbers.filter(pl.col("operation") == "order")
    assert order.select("level2", "level3", "value").rows() == [
        ("Gut", None, 1.0),
        ("Gut", "Nausea", 2.0),
        ("Gut", "Diarrhoea", 3.0),
        ("Skin", None, 4.0),
        ("Skin", "Rash", 5.0),
    ]


def test_a_share_leaves_out_rare_terms_and_classes_without_any_other() -> None:
    found = values(analysed(ENTRY | {"share": 0.5}, {"ADSL": ADSL, "ADAE": ADAE}))
    shown = {key.removeprefix("n.Total.") for key in found if key.startswith("n.Total.")}
    assert shown == {"Gut", "Gut.Nausea"}
    assert found["n.Total"] == 3  # all subjects with any event, shown or not


def test_without_any_event_there_is_one_line_of_zeros() -> None:
    found = values(analysed(ENTRY, {"ADSL": ADSL, "ADAE": ADAE.clear()}, ("A", "B")))
    assert {k: v for k, v in found.items() if k.startswith(("n.", "N."))} == {
        "N.A": 2, "N.B": 2, "N.Total": 4, "n.A": 0, "n.B": 0, "n.Total": 0,
    }  # fmt: skip


def test_the_shift_pairs_baseline_with_the_worst_grade_afterwards() -> None:
    labs = rows(
        *({"USUBJID": "S1", "PARAMCD": "ALT", "BTOX": "0", "TOX": g} for g in ("1", "3", "2")),
        {"USUBJID": "S2", "PARAMCD": "ALT", "BTOX": "1", "TOX": "1"},
        {"USUBJID": "S3", "PARAMCD": "ALT", "BTOX": None, "TOX": "0"},
        {"USUBJID": "S3", "PARAMCD": "PLAT", "BTOX": "0", "TOX": "4"},
    )
    entry = {
        "kind": "shift", "dataset": "ADLB", "parameters": "PARAMCD", "baseline": "BTOX",
        "variable": "TOX", "levels": ["0", "1", "2", "3", "4"], "columns": False,
    }  # fmt: skip
    numbers = analysed(entry, {"ADSL": ADSL, "ADLB": labs})
    found = values(numbers)
    assert (found["N.Total.ALT"], found["N.Total.PLAT"]) == (3, 1)
    assert found["n.Total.ALT.0 > 3"] == 1
    assert found["n.Total.ALT.1 > 1"] == 1
    assert found["n.Total.ALT.Missing > 0"] == 1
    assert found["n.Total.PLAT.0 > 4"] == 1
    assert found["percent.Total.ALT.0 > 3"] == 1 / 3
    counts = numbers.filter(pl.col("operation") == "n")
    assert counts["value"].sum() == 4
