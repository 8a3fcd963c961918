"""What is asked of a cohort that has no study folder: a plan from a file, or all as discovery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from onearm.errors import Problems
from onearm.omics.assay import Outcomes
from onearm.study.biomarkers import (
    AlphaSplit,
    AssayPlan,
    Biomarkers,
    MarkerColumn,
    MarkerEndpoint,
)
from onearm.study.complaints import complaints
from onearm.study.text import Text
from onearm.study.yamlfile import read_yaml

ALPHA = 0.05
LEAST = 1e-9
"""What a tier without members is given: alpha is not lost to it."""


def read_plan(path: Path) -> Biomarkers:
    """A biomarkers.yaml by itself; raises ``Problems`` with every line that is wrong.

    Its endpoints name those of the table of outcomes, its columns the other columns of the table;
    how they are derived from a trial's datasets is not read.
    """
    document, findings = read_yaml(path, path.name)
    if document is None or findings:
        raise Problems(findings, f"{path.name}: the plan cannot be read:")
    try:
        return Biomarkers.model_validate(document.data)
    except ValidationError as problem:
        found = complaints(problem, document, Biomarkers)
        raise Problems(found, f"{path.name}: the plan cannot be used as it is:") from problem


def cohort_plan(
    outcomes: Outcomes,
    modalities: Sequence[str],
    *,
    timepoint: str,
    strata: tuple[str, ...] = (),
    batch: tuple[str, ...] = (),
    permutations: int = 10_000,
    seed: int = 1,
) -> Biomarkers:
    """Every feature of every modality against every endpoint, as discovery at the whole alpha.

    The other columns of the outcomes are checked by the confounding gate, ``strata`` stratify.
    """
    kinds = {
        **dict.fromkeys(outcomes.responses, "response"),
        **dict.fromkeys(outcomes.times, "time"),
        **dict.fromkeys(outcomes.amounts, "amount"),
    }
    needs = {"response": "success", "time": "parameter", "amount": "value"}
    columns = [name for name in outcomes.columns.columns if name != "subject_id"]
    return Biomarkers(
        statement=Text(en="Exploratory analysis of every feature that was measured"),
        modalities=tuple(
            AssayPlan(name=name, label=Text(en=name), timepoint=timepoint, discovery=True)
            for name in modalities
        ),
        endpoints=tuple(
            MarkerEndpoint.model_validate(
                {"name": name, "label": name, "kind": kind, needs[kind]: name}
            )
            for name, kind in kinds.items()
        ),
        columns=tuple(
            MarkerColumn(
                name=name,
                label=Text(en=name),
                expr=name,
                use="strata" if name in strata else "sex" if name.lower() == "sex" else "checked",
            )
            for name in columns
        ),
        batch=batch,
        alpha=ALPHA,
        split=AlphaSplit(candidates=LEAST, programmes=LEAST, discovery=ALPHA - 2 * LEAST),
        permutations=permutations,
        seed=seed,
    )
