"""biomarkers.yaml: what is refused when it is loaded, what the lint finds, what the engine gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from onearm.cli.lint import catalogue
from onearm.study import Study, load
from onearm.study.biomarkers import Biomarkers
from onearm.study.cohortplan import read_plan
from onearm.study.lint import check
from onearm.study.schema import schemas

FOLDER = Path(__file__).resolve().parents[2] / "studies" / "lenvatinib-pembrolizumab"

RNA = {"name": "rna", "label": "RNA", "timepoint": "C1D1", "later": ["M1"]}
ORR = {"name": "ORR", "label": "Response", "kind": "response", "success": "RESPFL = 'Y'"}
TP53 = {"name": "TP53", "label": "TP53", "modality": "rna", "feature": "TP53"}


def plan(**parts: Any) -> Biomarkers:  # Any: parts of the file as plain values
    given = {"statement": "Find markers", "modalities": [RNA], "endpoints": [ORR], **parts}
    return Biomarkers.model_validate(given)


@pytest.fixture(scope="module")
def study() -> Study:
    return load(FOLDER)


def test_the_shipped_plan_names_at_most_twenty_candidates_and_spends_no_more_than_alpha(
    study: Study,
) -> None:
    asked = study.biomarkers
    assert asked is not None
    given = asked.plan()
    assert len(given.candidates) == 16
    assert given.split.total <= given.alpha
    assert given.strata == ("tumour_type",)
    assert given.sensitivity == {"ORR_EVAL": "ORR"}
    assert given.endpoints == ("ORR", "PFS", "OS")
    assert all(len(programme.genes) >= 30 for programme in given.programmes)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"split": {"candidates": 0.05}}, "more than the 0.05 there is"),
        ({"candidates": [TP53, TP53]}, "TP53 is named twice"),
        ({"candidates": [{**TP53, "score": "x"}]}, "give one of"),
        ({"candidates": [{**TP53, "modality": "dna"}]}, "there is no modality dna"),
        ({"candidates": [{**TP53, "change_to": "M1"}]}, "go together"),
        (
            {"candidates": [{**TP53, "change_to": "M2", "landmark_days": 40}]},
            "M2 is not a later time point",
        ),
        ({"candidates": [{"name": "AGE", "label": "Age", "column": "age"}]}, "use: marker"),
        ({"candidates": [{**TP53, "name": f"C{n}"} for n in range(21)]}, "at most 20"),
        ({"endpoints": [{**ORR, "success": ""}]}, "needs `success:`"),
        ({"endpoints": [{**ORR, "varies": "PFS"}]}, "there is no endpoint PFS"),
        ({"programmes": {"modality": "dna", "sets": []}}, "there is no modality dna"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        plan(**parts)


def test_columns_datasets_and_times_that_do_not_exist_are_found_with_their_line(
    study: Study, tmp_path: Path
) -> None:
    text = (FOLDER / "biomarkers.yaml").read_text(encoding="utf-8")
    text = text.replace("RESPFL = 'Y'}", "RESPFLAG = 'Y'}", 1).replace(
        "parameter: OS", "parameter: OSS"
    )
    text = text.replace("score: angiogenesis_6", "score: angiogenesis")
    text = text.replace("- HALLMARK_HYPOXIA", "- HALLMARK_HYPOXIC")
    path = tmp_path / "biomarkers.yaml"
    path.write_text(text, encoding="utf-8")
    wrong = replace(study, biomarkers=read_plan(path))
    found = "\n".join(str(f) for f in check(wrong, catalogue(study)) if f.severity == "error")
    assert "reads RESPFLAG, which ADSL does not have" in found
    assert "endpoints.yaml defines no time OSS" in found
    assert "there is no score of this name" in found
    assert "the library has no such gene set" in found
    assert found.count("biomarkers.yaml:") == 4


def test_a_modality_of_which_nothing_is_asked_is_a_warning(study: Study) -> None:
    asked = study.biomarkers
    assert asked is not None
    spare = asked.modalities[0].model_copy(update={"name": "stool", "discovery": False})
    more = asked.model_copy(update={"modalities": (*asked.modalities, spare)})
    found = check(replace(study, biomarkers=more), catalogue(study))
    assert any("nothing is asked of the modality stool" in str(f) for f in found)


def test_it_has_a_schema() -> None:
    assert "candidates" in schemas()["biomarkers"]["properties"]


def test_own_gene_sets_stand_beside_the_library() -> None:
    programmes = {"modality": "rna", "sets": ["HALLMARK_HYPOXIA"], "own": {"MINE": ["A", "B"]}}
    given = plan(programmes=programmes).plan()
    assert [p.name for p in given.programmes] == ["HALLMARK_HYPOXIA", "MINE"]
    assert given.programmes[1].genes == ("A", "B")
