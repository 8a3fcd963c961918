"""A table is cells with result ids, built once from a shell and the results."""

from __future__ import annotations

import pytest

from onearm.outputs.labels import Labels
from onearm.outputs.render.csvfile import write_csv
from onearm.outputs.table import Table, TableBuilder
from onearm.study.outputs import TableShell
from tests.outputs.trial import EN, numbers, outputs

SETS = {"FAS": {"label": "Full analysis set", "count": "sex", "operation": "N"}}


def build(shell: dict[str, object], *cells: dict[str, object]) -> Table:
    """The table of a shell over hand-made results."""
    whole = {"number": "T 14.1", "title": "Title", "set": "FAS", "columns": "total", **shell}
    builder = TableBuilder(outputs(sets=SETS), numbers(*cells), EN)
    return builder.build(TableShell.model_validate(whole))


def count(level: str, n: float, percent: float | None = None, **more: object):
    """Two results: a count of a level and its share."""
    base = {"analysis": "sex", "group2": "SEX", "level2": level, **more}
    yield {**base, "operation": "n", "value": n, "kind": "count"}
    yield {**base, "operation": "percent", "value": percent, "kind": "proportion"}


N = {"analysis": "sex", "operation": "N", "value": 7.0, "kind": "count"}
SEX = {"label": "Sex", "analysis": "sex", "each": "SEX", "format": "{n} ({percent:.1%})"}


def test_each_number_of_a_cell_carries_its_result():
    table = build({"blocks": [SEX]}, N, *count("M", 5.0, 5 / 7), *count("F", 2.0, 2 / 7))
    assert [(r.label, [c.text for c in r.cells]) for r in table.rows] == [
        ("Sex", []),
        ("M", ["5 (71.4%)"]),
        ("F", ["2 (28.6%)"]),
    ]
    assert table.columns[0].count.text == "7"
    assert list(table.ids()) == [
        ("", "Total", "sex.N.Total"),
        ("M", "Total", "sex.n.Total.M"),
        ("M", "Total", "sex.percent.Total.M"),
        ("F", "Total", "sex.n.Total.F"),
        ("F", "Total", "sex.percent.Total.F"),
    ]


def test_a_count_of_nobody_is_printed_without_its_share():
    table = build({"blocks": [SEX]}, N, *count("M", 0.0, 0.0))
    assert table.rows[-1].cells[0].text == "0"


def test_levels_are_labelled_and_ordered_as_the_shell_says():
    block = {**SEX, "levels": {"F": "Female", "M": "Male"}}
    table = build({"blocks": [block]}, N, *count("M", 5.0, 0.5), *count("F", 5.0, 0.5))
    assert [row.label for row in table.rows] == ["Sex", "Female", "Male"]


def test_an_empty_table_says_that_nobody_met_the_criteria(tmp_path):
    table = build({"blocks": [SEX]})
    assert table.empty == "No subject met the criteria"
    assert not table.rows
    assert "No subject met the criteria" in write_csv(table, tmp_path).read_text("utf-8")


def test_a_median_that_is_not_reached_and_its_limits_have_their_signs():
    line = {"label": "Median", "format": "{median:.1f} ({median_low:.1f}, {median_high:.1f})"}
    made = [
        {"analysis": "os", "operation": name, "value": value, "note": "not_reached"}
        for name, value in (("median", None), ("median_low", 14.04), ("median_high", None))
    ]
    table = build({"blocks": [{"analysis": "os", "lines": [line]}]}, *made)
    assert table.rows[0].cells[0].text == "NR (14.0, NE)"


def test_a_group_too_small_shows_one_dash():
    line = {"label": "Rate", "format": "{estimate:.1%} ({ci_low:.1%}, {ci_high:.1%})"}
    made = [
        {"analysis": "orr", "operation": name, "value": None, "note": "n_too_small"}
        for name in ("estimate", "ci_low", "ci_high")
    ]
    table = build({"blocks": [{"analysis": "orr", "lines": [line]}]}, *made)
    assert table.rows[0].cells[0].text == "–"


