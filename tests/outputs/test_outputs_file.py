"""``outputs.yaml`` is checked before any patient exists."""

from __future__ import annotations

from onearm.errors import Place
from onearm.outputs.numbers import Numbers
from onearm.study.outputs import check_outputs, typed_numbers
from tests.outputs import trial

TABLE = {
    "number": "T 14.1",
    "title": "Sex",
    "blocks": [{"analysis": "sexx", "each": "SEX", "format": "{n} (12%)"}],
}


def messages(**parts: object) -> list[str]:
    found = check_outputs(trial.outputs(**parts), ["sex", "orr_confirmed"])
    return [f"{f.place}: {f.message} [{f.value}] {f.hint}" for f in found]


def test_the_shipped_file_has_nothing_to_mend(tmp_path):
    study = trial.study(tmp_path)
    assert study.outputs is not None
    assert study.analyses is not None
    ids = [analysis.id for analysis in study.analyses.analyses]
    found = check_outputs(study.outputs, ids, place=lambda k: study.place("outputs.yaml", k))
    assert [str(f) for f in found] == []


def test_an_unknown_analysis_is_named_with_a_suggestion():
    assert (
        "outputs.yaml: tables.0.blocks.0.analysis: reads analysis 'sexx', which analyses.yaml does "
        "not have [sexx] did you mean sex?"
    ) in messages(tables=[TABLE])


def test_a_number_typed_into_a_format_is_a_finding():
    assert (
        "outputs.yaml: tables.0.blocks.0.format: carries a number typed by hand [{n} (12%)] "
        "Name the result in braces, or add the text to digits_allowed."
    ) in messages(tables=[TABLE])


def test_a_sentence_reads_results_of_known_analyses_only():
    sections = [{"number": "2", "title": "S", "text": ["{orr.n.Total} of 32 patients responded"]}]
    found = messages(report={"title": "R", "sections": sections})
    assert any("reads result 'orr.n.Total' of an analysis that" in m for m in found)
    assert any("report.sections.0.text.0: carries a number typed by hand" in m for m in found)


def test_a_number_used_twice_and_one_not_defined_are_findings():
    good = {**TABLE, "blocks": [{"analysis": "sex", "each": "SEX", "format": "{n}"}]}
    sections = [{"number": "2", "title": "S", "outputs": ["T 14.1", "T 14.2"]}]
    found = messages(tables=[good, good], report={"title": "R", "sections": sections})
    assert any("output number T 14.1 is used twice" in m for m in found)
    assert any("the report shows T 14.2, which is not defined" in m for m in found)


def test_findings_say_the_line_where_it_is_known():
    place = Place(file="outputs.yaml", line=12)
    found = check_outputs(trial.outputs(tables=[TABLE]), ["sex"], place=lambda _: place)
    assert str(found[0].place) == "outputs.yaml:12: tables.0.blocks.0.analysis"


def test_digits_are_allowed_in_fields_and_in_names_of_standards():
    assert (
        typed_numbers("RECIST 1.1: {orr.rate.Total.6:.1%} at 95% CI", ["RECIST 1.1", "95%"]) == []
    )
    assert typed_numbers("8 of {n}", []) == ["8"]


def test_every_group_that_a_block_lists_is_in_the_results(tmp_path):
    outputs = trial.study(tmp_path).outputs
    assert outputs is not None
    found = Numbers(trial.results())
    blocks = [(t.number, b) for t in outputs.tables for b in t.blocks if b.each]
    assert [
        (n, b.analysis, b.each) for n, b in blocks if not found.levels(b.analysis, b.each)
    ] == []


def test_every_condition_is_offered_to_the_linter_with_its_dataset(tmp_path):
    outputs = trial.study(tmp_path).outputs
    assert outputs is not None
    offered = list(outputs.expressions())
    datasets = {dataset for _, _, dataset in offered}
    assert {"ADSL", "ADRS", "ADTTE", "ADAE", "ADTR", "ADEX", "ADLB"} <= datasets
    assert (("figures", 1, "bars", "value"), "PCHG", "ADTR") in offered
