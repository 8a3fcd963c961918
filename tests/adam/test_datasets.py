"""What holds for every analysis dataset, and what is said where a rule cannot be carried out."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

from onearm import adam, expr
from onearm.adam import lesions as lesion_module
from onearm.adam.assessments import CODES
from onearm.adam.planned import gap_limit, planned_days
from onearm.errors import OnearmError
from onearm.study.assessments import Responses
from onearm.study.endpoints import Endpoint, Endpoints
from onearm.study.subjects import AnalysisSet, SubjectRules, Variable
from tests.adam.patients import FIRST_DOSE, Patient, day, domains, shipped_study

ONE = Patient("01", scans=[(42, "PR"), (84, "PR"), (126, "PD")], death=200, last_dose=120)
TWO = Patient("02", scans=[(42, "SD"), (84, "SD")], last_alive=150, last_dose=90)
THREE = Patient("03", last_alive=20)
AE = {"AESEQ": 1, "AETERM": "Rash", "AEDECOD": "Rash", "AEBODSYS": "Skin", "AESTDTC": day(3)}


@pytest.fixture(scope="module")
def made() -> dict[str, pl.DataFrame]:
    return adam.derive(shipped_study(), domains([ONE, TWO, THREE]))


def test_every_dataset_has_the_columns_and_types_of_its_specification(
    made: dict[str, pl.DataFrame],
) -> None:
    specs = adam.specs(shipped_study())
    assert list(made) == ["ADSL", "ADTR", "ADRS", "ADEVENT", "ADTTE", "ADAE", "ADEX", "ADLB"]
    for name, frame in made.items():
        assert frame.schema == pl.Schema({c.variable: c.dtype for c in specs[name].columns})


def test_names_and_labels_keep_the_limits_of_the_standard() -> None:
    for spec in adam.specs(shipped_study()).values():
        for column in spec.columns:
            assert len(column.variable) <= 8, column
            assert column.label, column
            assert len(column.label) <= 40, column


def test_a_row_is_named_by_subject_and_aseq(made: dict[str, pl.DataFrame]) -> None:
    for name, frame in made.items():
        if name != "ADSL":
            assert not frame.select("USUBJID", "ASEQ").is_duplicated().any(), name


def test_a_further_subject_changes_nothing_for_the_others(made: dict[str, pl.DataFrame]) -> None:
    fewer = adam.derive(shipped_study(), domains([ONE, THREE]))
    for name, frame in fewer.items():
        assert frame.equals(made[name].filter(pl.col("USUBJID") != "02")), name


def test_the_order_of_the_input_rows_does_not_matter(made: dict[str, pl.DataFrame]) -> None:
    turned = {name: frame.reverse() for name, frame in domains([ONE, TWO, THREE]).items()}
    for name, frame in adam.derive(shipped_study(), turned).items():
        assert frame.equals(made[name]), name


def test_the_same_input_gives_the_same_frames(made: dict[str, pl.DataFrame]) -> None:
    again = adam.derive(shipped_study(), domains([ONE, TWO, THREE]))
    assert all(again[name].equals(frame) for name, frame in made.items())


def test_param_and_paramcd_are_one_to_one(made: dict[str, pl.DataFrame]) -> None:
    for name in ("ADTR", "ADRS", "ADEVENT", "ADTTE", "ADEX"):
        pairs = made[name].select("PARAM", "PARAMCD").unique()
        assert pairs.height == pairs["PARAM"].n_unique() == pairs["PARAMCD"].n_unique(), name


def test_everybody_in_the_full_analysis_set_has_one_row_of_each_answer(
    made: dict[str, pl.DataFrame],
) -> None:
    answers = shipped_study().endpoints.responses[0].answers  # type: ignore[union-attr]  # shipped
    for answer in answers:
        rows = made["ADRS"].filter(PARAMCD=answer.param)
        assert rows["USUBJID"].to_list() == ["01", "02", "03"], answer.param


def test_sums_carry_base_nadir_and_their_changes(made: dict[str, pl.DataFrame]) -> None:
    sums = made["ADTR"].filter(USUBJID="01", PARAMCD="SUMDIAM").sort("ADT")
    assert sums["AVAL"].to_list() == [50.0, 30.0, 30.0, 75.0]
    assert sums["BASE"].to_list() == [50.0] * 4
    assert sums["NADIR"].to_list() == [None, 50.0, 30.0, 30.0]
    assert sums["CHG"].to_list() == [0.0, -20.0, -20.0, 25.0]
    assert sums["PCHG"].to_list() == [0.0, -40.0, -40.0, 50.0]
    assert sums["PCHGNAD"].to_list() == [None, -40.0, 0.0, 150.0]
    assert sums["ABLFL"].to_list() == ["Y", None, None, None]
    assert sums["ANL02FL"].to_list() == [None, "Y", None, None]
    assert sums["ANL03FL"].to_list() == ["Y", "Y", "Y", None]
    assert sums["LSEXP"].to_list() == ["T01"] * 4


def test_computed_and_entered_responses_are_compared_visit_by_visit() -> None:
    rows = pl.DataFrame(
        {
            "USUBJID": ["02", "02"], "RSSEQ": [1, 2], "RSTESTCD": ["OVRLRESP"] * 2,
            "RSCAT": ["RECIST 1.1"] * 2, "RSEVAL": ["INVESTIGATOR"] * 2, "RSSTRESC": ["SD", "PR"],
            "RSSTRESN": [None, None], "VISITNUM": [901.0, 902.0], "VISIT": ["SCAN 1", "SCAN 2"],
            "RSDTC": [day(42), day(84)],
        }
    )  # fmt: skip
    made = adam.derive(shipped_study(), domains([TWO]) | {"RS": rows})["ADRS"]
    assert made.filter(PARAMCD="OVRS")["AVALC"].to_list() == ["SD", "PR"]
    computed = made.filter(PARAMCD="OVRC")
    assert computed["AVALC"].to_list() == ["SD", "SD"]
    assert computed["DISAGRFL"].to_list() == [None, "Y"]
    assert computed["RULE"].null_count() == 0
    assert computed["REASON"].null_count() == 0


def test_numbers_of_answers_are_one_to_one() -> None:
    words = [w for w in CODES if w not in ("Y", "N")]
    assert len({CODES[w] for w in words}) == len(words)


# -- ADSL


def test_sets_give_the_first_reason_that_keeps_a_subject_out() -> None:
    frames = domains([ONE, TWO])
    nobody = frames["EX"].filter(pl.col("USUBJID") == "01")
    made = adam.derive(shipped_study(), frames | {"EX": nobody})["ADSL"]
    row = made.filter(USUBJID="02").row(0, named=True)
    assert (row["ENRLFL"], row["FASFL"], row["SAFFL"]) == ("Y", "N", "N")
    assert row["FASREAS"] == "Never dosed"
    assert row["EVALREAS"] == "Not in the full analysis set"
    assert made.filter(USUBJID="01")["FASREAS"].to_list() == [None]


def test_last_known_alive_names_its_source(made: dict[str, pl.DataFrame]) -> None:
    sources = dict(made["ADSL"].select("USUBJID", "LSTALSRC").iter_rows())
    assert sources == {"01": "scan", "02": "follow-up contact", "03": "follow-up contact"}


def test_a_supplemental_qualifier_reads_like_a_variable_of_its_domain() -> None:
    frames = domains([ONE])
    plain = frames["DM"].drop("COHORT")
    extra = pl.DataFrame(
        {"USUBJID": ["01"], "RDOMAIN": ["DM"], "IDVAR": [""], "IDVARVAL": [""], "QNAM": ["COHORT"],
         "QVAL": ["ICC"]}
    )  # fmt: skip
    made = adam.derive(shipped_study(), frames | {"DM": plain, "SUPPDM": extra})
    assert made["ADSL"]["COHORT"].to_list() == ["ICC"]
    assert set(made["ADTTE"]["COHORT"]) == {"ICC"}


def test_a_partial_death_date_never_lies_before_the_last_contact_nor_after_its_month() -> None:
    cases = {"2021-05": date(2021, 5, 1), "2021": date(2021, 2, 10)}
    for text, expected in cases.items():
        patient = Patient("D", death=text, last_alive="2021-02-10")
        row = adam.derive(shipped_study(), domains([patient]))["ADSL"].row(0, named=True)
        assert row["DTHDT"] == expected
    # A contact after the month of death is a question to the site, not a later death.
    odd = Patient("D", death="2021-05", last_alive="2021-06-20")
    row = adam.derive(shipped_study(), domains([odd]))["ADSL"].row(0, named=True)
    assert row["DTHDT"] == date(2021, 5, 31)


# -- The planned dates


def test_planned_scans_follow_the_schedule_and_its_change_of_interval() -> None:
    schedule = shipped_study().schedule
    assert schedule is not None
    days = planned_days(schedule.visit("SCAN"))["planned"].to_list()
    assert days[:6] == [42, 84, 126, 168, 231, 294]
    assert gap_limit(schedule) == 98
    assert gap_limit(None) is None


# -- What is said where a rule cannot be carried out


def rules(**parts: object) -> SubjectRules:
    return SubjectRules.model_validate(parts)


def test_a_rule_that_reads_a_missing_column_says_which_and_what_is_near() -> None:
    wrong = rules(variables=[{"name": "TRTSDT", "type": "date", "from": "EX", "take": "EXSTDT"}])
    with pytest.raises(OnearmError, match="variable TRTSDT: the rule over EX reads EXSTDT") as seen:
        adam.derive_parts("S", domains([ONE]), rules=wrong)
    assert "did you mean EXSTDTC?" in str(seen.value)


def test_an_expression_that_names_a_later_variable_says_so() -> None:
    wrong = rules(variables=[{"name": "YOUNG", "label": "x", "expr": "AGEX < 65"}])
    with pytest.raises(OnearmError, match="YOUNG: it reads AGEX, which is not there"):
        adam.derive_parts("S", domains([ONE]), rules=wrong)


def test_a_variable_without_a_label_is_refused() -> None:
    wrong = rules(variables=[{"name": "MYVAR", "expr": "SEX"}])
    with pytest.raises(OnearmError, match="variable MYVAR: it needs a label"):
        adam.derive_parts("S", domains([ONE]), rules=wrong)


def test_a_line_that_reads_a_missing_column_is_named() -> None:
    wrong = Endpoints.model_validate(
        {
            "endpoints": [
                {
                    "endpoint": "OS", "label": "x", "from": "ADSL.RFICDT",
                    "event": [{"id": "death", "in": "ADSL", "date": "DTHDAT", "says": "x"}],
                    "censor": [{"id": "start", "in": "ADSL", "date": "RFICDT"}],
                }
            ]
        }
    )  # fmt: skip
    with pytest.raises(OnearmError, match="line 'death', ADSL reads DTHDAT, which is not there"):
        adam.derive_parts("S", domains([ONE]), endpoints=wrong)


def test_a_censoring_list_that_leaves_somebody_out_is_refused() -> None:
    open_end = Endpoints.model_validate(
        {
            "endpoints": [
                {
                    "endpoint": "OS", "label": "x",
                    "from": {"id": "s", "in": "EX", "date": "EXSTDTC"},
                    "event": [{"id": "death", "in": "DM", "date": "DTHDTC", "says": "x"}],
                    "censor": [{"id": "seen", "in": "SS", "date": "SSDTC"}],
                }
            ]
        }
    )  # fmt: skip
    with pytest.raises(OnearmError, match="OS: no line of 'censor' fits 02"):
        adam.derive_parts("S", domains([TWO]), endpoints=open_end)


def test_a_doubled_subject_and_a_missing_domain_are_refused() -> None:
    frames = domains([ONE])
    with pytest.raises(OnearmError, match="01 has more than one row in DM"):
        adam.derive_parts("S", frames | {"DM": pl.concat([frames["DM"]] * 2)})
    with pytest.raises(OnearmError, match="there is no DM domain"):
        adam.derive_parts("S", {})


def test_an_unknown_tumor_state_is_shown_with_its_place() -> None:
    frames = domains([ONE])
    strange = frames["TR"].with_columns(TRTESTCD=pl.lit("TUMSTATE"), TRSTRESC=pl.lit("VANISHED"))
    with pytest.raises(OnearmError, match=r"01 / SCREENING / TR T01: .*'VANISHED'"):
        adam.derive(shipped_study(), frames | {"TR": strange})


def test_every_word_of_the_state_table_has_a_role_of_the_engine() -> None:
    table = lesion_module._states()
    assert set(table["role"]) == set(lesion_module.ROLES.values())
    assert not table.select("role", "term").is_duplicated().any()


@pytest.mark.parametrize(
    ("model", "value", "message"),
    [
        (Variable, {"name": "X", "label": "x"}, "give exactly one of from, latest_of"),
        (Variable, {"name": "X", "label": "x", "from": "DM", "expr": "1"}, "give exactly one of"),
        (AnalysisSet, {"name": "FAS", "reason": "R", "require": []}, "String should match pattern"),
        (Responses, {"category": "c", "reader": "r", "use": "entered"}, "use: entered needs"),
        (
            Endpoint,
            {"endpoint": "OS", "label": "x", "from": "ADSL.A", "censor": [],
             "event": [{"id": "e", "in": "ADSL", "date": "max(A)"}]},
            "is not COLUMN, first",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused_when_the_study_is_read(
    model: type[Variable], value: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        model.model_validate(value)


def test_every_expression_of_the_shipped_study_reads_columns_that_exist() -> None:
    study = shipped_study()
    known = adam.catalogue(study)
    assert study.subjects is not None
    assert study.endpoints is not None
    seen = [*study.subjects.expressions(), *study.endpoints.expressions()]
    assert len(seen) > 60
    for place, text, dataset in seen:
        if dataset in known:
            assert not expr.unknown_columns(expr.parse(text), known[dataset]), (place, text)


def test_the_day_of_first_dose_is_day_one(made: dict[str, pl.DataFrame]) -> None:
    first = made["ADEX"].filter(USUBJID="01", EXTRT="LENVATINIB", PARAMCD="FIRSTDT")
    assert first["ADT"].to_list() == [FIRST_DOSE]
    scans = made["ADRS"].filter(USUBJID="01", PARAMCD="OVRC")
    assert scans["ADY"].to_list() == [43, 85, 127]
