"""The four forms of a registry record become one value, with the facts that the files state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.study.registry import BadRecord, criteria, parse_record, read_record
from onearm.study.registry.words import code, iso_date
from tests.shared import needs_shared, shared

# Read off the files by eye: form, number, phases, allocation, model, masking, purpose, patients,
# arms, interventions, outcomes (primary, secondary, other), sites, start, sponsor.
FACTS: dict[str, tuple[object, ...]] = {
    "NCT00763412.json": (
        "api-v2", "NCT00763412", ("NA",), "RANDOMIZED", "PARALLEL", "QUADRUPLE", "OTHER", 31,
        2, 2, (3, 6, 0), 1, "2006-11", "Arbelaez, Ana Maria",
    ),
    "NCT01065844.xml": (
        "xml", "NCT01065844", ("PHASE2",), "", "SINGLE_GROUP", "NONE", "TREATMENT", 15,
        1, 1, (1, 1, 0), 1, "2009-10", "University of Iowa",
    ),
    "NCT01207388.xml": (
        "xml", "NCT01207388", ("PHASE2",), "", "SINGLE_GROUP", "NONE", "TREATMENT", 116,
        1, 1, (1, 10, 0), 75, "2010-11", "Amgen Research (Munich) GmbH",
    ),
    "NCT02210780.json": (
        "api-v2", "NCT02210780", ("PHASE2",), "RANDOMIZED", "PARALLEL", "TRIPLE", "TREATMENT", 194,
        2, 2, (1, 10, 0), 42, "2014-08-05", "Regeneron Pharmaceuticals",
    ),
    # The file carries the number of another trial than the one in its name.
    "NCT02278341.json": (
        "api-v2", "NCT02552212", ("PHASE3",), "RANDOMIZED", "PARALLEL", "QUADRUPLE", "TREATMENT",
        317, 2, 2, (11, 20, 0), 105, "2015-09", "UCB BIOSCIENCES GmbH",
    ),
    "NCT04656691_classic.json": (
        "api-v1", "NCT04656691", ("PHASE4",), "NA", "SINGLE_GROUP", "NONE", "TREATMENT", 139,
        1, 1, (1, 1, 0), 1, "2021-01-04", "Daniel Griffin",
    ),
    "NCT03895970_export.txt": (
        "export", "NCT03895970", (), "", "", "", "", None, 0, 1, (3, 3, 1), 0, "", "",
    ),
}  # fmt: skip


@needs_shared
@pytest.mark.parametrize("name", FACTS)
def test_a_record_is_read_with_its_facts(name: str) -> None:
    record = read_record(shared("registry", name))
    ranks = [o.rank for o in record.outcomes]
    counted = tuple(ranks.count(rank) for rank in ("primary", "secondary", "other"))
    assert [
        record.shape, record.nct_id, record.phases, record.allocation, record.model,
        record.masking, record.purpose, record.enrolment, len(record.arms),
        len(record.interventions), counted, len(record.sites), record.start, record.sponsor,
    ] == list(FACTS[name])  # fmt: skip


@needs_shared
def test_the_export_keeps_commas_in_a_description() -> None:
    record = read_record(shared("registry", "NCT03895970_export.txt"))
    first = record.outcomes[0]
    assert first.measure == "Objective Response Rate (ORR)"
    assert first.description.endswith("minimum time limit, including complete response and partial "
                                      "response patients.")  # fmt: skip
    assert first.time_frame == "one year"
    assert record.outcomes[-1].time_frame == "two year"
    assert record.description.count("\n\n") == 1
    assert record.conditions == (
        "Liver Neoplasm Malignant Primary",
        "Cholangiocarcinoma",
        "Combinational Immunotherapy",
        "Biomarker",
    )


@needs_shared
def test_xml_paragraphs_are_joined_and_kept_apart() -> None:
    record = read_record(shared("registry", "NCT01065844.xml"))
    assert record.summary.startswith(
        "The purpose of this study is to evaluate the FDA-approved drug nelfinavir (NFV) as an "
        "oncologic agent for adenoid cystic cancers of the head and neck.\n\nSpecifically"
    )
    (arm,) = record.arms
    assert (arm.label, arm.type, arm.interventions) == (
        "Nelfinavir",
        "EXPERIMENTAL",
        ("Nelfinavir",),
    )
    assert record.collaborators == ("Holden Comprehensive Cancer Center",)


@needs_shared
def test_marks_of_the_markdown_are_taken_out() -> None:
    record = read_record(shared("registry", "NCT02210780.json"))
    assert "titers of <0.1 IU/ml" in record.outcomes[0].description
    assert record.interventions[0].other_names == ("REGN668", "SAR231893", "Dupixent")


@needs_shared
def test_criteria_are_taken_one_by_one() -> None:
    record = read_record(shared("registry", "NCT04656691_classic.json"))
    listed = criteria(record.eligibility)
    assert listed["inclusion"][1] == "confirmed COVID-19 positive"
    assert len(listed["exclusion"]) == 5
    nested = criteria(read_record(shared("registry", "NCT01065844.xml")).eligibility)
    assert nested["inclusion"][2] == "Age ≥ 18 years"
    assert "leukocytes ≥ 3,000/mm3" in nested["inclusion"][4]


WRONG = {
    "empty": ("", "the file is empty"),
    "broken JSON": ('{"protocolSection": ', "not JSON"),
    "other JSON": ('{"a": 1}', "holds no protocolSection"),
    "list": ("[1, 2]", "holds no protocolSection"),
    "no number": ('{"protocolSection": {}}', "the record has no nctId"),
    "odd kinds": ('{"protocolSection": {"identificationModule": [1]}}', "no nctId"),
    "broken XML": ("<clinical_study>", "not XML"),
    "other XML": ("<html/>", "holds <html>, not <clinical_study>"),
    "doctype": ('<!DOCTYPE a [<!ENTITY b "c">]><clinical_study/>', "DOCTYPE"),
    "a sentence": ("Not a record", "too short"),
    "no number in the export": ("T\nS\nC\nDRUG: D\nO, d, t\n", "no NCT number"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_what_is_no_record_is_told_so(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "record.txt"
    path.write_text(text)
    with pytest.raises(BadRecord, match=says) as refused:
        read_record(path)
    assert "record.txt" in str(refused.value)


def test_a_record_that_is_not_there_or_not_text_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match=r"nowhere\.json: cannot be read"):
        read_record(tmp_path / "nowhere.json")
    (tmp_path / "r.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(BadRecord, match="not UTF-8"):
        read_record(tmp_path / "r.json")


def test_the_classic_form_is_found_however_it_is_wrapped() -> None:
    section = {"IdentificationModule": {"NCTId": "NCT00000001", "BriefTitle": "T"}}
    study = {"Study": {"ProtocolSection": section}}
    for wrapped in (
        {"ProtocolSection": section},
        study,
        {"FullStudy": study},
        {"FullStudiesResponse": {"FullStudies": [study]}},
    ):
        assert parse_record(json.dumps(wrapped)).nct_id == "NCT00000001"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Single Group Assignment", "SINGLE_GROUP"),
        ("None (Open Label)", "NONE"),
        ("Non-Randomized", "NON_RANDOMIZED"),
        ("Phase 2", "PHASE2"),
        ("N/A", "NA"),
        ("Active, not recruiting", "ACTIVE_NOT_RECRUITING"),
    ],
)
def test_older_words_become_present_codes(words: str, expected: str) -> None:
    assert code(words) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("January 4, 2021", "2021-01-04"),
        ("October 2009", "2009-10"),
        ("2015-03", "2015-03"),
        ("soon", ""),
        ("Octember 2009", ""),
    ],
)
def test_dates_become_iso(text: str, expected: str) -> None:
    assert iso_date(text) == expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner:
       st.lists(inner) | st.dictionaries(st.sampled_from(
           ["identificationModule", "nctId", "briefTitle", "designModule", "phases", "armGroups",
            "outcomesModule", "primaryOutcomes", "enrollmentInfo", "count"]), inner)))  # fmt: skip
def test_json_of_any_shape_is_read_or_refused_in_words(value: object) -> None:
    try:
        record = parse_record(json.dumps({"protocolSection": value}))
        said = record.title
    except BadRecord as refused:
        said = str(refused)
    assert said
