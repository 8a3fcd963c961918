"""A simulation that names what the study does not have is refused, with file and line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from onearm import simulate
from onearm.errors import OnearmError, Problems
from onearm.study import Study, load
from tests.simulate.studies import shipped_study


def test_the_shipped_simulation_names_only_what_its_study_has(study: Study) -> None:
    assert simulate.check(study) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("contact: FOLLOWUP", "contact: FOLOWUP", r"FOLOWUP.*did you mean FOLLOWUP"),
        ("DM.RACE:", "DM.RASE:", r"no item on the form DM.*\n.*RASE.*did you mean RACE"),
        ("values: {ASIAN: 1}", "values: {MARTIAN: 1}", r"no answer of RACE.*\n.*MARTIAN"),
        ("code: Fatigue", "code: Fatiguee", r"no answer of AECTCAE.*\n.*did you mean Fatigue"),
        ("  LENVATINIB:\n    red", "  SORAFENIB:\n    red", r"no treatment of study.yaml"),
        ("locations: [LIVER]", "locations: [LIVR]", r"no answer of LESLOC.*\n.*LIVR"),
        ("start: SUSTDAT", "start: SUSTDATE", r"no item on the form SUBSEQ"),
    ],
)
def test_a_name_the_study_lacks_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    shipped_study(tmp_path)
    file = tmp_path / "simulation.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Problems, match=says) as refused:
        simulate.trial(load(tmp_path), subjects=5, seed=1)
    assert all("simulation.yaml:" in str(f.place) for f in refused.value.findings)


def test_a_study_without_assessments_says_so(study: Study) -> None:
    assert study.schedule is not None
    bare = study.schedule.model_copy(update={"tumour_assessments": None})
    with pytest.raises(OnearmError, match="no repeating tumour assessment"):
        simulate.trial(replace(study, schedule=bare), subjects=5, seed=1)
