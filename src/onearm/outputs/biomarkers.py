"""The chapter on markers: its conclusion in words, tables, figures, and a report of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from onearm.omics.chapter import Chapter
from onearm.outputs import figures, layout
from onearm.outputs import marker_parts as parts
from onearm.outputs import marker_tables as tables
from onearm.outputs.document import Block, Document, Minor, Paragraph, Picture
from onearm.outputs.document import Chapter as ReportChapter
from onearm.outputs.labels import Labels, Language
from onearm.outputs.marker_change import change_blocks, tidy_change
from onearm.outputs.marker_parts import say
from onearm.outputs.marker_pictures import Sketch, Words, sketches
from onearm.outputs.remark import remark
from onearm.outputs.render.page import write_page
from onearm.outputs.render.pdf import write_pdf
from onearm.study.biomarkers import Biomarkers

FIGURE = "F 14.4.{number}"
LONGEST = 12
"""A sentence names so many samples or markers, then says how many more there are."""


@dataclass(frozen=True, slots=True)
class About:
    """What the report of its own says of the cohort: title, id, data cut, version, notice."""

    study: str
    title: str
    cut: date | None = None
    version: str = ""
    is_simulated: bool = False


def conclusion(chapter: Chapter, words: Words) -> str:
    """The sentence of conclusion, made from what was found; never written by hand.

    Where no tier has an adjusted p at or below its alpha it says that none was identified and what
    could not have been detected. Refusals follow.
    """
    labels, said = words.labels, chapter.conclusion
    sizes = {"n": said.n, "events": said.events}
    has_ratio = said.hazard_ratio == said.hazard_ratio
    if said.found:
        told = [
            labels(
                "marker_found_one",
                marker=words.marker(marker),
                endpoint=words.endpoints.get(endpoint, endpoint),
                tier=labels(f"marker_tier_{tier}"),
                p=layout.p_value(_adjusted(chapter, tier, modality, marker, endpoint)),
            )
            for tier, modality, marker, endpoint in said.found
        ]
        text = labels("marker_found", list=shortened(told))
        if has_ratio:
            text += " " + labels("marker_found_limits", ratio=f"{said.hazard_ratio:.2f}", **sizes)
    elif has_ratio:
        text = labels("marker_none", ratio=f"{said.hazard_ratio:.2f}", **sizes)
    elif chapter.power:
        most = chapter.power[-1].hazard_ratio
        text = labels("marker_none_open", ratio=f"{most:.2f}", **sizes)
    else:
        text = labels("marker_none_untimed", n=said.n)
    refusals = [
        labels("marker_refused", column=column, endpoint=endpoint)
        for column, endpoint in said.refused
    ]
    return " ".join([text, *refusals])


def _adjusted(chapter: Chapter, tier: str, modality: str, marker: str, endpoint: str) -> float:
    rows = chapter.tiers[tier].table.filter(
        pl.col("modality") == modality,
        pl.col("feature") == marker,
        pl.col("endpoint") == endpoint,
    )
    return float(rows["p_adjusted"][0])


def shortened(names: Sequence[str]) -> str:
    """The names, at most so many, and how many more there are."""
    rest = len(names) - LONGEST
    return "; ".join(names[:LONGEST]) + (f"; … (+{rest})" if rest > 0 else "")


def blocks(
    chapter: Chapter, plan: Biomarkers, labels: Labels, folder: Path, *, period: str = ""
) -> list[Block]:
    """The chapter's blocks in order; figures are written into ``folder``/figures.

    Words inside figures are English in every language, as in the other figures.
    """
    words = Words.of(plan, labels)
    drawn_words = Words.of(plan, Labels("en"))
    with figures.styled():
        made = [
            (sketch.part, _picture(number, sketch, words, folder))
            for number, sketch in enumerate(sketches(chapter, plan, drawn_words), start=1)
        ]
    return [*_blocks(chapter, plan, words, made, period)]


def _picture(number: int, sketch: Sketch, words: Words, folder: Path) -> Picture:
    name = FIGURE.format(number=number)
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    svg = figures.save(sketch.drawn, target, f"markers_{sketch.key}")[0]
    return Picture(name, sketch.title, "", sketch.drawn.alt, tuple(sketch.drawn.notes), svg)


def _blocks(
    chapter: Chapter,
    plan: Biomarkers,
    words: Words,
    made: Sequence[tuple[str, Picture]],
    period: str,
) -> Iterable[Block]:
    labels = words.labels

    def pictures(part: str) -> Iterable[Block]:
        return (picture for where, picture in made if where == part)

    yield say(conclusion(chapter, words))
    yield say(labels("marker_single_arm"), _counted(chapter, words))
    yield Minor(labels("marker_samples_title"))
    yield from pictures("samples")
    yield Minor(labels("marker_missing_title"))
    yield tables.missing(chapter, words)
    yield Minor(labels("marker_quality_title"))
    yield _quality(chapter, labels)
    if chapter.gates.height:
        yield Minor(labels("marker_gate_title"))
        yield tables.gates(chapter, words)
        yield from (say(str(finding)) for finding in chapter.findings)
    yield Minor(labels("marker_filter_title"))
    yield tables.filters(chapter, words)
    for tier in ("candidates", "programmes"):
        yield Minor(labels(f"marker_{tier}_title"))
        yield say(_rule(chapter, tier, labels))
        yield from pictures(tier)
        yield tables.associations(chapter.tiers[tier].table, f"markers_{tier}", words)
        if tier == "candidates":
            yield from _absent(chapter, words)
            yield from parts.closer(chapter, words, pictures)
    yield Minor(labels("marker_discovery_title"))
    yield say(_rule(chapter, "discovery", labels), labels("marker_generating"))
    yield tables.discovery(chapter, words)
    yield from pictures("discovery")
    if chapter.tiers["discovery"].table.height:
        yield Minor(labels("marker_top_title"))
        yield tables.top(chapter, words)
    yield from parts.gene_sets(chapter, words)
    yield Minor(labels("marker_patients_title"))
    yield from pictures("patients")
    yield from parts.substitutions(chapter, words)
    if any(part == "change" for part, _ in made):
        yield Minor(labels("marker_change_title"))
        yield from pictures("change")
        yield say(labels("marker_course_note"))
    yield from change_blocks(chapter, words)
    yield from parts.prediction(chapter, words, pictures)
    yield from _ending(chapter, plan, words, period)


def _ending(chapter: Chapter, plan: Biomarkers, words: Words, period: str) -> Iterable[Block]:
    labels = words.labels
    if chapter.sensitivity.height:
        yield Minor(labels("marker_sensitivity_title"))
        yield tables.associations(chapter.sensitivity, "markers_sensitivity", words)
    if chapter.power:
        yield Minor(labels("marker_power_title"))
        trials = chapter.power[0].trials
        yield say(labels("marker_power_note", trials=trials, endpoint=chapter.conclusion.endpoint))
        yield tables.power(chapter, words)
    yield Minor(labels("marker_remark_title"))
    yield remark(chapter, plan, labels, period=period)


def _absent(chapter: Chapter, words: Words) -> Iterable[Block]:
    """What the plan names and nobody could test."""
    if chapter.measures.absent:
        told = [f"{words.marker(name)} ({why})" for name, why in chapter.measures.absent]
        yield say(words.labels("marker_absent", list=shortened(told)))


def _rule(chapter: Chapter, tier: str, labels: Labels) -> str:
    name = labels(f"marker_tier_{tier}")
    return labels("marker_rule", alpha=f"{chapter.tiers[tier].alpha:g}", tier=name)


def _counted(chapter: Chapter, words: Words) -> str:
    """How many hypotheses were tested, family by family."""
    labels = words.labels
    told = [
        labels(
            "marker_counted_one",
            features=f"{row['features']:,}",
            endpoints=len(row["endpoints"].split(", ")),
            tier=labels(f"marker_tier_{row['tier']}"),
            modalities=row["modalities"],
        )
        for row in chapter.families.iter_rows(named=True)
    ]
    return labels("marker_counted", tests=f"{chapter.n_tests:,}", list="; ".join(told))


def _quality(chapter: Chapter, labels: Labels) -> Paragraph:
    quality = chapter.quality
    sentences = []
    if quality.samples.height:
        far = quality.samples.filter(pl.col("is_outlier").fill_null(value=False))
        key = "marker_outliers" if far.height else "marker_no_outliers"
        names = shortened(far["sample_id"].to_list())
        total = quality.samples.height
        sentences.append(labels(key, n=far.height, total=total, names=names))
    if quality.sex.height:
        counts = dict(quality.sex["verdict"].value_counts().iter_rows())
        numbers = {"agree": "agrees", "differ": "differs", "unclear": "not clear"}
        agreed = {name: counts.get(verdict, 0) for name, verdict in numbers.items()}
        sentences.append(labels("marker_sex", **agreed))
    if quality.pairs.height:
        pairs = [f"{r['sample_a']} / {r['sample_b']}" for r in quality.pairs.iter_rows(named=True)]
        sentences.append(labels("marker_pairs", names=shortened(pairs)))
    sentences += [told] if (told := parts.swaps(chapter, labels)) else []
    sentences += [str(finding) for finding in quality.findings]
    return say(*sentences)


def write_report(
    chapter: Chapter,
    plan: Biomarkers,
    folder: Path,
    about: About,
    *,
    language: Language = "en",
) -> list[Path]:
    """A report of its own: report.html, report.pdf, tidy files, the manifest."""
    labels = Labels(language)
    made = blocks(chapter, plan, labels, folder)
    day = about.cut or date(1970, 1, 1)
    document = Document(
        title=labels("marker_report"),
        study_id=about.study,
        study_title=about.title,
        sponsor="",
        date=(day.year, day.month, day.day),
        cut=about.cut.isoformat() if about.cut else labels("no_cut"),
        version=about.version,
        chapters=(ReportChapter("", labels("marker_conclusion"), made),),
        labels=labels,
        notice=labels("simulated") if about.is_simulated else "",
    )
    written = [write_page(document, folder / "report.html")]
    written += write_pdf(document, folder / "report.pdf")
    return [*written, *write_files(chapter, plan, folder, about)]


def write_files(chapter: Chapter, plan: Biomarkers, folder: Path, about: About) -> list[Path]:
    """The tidy frames as Parquet and CSV under ``markers``, and the manifest of the analysis."""
    target = folder / "markers"
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in tidy(chapter).items():
        if not frame.width:
            continue
        frame.write_parquet(target / f"{name}.parquet", compression="zstd")
        frame.write_csv(target / f"{name}.csv")
        written += [target / f"{name}.parquet", target / f"{name}.csv"]
    path = target / "manifest.json"
    path.write_text(json.dumps(manifest(chapter, plan, about), indent=1, ensure_ascii=False) + "\n",
                    encoding="utf-8", newline="\n")  # fmt: skip
    return [*written, path]


def tidy(chapter: Chapter) -> Mapping[str, pl.DataFrame]:
    """The frames of an analysis by name: associations first, then what they rest on."""
    measures = chapter.measures
    return {
        "associations": chapter.associations,
        "families": chapter.families,
        "availability": measures.availability,
        "filters": measures.filters,
        "markers": measures.markers,
        "gates": chapter.gates,
        "label_benchmark": chapter.benchmark,
        "missingness": chapter.missing,
        "sample_quality": chapter.quality.samples,
        "sex_check": chapter.quality.sex,
        "suspicious_pairs": chapter.quality.pairs,
        "curves": chapter.curves,
        "null_quantiles": chapter.quantiles,
        "power": pl.DataFrame(
            [(p.hazard_ratio, p.power, p.trials) for p in chapter.power],
            schema={"hazard_ratio": pl.Float64, "power": pl.Float64, "trials": pl.Int64},
            orient="row",
        ),
        "sources": chapter.sources,
        **_beside(chapter),
        **tidy_change(chapter),
    }


def _beside(chapter: Chapter) -> Mapping[str, pl.DataFrame]:
    """What stands beside the tiers, and predictions; empty frames are left out."""
    more = chapter.beside
    frames = {
        "gene_sets": more.sets.table,
        "gene_set_files": more.sets.provenance,
        "searched_cutpoints": more.closer.cutpoints,
        "proportional_hazards": more.closer.hazards,
        "standard_variables": more.related,
        "with_standard_variables": more.with_standard,
        "substitutions": more.substitutions,
        "suggested_swaps": chapter.quality.swaps,
    }
    for made in chapter.predictions:
        for name in _PREDICTED:
            frames[f"prediction_{made.question.endpoint}_{name}"] = getattr(made, name)
    if chapter.factors is not None:
        frames |= {
            "factor_variance": chapter.factors.variance,
            "factor_loadings": chapter.factors.loadings,
            "factor_stability": chapter.factors.stability,
        }
    return {name: frame for name, frame in frames.items() if frame.height}


_PREDICTED = (
    "models", "per_repeat", "scores", "roc", "calibration", "decision", "measures", "batches",
    "choices", "selection",
)  # fmt: skip


def manifest(chapter: Chapter, plan: Biomarkers, about: About) -> dict[str, Any]:  # Any: JSON
    """What an analysis was made from: inputs' hashes, seed, versions, filters, number of tests."""
    import importlib.metadata

    import numpy as np
    import scipy

    asked = chapter.plan
    words = Words.of(plan, Labels("en"))
    return {
        "study": about.study,
        "study_version": about.version,
        "simulated": about.is_simulated,
        "conclusion": conclusion(chapter, words),
        "seed": asked.seed,
        "permutations": {
            f"{r['tier']} {r['analysis']} {r['modalities']}": r["permutations"]
            for r in chapter.families.iter_rows(named=True)
        },
        "alpha": {tier: one.alpha for tier, one in chapter.tiers.items()},
        "n_tests": chapter.n_tests,
        "n_patients": len(chapter.outcomes.subjects),
        "endpoints": list(asked.endpoints),
        "refused": [list(pair) for pair in chapter.conclusion.refused],
        "not_tested": dict(chapter.measures.absent),
        "inputs": chapter.sources.to_dicts(),
        "versions": {
            "onearm": importlib.metadata.version("onearm"),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "polars": pl.__version__,
        },
    }
