"""Parts of the marker chapter beside the tiers: sentences and tables, each only where it has data.

Every part is given ``pictures``, which yields the figures that belong to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl

from onearm.omics.chapter import Chapter
from onearm.omics.predict import Prediction
from onearm.omics.stability import THRESHOLD
from onearm.outputs import layout
from onearm.outputs import marker_more as tables
from onearm.outputs.document import Block, Minor, Paragraph
from onearm.outputs.labels import Labels
from onearm.outputs.marker_pictures import Words
from onearm.outputs.marker_tables import number
from onearm.outputs.numbers import Piece

Pictures = Callable[[str], Iterable[Block]]


def say(*sentences: str) -> Paragraph:
    """Sentences as one paragraph."""
    return Paragraph((Piece(" ".join(sentences)),))


def closer(chapter: Chapter, words: Words, pictures: Pictures) -> Iterable[Block]:
    """Of the candidates: searched cutpoints, proportional hazards, standard variables."""
    labels, found = words.labels, chapter.beside.closer
    if found.cutpoints.height:
        yield Minor(labels("marker_cuts_title"))
        yield say(labels("marker_cuts_note"))
        yield tables.cutpoints(chapter, words)
        yield from pictures("searched")
    if found.hazards.height:
        yield Minor(labels("marker_hazards_title"))
        n = found.hazards.height
        if tables.doubtful_hazards(chapter).height:
            yield say(labels("marker_hazards_note", n=n))
            yield tables.hazards(chapter, words)
        else:
            yield say(labels("marker_hazards_none", n=n))
    related = tables.related(chapter, words)
    if chapter.beside.with_standard.height or related:
        yield Minor(labels("marker_standard_title"))
    if related:
        yield say(labels("marker_related", list=related))
    if chapter.beside.with_standard.height:
        yield say(labels("marker_standard_note", columns=tables.standard_columns(chapter, words)))
        yield tables.with_standard(chapter, words)


def gene_sets(chapter: Chapter, words: Words) -> Iterable[Block]:
    """The sets with where they come from, and how they were tested."""
    labels, found = words.labels, chapter.beside.sets
    if not found.table.height:
        return
    source = found.provenance.row(0, named=True)
    source["version"], source["attribution"] = (
        source[key].rstrip(".") for key in ("version", "attribution")
    )
    yield Minor(labels("marker_sets_title"))
    sets = found.table["set"].n_unique()
    yield say(labels("marker_sets_note", sets=sets, method="; ".join(found.notes), **source))
    yield tables.sets(chapter, words)


def substitutions(chapter: Chapter, words: Words) -> Iterable[Block]:
    """The mutational spectrum of each modality that brought its variants, in a sentence."""
    for (modality,), own in chapter.beside.substitutions.group_by("modality", maintain_order=True):
        total = int(own["count"].sum())
        if not total:
            continue
        by_class = own.group_by("class", maintain_order=True).agg(pl.col("count").sum())
        parts = [f"{name} {100 * count / total:.0f}%" for name, count in by_class.iter_rows()]
        by_sample = own.group_by("sample_id").agg(pl.col("count").sum())["count"]
        yield say(
            words.labels(
                "marker_substitutions",
                modality=words.modality(str(modality)),
                n=by_sample.len(),
                total=f"{total:,}",
                list=", ".join(parts),
                median=number(float(np.median(by_sample.to_numpy())), 0),
            )
        )


def prediction(chapter: Chapter, words: Words, pictures: Pictures) -> Iterable[Block]:
    """Every prediction that was asked for, or why none was made."""
    labels = words.labels
    if not chapter.predictions and chapter.factors is None:
        return
    yield Minor(labels("marker_prediction_title"))
    if any(made.refused is None for made in chapter.predictions):
        yield say(labels("marker_prediction_note"))
    for made in chapter.predictions:
        yield from _predicted(made, words)
    yield from pictures("prediction")
    if chapter.factors is not None:
        n = len(chapter.factors.names)
        yield say(labels("marker_factors_note", n=n, dropped=chapter.factors.dropped))


def _predicted(made: Prediction, words: Words) -> Iterable[Block]:
    labels = words.labels
    endpoint = words.endpoints.get(made.question.endpoint, made.question.endpoint)
    if made.refused is not None:
        why = made.refused
        yield say(
            labels(
                "marker_prediction_none",
                endpoint=endpoint,
                message=why.message,
                value=why.value,
                hint=why.hint,
            )
        )
        return
    numbers = [
        labels(
            "marker_measure_value",
            name=r["name"] if r["time"] is None else f"{r['name']}, {r['time']:g} d",
            value=number(r["value"]),
        )
        for r in made.measures.iter_rows(named=True)
    ]
    yield say(
        labels(
            "marker_prediction_one",
            endpoint=endpoint,
            measure=made.measure,
            estimate=layout.rounded(made.estimate, 2),
            lower=layout.rounded(made.lower, 2),
            upper=layout.rounded(made.upper, 2),
            p=layout.p_value(made.p),
            n=made.n,
            events=made.events,
            notes="; ".join([*numbers, *made.notes]),
        )
    )
    yield tables.models(made, words)
    if made.batches.height:
        yield say(labels("marker_leave_batch") + ":")
        yield tables.batches(made, words)
    pfer = number(made.pfer)
    yield say(labels("marker_selection_note", threshold=f"{THRESHOLD:g}", pfer=pfer))


def swaps(chapter: Chapter, labels: Labels) -> str:
    """Samples of two assays that each fit another patient better; empty where there are none."""
    if not chapter.quality.swaps.height:
        return ""
    rows = chapter.quality.swaps.iter_rows(named=True)
    names = [f"{r['sample_a']} ({r['subject_a']}) / {r['best_b']} ({r['subject_b']})" for r in rows]
    return labels("marker_swap_rna", names="; ".join(names))
