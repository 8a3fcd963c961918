"""The predictions that a plan asks for: one an endpoint, over all modalities that may be used."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from onearm.omics.assay import Block, Outcomes
from onearm.omics.families import Gated
from onearm.omics.plan import Plan
from onearm.omics.predict import Prediction, predict
from onearm.omics.prediction_data import Question
from onearm.pieces import SERIAL, Workers


def predictions(
    plan: Plan,
    outcomes: Outcomes,
    gated: Sequence[Gated],
    candidates: Sequence[Block],
    strata: tuple[str, ...],
    *,
    workers: Workers = SERIAL,
) -> tuple[Prediction, ...]:
    """Nested cross-validation of every response and time of the plan; none where it asks for none.

    gated: the modalities with the endpoints that the confounding gate leaves them and the strata it
    asks for. candidates: blocks of the single markers. strata: columns in which patients are
    permuted; folds are stratified by the first. The clinical-only model has the candidates that
    are columns of the subjects. Every batch column with two levels or more is left out in turn.
    """
    if not plan.prediction:
        return ()
    made = []
    for endpoint in plan.endpoints:
        own = [one for one in gated if endpoint in one.endpoints]
        if not own or not (endpoint in outcomes.responses or endpoint in outcomes.times):
            continue
        blocks = tuple(one.block for one in own)
        asked = tuple(dict.fromkeys((*strata, *(name for one in own for name in one.strata))))
        question = Question(
            endpoint,
            clinical=_clinical(plan, outcomes),
            tumour_type=strata[0] if strata else "",
            batch=tuple(name for name in plan.batch if _varies(name, blocks)),
            candidates=tuple(candidates),
            strata=asked,
        )
        made.append(predict(blocks, outcomes, question, seed=plan.seed, workers=workers))
    return tuple(made)


def _clinical(plan: Plan, outcomes: Outcomes) -> tuple[str, ...]:
    """The columns of the subjects that are candidates."""
    keys = dict.fromkeys(one.key for one in plan.candidates if one.source == "column")
    return tuple(key for key in keys if key in outcomes.columns.columns)


def _varies(name: str, blocks: Sequence[Block]) -> bool:
    """Whether a batch column has two levels or more among the samples."""
    found = [b.columns[name].cast(pl.String) for b in blocks if name in b.columns.columns]
    return bool(found) and pl.concat(found).drop_nulls().n_unique() > 1
