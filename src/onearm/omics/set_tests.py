"""Gene sets against endpoints: which of the shipped sets go with an outcome more than others do.

No alpha is spent on them: they say in which direction the genes of a modality lean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Outcomes
from onearm.omics.cohort import Cohort, cohort
from onearm.omics.enrichment import Question, enrich
from onearm.omics.enrichment_table import TABLE, Enrichment
from onearm.omics.families import Gated, Settings
from onearm.omics.gene_sets import GeneSets, shipped
from onearm.omics.marked import marked
from onearm.omics.nullcheck import null_residual

LIBRARY = "hallmark"
"""The shipped sets that are tested."""

FEWEST_GENES = 200
"""A modality with fewer genes of the sets is no picture of a cell: it is not tested."""

SET_TESTS: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "timepoint": pl.String(),
    "endpoint": pl.String(),
    "method": pl.String(),
    "n": pl.Int64(),
    **TABLE,
}
"""Columns of the frame of set tests, those of `enrichment_table.TABLE` behind where they are of."""

PROVENANCE = ("file", "sha256", "version", "licence", "attribution")


@dataclass(frozen=True, slots=True, eq=False)
class SetTests:
    """Every set with every modality and endpoint that may be tested.

    table: `SET_TESTS`, smallest p first within a modality and endpoint; adjusted over the sets of
    one modality and endpoint. provenance: one row a file of sets (`PROVENANCE`). notes: what must
    be said of each method that was used.
    """

    table: pl.DataFrame
    provenance: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def n_tests(self) -> int:
        """Sets tested, over all modalities and endpoints."""
        return self.table.height


def set_tests(gated: Sequence[Gated], outcomes: Outcomes, settings: Settings) -> SetTests:
    """Test the shipped sets in every block whose features are genes.

    gated: blocks with the endpoints that the gates leave and the strata they ask for; a block of
    another scale than ``log``, or with fewer than 200 genes of the sets, is passed over.
    """
    library = shipped(LIBRARY)
    known = {gene for genes in library.sets.values() for gene in genes}
    parts = [pl.DataFrame(schema=pl.Schema(SET_TESTS))]
    made: list[Enrichment] = []
    for one in gated:
        is_transcript = one.block.scale == "log"
        if not is_transcript or len(known.intersection(one.block.features)) < FEWEST_GENES:
            continue
        strata = tuple(dict.fromkeys((*settings.strata, *one.strata)))
        people = cohort((one.block,), outcomes, design=settings.design, strata=strata)
        for endpoint in one.endpoints:
            found = _tested(people, endpoint, library, settings)
            if found is None:
                continue
            made.append(found)
            place = {"modality": one.block.modality, "timepoint": one.block.timepoint}
            frame = marked(found.table, **place, endpoint=endpoint, method=found.method)
            n = int(np.count_nonzero(null_residual(people, endpoint)))
            parts.append(frame.with_columns(n=pl.lit(n, pl.Int64)).select(*SET_TESTS))
    rows = [one.provenance for one in made[:1]]
    return SetTests(
        pl.concat(part.cast(pl.Schema(SET_TESTS)) for part in parts),
        pl.DataFrame(rows, schema=dict.fromkeys(PROVENANCE, pl.String)),
        tuple(dict.fromkeys(f"{one.method}: {one.note}" for one in made)),
    )


def _tested(
    people: Cohort, endpoint: str, library: GeneSets, settings: Settings
) -> Enrichment | None:
    """The sets against one endpoint; None where it tells nobody apart or no set has its genes."""
    block, residual = people.blocks[0], null_residual(people, endpoint)
    if not residual.any():
        return None
    question = Question(
        block.features,
        people.matrices[0],
        residual,
        _smaller_group(people.outcomes, endpoint),
        people.strata,
        people.covariates[0],
    )
    entropy = [settings.seed, *f"sets {block.modality} {endpoint}".encode()]
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    try:
        return enrich(
            question,
            library,
            seed=seed,
            permutations=settings.permutations,
            workers=settings.workers,
        )
    except OnearmError:
        return None


def _smaller_group(outcomes: Outcomes, endpoint: str) -> int:
    """Responders or the others, whichever are fewer; events; patients with an amount."""
    if endpoint in outcomes.times:
        return int(outcomes.times[endpoint].event.sum())
    if endpoint in outcomes.responses:
        known = outcomes.responses[endpoint]
        yes = int((known == 1).sum())
        return min(yes, int(np.isfinite(known).sum()) - yes)
    return int(np.isfinite(outcomes.amounts[endpoint]).sum())
