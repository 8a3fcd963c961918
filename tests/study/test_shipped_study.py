"""The shipped study says what its registry record says, and holds together."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from onearm.cli.lint import catalogue, operations
from onearm.expr import parse
from onearm.study import Study, load
from onearm.study.conditions import flat
from onearm.study.forms import Check, Form
from onearm.study.lint import check
from onearm.study.registry import read_record
from tests.shared import needs_shared, shared

FOLDER = Path(__file__).resolve().parents[2] / "studies" / "lenvatinib-pembrolizumab"


@pytest.fixture(scope="module")
def study() -> Study:
    return load(FOLDER)


def test_it_lints_without_a_finding(study: Study) -> None:
    findings = check(study, catalogue(study), operations())
    assert "\n".join(map(str, findings)) == ""


@needs_shared
def test_the_record_is_kept_as_it_came() -> None:
    came = shared("registry", "NCT03895970_export.txt").read_bytes()
    assert (FOLDER / "registry" / "NCT03895970.txt").read_bytes() == came


def test_texts_are_those_of_the_record(study: Study) -> None:
    record = read_record(FOLDER / "registry" / "NCT03895970.txt")
    identity = study.identity
    assert (study.id, str(study.title)) == (record.nct_id, record.title)
    assert str(identity.summary) == record.summary
    assert str(identity.description) == record.description
    assert tuple(map(str, identity.conditions)) == record.conditions
    assert [(i.type, i.name) for i in identity.interventions] == [
        (i.type, i.name) for i in record.interventions
    ]


def test_outcomes_are_those_of_the_record_and_one_of_its_description(study: Study) -> None:
    record = read_record(FOLDER / "registry" / "NCT03895970.txt")
    registered = [o for o in study.outcomes if o.source == "registry"]
    assert [
        (o.type, str(o.measure), str(o.description), str(o.time_frame)) for o in registered
    ] == [(o.rank, o.measure, o.description, o.time_frame) for o in record.outcomes]
    assert [(o.id, o.type) for o in study.outcomes] == [
        ("ORR", "primary"),
        ("DCR", "primary"),
        ("PFS", "primary"),
        ("OS", "secondary"),
        ("DOR", "secondary"),
        ("SD4M", "secondary"),
        ("TEAE", "other"),
        ("TTP", "other"),
    ]
    assert study.outcomes[-1].source == "description"
    assert "time to progression" in read_record(FOLDER / "registry/NCT03895970.txt").description


def test_design_facts_of_the_record(study: Study) -> None:
    """Facts the record gives in sentences: '50 patients', 'PUMCH', 'single-arm', 'phase IIB'."""
    identity = study.identity
    assert identity.enrolment.planned == 50
    assert [a.code for a in study.arms] == ["LENPEM"]
    assert (identity.design.allocation, identity.design.model) == (
        "NON_RANDOMIZED",
        "SINGLE_GROUP",
    )
    assert ["PUMCH" in str(site.name) for site in identity.sites] == [True]
    assert identity.phase_as_registered == "phase IIB"
    assert identity.line_of_therapy == "second line"


@pytest.mark.parametrize(("weight", "dose"), [(59.9, 8.0), (60.0, 12.0), (82.5, 12.0)])
def test_the_daily_dose_goes_by_baseline_weight(study: Study, weight: float, dose: float) -> None:
    """KEYNOTE-524: 12 mg from 60 kg on, 8 mg below; 60.0 kg takes 12 mg."""
    patient = pl.DataFrame({"WEIGHT": [weight]})
    given = [
        rule.amount
        for rule in study.treatments[0].doses
        if patient.select(parse(rule.when).expr).item()
    ]
    assert given == [dose]


def test_steps_down_of_the_daily_drug(study: Study) -> None:
    """12 mg: 8 mg, 4 mg, 4 mg every other day; 8 mg: 4 mg, 4 mg every other day."""
    steps = [[(s.amount, s.frequency) for s in d.reductions] for d in study.treatments[0].doses]
    assert steps == [[(8, ""), (4, ""), (4, "QOD")], [(4, ""), (4, "QOD")]]


def test_the_infusion_is_200_mg_every_three_weeks_and_never_reduced(study: Study) -> None:
    infusion = study.treatments[1]
    (dose,) = infusion.doses
    assert (dose.amount, dose.reductions, infusion.every_days) == (200, (), 21)
    assert "planning assumption" in infusion.source


def test_cohorts_in_order(study: Study) -> None:
    assert [c.code for c in study.cohorts] == ["HCC", "ICC", "ECC", "GBC", "AMP", "MIXED"]
    assert study.cohort_variable == "COHORT"


def test_what_the_record_does_not_say_is_an_assumption_with_a_source(study: Study) -> None:
    ids = {a.id for a in study.assumptions}
    assert {"doses", "imaging-interval", "confirmation", "eligibility", "dates"} <= ids
    assert all(a.source and a.value and a.statement.zh for a in study.assumptions)
    assert study.eligibility.source == "neighbour"
    assert [c.id for c in study.eligibility.criteria if c.source == "registry"] == ["IN11"]


def test_dictionaries_name_versions_or_say_that_there_is_none(study: Study) -> None:
    versions = {d.name: d.version for d in study.dictionaries.values()}
    assert versions["CTCAE"] == "5.0"
    assert versions["MedDRA"] is None
    assert versions["WHODrug"] is None
    assert versions["CDISC SDTM Controlled Terminology"] == "2025-03-28"


def test_three_clocks(study: Study) -> None:
    schedule = study.schedule
    assert schedule is not None
    repeats = {v.id: v.repeat for v in schedule.visits if v.repeat}
    assert {name: (r.first_day, r.every) for name, r in repeats.items()} == {
        "CYCLE": (1, 21),
        "SCAN": (43, 42),
        "FOLLOWUP": (29, 28),
    }
    assert [(c.after_day, c.every) for c in repeats["SCAN"].changes] == [(168, 63)]
    assert schedule.visit("SCAN").window == (-7, 7)
    assert repeats["FOLLOWUP"].until == "death"


def _checks(form: Form) -> list[Check]:
    return [*form.checks, *(c for item in form.items for c in item.checks)]


def test_forms_checks_and_terms_are_as_many_as_promised(study: Study) -> None:
    assert len(study.forms) == 22
    assert sum(len(_checks(f)) for f in study.forms.values()) >= 60
    assert study.terms["ctcae_terms"].height >= 120
    assert study.terms["ctcae_terms"]["soc"].null_count() == 0


def test_every_label_has_chinese_letters(study: Study) -> None:
    """Except those that are the same in both languages, such as 'CA 19-9 (U/mL)'."""
    for form in study.forms.values():
        for item in form.items:
            assert any("\u4e00" <= sign <= "\u9fff" or sign.isascii() for sign in item.label.zh)
        for rule in _checks(form):
            assert any("\u4e00" <= sign <= "\u9fff" for sign in rule.says.zh), rule.id


LESION = {
    "VISIT": "SCREENING",
    "LESROLE": "TARGET",
    "LESLOC": "LIVER",
    "LESMETH": "CONTRAST ENHANCED CT SCAN",
    "LESSLICE": 5.0,
    "LESPRTX": "N",
    "LESGROWN": None,
    "LESDIAM": None,
    "LESSA": None,
    "LESSTATE": None,
}

# Eisenhauer 2009, section 3.1 and appendix I, as worked examples E01 to E18 of the study's notes:
# what was entered, and the checks that must complain (among those about measurability).
BASELINE = {
    "10.0 mm on 5 mm slices is measurable": ({"LESDIAM": 10.0}, set()),
    "9.9 mm is not": ({"LESDIAM": 9.9}, {"TUM-012"}),
    "14 mm on 8 mm slices is not": ({"LESDIAM": 14.0, "LESSLICE": 8.0}, {"TUM-013"}),
    "16 mm on 8 mm slices is": ({"LESDIAM": 16.0, "LESSLICE": 8.0}, set()),
    "node with short axis 15": ({"LESLOC": "LYMPH NODE", "LESSA": 15.0}, set()),
    "node with short axis 14.9": ({"LESLOC": "LYMPH NODE", "LESSA": 14.9}, {"TUM-014"}),
    "18 mm on X-ray": ({"LESMETH": "X-RAY", "LESDIAM": 18.0}, {"TUM-015"}),
    "20 mm on X-ray": ({"LESMETH": "X-RAY", "LESDIAM": 20.0}, set()),
    "treated before, no growth": ({"LESPRTX": "Y", "LESGROWN": "N", "LESDIAM": 35.0}, {"TUM-016"}),
    "treated before, grown since": ({"LESPRTX": "Y", "LESGROWN": "Y", "LESDIAM": 44.0}, set()),
    "ascites": ({"LESLOC": "PERITONEAL CAVITY", "LESDIAM": 40.0}, {"TUM-017"}),
    "ultrasound": ({"LESMETH": "ULTRASOUND", "LESDIAM": 40.0}, {"TUM-011"}),
    "nothing measured": ({"LESSTATE": "NE"}, {"TUM-028"}),
}


@pytest.mark.parametrize(("entered", "expected"), BASELINE.values(), ids=BASELINE)
def test_a_target_lesion_at_baseline(
    study: Study, entered: dict[str, object], expected: set[str]
) -> None:
    rules = [r for r in study.forms["TUMOR"].checks if "TUM-011" <= r.id <= "TUM-017"]
    rules += [r for r in study.forms["TUMOR"].checks if r.id == "TUM-028"]
    assert {r.id for r in rules if _complains(r, {**LESION, **entered})} == expected


RESPONSES = {
    "all as it should be": (("PR", "NON-CR/NON-PD", "N", "PR"), set()),
    "new lesion but partial response": (("PR", None, "Y", "PR"), {"RSP-001", "RSP-005"}),
    "progression of targets but stable": (("PD", None, "N", "SD"), {"RSP-002", "RSP-006"}),
    "progression of others but response": (("PR", "PD", "N", "PR"), {"RSP-003"}),
    "complete response with rest": (("CR", "NON-CR/NON-PD", "N", "CR"), {"RSP-004"}),
    "complete targets with rest is partial": (("CR", "NON-CR/NON-PD", "N", "PR"), set()),
    "progression without a cause": (("SD", "NON-CR/NON-PD", "N", "PD"), {"RSP-007"}),
    "targets not seen but stable": (("NE", None, "N", "SD"), {"RSP-006", "RSP-008"}),
    "targets not seen, new lesion": (("NE", None, "Y", "PD"), set()),
}


@pytest.mark.parametrize(("entered", "expected"), RESPONSES.values(), ids=RESPONSES)
def test_a_response_as_entered(
    study: Study, entered: tuple[str | None, ...], expected: set[str]
) -> None:
    """RECIST 1.1, table 1, as edit checks."""
    row = dict(zip(("TRGRESP", "NTRGRESP", "NEWLIND", "OVRLRESP"), entered, strict=True))
    rules = [r for r in study.forms["RESPONSE"].checks if r.id <= "RSP-008"]
    assert {r.id for r in rules if _complains(r, row)} == expected


EVENTS: dict[str, tuple[str, dict[str, str], bool]] = {
    "end in the same month": ("AE-001", {"AESTDAT": "2021-05-10", "AEENDAT": "2021-05"}, False),
    "end in the month before": ("AE-001", {"AESTDAT": "2021-05-10", "AEENDAT": "2021-04"}, True),
    "end the day before": ("AE-001", {"AESTDAT": "2021-05-10", "AEENDAT": "2021-05-09"}, True),
    "end known to the day": ("AE-001", {"AESTDAT": "2021-05", "AEENDAT": "2021-05-01"}, False),
    "year only": ("AE-001", {"AESTDAT": "2021-05-10", "AEENDAT": "2021"}, False),
    "no end": ("AE-001", {"AESTDAT": "2021-05-10"}, False),
    "grade 5, recovered": ("AE-004", {"AETOXGR": "5", "AEOUT": "RECOVERED/RESOLVED"}, True),
    "grade 5, fatal": ("AE-004", {"AETOXGR": "5", "AEOUT": "FATAL"}, False),
    "related to one drug": (
        "AE-009",
        {"AERELLEN": "RELATED", "AERELPEM": "NOT RELATED", "AEREL": "NOT RELATED"},
        True,
    ),
    "alopecia of grade 3": ("AE-018", {"AECTCAE": "Alopecia", "AETOXGR": "3"}, True),
    "fatigue of grade 3": ("AE-019", {"AECTCAE": "Fatigue", "AETOXGR": "3"}, False),
    "fatigue of grade 4": ("AE-019", {"AECTCAE": "Fatigue", "AETOXGR": "4"}, True),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "entered", "complains"), EVENTS.values(), ids=EVENTS)
def test_an_adverse_event_as_entered(
    study: Study, rule: str, entered: dict[str, str], complains: bool
) -> None:
    form = study.forms["AE"]
    row = {item.name: entered.get(item.name) for item in form.items}
    (check_rule,) = [r for r in form.checks if r.id == rule]
    assert _complains(check_rule, row) is complains


def _complains(rule: Check, row: dict[str, object]) -> bool:
    frame = pl.DataFrame({k: [v] for k, v in row.items()}).cast(
        {k: pl.Float64 for k in row if k in ("LESDIAM", "LESSA", "LESSLICE")}
        | {
            k: pl.String
            for k, v in row.items()
            if v is None and not k.startswith(("LESD", "LESSA"))
        }
    )
    broken = ~parse(flat(rule.require)).expr
    if rule.when:
        broken = parse(flat(rule.when)).expr & broken
    return bool(frame.select(broken.fill_null(value=False)).item())


def test_no_fact_of_a_trial_stands_in_the_code() -> None:
    package = Path(__file__).resolve().parents[2] / "src" / "onearm" / "study"
    words = ("lenvatinib", "pembrolizumab", "PUMCH", "NCT03895970", "仑伐替尼", "hepatocellular")
    found = [
        f"{path.name}: {word}"
        for path in package.rglob("*")
        if path.is_file() and path.suffix in (".py", ".yaml", ".csv")
        for word in words
        if word.lower() in path.read_text("utf-8").lower()
    ]
    assert found == []
