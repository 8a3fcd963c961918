"""Tables of what stands beside the tiers: gene sets, cutpoints, assumptions, prediction."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onearm.omics.chapter import Chapter
from onearm.omics.predict import Prediction
from onearm.outputs.document import Facts
from onearm.outputs.marker_pictures import Words
from onearm.outputs.marker_tables import cells, facts, limits, number, p_text

TOP = 10
"""So many rows are printed; all stand in the tidy files."""

DOUBTFUL = 0.05
"""A Schoenfeld p below this is listed: a check of an assumption, not a finding."""


def sets(chapter: Chapter, words: Words) -> Facts:
    """The gene sets with the smallest adjusted p (or q, where patients were too few to permute)."""
    table = chapter.beside.sets.table.sort(
        "p_adjusted", "q", "set", nulls_last=True, maintain_order=True
    ).head(TOP)
    rows = [
        cells(
            set_name(r["set"]), words.modality(r["modality"]), r["endpoint"],
            f"{r['n_tested']} ({r['n_set']})", number(r["effect"]), p_text(r["p_adjusted"]),
            p_text(r["q"]),
        )
        for r in table.iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_set marker_modality marker_endpoint marker_genes marker_set_effect "
    keys += "marker_adjusted marker_q"
    return facts(words.labels, keys, rows, (0.32, 0.15, 0.1, 0.13, 0.14, 0.08, 0.08))


def set_name(name: str) -> str:
    """``HALLMARK_TNFA_SIGNALING`` as words."""
    return name.removeprefix("HALLMARK_").replace("_", " ").lower()


def cutpoints(chapter: Chapter, words: Words) -> Facts:
    """Searched cutpoints with everything that must stand beside them."""
    rows = [
        cells(
            words.marker(r["feature"]), r["endpoint"],
            f"{number(r['cutpoint'])} ({r['above']} / {r['n']})",
            p_text(r["p_adjusted"]), f"{r['effect_name']} {number(r['effect'])}",
            number(r["shrunken"]),
            f"{number(r['bootstrap_low'])} to {number(r['bootstrap_high'])}",
        )
        for r in chapter.beside.closer.cutpoints.iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_marker marker_endpoint marker_cut marker_cut_p marker_cut_effect "
    keys += "marker_cut_shrunken marker_cut_range"
    return facts(words.labels, keys, rows, (0.2, 0.09, 0.15, 0.12, 0.2, 0.09, 0.15))


def doubtful_hazards(chapter: Chapter) -> pl.DataFrame:
    """Pairs of a candidate and a time whose hazards may not be proportional, and those found."""
    tested = chapter.tiers["candidates"]
    found = tested.table.filter(pl.col("p_adjusted") <= tested.alpha)
    keys = ["analysis", "feature", "endpoint"]
    hazards = chapter.beside.closer.hazards
    marked = hazards.join(found.select(keys).with_columns(found=True), on=keys, how="left")
    return marked.filter((pl.col("p") < DOUBTFUL) | pl.col("found")).sort(
        "p", "feature", nulls_last=True
    )


def hazards(chapter: Chapter, words: Words) -> Facts:
    """The listed pairs with the difference in restricted mean survival."""
    rows = [
        cells(
            words.marker(r["feature"]), r["endpoint"], p_text(r["p"]),
            limits(r["mean_difference"], r["lower"], r["upper"], 0), number(r["tau"], 0),
            r["groups"],
        )
        for r in doubtful_hazards(chapter).iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_marker marker_endpoint marker_schoenfeld marker_mean_difference marker_to_day "
    keys += "marker_groups"
    return facts(words.labels, keys, rows, (0.2, 0.1, 0.12, 0.24, 0.1, 0.24))


def with_standard(chapter: Chapter, words: Words) -> Facts:
    """Each candidate alone and with the standard variables in the model."""
    keys = ["analysis", "modality", "timepoint", "feature", "endpoint"]
    alone = chapter.tiers["candidates"].table.select(
        *keys, "effect_name", first="effect", first_lower="lower", first_upper="upper"
    )
    together = alone.join(
        chapter.beside.with_standard, on=[*keys, "effect_name"], how="inner",
        maintain_order="left",
    )  # fmt: skip
    rows = [
        cells(
            words.marker(r["feature"]), r["endpoint"], str(r["n"]), r["effect_name"],
            limits(r["first"], r["first_lower"], r["first_upper"]),
            limits(r["effect"], r["lower"], r["upper"]),
        )
        for r in together.iter_rows(named=True)
    ]  # fmt: skip
    names = (
        "marker_marker marker_endpoint marker_n marker_measure marker_alone marker_with_standard"
    )
    return facts(words.labels, names, rows, (0.24, 0.1, 0.06, 0.18, 0.21, 0.21))


def models(made: Prediction, words: Words) -> Facts:
    """Every model and baseline, with what it adds to the clinical-only model."""
    rows = [
        cells(
            r["model"], r["measure"], limits(r["estimate"], r["lower"], r["upper"]),
            p_text(r["p"]),
            limits(r["increment"], r["increment_lower"], r["increment_upper"]),
        )
        for r in made.models.iter_rows(named=True)
    ]  # fmt: skip
    keys = "marker_model marker_measure marker_estimate marker_permutation_p marker_increment"
    return facts(words.labels, keys, rows, (0.26, 0.12, 0.24, 0.14, 0.24))


def batches(made: Prediction, words: Words) -> Facts:
    """Each batch predicted by a model that has not seen it."""
    rows = [
        cells(
            words.column(r["column"]),
            r["level"],
            f"{r['n']} ({r['events']})",
            number(r["estimate"]),
        )
        for r in made.batches.iter_rows(named=True)
    ]
    keys = "marker_column marker_level marker_n_events marker_measure"
    return facts(words.labels, keys, rows, (0.3, 0.3, 0.2, 0.2))


def related(chapter: Chapter, words: Words, most: int = 5) -> str:
    """The candidates that go most with a standard variable, in words."""
    parts: Iterable[str] = (
        f"{words.marker(r['feature'])} – {words.column(r['column'])} {100 * r['share']:.0f}%"
        for r in chapter.beside.related.drop_nulls("share").head(most).iter_rows(named=True)
    )
    return "; ".join(parts)


def standard_columns(chapter: Chapter, words: Words) -> str:
    """The standard variables that stand in the models, in words."""
    joined = chapter.beside.with_standard["columns"].unique(maintain_order=True)
    names = dict.fromkeys(name for one in joined for name in one.split(", "))
    return ", ".join(words.column(name) for name in names)
