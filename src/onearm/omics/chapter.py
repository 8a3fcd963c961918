"""The whole analysis of markers in its fixed order: gates, tiers, curves, what was detectable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from onearm.errors import Finding
from onearm.omics.assay import Assay, Block, Outcomes
from onearm.omics.beside import Beside, beside
from onearm.omics.cohort import Cohort, cohort
from onearm.omics.counts import COUNTS, count_models
from onearm.omics.curves import CURVES, curves_by_cut
from onearm.omics.detectable import Power, detectable, power_curve
from onearm.omics.factor_family import factor_family
from onearm.omics.factors import Factors
from onearm.omics.families import Gated, Group, Settings, Tested, run_tier
from onearm.omics.gates import Gate, confounding, label_benchmark, missingness
from onearm.omics.landmark import from_landmark
from onearm.omics.marked import marked
from onearm.omics.measure import Measured, Measures, clinical_block, measure
from onearm.omics.nullcheck import P_VALUES, QUANTILES, null_check
from onearm.omics.ontreatment import OnTreatment, on_treatment
from onearm.omics.plan import Plan
from onearm.omics.predict import Prediction
from onearm.omics.predicted import predictions
from onearm.omics.verify import Quality, verify
from onearm.pieces import SERIAL, Workers

FEWEST = 8
"""A stratum column is used where its second largest level has so many patients (section 4)."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the conclusion's sentence is made from.

    found: (tier, modality, feature, endpoint) of each association with an adjusted p at or below
    the alpha of its tier. n, events: patients and events of the endpoint that power was simulated
    for; hazard_ratio: per SD, found with a chance of 80% in the first tier that has members; NaN
    where none was tried that high, or there is no time to an event. refused: columns and endpoints
    not tested.
    """

    found: tuple[tuple[str, str, str, str], ...]
    n: int
    events: int
    endpoint: str
    hazard_ratio: float
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chapter:
    """Everything that was found, as frames.

    gates: the confounding gate's table with the modality that each column belongs to (empty: the
    subjects). sensitivity: candidates against the varied endpoints. p_values, quantiles: for the
    look at the null distribution. curves: Kaplan-Meier by fixed cutpoints. n_tests: hypotheses of
    all tiers and of everything beside them. findings: refusals and warnings for people. beside:
    gene sets, searched cutpoints, assumptions. change: what samples on treatment say; None where
    there are none. predictions: one an endpoint, where the plan asks for them. counts: models of
    counts beside max-T (`COUNTS`). factors: what the modalities share, where a prediction is asked.
    """

    plan: Plan
    measures: Measures
    outcomes: Outcomes
    quality: Quality
    gates: pl.DataFrame
    benchmark: pl.DataFrame
    missing: pl.DataFrame
    tiers: Mapping[str, Tested]
    sensitivity: pl.DataFrame
    curves: pl.DataFrame
    p_values: pl.DataFrame
    quantiles: pl.DataFrame
    power: tuple[Power, ...]
    conclusion: Conclusion
    n_tests: int
    findings: tuple[Finding, ...]
    sources: pl.DataFrame
    beside: Beside
    change: OnTreatment | None = None
    predictions: tuple[Prediction, ...] = ()
    counts: pl.DataFrame = field(default_factory=pl.DataFrame)
    factors: Factors | None = None

    @property
    def associations(self) -> pl.DataFrame:
        """The associations of all tiers in the order of the tiers, then the sensitivity ones."""
        return pl.concat([*(tested.table for tested in self.tiers.values()), self.sensitivity])

    @property
    def families(self) -> pl.DataFrame:
        """One row a family of tests."""
        return pl.concat([tested.families for tested in self.tiers.values()])

    @property
    def is_refused(self) -> bool:
        """Whether the confounding gate refused an association."""
        return bool(self.conclusion.refused)


def analyse(
    plan: Plan,
    measured: Measured,
    outcomes: Outcomes,
    *,
    measures: Measures | None = None,
    workers: Workers = SERIAL,
    progress: Callable[[str], None] | None = None,
) -> Chapter:
    """Gates, then quality, then the three tiers, each only as far as the gates allow.

    outcomes: of the trial's analysis datasets, joined by subject; their columns hold what may
    confound. measures: of `measure`, made here where not given. The same input and seed give the
    same chapter in any order of rows and on any backend. Raises ``OnearmError`` where no subject
    has both a sample and an outcome; what must not be tested is in ``findings`` and
    ``conclusion.refused``, and everything else is tested.
    """
    say = progress or (lambda _: None)
    say("markers: samples and scores")
    found = measures or measure(plan, measured)
    say("markers: quality")
    quality = verify(measured, found, outcomes.columns, sex=plan.sex)
    say("markers: gates")
    gates = _gates(plan, found, outcomes)
    strata = _strata(plan, outcomes)
    settings = Settings(plan.design, strata, plan.seed, plan.permutations, workers)
    gated = _all_gated(gates, tuple(found.blocks.values()), plan)
    shared, family = factor_family(plan, gated, workers=workers) or (None, None)
    tested, cuts, clinical, groups = _tiers(plan, found, outcomes, gates, settings, say, family)
    say("markers: what could be detected")
    main = tuple(e for e in plan.endpoints if e in outcomes.times)
    curve, conclusion = _concluded(plan, outcomes, tested, gates, main, strata)
    baseline = (*([clinical] if clinical else []), *found.candidates)
    sensitivity = _sensitivity(plan, outcomes, baseline, gates, settings)
    p_values, quantiles = _null(plan, found, outcomes, tested, gates, settings)
    say("markers: change on treatment")
    numbers = cohort_strata(outcomes, strata)
    change = on_treatment(plan, measured, found, outcomes, gated, numbers, settings)
    say("markers: gene sets and assumptions")
    more = beside(plan, measured, found, outcomes, gated, groups, tested["candidates"], settings)
    counts = _counts(plan, measured, found, outcomes, gates, settings)
    say("markers: prediction")
    predicted = predictions(plan, outcomes, gated, baseline, strata, workers=workers)
    return Chapter(
        plan, found, outcomes, quality,
        gates.table, gates.benchmark, missingness(tuple(found.blocks.values()), outcomes),
        tested, sensitivity.table if sensitivity else pl.DataFrame(schema=_schema(tested)),
        _curves(outcomes, baseline, cuts, main),
        p_values, quantiles, curve, conclusion,
        sum(t.n_tests for t in tested.values()) + counts.height
        + sum(one.n_tests for one in (sensitivity, more, change) if one),
        (*gates.findings, *(f for t in tested.values() for f in t.refused),
         *(change.refused if change else ())),
        _sources(measured.assays), more, change, predicted, counts, shared,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Gates:
    """The verdicts on the columns of the subjects and on those of each modality's samples."""

    subjects: Gate | None
    samples: Mapping[str, Gate]
    table: pl.DataFrame
    benchmark: pl.DataFrame
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """Column and endpoint of every refusal, each once."""
        gates = (*([self.subjects] if self.subjects else []), *self.samples.values())
        return tuple(dict.fromkeys(pair for gate in gates for pair in gate.refused))

    def gated(self, block: Block, modality: str, endpoints: tuple[str, ...]) -> Gated:
        """A block with the endpoints that may be tested and the strata that must be used."""
        mine = [g for g in (self.subjects, self.samples.get(modality)) if g is not None]
        refused = {endpoint for gate in mine for endpoint in gate.refused_endpoints}
        allowed = tuple(e for e in endpoints if e not in refused)
        strata = dict.fromkeys(
            column for gate in mine for e in allowed for column in gate.strata.get(e, ())
        )
        return Gated(block, allowed, tuple(strata))


