"""The figures of the marker chapter, drawn from its frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.omics.assay import Block, rows_of
from onearm.omics.chapter import Chapter
from onearm.omics.stability import THRESHOLD
from onearm.outputs import layout
from onearm.outputs.figures import markers as drawing
from onearm.outputs.figures.style import Drawn
from onearm.outputs.labels import Labels
from onearm.stats.arguments import Floats
from onearm.study.biomarkers import Biomarkers

FEWEST_POINTS = 50
"""A volcano of fewer features says less than the table beside it."""
PANELS = 3
"""So many curves by cutpoint stand side by side; the study's order decides which."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A figure before it has a number: which part it belongs to, its title and the drawing."""

    part: str
    key: str
    title: str
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Words:
    """What things are called in one language: markers, modalities, endpoints, columns."""

    labels: Labels
    markers: Mapping[str, str]
    modalities: Mapping[str, str]
    endpoints: Mapping[str, str]
    columns: Mapping[str, str]

    @classmethod
    def of(cls, plan: Biomarkers, labels: Labels) -> Words:
        """The study's own words."""
        programmes = plan.programmes.names if plan.programmes else ()
        return cls(
            labels,
            {c.name: labels.of(c.label) for c in plan.candidates}
            | {
                name: name.removeprefix("HALLMARK_").replace("_", " ").lower()
                for name in programmes
            },
            {m.name: labels.of(m.label) for m in plan.modalities},
            {e.name: labels.of(e.label) for e in plan.endpoints},
            {c.name: labels.of(c.label) for c in plan.columns},
        )

    def marker(self, name: str) -> str:
        """The words for a marker; the name itself where the study has none."""
        return self.markers.get(name, name)

    def column(self, name: str) -> str:
        """The words for a column of the subjects or samples; its name where there are none."""
        return self.columns.get(name, name)

    def modality(self, name: str) -> str:
        """The words for a modality, also of numbers derived from it."""
        return self.modalities.get(name.split(",")[0], self.labels("marker_subjects"))


def sketches(chapter: Chapter, plan: Biomarkers, words: Words) -> Iterator[Sketch]:
    """Every figure that the chapter has data for, in the order of the chapter."""
    making = _Sketching(chapter, plan, words)
    yield from making.availability()
    yield from making.forest()
    yield from making.curves()
    yield from making.searched()
    yield from making.volcanoes()
    yield from making.nulls()
    yield from making.heatmaps()
    yield from making.courses()
    yield from making.predictions()


