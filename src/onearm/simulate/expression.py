"""RNA counts of made-up tumours: genes in modules, library sizes, batches, planted shifts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onearm.simulate.chance import Floats, Ints
from onearm.study.biomarkers import SimulatedAssays

FEMALE = ("XIST",)
MALE = ("DDX3Y", "EIF1AY", "KDM5D", "RPS4Y1", "UTY")
"""Genes by which the sex of a sample is seen."""
SPREAD = 0.9
"""Standard deviation of log2 expression between patients."""
SHARED = 0.5
"""Share of the variance of a gene that its module explains."""


@dataclass(frozen=True, slots=True)
class Genes:
    """The genes of an assay in order, and the number of the module that each belongs to.

    modules: number of modules; those of named sets come first. of_set: module by name of the set.
    """

    names: tuple[str, ...]
    module: Ints
    modules: int
    of_set: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Signal:
    """A planted shift: a gene or the name of a set, and the shift of each sample in SD."""

    target: str
    driver: Floats


def choose_genes(
    total: int,
    sets: Mapping[str, Sequence[str]],
    *,
    extra: Iterable[str] = (),
    filler: Iterable[str] = (),
    modules: int = 20,
) -> Genes:
    """So many genes or a few more: those of the sets, the extra ones, sex genes, then others.

    A gene of several sets belongs to the module of the first. Genes of no set are spread over
    ``modules`` further modules. Names that run out are numbered.
    """
    module: dict[str, int] = {}
    of_set = {name: number for number, name in enumerate(sets)}
    for name, genes in sets.items():
        for gene in sorted(genes):
            module.setdefault(gene, of_set[name])
    wanted = [*sorted(set(extra)), *FEMALE, *MALE]
    numbered = (f"LOC{number:05d}" for number in range(total))
    for place, gene in enumerate((*wanted, *sorted(set(filler)), *numbered)):
        if place >= len(wanted) and len(module) >= total:
            break
        if gene not in module:
            module[gene] = len(of_set) + len(module) % modules
    names = tuple(sorted(module))
    numbers = np.array([module[name] for name in names], dtype=np.int64)
    return Genes(names, numbers, len(of_set) + modules, of_set)


def counts_of(
    chance: np.random.Generator,
    genes: Genes,
    law: SimulatedAssays,
    *,
    batch: Floats,
    is_female: np.ndarray,
    signals: Sequence[Signal] = (),
) -> Ints:
    """Reads of each gene (rows) in each sample (columns).

    batch: of each sample, -1 to 1. Log2 expression is a level of the gene plus its module, noise of
    its own, its batch effect and what is planted; library sizes vary by a third.
    """
    n, p = len(batch), len(genes.names)
    latent = chance.standard_normal((genes.modules, n))
    noise = chance.standard_normal((p, n))
    level = chance.normal(5.0, 2.0, p)
    moved = chance.standard_normal(p) * law.batch_effect
    size = law.depth * np.exp(0.33 * chance.standard_normal(n))
    for signal in signals:
        if signal.target in genes.of_set:
            latent[genes.of_set[signal.target]] += signal.driver
        elif signal.target in genes.names:
            noise[genes.names.index(signal.target)] += signal.driver / np.sqrt(1 - SHARED)
    z = np.sqrt(SHARED) * latent[genes.module] + np.sqrt(1 - SHARED) * noise
    log2 = level[:, None] + SPREAD * z + moved[:, None] * batch
    _set_sex(log2, genes, is_female)
    amount = np.exp2(log2)
    reads: Ints = chance.poisson(amount / amount.sum(axis=0) * size).astype(np.int64)
    return reads


def _set_sex(log2: Floats, genes: Genes, is_female: np.ndarray) -> None:
    at = {name: row for row, name in enumerate(genes.names)}
    for name in (*FEMALE, *MALE):
        if name in at:
            present = is_female if name in FEMALE else ~is_female
            row = at[name]
            log2[row] = np.where(present, 7.0, -3.0) + 0.5 * (log2[row] - log2[row].mean())