def _gates(plan: Plan, found: Measures, outcomes: Outcomes) -> _Gates:
    """Judge the subjects' columns over all, and each modality's batch columns over its subjects."""
    own = _tested_outcomes(plan, outcomes)
    names = [c for c in plan.checked if c in outcomes.columns.columns]
    subjects = confounding(own, outcomes.columns.select("subject_id", *names)) if names else None
    samples: dict[str, Gate] = {}
    tables = [marked(subjects.table, modality="")] if subjects else []
    bench = []
    for name, block in found.blocks.items():
        columns = _batch_columns(plan, block)
        if len(columns.columns) > 1 and set(columns["subject_id"]) & set(own.subjects):
            samples[name] = confounding(own, columns)
            tables.append(marked(samples[name].table, modality=name))
            for column in columns.columns[1:]:
                auc = label_benchmark(own, columns.select("subject_id", column))
                bench += [(name, column, e, v) for e, v in auc.items() if not np.isnan(v)]
    for column in names:
        auc = label_benchmark(own, outcomes.columns.select("subject_id", column))
        bench += [("", column, e, v) for e, v in auc.items() if not np.isnan(v)]
    gates = (*([subjects] if subjects else []), *samples.values())
    return _Gates(
        subjects,
        samples,
        pl.concat(tables) if tables else pl.DataFrame(),
        pl.DataFrame(bench, schema=_BENCHMARK, orient="row"),
        tuple(dict.fromkeys(f for gate in gates for f in gate.findings)),
    )