class _Sketching:
    """One chapter being drawn."""

    def __init__(self, chapter: Chapter, plan: Biomarkers, words: Words) -> None:
        self.chapter, self.plan, self.words = chapter, plan, words
        self.labels = words.labels
        self.main = next(iter(chapter.outcomes.responses), "")
        self.subjects = chapter.outcomes.subjects

    def about(self, n: int, note: str = "") -> drawing.About:
        return drawing.About(self.labels, n, self.chapter.n_tests, note)

    def response(self, subjects: tuple[str, ...]) -> Floats:
        """The main response of these subjects, NaN where it is not known."""
        at = rows_of(self.subjects, subjects)
        values = self.chapter.outcomes.responses.get(self.main, np.full(len(self.subjects), np.nan))
        return np.where(at < 0, np.nan, values[at])

    def ordered(self, subjects: tuple[str, ...], by: Floats | None = None) -> list[int]:
        """Responders first, then by a number, then by name."""
        response = self.response(subjects)
        number = np.zeros(len(subjects)) if by is None else np.nan_to_num(by)
        rank = np.where(np.isnan(response), 2.0, 1.0 - response)
        return [int(at) for at in np.lexsort((np.array(subjects), -number, rank))]

    def availability(self) -> Iterator[Sketch]:
        shown = self.chapter.measures.availability
        places = [
            (m.name, timepoint)
            for m in self.plan.modalities
            for timepoint in (m.timepoint, *m.later)
        ]
        present = np.zeros((len(places), len(self.subjects)))
        at = {subject: column for column, subject in enumerate(self.subjects)}
        for row in shown.iter_rows(named=True):
            place = (row["modality"], row["timepoint"])
            if place in places and row["subject_id"] in at:
                if not row["n_samples"]:
                    continue
                level = 1.0 if row["sample_id"] else 0.5
                present[places.index(place), at[row["subject_id"]]] = level
        order = self.ordered(self.subjects, present.sum(axis=0))
        names = [f"{self.words.modality(m)}, {t}" for m, t in places]
        title = self.labels("marker_availability")
        about = self.about(len(self.subjects))
        response = self.response(self.subjects)[order]
        drawn = drawing.availability(present[:, order], names, response, about, title=title)
        yield Sketch("samples", "available", title, drawn)

    def forest(self) -> Iterator[Sketch]:
        tested = self.chapter.tiers["candidates"]
        if tested.table.is_empty():
            return
        order = {candidate.name: at for at, candidate in enumerate(self.plan.candidates)}
        ends = {name: at for at, name in enumerate(self.chapter.plan.endpoints)}
        rows = tested.table.sort(
            pl.col("endpoint").replace_strict(ends, return_dtype=pl.Int64),
            pl.col("feature").replace_strict(order, return_dtype=pl.Int64),
        )
        title = self.labels("marker_forest")
        about = self.about(int(rows["n"].max() or 0))  # type: ignore[arg-type]  # integers
        drawn = drawing.forest(
            rows, about, alpha=tested.alpha, title=title, words=dict(self.words.markers)
        )
        yield Sketch("candidates", "forest", title, drawn)

    def curves(self) -> Iterator[Sketch]:
        curves, endpoints = self.chapter.curves, self.chapter.plan.endpoints
        pairs = curves.select("marker", "endpoint").unique(maintain_order=True).rows()
        order = {candidate.name: at for at, candidate in enumerate(self.plan.candidates)}
        pairs.sort(key=lambda pair: (endpoints.index(pair[1]), order[pair[0]]))
        if not pairs:
            return
        captions = [(m, e, self._caption(m, e, curves)) for m, e in pairs[:PANELS]]
        n = curves.unique(["marker", "endpoint", "group"]).group_by("marker", "endpoint")
        about = self.about(int(n.agg(pl.col("n").sum())["n"].max() or 0))  # type: ignore[arg-type]  # integers
        title = self.labels("marker_km")
        drawn = drawing.by_cutpoint(curves, about, title=title, captions=captions)
        yield Sketch("candidates", "cutpoints", title, drawn)

    def _caption(self, marker: str, endpoint: str, curves: pl.DataFrame) -> str:
        curves = curves.filter(pl.col("endpoint") == endpoint)
        sizes = dict(
            curves.filter(pl.col("marker") == marker)
            .unique("group")
            .select("group", "n")
            .iter_rows()
        )
        rows = self.chapter.tiers["candidates"].table.filter(
            pl.col("feature") == marker, pl.col("endpoint") == endpoint
        )
        p = rows["p_adjusted"][0] if rows.height else None
        return self.labels(
            "marker_km_words",
            marker=self.words.marker(marker),
            n_high=sizes.get("high", 0),
            n_low=sizes.get("low", 0),
            p=layout.NOTHING if p is None else layout.p_value(p),
        )

    def searched(self) -> Iterator[Sketch]:
        """Curves by searched cutpoints: the panel itself says so, with the p that pays for it."""
        closer = self.chapter.beside.closer
        cuts = closer.cutpoints.filter(pl.col("effect_name").str.starts_with("HR")).head(PANELS)
        captions = []
        for row in cuts.iter_rows(named=True):
            marker, endpoint = row["feature"], row["endpoint"]
            words = self.labels(
                "marker_searched_words",
                marker=self.words.marker(marker),
                cut=layout.rounded(row["cutpoint"], 2),
                n_high=row["above"],
                n_low=row["n"] - row["above"],
                p=layout.p_value(row["p_adjusted"]),
            )
            captions.append((marker, endpoint, words))
        if not captions:
            return
        title = self.labels("marker_searched_km")
        about = self.about(int(cuts["n"].max() or 0))  # type: ignore[arg-type]  # integers
        drawn = drawing.by_cutpoint(
            closer.curves, about, title=title, captions=captions,
            groups=("marker_above", "marker_rest"),
        )  # fmt: skip
        yield Sketch("searched", "searched", title, drawn)

    def predictions(self) -> Iterator[Sketch]:
        """ROC and calibration of responses, what was selected, and the factors."""
        names = dict(self.words.markers)
        for made in self.chapter.predictions:
            if made.refused is not None:
                continue
            endpoint, about = made.question.endpoint, self.about(made.n)
            if made.roc.height:
                title = self.labels("marker_roc", endpoint=endpoint)
                drawn = drawing.roc(made.roc, made.calibration, about, title=title)
                yield Sketch("prediction", f"roc_{endpoint}", title, drawn)
            title = self.labels("marker_selection", endpoint=endpoint)
            drawn = drawing.selection(
                made.selection, about, threshold=THRESHOLD, title=title, words=names
            )
            yield Sketch("prediction", f"selection_{endpoint}", title, drawn)
        factors = self.chapter.factors
        if factors is not None and factors.names:
            title = self.labels("marker_factors")
            drawn = drawing.factor_variance(
                factors.variance, self.about(len(factors.subjects)), title=title,
                words=dict(self.words.modalities),
            )  # fmt: skip
            yield Sketch("prediction", "factors", title, drawn)

    def volcanoes(self) -> Iterator[Sketch]:
        tested = self.chapter.tiers["discovery"]
        ends = {name: at for at, name in enumerate(self.chapter.plan.endpoints)}
        for modality in self.chapter.plan.modalities:
            rows = tested.table.filter(pl.col("modality") == modality.name)
            if rows["feature"].n_unique() < FEWEST_POINTS:
                continue
            rows = rows.sort(pl.col("endpoint").replace_strict(ends, return_dtype=pl.Int64))
            title = self.labels("marker_volcano", modality=self.words.modality(modality.name))
            about = self.about(int(rows["n"].max() or 0))  # type: ignore[arg-type]  # integers
            drawn = drawing.volcano(rows, about, alpha=tested.alpha, title=title)
            yield Sketch("discovery", f"volcano_{modality.name}", title, drawn)

    def nulls(self) -> Iterator[Sketch]:
        p_values, quantiles = self.chapter.p_values, self.chapter.quantiles
        if p_values.is_empty():
            return
        rows = self.chapter.tiers["discovery"].families.sort("features", descending=True)
        modality = str(rows["modalities"][0])
        title = self.labels("marker_nulls", modality=self.words.modality(modality))
        n = len(self.chapter.measures.blocks[modality].subjects)
        drawn = drawing.nulls(p_values, quantiles, self.about(n), title=title)
        yield Sketch("discovery", "nulls", title, drawn)

    def heatmaps(self) -> Iterator[Sketch]:
        """Chosen genes of each modality: alterations as an oncoprint, amounts as a heatmap."""
        for assay in self.plan.modalities:
            block = self.chapter.measures.blocks.get(assay.name)
            genes = [g for g in assay.genes if block and g in block.features]
            if block is None or not genes:
                continue
            values = block.values[:, [block.features.index(gene) for gene in genes]].T
            order = self.ordered(block.subjects, _driver(values, block))
            subjects = tuple(block.subjects[at] for at in order)
            kind = "oncoprint" if block.scale == "binary" else "heatmap"
            title = self.labels(f"marker_{kind}", modality=self.words.modality(assay.name))
            shown = values[:, order]
            if kind == "heatmap":
                spread = np.nanstd(shown, axis=1, ddof=1, keepdims=True)
                shown = (shown - np.nanmean(shown, axis=1, keepdims=True)) / np.where(
                    spread > 0, spread, 1.0
                )
            draw = drawing.oncoprint if kind == "oncoprint" else drawing.heatmap
            drawn = draw(
                shown, genes, self.response(subjects), self._strips(subjects, block),
                self.about(len(subjects)), title=title,
            )  # fmt: skip
            yield Sketch("patients", f"{kind}_{assay.name}", title, drawn)

    def _strips(self, subjects: tuple[str, ...], block: Block) -> list[drawing.Strip]:
        """The strata of the patients and the batch of their samples, where they differ."""
        columns = self.chapter.outcomes.columns
        names = {c.name: self.labels.of(c.label) for c in self.plan.columns}
        strips = []
        for frame, wanted in (
            (columns, self.chapter.plan.strata),
            (block.columns, self.chapter.plan.batch),
        ):
            for column in wanted:
                if column in frame.columns and frame[column].n_unique() > 1:
                    levels = dict(frame.select("subject_id", column).iter_rows())
                    shown = tuple(str(levels.get(subject) or "") for subject in subjects)
                    strips.append(drawing.Strip(names.get(column, column), shown))
        return strips

    def courses(self) -> Iterator[Sketch]:
        """Features measured again on treatment, the candidates among them first."""
        rows = self.chapter.measures.courses
        if rows.is_empty():
            return
        asked = {c.key for c in self.chapter.plan.candidates}
        rows = rows.sort(~pl.col("feature").is_in(list(asked)), maintain_order=True)
        answers = pl.Series("response", self.response(tuple(rows["subject_id"]))).fill_nan(None)
        title = self.labels("marker_course")
        about = self.about(rows["subject_id"].n_unique())
        drawn = drawing.spaghetti(rows.with_columns(answers), about, title=title)
        yield Sketch("change", "course", title, drawn)


def _driver(values: Floats, block: Block) -> Floats:
    """What orders patients within a response group: alterations by gene, or the mean z-score."""
    if block.scale == "binary":
        rank = np.argsort(np.argsort(-np.nansum(values, axis=1), kind="stable"), kind="stable")
        weights: Floats = (0.5 ** rank.astype(np.float64)) @ np.nan_to_num(values)
        return weights
    spread = np.nanstd(values, axis=1, keepdims=True)
    z = (values - np.nanmean(values, axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    means: Floats = np.nanmean(z, axis=0)
    return means