def test_terms_stand_within_their_class_and_each_class_keeps_together():
    made = [
        {"analysis": "ae", "operation": "n", "value": v, "group2": "SOC", "level2": soc}
        | ({"group3": "TERM", "level3": term} if term else {})
        for soc, term, v in (
            ("Skin", "", 4.0), ("Skin", "Rash", 3.0), ("Skin", "Itch", 2.0),
            ("Eye", "", 1.0), ("Eye", "Dry eye", 1.0),
        )
    ]  # fmt: skip
    block = {"analysis": "ae", "each": "SOC", "within": "TERM", "format": "{n}"}
    table = build({"blocks": [block]}, *made)
    assert [(r.label, r.indent, r.cells[0].text) for r in table.rows] == [
        ("Skin", 0, "4"), ("Rash", 1, "3"), ("Itch", 1, "2"), ("Eye", 0, "1"), ("Dry eye", 1, "1"),
    ]  # fmt: skip
    blocks = [row.block for row in table.rows]
    assert blocks[0] == blocks[2] != blocks[3] == blocks[4]


def test_a_column_may_pick_a_level_and_print_in_its_own_format():
    made = [
        {"analysis": "pfs", "operation": "events", "value": 31.0},
        {"analysis": "pfs", "operation": "rate", "value": 0.436, "group2": "MONTH", "level2": "6"},
    ]
    columns = [
        {"label": "Events", "format": "{events}"},
        {"label": "Rate", "pick": {"MONTH": "6"}, "format": "{rate:.1%}"},
    ]
    blocks = [{"label": "Main", "analysis": "pfs", "format": "{events}"}]
    table = build({"columns": columns, "blocks": blocks}, *made)
    assert [cell.text for cell in table.rows[0].cells] == ["31", "43.6%"]


def test_a_shift_table_crosses_lines_and_columns_and_hides_empty_lines():
    made = [
        {"analysis": "shift", "operation": "n", "value": v, "group2": "TEST", "level2": "ALT",
         "group3": "B > W", "level3": pair}
        for pair, v in (("0 > 0", 9.0), ("0 > 3", 2.0), ("1 > 0", 0.0), ("1 > 3", 0.0))
    ]  # fmt: skip
    columns = [{"label": w, "pick": {"B > W": f"* > {w}"}} for w in "03"]
    lines = [{"label": f"grade {b}", "star": b, "format": "{n}"} for b in "01"]
    block = {"analysis": "shift", "each": "TEST", "lines": lines, "hide_zero": True}
    table = build({"columns": columns, "blocks": [block]}, *made)
    assert [(r.label, [c.text for c in r.cells]) for r in table.rows] == [
        ("ALT", []),
        ("grade 0", ["9", "2"]),
    ]


def test_a_column_of_one_cohort_and_the_total_read_the_same_analysis():
    made = [*count("M", 3.0, 0.6, level1="HCC"), *count("M", 5.0, 0.5)]
    counts = [{**N, "level1": "HCC", "value": 5.0}, {**N, "value": 10.0}]
    table = build({"columns": "cohorts", "blocks": [SEX]}, *counts, *made)
    assert [(c.label, c.count.text) for c in table.columns] == [("HCC", "5"), ("Total", "10")]
    assert [cell.text for cell in table.rows[-1].cells] == ["3 (60.0%)", "5 (50.0%)"]


@pytest.mark.parametrize(("language", "title"), [("en", "Sex"), ("zh", "性别")])
def test_the_words_follow_the_language(language, title):
    words = {"en": "Sex", "zh": "性别"}
    shell = {"number": "T 1", "title": words, "columns": "total", "blocks": [SEX]}
    found = numbers(N, *count("M", 1.0, 1.0))
    builder = TableBuilder(outputs(sets=SETS), found, Labels(language))
    assert builder.build(TableShell.model_validate(shell)).title == title
