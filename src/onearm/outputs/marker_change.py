"""The part of the marker chapter on samples taken on treatment: what changed, and who was lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from onearm.omics.change import ANALYSIS
from onearm.omics.chapter import Chapter
from onearm.omics.kinetics import CLASSES, rule_of
from onearm.omics.ontreatment import OnTreatment
from onearm.outputs.document import Block, Facts, Minor, Paragraph
from onearm.outputs.marker_pictures import Words
from onearm.outputs.marker_tables import TOP, cells, facts, number, p_text
from onearm.outputs.numbers import Piece


def change_blocks(chapter: Chapter, words: Words) -> Iterable[Block]:
    """Tables of change; nothing where no sample was taken on treatment."""
    found, labels = chapter.change, words.labels
    if found is None:
        return
    yield _say(labels("marker_change_rule", tests=f"{found.n_tests:,}"))
    if found.table.height:
        yield changes(found, words)
    named = {c.key for c in chapter.plan.candidates if c.key}
    if found.slopes.height:
        yield Minor(labels("marker_slopes_title"))
        yield slopes(found, named, words)
    if found.kinetics.height:
        yield Minor(labels("marker_kinetics_title"))
        told = "; ".join(rule_of(rule).source for rule in dict.fromkeys(found.kinetics["rule"]))
        yield _say(labels("marker_kinetics_rule", rules=told))
        yield kinetics(found, words)
    if found.survival.height:
        yield _say(labels("marker_kinetics_survival"))
        yield survival(found, words)
    if found.dropout.height:
        yield Minor(labels("marker_dropout_title"))
        yield dropout(found, words)


def _say(text: str) -> Paragraph:
    return Paragraph((Piece(text),))


def _limits(row: Mapping[str, object], effect: str) -> str:
    """``1.50 (0.90 to 2.40)``; limits beyond 100 are not spelled out."""
    value, low, high = (row[key] for key in (effect, "lower", "upper"))
    if not isinstance(value, float):
        return number(None)
    if not (isinstance(low, float) and isinstance(high, float)):
        return number(value)
    return f"{number(value)} ({number(low)} to {'>100' if high > 100 else number(high)})"


def changes(found: OnTreatment, words: Words) -> Facts:
    """The smallest adjusted p of each question: did it change, does the change go with response."""
    labels = words.labels
    rows = []
    for analysis in found.table["analysis"].unique(maintain_order=True):
        some = found.table.filter(pl.col("analysis") == analysis).head(TOP)
        for row in some.iter_rows(named=True):
            whom = labels("marker_everybody") if analysis == ANALYSIS else row["endpoint"]
            rows.append(
                cells(
                    words.modality(row["modality"]), row["feature"], row["timepoint"], whom,
                    row["n"], f"{row['effect_name']} {_limits(row, 'effect')}",
                    p_text(row["p_adjusted"]),
                )
            )  # fmt: skip
    keys = "marker_modality marker_marker marker_timepoint marker_question marker_n marker_effect "
    keys += "marker_adjusted"
    return facts(labels, keys, rows, (0.19, 0.11, 0.13, 0.13, 0.06, 0.27, 0.11))


def slopes(found: OnTreatment, named: set[str], words: Words) -> Facts:
    """Monthly slopes of candidates, else of the first features by name."""
    labels = words.labels
    features = found.slopes["feature"].unique(maintain_order=True).to_list()
    shown = [name for name in features if name in named] or features[:TOP]
    terms = {
        "month": "marker_term_month",
        "response": "marker_term_response",
        "month x response": "marker_term_both",
    }
    rows = [
        cells(
            words.modality(row["modality"]), row["feature"],
            row["endpoint"] or labels("marker_everybody"), labels(terms[row["term"]]),
            f"{row['n']} ({row['samples']})", _limits(row, "estimate"),
        )
        for row in found.slopes.filter(pl.col("feature").is_in(shown)).iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_modality marker_marker marker_question marker_term marker_n_samples "
    keys += "marker_slope"
    return facts(labels, keys, rows, (0.2, 0.12, 0.16, 0.22, 0.12, 0.18))


def kinetics(found: OnTreatment, words: Words) -> Facts:
    """How many patients cleared, fell, rose at each visit."""
    labels = words.labels
    rows = []
    keys = ["modality", "feature", "timepoint"]
    for (modality, feature, timepoint), some in found.kinetics.group_by(keys, maintain_order=True):
        counts = dict(some["kinetics"].drop_nulls().value_counts().iter_rows())
        known = [counts.get(name, 0) for name in CLASSES]
        rows.append(cells(words.modality(str(modality)), feature, timepoint, sum(known), *known))
    headings = "marker_modality marker_marker marker_timepoint marker_n marker_class_clearance "
    headings += "marker_class_fall marker_class_stable marker_class_rise marker_class_never"
    return facts(labels, headings, rows, (0.22, 0.1, 0.12, 0.06, 0.11, 0.09, 0.09, 0.09, 0.12))


def survival(found: OnTreatment, words: Words) -> Facts:
    """Survival by kinetics from landmarks, and with the last value carried."""
    labels = words.labels
    rows = []
    for row in found.survival.iter_rows(named=True):
        is_landmark = row["landmark_days"] is not None
        how = (
            labels("marker_from_day", timepoint=row["timepoint"], day=f"{row['landmark_days']:g}")
            if is_landmark
            else labels("marker_carried")
        )
        contrast = labels("marker_rise_contrast" if is_landmark else "marker_doubling")
        text = row["flags"] or _limits(row, "hazard_ratio")
        rows.append(
            cells(
                row["feature"], row["endpoint"], how, contrast, f"{row['n']} ({row['events']})",
                row["gone"] if is_landmark else number(None), text,
            )
        )  # fmt: skip
    keys = "marker_marker marker_endpoint marker_from marker_contrast marker_n_events marker_gone "
    keys += "marker_hazard"
    return facts(labels, keys, rows, (0.1, 0.09, 0.21, 0.18, 0.11, 0.11, 0.2))


def dropout(found: OnTreatment, words: Words) -> Facts:
    """Patients with a baseline value: sampled at a visit, missed, gone before it."""
    rows = [
        cells(
            words.modality(row["modality"]), row["feature"], row["timepoint"],
            number(row["study_day"], 0), row["at_risk"], row["sampled"], row["missed"], row["gone"],
            *(number(row[f"baseline_{group}"]) for group in ("sampled", "missed", "gone")),
        )
        for row in found.dropout.iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_modality marker_marker marker_timepoint marker_day marker_sampling_risk "
    keys += "marker_sampled marker_missed marker_gone marker_base_sampled marker_base_missed "
    keys += "marker_base_gone"
    widths = (0.19, 0.09, 0.08, 0.06, 0.08, 0.08, 0.08, 0.07, 0.09, 0.09, 0.09)
    return facts(words.labels, keys, rows, widths)


def tidy_change(chapter: Chapter) -> dict[str, pl.DataFrame]:
    """The frames of this part by name, for the tidy files; empty where there is none."""
    frames = {"counts": chapter.counts} if chapter.counts.height else {}
    found = chapter.change
    if found is None:
        return frames
    return {
        **frames,
        "change": found.table,
        "change_slopes": found.slopes,
        "kinetics": found.kinetics,
        "kinetics_survival": found.survival,
        "sampling_dropout": found.dropout,
    }
