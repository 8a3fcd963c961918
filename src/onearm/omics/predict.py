"""Can the assays together predict who benefits? Nested cross-validation that cannot leak.

What comes in are blocks as measured, outcomes and a seed. There is no way to hand in a step that
has seen the outcome: scaling, imputation, selection and tuning are fitted here, in the training
part of each fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import polars as pl

from onearm.errors import Finding, Place
from onearm.omics.assay import Block, Outcomes
from onearm.omics.nested import Scores, Study, by_folds, one_repeat
from onearm.omics.prediction_data import Data, Question, gather
from onearm.omics.prediction_quality import calibration_and_decision, performance
from onearm.omics.prediction_tables import (
    batch_table,
    choices,
    compared,
    estimates,
    roc_table,
    score_table,
)
from onearm.omics.stability import Stability, stability
from onearm.omics.targets import Response, permutations
from onearm.pieces import SERIAL, Workers, each
from onearm.stats.arguments import Floats

FEWEST_RESPONDERS = 10
FEWEST_EVENTS = 15

MAIN = "omics"
"""The model that the question is about: the menu over all blocks."""

CLINICAL, WITH_CLINICAL = "clinical only", "clinical and omics"
TUMOUR_TYPE, BATCH, SINGLE = "tumour type only", "batch only", "best single candidate"
LABELS = (TUMOUR_TYPE, BATCH)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What nested cross-validation found; frames are empty where ``refused`` says why.

    measure: ``AUC`` or ``C-index``, for a response or a time. estimate: mean over the repeats;
    lower, upper: estimate -+ 1.96 times the larger of its standard error (DeLong's; for a time
    the jackknife's) and the SD under permutation. p: (1 + permutations at least as good) over
    (1 + permutations).
    null: (permutations,) estimates under permutation, in no useful order.

    models: one row a model and baseline (`COMPARED`), with the increment over clinical-only; where
    there are strata, pairs of one stratum are compared. per_repeat: model,
    repeat, value. scores: subject_id, repeat, fold, score, probability (of response). roc: mean
    curve over the repeats with the pointwise 95% band of the permutations. calibration, decision:
    see `performance`. measures: name, time, value. batches: leave-one-batch-out. choices: what the
    inner folds chose. selection: modality, timepoint, feature, probability, is_selected; pfer: the
    bound on falsely selected ones.
    """

    question: Question
    measure: str
    n: int
    events: int
    refused: Finding | None
    estimate: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")
    p: float = float("nan")
    null: Floats = field(default_factory=lambda: np.empty(0))
    models: pl.DataFrame = field(default_factory=pl.DataFrame)
    per_repeat: pl.DataFrame = field(default_factory=pl.DataFrame)
    scores: pl.DataFrame = field(default_factory=pl.DataFrame)
    roc: pl.DataFrame = field(default_factory=pl.DataFrame)
    calibration: pl.DataFrame = field(default_factory=pl.DataFrame)
    decision: pl.DataFrame = field(default_factory=pl.DataFrame)
    measures: pl.DataFrame = field(default_factory=pl.DataFrame)
    batches: pl.DataFrame = field(default_factory=pl.DataFrame)
    choices: pl.DataFrame = field(default_factory=pl.DataFrame)
    selection: pl.DataFrame = field(default_factory=pl.DataFrame)
    pfer: float = float("nan")
    notes: tuple[str, ...] = ()


def predict(
    blocks: Sequence[Block],
    outcomes: Outcomes,
    question: Question,
    *,
    seed: int,
    workers: Workers = SERIAL,
    progress: Callable[[int, int], None] | None = None,
) -> Prediction:
    """Predict an endpoint from blocks by repeated nested cross-validation, judged by permutation.

    blocks: as `blocks.block` makes them; a patient who lacks one is kept. Subjects are those with
    the endpoint and at least one block, in sorted order, so that the order of the input changes
    nothing; patients are the unit, whatever number of time points they have. Under 10 responders
    (or 10 others), or 15 events, no model is fitted and ``refused`` says so.
    Raises `OnearmError` for an endpoint or column nobody has.
    Source: omics.md, section 11.
    """
    data = gather(blocks, outcomes, question)
    is_response = isinstance(data.target, Response)
    n, events = len(data.subjects), int(data.target.label.sum())
    measure = "AUC" if is_response else "C-index"
    refused = _too_few(question.endpoint, n, events, is_response)
    if refused:
        return Prediction(question, measure, n, events, refused)
    root = np.random.SeedSequence([seed, *question.endpoint.encode()])
    shuffles, halves, batches, *repeats = root.spawn(3 + question.repeats)
    permuted = permutations(data.target.strata, question.permutations, shuffles)
    study = _study(data, question, permuted)
    found = each(partial(one_repeat, study), repeats, workers=workers, progress=progress)
    stable = stability(data.features, data.target, halves, workers=workers)
    left_out = _leave_out(study, data, batches, workers)
    return _summary(data, question, found, permuted, stable, left_out)


