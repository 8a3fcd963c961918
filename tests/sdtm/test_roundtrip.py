"""What was entered is what is tabulated, whoever else is in the trial and in whatever order."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onearm import sdtm
from onearm.records import at_cut
from tests.records.clinic import enter, frame, records, screen_failure, small_study, subject

STORY = frame(subject(), screen_failure(), subject("02-001", sex="M"))


@pytest.fixture(scope="module")
def made():
    return sdtm.derive(small_study(), at_cut(small_study(), STORY, cut=None))


def test_every_tabulated_value_is_the_entry_it_came_from(made):
    study, clean = small_study(), at_cut(small_study(), STORY, cut=None)
    entries = {tuple(row[:7]): row[7] for row in STORY.iter_rows()}
    linked = set()
    for domain in ("AE", "EX", "VS", "LB", "TU", "TR", "RS", "DS", "SV", "DM", "IE"):
        for link in sdtm.entry_of(study, clean, domain=domain).iter_rows(named=True):
            site, number = link["USUBJID"].split("-", 2)[1:]
            key = (
                *(site, number, link["VISIT"], link["VISIT_REPEAT"]),
                *(link["FORM"], link["ROW"], link["ITEM"]),
            )
            assert tabulated(made, link) == pytest.approx(translated(link, entries[key]))
            linked.add(key)
    unlinked = {(k[2], k[4], k[6]) for k, value in entries.items() if value and k not in linked}
    # Where a lesion lies is taken from its first scan; criteria that were met are not tabulated.
    assert unlinked == {
        ("SCAN", "TUMOR", "LESLOC"),
        ("SCREENING", "ELIG", "IEDAT"),
        ("SCREENING", "ELIG", "IETESTCD"),
        ("SCREENING", "ELIG", "IEORRES"),
    }


def tabulated(made, link):
    name, variable = link["DATASET"], link["VARIABLE"]
    rows = made[name].filter(pl.col("USUBJID") == link["USUBJID"])
    if name.startswith("SUPP"):
        rows = rows.filter(pl.col("QNAM") == variable)
        if link["SEQ"] is not None:
            rows = rows.filter(pl.col("IDVARVAL") == str(link["SEQ"]))
        return rows["QVAL"].item()
    if link["SEQ"] is not None:
        rows = rows.filter(pl.col(f"{name}SEQ") == link["SEQ"])
    elif name == "SV":
        rows = rows.filter(
            pl.col("SVSTDTC").is_not_null(), pl.col("VISIT").str.starts_with(link["VISIT"])
        )
        rows = rows.filter(
            pl.col("VISIT").str.ends_with(str(link["VISIT_REPEAT"]))
            | (pl.col("VISIT") == link["VISIT"])
        )
    return rows[variable].item()


def translated(link, entry):
    """The documented conversions: numbers where the variable is one, words of the codelist."""
    if link["VARIABLE"] in ("EXDOSE", "AGE"):
        return float(entry)
    also = {
        "AEBODSYS": {"Nausea": "Gastrointestinal disorders"},
        "IETEST": {"EX01": "Varices that bled"},
        "IECAT": {"EX01": "EXCLUSION"},
    }
    return also.get(link["VARIABLE"], {}).get(entry, entry)


def test_provenance_of_one_subject_is_that_part_of_the_whole():
    study, clean = small_study(), at_cut(small_study(), STORY, cut=None)
    whole = sdtm.entry_of(study, clean, domain="LB")
    part = sdtm.entry_of(study, clean, domain="LB", subject="DEMO-02-02-001")
    assert part.equals(whole.filter(pl.col("USUBJID") == "DEMO-02-02-001"))
    assert sdtm.entry_of(study, clean, domain="PR").is_empty()


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_entries_changes_nothing(made, chance):
    rows = STORY.rows()
    chance.shuffle(rows)
    again = sdtm.derive(small_study(), records(rows))
    assert list(again) == list(made)
    assert all(again[name].equals(made[name]) for name in made)


@pytest.mark.parametrize("other", ["00-001", "01-000", "99-999"])
def test_another_subject_changes_no_number_of_the_others(made, other):
    more = sdtm.derive(
        small_study(), at_cut(small_study(), pl.concat([STORY, frame(subject(other))]), cut=None)
    )
    for name, before in made.items():
        if "USUBJID" in before.columns and name != "RELREC":
            after = more[name].filter(pl.col("USUBJID").is_in(before["USUBJID"].unique().implode()))
            assert after.equals(before), name


def test_another_event_of_a_subject_leaves_other_subjects_alone(made):
    more = [
        *STORY.rows(),
        *enter("01-001 / LOG / AE 2", AETERM="a rash", AECODE="Rash", AESTDAT="2020-01-11"),
    ]
    after = sdtm.derive(small_study(), records(more))["AE"]
    same = pl.col("USUBJID") == "DEMO-02-02-001"
    assert after.filter(same).equals(made["AE"].filter(same))
    assert after.filter(~same)["AETERM"].to_list() == ["a rash", "felt sick"]
