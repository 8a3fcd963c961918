"""What stands beside the three tiers and spends no alpha: gene sets, cutpoints, assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from onearm.omics.assay import Outcomes
from onearm.omics.closer import Closer, look_closer
from onearm.omics.families import Gated, Group, Settings, Tested
from onearm.omics.marked import marked
from onearm.omics.measure import Measured, Measures
from onearm.omics.plan import Plan
from onearm.omics.set_tests import SetTests, set_tests
from onearm.omics.spectra import CLASSES, spectra
from onearm.omics.standard import related, with_standard

SUBSTITUTIONS: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "sample_id": pl.String(),
    "subject_id": pl.String(),
    "class": pl.String(),
    "count": pl.Int64(),
}
"""Columns of the frame of single-base substitutions: one row a sample and class of six."""


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """sets: gene sets of every transcript-like modality. closer: cutpoints searched for candidates
    found, and proportional hazards. related, with_standard: see `standard`. substitutions: see
    `SUBSTITUTIONS`; empty where no assay brought its variants.
    """

    sets: SetTests
    closer: Closer
    related: pl.DataFrame
    with_standard: pl.DataFrame
    substitutions: pl.DataFrame

    @property
    def n_tests(self) -> int:
        """Hypotheses tested here: the gene sets, and one a searched cutpoint."""
        return self.sets.n_tests + self.closer.cutpoints.height


def beside(
    plan: Plan,
    measured: Measured,
    found: Measures,
    outcomes: Outcomes,
    gated: Sequence[Gated],
    candidates: Sequence[Group],
    tested: Tested,
    settings: Settings,
) -> Beside:
    """Everything beside the tiers.

    gated: the modalities with what the gates leave of them. candidates: what was tested as tier 1,
    tested: what came of it.
    """
    standard = tuple(dict.fromkeys((*plan.strata, *plan.checked)))
    return Beside(
        set_tests(gated, outcomes, settings),
        look_closer(candidates, tested.table, tested.alpha, settings),
        related(candidates, standard),
        with_standard(candidates, standard, settings),
        _substitutions(measured, found),
    )


def _substitutions(measured: Measured, found: Measures) -> pl.DataFrame:
    """Substitutions by class of every sample of a modality that brought its variants."""
    parts = [pl.DataFrame(schema=pl.Schema(SUBSTITUTIONS))]
    variants: Mapping[str, pl.DataFrame] = getattr(measured, "variants", {})
    names = ("reference", "alternate")
    for name in sorted(set(variants) & set(found.blocks)):
        if not set(names) <= set(variants[name].columns):
            continue
        rows = measured.sheet.filter(pl.col("modality") == name)
        subjects = dict(rows.select("sample_id", "subject_id").iter_rows())
        bases = variants[name].select("sample_id", ref="reference", alt="alternate")
        sequenced = sorted(set(measured.assays[name].samples) & set(subjects))
        own = bases.filter(pl.col("sample_id").is_in(sequenced))
        made = spectra(own, sequenced)
        frame = pl.DataFrame(
            {
                "sample_id": [s for s in sequenced for _ in CLASSES["6"]],
                "class": [*CLASSES["6"]] * len(sequenced),
                "count": made.values.T.ravel().astype(int),
            }
        ).with_columns(subject_id=pl.col("sample_id").replace_strict(subjects))
        parts.append(marked(frame, modality=name).select(*SUBSTITUTIONS))
    return pl.concat(part.cast(pl.Schema(SUBSTITUTIONS)) for part in parts)