def _too_few(endpoint: str, n: int, events: int, is_response: bool) -> Finding | None:
    """Why no model is fitted, None where there are enough."""
    place = Place(field=endpoint)
    hint = "Read the single associations instead; a model of so few would fit chance."
    if is_response and min(events, n - events) < FEWEST_RESPONDERS:
        what = "responders" if events <= n - events else "non-responders"
        fewer = min(events, n - events)
        message = f"no model is fitted: fewer than {FEWEST_RESPONDERS} {what} among {n} patients"
        return Finding(place, f"{fewer} {what}", "omics.md, section 11", message, hint, "warning")
    if not is_response and events < FEWEST_EVENTS:
        message = f"no model is fitted: fewer than {FEWEST_EVENTS} events among {n} patients"
        return Finding(place, f"{events} events", "omics.md, section 11", message, hint, "warning")
    return None


def _study(data: Data, question: Question, permuted: np.ndarray) -> Study:
    """The menu over all blocks, the baselines there are columns for."""
    names = tuple(part.name for part in data.blocks)
    groups = {MAIN: names}
    for model, part in (
        (CLINICAL, data.clinical),
        (TUMOUR_TYPE, data.tumour_type),
        (BATCH, data.batch),
        (SINGLE, data.candidates),
    ):
        if part is not None:
            groups[model] = (part.name,)
    if data.clinical is not None:
        groups[WITH_CLINICAL] = (*names, data.clinical.name)
    more = (data.clinical, data.tumour_type, data.batch, data.candidates)
    parts = (*data.blocks, *(part for part in more if part is not None))
    return Study(data.target, data.cells, permuted, parts, groups, question.outer, question.inner)


def _leave_out(
    study: Study, data: Data, stream: np.random.SeedSequence, workers: Workers
) -> list[tuple[str, tuple[str, ...], Scores]]:
    """The main model with each batch held out in turn, for every batch column."""
    truth = replace(study, permuted=study.permuted[:, :1], groups={MAIN: study.groups[MAIN]})
    columns = [(name, labels) for name, labels in data.labels if len(set(labels)) > 1]
    work = partial(_one_column, truth)
    pieces = list(zip([labels for _, labels in columns], stream.spawn(len(columns)), strict=True))
    done = each(work, pieces, workers=workers)
    return [(name, labels, own) for (name, labels), own in zip(columns, done, strict=True)]


def _one_column(study: Study, piece: tuple[tuple[str, ...], np.random.SeedSequence]) -> Scores:
    labels, stream = piece
    fold = np.unique(np.array(labels), return_inverse=True)[1].astype(np.int64)
    return by_folds(study, fold, np.random.default_rng(stream))


def _summary(
    data: Data,
    question: Question,
    found: Sequence[Scores],
    permuted: np.ndarray,
    stable: Stability,
    left_out: list[tuple[str, tuple[str, ...], Scores]],
) -> Prediction:
    judged = {
        name: estimates(
            data.target.pooled if name in LABELS else data.target, found, name, permuted
        )
        for name in found[0].scores
    }
    main = judged[MAIN]
    calibration, decision = calibration_and_decision(data.target, found, MAIN)
    return Prediction(
        question,
        main.measure,
        len(data.subjects),
        int(data.target.label.sum()),
        None,
        main.estimate,
        main.lower,
        main.upper,
        main.p,
        main.null,
        compared(data.target, found, judged, CLINICAL, LABELS),
        pl.concat([own.per_repeat(name) for name, own in judged.items()]),
        score_table(data.subjects, data.target, found, MAIN),
        roc_table(data.target, found, MAIN, permuted),
        calibration,
        decision,
        performance(data.target, found, MAIN, data.horizons),
        batch_table(data.target, left_out, MAIN),
        choices(found),
        _selection(data, stable),
        stable.bound,
        _notes(data, question),
    )


def _selection(data: Data, stable: Stability) -> pl.DataFrame:
    """Selection probabilities, the highest first."""
    frame = pl.DataFrame(data.names, schema=["modality", "timepoint", "feature"], orient="row")
    frame = frame.with_columns(
        probability=pl.Series(stable.probability), is_selected=pl.Series(stable.selected)
    )
    order = ["probability", "modality", "timepoint", "feature"]
    return frame.sort(order, descending=[True, False, False, False])


def _notes(data: Data, question: Question) -> tuple[str, ...]:
    notes = []
    if question.repeats < 10:
        notes.append(f"{question.repeats} repeats, fewer than 10: another deal may tell otherwise")
    if question.permutations < 1000:
        notes.append(f"{question.permutations} permutations, fewer than 1,000: p is coarse")
    missing = [
        f"{part.name} {int((part.at < 0).sum())}" for part in data.blocks if (part.at < 0).any()
    ]
    if missing:
        notes.append(f"patients without a modality are kept: {', '.join(missing)}")
    return tuple(notes)
