"""The study that ships with the project: simulated patients come out as SDTM that conforms."""

from __future__ import annotations

from pathlib import Path

import pytest

from onearm import records, sdtm, simulate
from onearm.study import load

FOLDER = Path(__file__).parents[2] / "studies" / "lenvatinib-pembrolizumab"


@pytest.fixture(scope="module")
def study():
    return load(FOLDER)


@pytest.fixture(scope="module")
def tidy(study):
    return simulate.trial(study, subjects=24, seed=7, cut=None, mess=False)


def test_tidy_patients_have_no_error_at_the_border_or_in_a_form(study, tidy):
    clean = records.at_cut(study, tidy.entries, cut=tidy.cut)
    assert [str(f) for f in records.check(study, clean) if f.severity == "error"] == []


def test_tidy_patients_conform(study, tidy):
    made = sdtm.derive(study, records.at_cut(study, tidy.entries, cut=tidy.cut))
    declared = sdtm.conform.declared_terms(study)
    found = sdtm.conform.check(made, declared=declared, cut=tidy.cut)
    assert [str(f) for f in found] == []
    assert made["DM"]["ARMCD"].count() == 24


def test_every_target_of_a_form_is_a_variable_that_is_specified(study):
    specs = sdtm.specs()
    unknown = [
        f"{form.form}.{item.name}: {target.domain}.{target.variable}"
        for form in study.forms.values()
        for item in form.items
        for target in item.to
        if not target.domain.startswith("SUPP")
        and target.variable not in specs[target.domain].names
    ]
    assert unknown == []