_BENCHMARK = {
    "modality": pl.String(),
    "column": pl.String(),
    "endpoint": pl.String(),
    "auc": pl.Float64(),
}


def _batch_columns(plan: Plan, block: Block) -> pl.DataFrame:
    """What may differ between the samples of a modality: its batches, site of biopsy, content."""
    wanted = [c for c in (*plan.batch, *_SPECIMEN) if c in block.columns.columns]
    kept = [c for c in wanted if block.columns[c].drop_nulls().n_unique() > 1]
    return block.columns.select("subject_id", *kept)


_SPECIMEN = ("specimen", "tissue_site", "tumour_content")


def _tested_outcomes(plan: Plan, outcomes: Outcomes) -> Outcomes:
    """The outcomes without the endpoints of sensitivity analyses."""
    return replace(
        outcomes,
        responses={k: v for k, v in outcomes.responses.items() if k in plan.endpoints},
        times={k: v for k, v in outcomes.times.items() if k in plan.endpoints},
        amounts={k: v for k, v in outcomes.amounts.items() if k in plan.endpoints},
    )


def _strata(plan: Plan, outcomes: Outcomes) -> tuple[str, ...]:
    """The planned strata of which at least two levels have the patients they need."""
    kept = []
    for name in plan.strata:
        if name in outcomes.columns.columns:
            sizes = outcomes.columns[name].drop_nulls().value_counts()["count"].sort()
            if sizes.len() > 1 and int(sizes[-2]) >= FEWEST:
                kept.append(name)
    return tuple(kept)


def _tiers(
    plan: Plan,
    found: Measures,
    outcomes: Outcomes,
    gates: _Gates,
    settings: Settings,
    say: Callable[[str], None],
    family: Gated | None,
) -> tuple[dict[str, Tested], dict[str, float], Block | None, list[Group]]:
    """The three tiers, cutpoints fixed in advance, the clinical candidates, tier 1's groups.

    family: factors that join the second tier.
    """
    clinical, cuts = clinical_block(plan, outcomes.columns)
    first = [clinical] if clinical is not None else []
    baseline = [*first, *found.candidates]
    groups = [Group(_all_gated(gates, baseline, plan), outcomes)] if baseline else []
    for day in sorted({change.landmark_days for change in found.changes}):
        blocks = [c.block for c in found.changes if c.landmark_days == day]
        groups.append(
            Group(_all_gated(gates, blocks, plan), _landmark(outcomes, day), "landmark", float(day))
        )
    programmes = (*_all_gated(gates, found.programmes, plan), *([family] if family else []))
    discovery = [
        Group(_all_gated(gates, [found.blocks[m.name]], plan), outcomes)
        for m in plan.modalities
        if m.discovery and m.name in found.blocks
    ]
    tested = {}
    for tier, asked in (
        ("candidates", groups),
        ("programmes", [Group(programmes, outcomes)] if programmes else []),
        ("discovery", discovery),
    ):
        say(f"markers: {tier}")
        tested[tier] = run_tier(tier, plan.split.of(tier), asked, settings)  # type: ignore[arg-type]  # the three tiers
    return tested, {**found.cuts, **cuts}, clinical, groups


def _all_gated(
    gates: _Gates, blocks: list[Block] | tuple[Block, ...], plan: Plan
) -> tuple[Gated, ...]:
    return tuple(
        gates.gated(block, block.modality.split(",")[0], plan.endpoints) for block in blocks
    )


def _landmark(outcomes: Outcomes, day: int) -> Outcomes:
    """The outcomes with every time counted from a landmark."""
    moved = {name: from_landmark(times, float(day)).times for name, times in outcomes.times.items()}
    return replace(outcomes, times=moved)


def _sensitivity(
    plan: Plan,
    outcomes: Outcomes,
    blocks: tuple[Block, ...],
    gates: _Gates,
    settings: Settings,
) -> Tested | None:
    """The candidates against the varied endpoints, as a family of its own that decides nothing."""
    varied = tuple(name for name in plan.sensitivity if name in outcomes.endpoints)
    if not varied or not blocks:
        return None
    refused = {endpoint for _, endpoint in gates.refused}
    allowed = tuple(name for name in varied if plan.sensitivity[name] not in refused)
    gated = tuple(
        replace(gates.gated(b, b.modality.split(",")[0], plan.endpoints), endpoints=allowed)
        for b in blocks
    )
    if not allowed:
        return None
    group = Group(gated, outcomes, "sensitivity")
    return run_tier("candidates", plan.split.candidates, [group], settings)


