"""A small cohort with everything the chapter reads, made without files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from onearm.omics.assay import Assay, Outcomes, Times
from onearm.omics.plan import Candidate, Modality, Plan, Programme, Split

N, GENES = 48, 120
SUBJECTS = tuple(f"S{number:03d}" for number in range(N))


@dataclass(frozen=True)
class Made:
    """Assays with their sheet, as the loaders would give them."""

    sheet: pl.DataFrame
    assays: Mapping[str, Assay] = field(default_factory=dict)


def outcomes(seed: int = 1) -> Outcomes:
    """16 responders; survival that does not know of them; tumour type of two levels."""
    chance = np.random.default_rng(seed)
    response = chance.permutation((np.arange(N) < 16).astype(float))
    life, until = chance.exponential(180, N), chance.uniform(90, 600, N)
    times = Times(np.ceil(np.minimum(life, until)), life <= until)
    columns = pl.DataFrame(
        {
            "subject_id": SUBJECTS,
            "tumour_type": np.where(chance.random(N) < 0.4, "A", "B"),
            "sex": np.where(chance.random(N) < 0.5, "F", "M"),
        }
    )
    return Outcomes(SUBJECTS, {"ORR": response}, {"PFS": times}, {}, columns)


def made(
    *, seed: int = 2, shift: float = 0.0, run: np.ndarray | None = None, swap: bool = False
) -> Made:
    """Log2 expression of noise and the genes of sex; the first ten genes shifted in responders."""
    chance = np.random.default_rng(seed)
    known = outcomes()
    genes = [f"G{number:03d}" for number in range(GENES)]
    values = 6 + chance.standard_normal((GENES, N))
    values[:10] += shift * known.responses["ORR"]
    female = (known.columns["sex"] == "F").to_numpy()
    for gene, present in (("XIST", female), ("RPS4Y1", ~female), ("DDX3Y", ~female)):
        genes.append(gene)
        values = np.vstack([values, np.where(present, 9.0, 1.0) + 0.2 * chance.random(N)])
    if swap:
        one, other = int(np.argmax(female)), int(np.argmin(female))
        values[:, [one, other]] = values[:, [other, one]]
    samples = tuple(f"{subject}-T" for subject in SUBJECTS)
    batch = np.where(chance.random(N) < 0.5, "1", "2") if run is None else run
    sheet = pl.DataFrame(
        {
            "sample_id": samples,
            "subject_id": SUBJECTS,
            "modality": "rna",
            "timepoint": "C1D1",
            "study_day": [-5] * N,
            "specimen": "tumour",
            "qc_pass": True,
            "exclude_reason": pl.Series([None] * N, dtype=pl.String),
            "collection_date": pl.Series([None] * N, dtype=pl.Date),
            "run": batch,
        }
    )
    assay = Assay("rna", "log", tuple(genes), samples, values)
    return Made(sheet, {"rna": assay})


def plan(**changes: object) -> Plan:
    """Three single genes, one programme of the ten that may be shifted, all genes as discovery."""
    asked = Plan(
        modalities=(Modality("rna", "C1D1", (), True),),
        endpoints=("ORR", "PFS"),
        candidates=tuple(
            Candidate(f"C{at}", "rna", "feature", f"G{at:03d}", cut=6.0 if at == 50 else None)
            for at in (0, 50, 90)
        ),
        programmes=(Programme("TEN", "rna", tuple(f"G{at:03d}" for at in range(10))),),
        split=Split(),
        strata=("tumour_type",),
        batch=("run",),
        sex="sex",
        permutations=500,
        seed=7,
    )
    return replace(asked, **changes)  # type: ignore[arg-type]  # fields of the plan


def shuffled(cohort: Made, seed: int = 3) -> Made:
    """The same cohort with samples, features and rows of the sheet in another order."""
    chance = np.random.default_rng(seed)
    assay = cohort.assays["rna"]
    rows, columns = chance.permutation(len(assay.features)), chance.permutation(len(assay.samples))
    other = Assay(
        "rna",
        assay.scale,
        tuple(assay.features[row] for row in rows),
        tuple(assay.samples[column] for column in columns),
        assay.values[np.ix_(rows, columns)],
    )
    return Made(cohort.sheet.sample(fraction=1.0, shuffle=True, seed=seed), {"rna": other})
