"""Units, study days, order and the tables beside the code."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onearm.sdtm.conform import check
from onearm.sdtm.ranges import add_ranges, standard_ranges
from onearm.sdtm.reference import methods
from onearm.sdtm.sequence import sorted_positions
from onearm.sdtm.spec import specs
from onearm.sdtm.supp import short
from onearm.sdtm.timing import add_epoch, add_last_before, add_study_days
from onearm.sdtm.units import add_standard_results, rounded
from onearm.terms import codelist_names, load_codelist
from onearm.terms.units import conversion, known_tests
from onearm.terms.units import standard as one_standard
from tests.shared import needs_shared, shared


def standard(test: str, result: str, unit: str | None) -> tuple:
    frame = pl.DataFrame(
        {"LBTESTCD": [test], "LBORRES": [result], "LBORRESU": [unit]},
        schema_overrides={"LBORRESU": pl.String},
    )
    return add_standard_results(frame, "LB").select("LBSTRESC", "LBSTRESN", "LBSTRESU").row(0)


@pytest.mark.parametrize(
    ("test", "result", "unit", "expected"),
    [
        # factors of clinical.md 4.2: bilirubin 17.1, creatinine 88.4, haemoglobin 16.11
        ("BILI", "1", "mg/dL", ("17.1", 17.1, "umol/L")),
        ("CREAT", "1.0", "mg/dL", ("88", 88.0, "umol/L")),
        ("HGB", "7.5", "mmol/L", ("121", 121.0, "g/L")),
        ("HGB", "12.5", "g/dL", ("125", 125.0, "g/L")),
        ("GLUC", "90.1", "mg/dL", ("5.0", 5.0, "mmol/L")),
        ("AFP", "400", "ng/mL", ("400.0", 400.0, "ug/L")),
        ("ALT", "41", "U/L", ("41", 41.0, "U/L")),
        ("ALT", " 41.50 ", "U/L", ("41.50", 41.5, "U/L")),
        ("BILI", "<0.2", "mg/dL", ("<3.4", None, "umol/L")),
        ("ALT", ">5000", "U/L", (">5000", None, "U/L")),
        ("ALT", "HAEMOLYSED", "U/L", ("HAEMOLYSED", None, None)),
        ("ALT", "41", "furlong", ("41", 41.0, "furlong")),
        ("INR", "1.10", None, ("1.10", 1.1, None)),
        ("MYTEST", "3", "mg/L", ("3", 3.0, "mg/L")),
    ],
)
def test_a_result_in_the_standard_unit(test, result, unit, expected):
    assert standard(test, result, unit) == expected


def test_many_tests_and_units_in_one_frame_are_each_converted():
    frame = pl.DataFrame(
        {
            "LBTESTCD": ["BILI", "ALT", "BILI"],
            "LBORRES": ["1", "2", "3"],
            "LBORRESU": ["mg/dL", "U/L", "umol/L"],
        }
    )
    assert add_standard_results(frame, "LB")["LBSTRESC"].to_list() == ["17.1", "2", "3"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-1.15, 1, "-1.2"),
        (0.285, 2, "0.29"),
        (2.5, 0, "3"),
        (99.95, 1, "100.0"),
        (8.549999999999999, 2, "8.55"),
        (0.0, 1, "0.0"),
    ],
)
def test_rounding_goes_half_away_from_zero_on_the_decimal_text(value, digits, text):
    assert pl.select(rounded(pl.lit(value), digits)).item() == text


@given(
    st.decimals(min_value=0, max_value=10**6, places=2), st.sampled_from(["BILI", "CREAT", "HGB"])
)
def test_the_number_is_always_the_one_the_text_shows(value, test):
    unit = {"BILI": "mg/dL", "CREAT": "mg/dL", "HGB": "mmol/L"}[test]
    text, number, _ = standard(test, str(value), unit)
    assert number == float(text)


@given(
    st.decimals(min_value=0, max_value=10**4, places=2),
    st.sampled_from(
        [
            ("BILI", "mg/dL"), ("CREAT", "mg/dL"), ("HGB", "mmol/L"), ("HGB", "g/dL"),
            ("GLUC", "mg/dL"), ("ALT", "ukat/L"), ("ALT", "U/L"), ("ALT", "furlong"),
        ]
    ),
    st.sampled_from(["", "<", ">="]),
)  # fmt: skip
def test_one_result_is_converted_as_a_frame_converts_it(value, pair, sign):
    test, unit = pair
    text, _, standard_unit = standard(test, f"{sign}{value}", unit)
    one = one_standard("LB", test, unit, f"{sign}{value}")
    if unit == "furlong":
        assert one is None
    else:
        assert (one.value, one.unit) == (text, standard_unit)


def test_every_standard_unit_and_conversion_target_is_a_cdisc_unit():
    units = {*load_codelist("UNIT").terms, *load_codelist("VSRESU").terms, ""}
    assert {t.unit for t in known_tests().values()} <= units
    assert conversion("ALT", "furlong", "U/L") is None


def test_every_test_has_the_name_that_cdisc_gives_it():
    pairs = {
        "RS": ("ONCRTSCD", "ONCRTS"),
        "VS": ("VSTESTCD", "VSTEST"),
        "TR": ("TRTESTCD", "TRTEST"),
    }
    for (domain, code), test in known_tests().items():
        if domain in pairs and code in load_codelist(pairs[domain][0]):
            names = {c: v for v, c in load_codelist(pairs[domain][1]).terms.items()}
            assert names[load_codelist(pairs[domain][0]).terms[code]] == test.name


def subjects() -> pl.DataFrame:
    return pl.DataFrame({"USUBJID": ["A", "B"], "RFSTDTC": ["2020-03-01", None]})


def test_there_is_no_study_day_zero():
    rows = pl.DataFrame(
        {
            "USUBJID": ["A"] * 4 + ["B"],
            "LBDTC": ["2020-02-29", "2020-03-01", "2020-03-02T08:00", "2020-03", "2020-03-01"],
        }
    )
    assert add_study_days(rows, subjects(), domain="LB")["LBDY"].to_list() == [-1, 1, 2, None, None]


def test_a_partial_date_has_an_epoch_only_when_all_its_days_share_one():
    elements = pl.DataFrame(
        {
            "USUBJID": ["A", "A"],
            "EPOCH": ["SCREENING", "TREATMENT"],
            "TAETORD": [1, 2],
            "SESTDTC": ["2020-02-10", "2020-03-01"],
        }
    )
    rows = pl.DataFrame(
        {
            "USUBJID": ["A"] * 6,
            "AESTDTC": ["2020-02-09", "2020-02-10", "2020-03-01", "2020-03", "2020-02", None],
        }
    )
    assert add_epoch(rows, elements, domain="AE")["EPOCH"].to_list() == [
        None,
        "SCREENING",
        "TREATMENT",
        "TREATMENT",
        None,
        None,
    ]


def test_the_baseline_is_the_last_result_before_or_on_the_first_dose():
    rows = pl.DataFrame(
        {
            "USUBJID": ["A"] * 5,
            "LBTESTCD": ["ALT"] * 4 + ["AST"],
            "LBSTRESC": ["1", "2", None, "4", "5"],
            "LBDTC": ["2020-01-01", "2020-02-01", "2020-03-01", "2020-03-02", "2020-03-01"],
            "VISITNUM": [1.0, 2.0, 3.0, 4.0, 3.0],
            "_first": [date(2020, 3, 1)] * 5,
        }
    )
    assert add_last_before(rows, domain="LB")["LBLOBXFL"].to_list() == [None, "Y", None, None, "Y"]


words = st.sampled_from(["A", "B", "C", None])


@given(st.lists(st.tuples(words, words, st.integers(0, 3)), max_size=12))
def test_one_integer_sorts_as_all_columns_do(rows):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String, "c": pl.Int64}, orient="row")
    order = sorted_positions(frame)
    assert frame[order].equals(frame.sort("a", "b", "c", nulls_last=False, maintain_order=True))


def test_a_long_label_ends_at_a_word():
    assert (
        short("Direct relation to the study treatment as judged by the site")
        == "Direct relation to the study treatment"
    )
    assert short("Short") == "Short"


def test_the_specifications_keep_the_limits_of_the_standard():
    for spec in specs().values():
        assert len(spec.label) <= 40
        assert spec.key
        assert len(set(spec.names)) == len(spec.names)
        for column in spec.columns:
            assert len(column.variable) <= 8
            assert 0 < len(column.label) <= 40
            assert column.core in ("Req", "Exp", "Perm")
            assert column.origin in ("Collected", "Derived", "Assigned", "Protocol")
            assert column.source in ("Investigator", "Sponsor", "Vendor")


def test_every_derived_variable_names_a_method_and_no_method_is_idle():
    columns = [column for spec in specs().values() for column in spec.columns]
    named = {column.method for column in columns if column.method}
    assert named == set(methods())
    derived = [c for c in columns if c.origin == "Derived" and c.variable != "LBTOXGR"]
    assert [f"{c.dataset}.{c.variable}" for c in derived if not c.method] == []


def test_an_empty_dataset_of_every_kind_conforms_but_for_missing_demographics():
    empty = {name: spec.empty() for name, spec in specs().items() if name != "SUPPQUAL"}
    assert check(empty) == []


@needs_shared
def test_codelists_are_those_that_the_standard_names():
    named = pl.read_csv(shared("terminology", "variable_codelists.csv"))
    known = {(d, v): c for d, v, c in named.select("domain", "variable", "codelist").rows()}
    for spec in specs().values():
        for column in spec.columns:
            if column.codelist and (spec.name, column.variable) in known and spec.name != "RS":
                assert known[(spec.name, column.variable)] in column.codelist.split("|")


@needs_shared
def test_shipped_terms_are_those_of_the_release():
    terms = pl.read_parquet(shared("terminology", "ct_terms.parquet")).filter(
        pl.col("package") == "SDTM"
    )
    for name in codelist_names():
        # The reference file read the term NA (not applicable) as a missing value.
        mine = terms.filter(pl.col("codelist") == name).with_columns(
            pl.col("submission_value").fill_null("NA")
        )
        assert dict(load_codelist(name).terms) == dict(
            mine.select("submission_value", "term_code").rows()
        )


def test_a_codelist_says_whether_it_is_closed():
    assert not load_codelist("SEX").extensible
    assert load_codelist("LOC").extensible
    assert "LIVER" in load_codelist("LOC")
    with pytest.raises(KeyError):
        load_codelist("NOSUCH")


def test_a_result_at_a_limit_is_normal_whatever_its_standard_unit_is_rounded_to() -> None:
    table = pl.DataFrame(
        {"LBTESTCD": ["BILI"], "SEX": [""], "low": ["0.2"], "high": ["1.2"], "unit": ["mg/dL"]}
    )
    rows = pl.DataFrame(
        {
            "LBTESTCD": ["BILI"] * 6,
            "LBORRES": ["0.2", "0.19", "1.2", "1.21", "20.6", "<0.2"],
            "LBORRESU": ["mg/dL"] * 4 + ["umol/L", "mg/dL"],
            "SEX": ["F"] * 6,
        }
    )
    # 0.2 mg/dL is 3.42 umol/L and kept as 3.4, below its own limit.
    made = add_ranges(add_standard_results(rows, "LB"), standard_ranges(table))
    assert made["LBNRIND"].to_list() == ["NORMAL", "LOW", "NORMAL", "HIGH", "HIGH", None]
