"""Assays of made-up patients: laboratory tables with planted signals and planted traps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.gene_sets import shipped, signatures
from onearm.simulate.chance import Bools, Floats, Streams
from onearm.simulate.expression import Signal, choose_genes, counts_of
from onearm.simulate.trial import Simulated
from onearm.simulate.variants import mutation_rows
from onearm.study import Study
from onearm.study.biomarkers import AssayPlan, Biomarkers, SimulatedAssays

BETWEEN, WITHIN = 0.8, 0.35
"""Standard deviations of the logarithm of an analyte between patients, and between two visits."""
MONTH_DAY = 29
UNBALANCED = 0.8
"""Share of responders in the first batch, and of the others in the second, in that trap."""


ROW = {
    "sample_id": pl.String,
    "subject_id": pl.String,
    "modality": pl.String,
    "timepoint": pl.String,
    "study_day": pl.Int64,
    "specimen": pl.String,
    "qc_pass": pl.Boolean,
    "run": pl.String,
}
"""Columns of the simulated sample sheet."""


@dataclass(frozen=True, slots=True)
class MadeAssays:
    """Assays as a laboratory would send them.

    sheet: the sample sheet. counts: by modality genes x samples, first column ``gene``. variants:
    by modality the rows of a MAF. sequenced: by modality the samples that were sequenced. long: by
    modality one row a subject, time point and analyte. details: by modality what the manifest says
    beside the file. truth: one row for each thing planted. baseline:
    the time points before first dose.
    """

    sheet: pl.DataFrame
    counts: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    variants: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    sequenced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    long: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    details: Mapping[str, Mapping[str, str | float]] = field(default_factory=dict)
    truth: pl.DataFrame = field(default_factory=pl.DataFrame)
    baseline: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _People:
    """The treated patients in the order of their ids: what their assays may depend on.

    first_dose, last: days since 1970-01-01 of first dose and of the last day on study.
    log_survival: standardised logarithm of days to death or last contact.
    """

    subjects: tuple[str, ...]
    is_female: Bools
    is_responder: Bools
    log_survival: Floats
    first_dose: Floats
    last: Floats

    def __len__(self) -> int:
        return len(self.subjects)


def assays(study: Study, made: Simulated, *, seed: int) -> MadeAssays | None:
    """Assays for the treated patients of a made-up trial; None where the study asks for none.

    What is planted stands in ``simulated`` of biomarkers.yaml; the same trial and seed give the
    same assays. A modality is made as counts, variants or a long table by what is asked of it:
    genes and scores are counts, ``derived: tmb`` or ``mutated`` are variants, ``analytes`` a long
    table. Raises OnearmError where it cannot be told what a modality is.
    """
    plan = study.biomarkers
    if plan is None or plan.simulated is None:
        return None
    return _Making(study, plan, plan.simulated, made, Streams(seed)).run()


class _Making:
    """One set of assays on its way."""

    def __init__(
        self,
        study: Study,
        plan: Biomarkers,
        law: SimulatedAssays,
        made: Simulated,
        streams: Streams,
    ) -> None:
        self.plan, self.law, self.streams = plan, law, streams
        self.people = _people(study, made)
        self.cut = (made.cut - _EPOCH).days
        self.traps = {(trap.kind, trap.modality) for trap in law.traps}
        self.rows: list[pl.DataFrame] = []
        self.truth: list[tuple[str, str, str, str]] = []

    def run(self) -> MadeAssays:
        counts: dict[str, pl.DataFrame] = {}
        variants: dict[str, pl.DataFrame] = {}
        sequenced: dict[str, tuple[str, ...]] = {}
        long: dict[str, pl.DataFrame] = {}
        details: dict[str, dict[str, str | float]] = {}
        for assay in self.plan.modalities:
            name = assay.name
            if name in self.law.analytes:
                long[name] = self._long(assay)
                details[name] = {"unit": self.law.unit.get(name, "")}
                continue
            batch, sheet = self._samples(assay, assay.timepoint)
            self.rows.append(sheet)
            where = _positions(self.people.subjects, sheet["subject_id"])
            samples = tuple(sheet["sample_id"])
            if self._is_variants(assay):
                chance = self.streams(f"assay {name}")
                variants[name] = mutation_rows(chance, samples, self.law.mutated, self.law.burden)
                sequenced[name] = samples
                details[name] = {"callable_mb": self.law.callable_mb}
            else:
                counts[name] = self._counts(assay, where, samples, batch)
        schema = ("kind", "modality", "target", "detail")
        return MadeAssays(
            pl.concat(self.rows).sort("modality", "timepoint", "subject_id"),
            counts, variants, sequenced, long, details,
            pl.DataFrame(self.truth, schema=dict.fromkeys(schema, pl.String()), orient="row"),
            frozenset(assay.timepoint for assay in self.plan.modalities),
        )  # fmt: skip

    def _is_variants(self, assay: AssayPlan) -> bool:
        asked = [c for c in self.plan.candidates if c.modality == assay.name]
        if any(c.derived or c.feature in self.law.mutated for c in asked):
            return True
        if any(c.score for c in asked) or assay.discovery:
            return False
        raise OnearmError(
            f"biomarkers.yaml: it cannot be told how to simulate {assay.name}; give its `analytes`"
        )

    def _signals(self, modality: str) -> tuple[Signal, ...]:
        found = []
        for signal in self.law.signals:
            if signal.modality == modality:
                by = self.people.is_responder.astype(float)
                driver = by if signal.to == "response" else self.people.log_survival
                found.append(Signal(signal.target, signal.shift * driver))
                words = f"{signal.shift:g} SD by {signal.to}"
                self.truth.append(("signal", modality, signal.target, words))
        return tuple(found)

    def _samples(self, assay: AssayPlan, timepoint: str) -> tuple[Floats, pl.DataFrame]:
        """The batch of each sample as -1 .. 1, and the rows of the sample sheet."""
        people, name = self.people, assay.name
        chance = self.streams(f"samples {name} {timepoint}")
        lost, order, days = (chance.random(len(people)) for _ in range(3))
        share = np.full(len(people), self.law.missing.get(name, 0.0))
        if ("missing_by_response", name) in self.traps:
            share = np.where(people.is_responder, 0.0, np.maximum(2 * share, 0.4))
        is_later = timepoint != assay.timepoint
        tissue = name not in self.law.analytes
        day = np.floor(-1 - 20 * days) if tissue else np.ones(len(people))
        if is_later:
            number = 1 + list(assay.later).index(timepoint)
            day = np.floor(MONTH_DAY * number - 3 + 7 * days) - 1
        taken = (lost >= share) & (people.first_dose + np.maximum(day, 0) <= self.cut)
        taken &= ~np.asarray(is_later) | (people.first_dose + day < people.last)
        batch = self._batch(name, order)
        chosen = np.flatnonzero(taken)
        if ("late_baseline", name) in self.traps and not is_later:
            day[chosen[0]] = 8
            self.truth.append(("late_baseline", name, people.subjects[chosen[0]], "study day 8"))
        codes = self.law.batches
        names = [people.subjects[i] for i in chosen]
        short = name[:3].upper()
        return np.linspace(-1, 1, len(codes))[batch][chosen], pl.DataFrame(
            {
                "sample_id": [f"{short}-{n.split('-')[-1]}-{timepoint}" for n in names],
                "subject_id": names,
                "modality": [name] * len(chosen),
                "timepoint": [timepoint] * len(chosen),
                "study_day": [int(d) for d in day[chosen]],
                "specimen": ["tumour" if tissue else "plasma"] * len(chosen),
                "qc_pass": [True] * len(chosen),
                "run": [codes[batch[i]] for i in chosen],
            },
            schema=ROW,
        )

    def _batch(self, name: str, order: Floats) -> np.ndarray:
        """The batch of every patient, as a number of ``batches``."""
        n = len(self.law.batches)
        yes = self.people.is_responder
        if ("batch_aliased", name) in self.traps:
            self.truth.append(("batch_aliased", name, "run", "batch is response"))
            return np.where(yes, 0, n - 1)
        if ("batch_unbalanced", name) in self.traps:
            self.truth.append(("batch_unbalanced", name, "run", f"{UNBALANCED:.0%} of responders"))
            first = np.where(yes, order < UNBALANCED, order >= UNBALANCED)
            return np.where(first, 0, n - 1)
        return np.asarray(np.minimum((order * n).astype(int), n - 1))

    def _counts(
        self, assay: AssayPlan, where: np.ndarray, samples: tuple[str, ...], batch: Floats
    ) -> pl.DataFrame:
        programmes = self.plan.programmes
        sets = programmes.sets if programmes and programmes.modality == assay.name else ()
        scores = [c.score for c in self.plan.candidates if c.modality == assay.name and c.score]
        library = shipped("hallmark").sets
        known = {name: _first_symbols(s.genes) for name, s in signatures().items()} | dict(library)
        genes = choose_genes(
            self.law.genes,
            {name: known[name] for name in (*scores, *sets) if name in known},
            extra=assay.genes,
            filler=(gene for members in library.values() for gene in members),
            modules=self.law.modules,
        )
        values = counts_of(
            self.streams(f"assay {assay.name}"),
            genes,
            self.law,
            batch=batch,
            is_female=self.people.is_female[where],
            signals=[Signal(s.target, s.driver[where]) for s in self._signals(assay.name)],
        )
        order = list(range(len(samples)))
        if ("swapped", assay.name) in self.traps:
            sex = self.people.is_female[where]
            one, other = int(np.argmax(sex)), int(np.argmin(sex))
            order[one], order[other] = other, one
            pair = f"{samples[one]} and {samples[other]}"
            self.truth.append(("swapped", assay.name, pair, "RNA exchanged"))
        columns = {s: values[:, at] for s, at in zip(samples, order, strict=True)}
        return pl.DataFrame({"gene": list(genes.names), **columns})

    def _long(self, assay: AssayPlan) -> pl.DataFrame:
        """One row a subject, time point and analyte; values below the limit say so."""
        name, people = assay.name, self.people
        medians = self.law.analytes[name]
        lod = self.law.lod.get(name, 0.0)
        chance = self.streams(f"assay {name}")
        base = chance.standard_normal((len(people), len(medians))) * BETWEEN
        for signal in self._signals(name):
            if signal.target in medians:
                base[:, list(medians).index(signal.target)] += BETWEEN * signal.driver
        parts = []
        for number, timepoint in enumerate((assay.timepoint, *assay.later)):
            batch, sheet = self._samples(assay, timepoint)
            self.rows.append(sheet)
            where = _positions(people.subjects, sheet["subject_id"])
            noise = self.streams(f"visit {name} {number}").standard_normal(base.shape)
            amount = np.exp(base + WITHIN * noise)[where] * np.array(list(medians.values()))
            amount *= np.exp(self.law.batch_effect * batch / 2)[:, None]
            for at, analyte in enumerate(medians):
                value = np.round(amount[:, at], 3)
                parts.append(
                    sheet.select(
                        "sample_id", "subject_id", "timepoint",
                        analyte=pl.lit(analyte),
                        value=pl.Series(np.maximum(value, lod)),
                        unit=pl.lit(self.law.unit.get(name, "")),
                        below_lod=pl.Series(value < lod),
                    )
                )  # fmt: skip
        return pl.concat(parts).sort("subject_id", "timepoint", "analyte")


_EPOCH = pl.Series([0], dtype=pl.Int32).cast(pl.Date)[0]


def _first_symbols(genes: tuple[str, ...]) -> tuple[str, ...]:
    """The newer symbol of genes that go by two."""
    return tuple(gene.split("/")[0] for gene in genes)


def _positions(subjects: tuple[str, ...], wanted: pl.Series) -> np.ndarray:
    at = {subject: row for row, subject in enumerate(subjects)}
    return np.array([at[subject] for subject in wanted], dtype=np.int64)


def _people(study: Study, made: Simulated) -> _People:
    """What the truth says of the treated patients, in the order of their ids."""
    truth = made.truth
    times = truth["times"].filter(pl.col("PARAMCD") == "OS").select("USUBJID", "DAYS")
    treated = (
        truth["subjects"]
        .filter("DOSED")
        .join(truth["best"].select("USUBJID", "CBOR"), on="USUBJID", how="left")
        .join(times, on="USUBJID", how="left")
        .join(_sex(study, made), on=("SITEID", "SUBJID"), how="left")
        .sort("USUBJID")
    )
    log_days = np.log(treated["DAYS"].fill_null(1).cast(pl.Float64).to_numpy().clip(1))
    spread = log_days.std() or 1.0
    last = treated.select(
        pl.min_horizontal("PROGRESSION_SEEN", "DEATH", "LAST_ALIVE", "TREATMENT_END")
    ).to_series()
    return _People(
        tuple(treated["USUBJID"]),
        (treated["sex"].fill_null("") == "F").to_numpy(),
        treated["CBOR"].is_in(["CR", "PR"]).fill_null(value=False).to_numpy(),
        (log_days - log_days.mean()) / spread,
        treated["FIRST_DOSE"].to_physical().cast(pl.Float64).to_numpy(),
        last.to_physical().cast(pl.Float64).fill_null(1e9).to_numpy(),
    )


def _sex(study: Study, made: Simulated) -> pl.DataFrame:
    """SITEID, SUBJID and sex as it was entered."""
    places = [
        (form.form, item.name)
        for form in study.forms.values()
        for item in form.items
        if any((t.domain, t.variable) == ("DM", "SEX") for t in item.to)
    ]
    if not places:
        return pl.DataFrame(schema={"SITEID": pl.String, "SUBJID": pl.String, "sex": pl.String})
    form, name = places[0]
    entered = made.entries.filter(pl.col("FORM") == form, pl.col("ITEM") == name)
    return entered.select("SITEID", "SUBJID", sex="VALUE").unique(
        ["SITEID", "SUBJID"], keep="first", maintain_order=True
    )