def _concluded(
    plan: Plan,
    outcomes: Outcomes,
    tested: Mapping[str, Tested],
    gates: _Gates,
    main: tuple[str, ...],
    strata: tuple[str, ...],
) -> tuple[tuple[Power, ...], Conclusion]:
    found = [
        (tier, *row)
        for tier, one in tested.items()
        for row in one.table.filter(pl.col("p_adjusted") <= one.alpha)
        .select("modality", "feature", "endpoint")
        .iter_rows()
    ]
    refused = gates.refused
    if not main:
        n = len(outcomes.subjects)
        return (), Conclusion(tuple(found), n, 0, "", float("nan"), refused)
    endpoint = main[0]
    limits = _limits(tested)
    times = outcomes.times[endpoint]
    curve: tuple[Power, ...] = ()
    if limits:
        groups = cohort_strata(outcomes, strata)
        curve = power_curve(times, float(limits[0]), seed=plan.seed, strata=groups)
    known = np.isfinite(times.time)
    return curve, Conclusion(
        tuple(found),
        int(known.sum()),
        int(times.event[known].sum()),
        endpoint,
        detectable(curve) if curve else float("nan"),
        refused,
    )


def _limits(tested: Mapping[str, Tested]) -> list[float]:
    """The thresholds of the families from first dose, those of the first tier in front."""
    found = pl.concat([one.families for one in tested.values()])
    from_first_dose = found.filter(pl.col("analysis") == "baseline")
    return [c for c in from_first_dose["critical"].to_list() if c is not None and np.isfinite(c)]


def cohort_strata(outcomes: Outcomes, strata: tuple[str, ...]) -> np.ndarray:
    """The stratum of every subject as a number; one where there are no columns."""
    keys = [[""] * len(outcomes.subjects)]
    keys += [outcomes.columns[c].cast(pl.String).fill_null("").to_list() for c in strata]
    together = ["\x1f".join(parts) for parts in zip(*keys, strict=True)]
    return np.unique(together, return_inverse=True)[1].astype(np.int64)


def _curves(
    outcomes: Outcomes, blocks: tuple[Block, ...], cuts: Mapping[str, float], main: tuple[str, ...]
) -> pl.DataFrame:
    parts = [
        curves_by_cut(block, cuts, outcomes, endpoint) for block in blocks for endpoint in main
    ]
    return pl.concat([pl.DataFrame(schema=dict(CURVES)), *parts])


def _null(
    plan: Plan,
    found: Measures,
    outcomes: Outcomes,
    tested: Mapping[str, Tested],
    gates: _Gates,
    settings: Settings,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The look at the null distribution: the largest discovery family, else the candidates."""
    names = [m.name for m in plan.modalities if m.discovery and m.name in found.blocks]
    if not names:
        return pl.DataFrame(schema=dict(P_VALUES)), pl.DataFrame(schema=dict(QUANTILES))
    largest = max(names, key=lambda name: (len(found.blocks[name].features), name))
    gated = gates.gated(found.blocks[largest], largest, plan.endpoints)
    rows = tested["discovery"].table.filter(pl.col("modality") == largest)
    people = _people(gated, outcomes, settings)
    return null_check(rows, people, gated.endpoints, seed=plan.seed)


def _counts(
    plan: Plan,
    measured: Measured,
    found: Measures,
    outcomes: Outcomes,
    gates: _Gates,
    settings: Settings,
) -> pl.DataFrame:
    """The models of counts that the plan asks for, against the responses the gates leave."""
    parts = [pl.DataFrame(schema=dict(COUNTS))]
    for asked in plan.modalities:
        if asked.counts and asked.name in found.blocks:
            gated = gates.gated(found.blocks[asked.name], asked.name, plan.endpoints)
            people = _people(gated, outcomes, settings)
            assay, ends = measured.assays[asked.name], gated.endpoints
            parts.append(count_models(assay, measured.sheet, people, ends, asked.counts))
    return pl.concat(parts)


def _people(gated: Gated, outcomes: Outcomes, settings: Settings) -> Cohort:
    strata = tuple(dict.fromkeys((*settings.strata, *gated.strata)))
    return cohort((gated.block,), outcomes, design=settings.design, strata=strata)


def _sources(assays: Mapping[str, Assay]) -> pl.DataFrame:
    rows = [(name, s.file, s.sha256) for name, assay in assays.items() for s in assay.sources]
    schema = {"modality": pl.String(), "file": pl.String(), "sha256": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("modality", "file")


def _schema(tested: Mapping[str, Tested]) -> dict[str, pl.DataType]:
    return dict(next(iter(tested.values())).table.schema)
