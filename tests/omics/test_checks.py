"""The pure rules of loading: names and numbers, without files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from onearm.omics.checks import (
    SHOWN,
    brought_together,
    check_names,
    check_numbers,
    empty_lines,
    finding,
    is_baseline,
    looks_like,
    match_samples,
    rules_by_topic,
    shortened,
    twice,
    without_version,
)
from onearm.omics.datesymbols import date_symbols
from onearm.omics.loadrules import RULES


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("1-Mar", "MARCHF1 (MARCH1) or MTARC1 (MARC1)"),
        ("Mar-01", "MARCHF1 (MARCH1) or MTARC1 (MARC1)"),
        ("2-Sep", "SEPTIN2 (SEPT2)"),
        ("Sep-02", "SEPTIN2 (SEPT2)"),
        ("02-Sep-21", "SEPTIN2 (SEPT2)"),
        ("2001-03-01", "MARCHF1 (MARCH1) or MTARC1 (MARC1)"),
        ("2001-09-02 00:00:00", "SEPTIN2 (SEPT2)"),
        ("9/2/2021", "SEPTIN2 (SEPT2)"),
        ("1-Dec", "DELEC1 (DEC1)"),
        ("44256", "MARCHF1 (MARCH1) or MTARC1 (MARC1)"),  # 1 March 2021
        ("44441.0", "SEPTIN2 (SEPT2)"),  # 2 September 2021
        ("5-Jun", ""),
    ],
)
def test_a_gene_symbol_changed_to_a_date_is_found_with_what_it_may_have_been(
    name: str, symbols: str
) -> None:
    assert date_symbols(["TP53", "KRAS", name]) == {name: symbols}


@pytest.mark.parametrize(
    "name",
    ["MARCHF1", "SEPTIN2", "MAR", "SEPT2", "HLA-A", "1-Methylhistidine", "RP11-34P13.7", "C1orf43",
     "hsa-let-7a-1", "44300", "12345678", "2'-deoxyuridine", "PC(16:0/18:1)", "cg00000029"],
)  # fmt: skip
def test_names_of_genes_and_metabolites_are_no_dates(name: str) -> None:
    assert date_symbols(["TP53", "KRAS", name]) == {}


def test_a_number_is_a_date_only_among_names() -> None:
    assert date_symbols(["44256", "7157", "3845"]) == {}
    assert list(date_symbols(["44256", "TP53", "KRAS"])) == ["44256"]


@pytest.mark.parametrize(
    ("given_name", "plain"),
    [
        ("ENSG00000141510.18", "ENSG00000141510"),
        ("ENSMUSG00000059552.13", "ENSMUSG00000059552"),
        ("ENST00000269305.9", "ENST00000269305"),
        ("ENSG00000182378.15_PAR_Y", "ENSG00000182378_PAR_Y"),
        ("AC012345.2", "AC012345.2"),
        ("NM_000546.6", "NM_000546.6"),
    ],
)
def test_only_ensembl_identifiers_lose_their_version(given_name: str, plain: str) -> None:
    assert without_version(given_name) == plain
    assert without_version(plain) == plain


def test_names_are_judged_together() -> None:
    found = list(check_names(["A", "A", "", "1-Mar", "ENSG00000141510.18"]))
    assert [(f.rule, f.value) for f in found] == [
        ("feature.unnamed", None),
        ("feature.duplicate", "A"),
        ("feature.date", "1-Mar"),
        ("feature.version", "ENSG00000141510.18"),
    ]
    assert twice(["b", "a", "b", "a", "c"]) == ["a", "b"]


def test_samples_are_matched_exactly_before_without_capitals() -> None:
    names, findings = match_samples(["S1", "s2", "X"], ["S1", "S2", "s1"])
    assert names == {"S1": "S1", "s2": "S2"}
    assert [(f.rule, f.value) for f in findings] == [("sample.case", "s2")]
    _, unclear = match_samples(["Ab"], ["AB", "ab"])
    assert [f.rule for f in unclear] == ["sample.duplicate"]
    _, both = match_samples(["s1", "S1"], ["S1"])
    assert [f.rule for f in both] == ["sample.case", "sample.duplicate"]


def numbers(values: list[list[float]], scale: str, unit: str = "") -> list[tuple[str, str, str]]:
    matrix = np.array(values, dtype=np.float64)
    features = [f"F{at}" for at in range(matrix.shape[0])]
    samples = [f"S{at}" for at in range(matrix.shape[1])]
    found = check_numbers(matrix, features, samples, scale=scale, unit=unit)  # type: ignore[arg-type]
    return [(f.rule, f.place.field, f.place.subject) for f in found]


def test_a_value_is_named_by_feature_and_sample() -> None:
    assert numbers([[1, 2], [3, -4]], "counts") == [("value.negative", "F1", "S1")]
    assert numbers([[1, 2.5], [np.nan, np.inf]], "counts") == [
        ("value.infinite", "F1", "S1"),
        ("value.fraction", "F0", "S1"),
    ]


@settings(max_examples=20)
@given(
    arrays.arrays(np.float64, (60, 3), elements=st.integers(0, 10_000).map(float)),
)
def test_counts_are_always_accepted_as_counts(values: np.ndarray) -> None:
    assert numbers(values.tolist(), "counts") == []


@settings(max_examples=20)
@given(arrays.arrays(np.float64, (60, 3), elements=st.floats(-8, 20, allow_nan=False)))
def test_logarithms_are_always_accepted_as_logarithms(values: np.ndarray) -> None:
    assert numbers(values.tolist(), "log", "log2") == []


@given(arrays.arrays(np.float64, (3, 2), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_no_table_breaks_the_rules_or_the_advice(values: np.ndarray) -> None:
    for scale in ("counts", "linear", "log", "share", "compositional", "binary", "score"):
        numbers(values.tolist(), scale, "TPM")
    assert looks_like(values)


def test_many_wrong_values_are_counted() -> None:
    found = numbers([[-1.0] * 40], "linear")
    assert len(found) == SHOWN + 1
    findings = [finding("value.text", "not a number", value=str(n)) for n in range(25)]
    kept = shortened(findings)
    assert len(kept) == SHOWN + 1
    assert kept[-1].message == "15 more places break the same rule"


def test_features_of_one_name_keep_missing_values_missing() -> None:
    values = np.array([[1.0, np.nan], [5.0, 5.0], [3.0, np.nan]])
    names, summed, kept = brought_together(["A", "B", "A"], values, "sum")
    assert (names, kept) == (("A", "B"), [0, 1])
    np.testing.assert_array_equal(summed, [[4, np.nan], [5, 5]])
    _, highest, rows = brought_together(["A", "B", "A"], values, "highest")
    np.testing.assert_array_equal(highest, [[3, np.nan], [5, 5]])
    assert rows == [2, 1]
    _, mean, _ = brought_together(["A", "B", "A"], values, "mean")
    np.testing.assert_array_equal(mean, [[2, np.nan], [5, 5]])


def test_empty_features_and_samples_are_those_without_a_number() -> None:
    features, samples = empty_lines(np.array([[1.0, np.nan], [np.nan, np.nan]]))
    assert (features.tolist(), samples.tolist()) == ([False, True], [False, True])


def test_baseline_is_a_matter_of_the_name() -> None:
    assert is_baseline(" C1D1 ")
    assert not is_baseline("M1")
    assert not is_baseline(None)
    assert is_baseline("biopsy", ["Biopsy"])


def test_every_rule_says_what_it_is_broken_by_and_errors_say_what_to_do() -> None:
    assert all(rule.what.strip() for rule in RULES.values())
    assert [r.rule for r in RULES.values() if r.severity == "error" and not r.hint] == []
    assert {r.severity for r in RULES.values()} == {"error", "warning", "note"}
    assert sum(map(len, rules_by_topic().values())) == len(RULES)
