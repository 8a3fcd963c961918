"""A trial with simulated assays, once for all tests that need one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from onearm import pipeline
from onearm.pipeline import Trial
from onearm.simulate import Simulated, trial
from onearm.simulate.assays import MadeAssays, assays
from onearm.store.assays import read_assays, read_manifest
from onearm.store.made_assays import write_made_assays
from onearm.study import Study, load
from onearm.study.biomarkers import Biomarkers

FOLDER = Path(__file__).resolve().parents[1] / "studies" / "lenvatinib-pembrolizumab"
SUBJECTS, SEED = 40, 3


@cache
def study() -> Study:
    """The shipped study with fewer genes and permutations, so that tests are quick."""
    loaded = load(FOLDER)
    return replace(loaded, biomarkers=smaller(loaded.biomarkers))


def smaller(plan: Biomarkers | None) -> Biomarkers:
    assert plan is not None
    assert plan.simulated is not None
    made = plan.simulated.model_copy(update={"genes": 1500})
    return plan.model_copy(update={"permutations": 500, "simulated": made})


@cache
def simulated() -> Simulated:
    """Its patients."""
    return trial(study(), subjects=SUBJECTS, seed=SEED)


def made(**changes: object) -> MadeAssays:
    """Their assays, with other settings under ``simulated``."""
    plan = study().biomarkers
    assert plan is not None
    assert plan.simulated is not None
    law = plan.simulated.model_copy(update=dict(changes))
    other = replace(study(), biomarkers=plan.model_copy(update={"simulated": law}))
    found = assays(other, simulated(), seed=SEED)
    assert found is not None
    return found


def built(folder: Path, assays_made: MadeAssays) -> Trial:
    """The whole river with these assays, by way of their files."""
    manifest = write_made_assays(assays_made, folder)
    return pipeline.build(
        study(),
        simulated().entries,
        lambda first_dose: read_assays(read_manifest(manifest), first_dose=first_dose),
        cut=simulated().cut,
    )
