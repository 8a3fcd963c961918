"""The REMARK table: what the run knows is filled in, what only people know stays open.

Source: McShane and others, Journal of the National Cancer Institute 97:1180-1184 (2005).
"""

from __future__ import annotations

import csv
from importlib.resources import files

import polars as pl

from onearm.omics.chapter import Chapter
from onearm.outputs.document import Facts
from onearm.outputs.labels import Labels
from onearm.outputs.marker_more import related, standard_columns
from onearm.outputs.marker_pictures import Words
from onearm.outputs.marker_tables import cells, facts
from onearm.study.biomarkers import Biomarkers
from onearm.study.text import Text


def remark(chapter: Chapter, plan: Biomarkers, labels: Labels, *, period: str = "") -> Facts:
    """The 20 items in order. ``period``: what is known of accrual and data cut."""
    words = Words.of(plan, labels)
    told = {
        1: _joined(labels.of(plan.statement), _names(plan, labels)),
        2: _joined(labels.of(plan.remark.patients), f"{plan.population}"),
        3: labels.of(plan.remark.treatments),
        4: _assays(plan, labels, "specimen"),
        5: _assays(plan, labels, "method"),
        6: _joined(labels.of(plan.remark.follow_up), period),
        7: "; ".join(labels.of(e.label) for e in plan.endpoints),
        8: _joined(_names(plan, labels), ", ".join(labels.of(c.label) for c in plan.columns)),
        9: labels.of(plan.remark.sample_size),
        10: _joined(_methods(chapter, labels), labels.of(plan.remark.missing_data)),
        11: _cuts(plan, labels),
        12: _flow(chapter),
        13: _availability(chapter),
        14: _related(chapter, words),
        15: labels("marker_candidates_title") + "; " + labels("marker_programmes_title"),
        16: _design(chapter),
        17: _with_standard(chapter, words),
        18: _checks(chapter, labels),
        19: _joined(labels("marker_single_arm"), labels.of(plan.remark.interpretation)),
        20: labels("marker_generating") if chapter.tiers["discovery"].n_tests else "",
    }
    rows = [
        cells(str(number), labels.of(item), told[number] or labels("marker_open"))
        for number, item in _items()
    ]
    return facts(labels, "marker_item content marker_answer", rows, (0.06, 0.3, 0.64))


def _items() -> list[tuple[int, Text]]:
    text = files("onearm.outputs").joinpath("remark.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return [(int(row["item"]), Text(en=row["en"], zh=row["zh"])) for row in rows]


def _joined(*texts: str) -> str:
    return ". ".join(text.rstrip(".") for text in texts if text)


def _names(plan: Biomarkers, labels: Labels) -> str:
    return ", ".join(labels.of(candidate.label) for candidate in plan.candidates)


def _assays(plan: Biomarkers, labels: Labels, what: str) -> str:
    parts = []
    for assay in plan.modalities:
        words = _joined(labels.of(getattr(assay, what)), labels.of(assay.handling))
        if words:
            parts.append(f"{labels.of(assay.label)}: {words}")
    return "; ".join(parts)


def _methods(chapter: Chapter, labels: Labels) -> str:
    plan = chapter.plan
    shares = ", ".join(
        f"{labels(f'marker_tier_{tier}')} {one.alpha:g}" for tier, one in chapter.tiers.items()
    )
    rule = labels("marker_per_tier", list=shares)
    return f"{rule} {plan.permutations:,} permutations, seed {plan.seed}"


def _cuts(plan: Biomarkers, labels: Labels) -> str:
    fixed = [c for c in plan.candidates if c.cut is not None]
    return "; ".join(
        f"{labels.of(c.label)} >= {c.cut:g} {c.unit}".strip()
        + (f" ({c.source})" if c.source else "")
        for c in fixed
    )


def _flow(chapter: Chapter) -> str:
    rows = chapter.measures.filters.filter(pl.col("kind") == "samples", pl.col("step") == "used")
    parts = [f"{r['modality']} {r['timepoint']}: {r['after']}" for r in rows.iter_rows(named=True)]
    return f"{len(chapter.outcomes.subjects)} patients; samples used: " + ", ".join(parts)


def _availability(chapter: Chapter) -> str:
    blocks = chapter.measures.blocks
    total = len(chapter.outcomes.subjects)
    return "; ".join(f"{name}: {len(b.subjects)} of {total}" for name, b in blocks.items())


def _design(chapter: Chapter) -> str:
    strata = chapter.families["strata"].unique(maintain_order=True).to_list()
    used = [s for s in strata if s]
    words = [f"strata: {'; '.join(used)}"] if used else []
    words += [f"design: {', '.join(chapter.plan.design)}"] if chapter.plan.design else []
    return "; ".join(words)


def _related(chapter: Chapter, words: Words) -> str:
    """How much of the candidates the standard variables explain."""
    told = related(chapter, words)
    return words.labels("marker_related", list=told) if told else ""


def _with_standard(chapter: Chapter, words: Words) -> str:
    """Which table gives the estimates, and what stands in its models."""
    if not chapter.beside.with_standard.height:
        return ""
    columns = standard_columns(chapter, words)
    title, note = (
        words.labels("marker_standard_title"),
        words.labels("marker_standard_note", columns=columns),
    )
    return f"{title}: {note}"


def _checks(chapter: Chapter, labels: Labels) -> str:
    """What was checked: hazards, null distributions, varied endpoints, prediction out of fold."""
    keys = [
        ("marker_hazards_title", chapter.beside.closer.hazards.height),
        ("marker_sensitivity_title", chapter.sensitivity.height),
        ("marker_prediction_title", len(chapter.predictions)),
    ]
    return "; ".join(labels(key) for key, there in keys if there)
