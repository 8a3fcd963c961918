"""Where lesions sit and how large they are, before anybody looks at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onearm.simulate.chance import (
    NEVER,
    NOTHING,
    Bools,
    Floats,
    Ints,
    Streams,
    Texts,
    normal,
    pick,
    pick_key,
    shaped,
    weibull,
)
from onearm.study.simulation import Kinetics, SimCohort, Simulation, Tumour

TARGETS = 5
NONTARGETS = 4
NEW = 2


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Lesions at baseline: arrays are patients by lesion slots; ``exists`` says which are used.

    ``size`` in mm (longest diameter, short axis of a node). ``partner`` is the column of the
    second target of the first organ, -1 where there is none.
    """

    exists: Bools
    organ: Texts
    location: Texts
    side: Texts
    nodal: Bools
    size: Floats
    partner: Ints


@dataclass(frozen=True, slots=True)
class Biology:
    """How the disease of each patient behaves: rates a day, days from first dose."""

    kill: Floats
    growth: Floats
    slowness: Floats
    survival: Floats
    new_lesion: Ints
    nontarget: Ints


def biology(plan: Simulation, streams: Streams, cohort: Ints) -> Biology:
    """Kill and growth rates of every patient, and when disease spreads beside the targets."""
    law, n = plan.kinetics, len(cohort)
    kinds = plan.cohorts
    sensitive = streams("sensitive").random(n) < law.sensitive
    z = streams("growth").standard_normal(n)
    growth = shaped(z, law.growth) * _by(kinds, cohort, "growth")
    growth = np.where(sensitive, growth, growth * law.resistant_growth)
    kill = normal(streams("kill"), law.kill, n) * _by(kinds, cohort, "kill")
    pace = np.exp(-0.4 * z) * np.where(sensitive, plan.spread.sensitive, 1.0)
    pace = pace * _by(kinds, cohort, "spread")
    u = streams("spread").random((n, NEW + 1))
    first = weibull(u[:, 0], plan.spread.new_lesion * pace, plan.spread.shape)
    second = first + weibull(u[:, 1], plan.spread.new_lesion * pace, plan.spread.shape)
    beside = weibull(u[:, 2], plan.spread.nontarget * pace, plan.spread.shape)
    return Biology(
        kill=np.where(sensitive, kill, 0.0),
        growth=growth,
        slowness=-z,
        survival=_by(kinds, cohort, "survival"),
        new_lesion=np.minimum(np.column_stack([first, second]), NEVER).astype(np.int64),
        nontarget=np.minimum(beside, NEVER).astype(np.int64),
    )


def _by(kinds: tuple[SimCohort, ...], cohort: Ints, name: str) -> Floats:
    return np.asarray(np.array([getattr(kind, name) for kind in kinds], dtype=float)[cohort])


def targets(plan: Simulation, streams: Streams, cohort: Ints) -> Anatomy:
    """Up to five measurable lesions a patient, at most two an organ.

    Rule: RECIST 1.1, 3.1.1 and 4.2: measurable, all organs represented, nodes are one organ.
    """
    n, law = len(cohort), plan.tumour
    count = pick_key(streams("targets").random(n), law.targets).astype(np.int64)
    organs = [name for name, organ in law.organs.items() if organ.measurable]
    order = _order(plan, streams("target organs"), cohort, organs)
    spread = streams("organs used").random(n)
    fewest = (count + 1) // 2
    used = fewest + np.floor(spread * (count - fewest + 1) * 0.999).astype(np.int64)
    used = np.minimum(used, (order >= 0).sum(axis=1))
    count = np.minimum(count, 2 * used)
    column = np.arange(TARGETS)
    place = np.where(column < used[:, None], column, column - used[:, None])
    exists = column < count[:, None]
    index = np.take_along_axis(order, np.clip(place, 0, len(organs) - 1), axis=1)
    partner = np.where(count > used, used, -1)
    return _anatomy(law, streams, "target", index, organs, exists, partner)


def nontargets(plan: Simulation, streams: Streams, cohort: Ints) -> Anatomy:
    """Other disease: small or not measurable lesions, fluid; any organ of the cohort."""
    n, law = len(cohort), plan.tumour
    count = pick_key(streams("nontargets").random(n), law.nontargets).astype(np.int64)
    organs = list(law.organs)
    order = _order(plan, streams("nontarget organs"), cohort, organs, always=False)
    count = np.minimum(count, (order >= 0).sum(axis=1))
    exists = np.arange(NONTARGETS) < count[:, None]
    index = order[:, :NONTARGETS]
    return _anatomy(law, streams, "non-target", index, organs, exists, np.full(n, -1))


def new_sites(plan: Simulation, streams: Streams, cohort: Ints) -> Anatomy:
    """Where new lesions would come."""
    organs = list(plan.tumour.organs)
    order = _order(plan, streams("new organs"), cohort, organs, always=False)
    exists = np.ones((len(cohort), NEW), dtype=bool)
    none = np.full(len(cohort), -1)
    return _anatomy(plan.tumour, streams, "new", order[:, :NEW], organs, exists, none)


def _order(
    plan: Simulation,
    rng: np.random.Generator,
    cohort: Ints,
    organs: list[str],
    *,
    always: bool = True,
) -> Ints:
    """Organs of each patient in order of choice (indices, -1 behind the last), by weight."""
    weight = np.array([[kind.organs.get(o, 0.0) for o in organs] for kind in plan.cohorts])
    if always:
        for row, kind in enumerate(plan.cohorts):
            if kind.always:
                weight[row, organs.index(kind.always)] = 1e9
    mine = weight[cohort]
    # Ordering exponential waiting times is a draw without replacement in proportion to weight.
    time = rng.standard_exponential(mine.shape) / np.where(mine > 0, mine, 1.0)
    time = np.where(mine > 0, time, np.inf)
    order = np.argsort(time, axis=1, kind="stable")
    order = np.where(np.isinf(np.take_along_axis(time, order, axis=1)), -1, order)
    if order.shape[1] < TARGETS:
        pad = np.full((len(order), TARGETS - order.shape[1]), -1)
        order = np.column_stack([order, pad])
    return order.astype(np.int64)


def _anatomy(
    law: Tumour,
    streams: Streams,
    role: str,
    index: Ints,
    organs: list[str],
    exists: Bools,
    partner: Ints,
) -> Anatomy:
    safe = np.where(exists, index, 0)
    kinds = [law.organs[name] for name in organs]
    u = streams(f"{role} location").random(safe.shape)
    location = np.empty(safe.shape, dtype=object)
    for k, kind in enumerate(kinds):
        chosen = np.array(kind.locations, dtype=object)[pick(u, np.ones(len(kind.locations)))]
        location = np.where(safe == k, chosen, location)
    paired = np.array([kind.paired for kind in kinds])[safe]
    sides = np.where(streams(f"{role} side").random(safe.shape) < 0.5, "LEFT", "RIGHT")
    nodal = np.array([kind.nodal for kind in kinds])[safe]
    z = streams(f"{role} size").standard_normal(safe.shape)
    return Anatomy(
        exists=exists,
        organ=np.array(organs, dtype=object)[safe],
        location=location,
        side=np.where(paired, sides, NOTHING),
        nodal=nodal,
        size=np.where(nodal, shaped(z, law.node_size), shaped(z, law.size)),
        partner=partner,
    )


def relative_size(law: Kinetics, biology: Biology, day: Ints, spread: Floats) -> Floats:
    """Size over baseline size: patients by time points by lesions; never negative.

    ``spread`` (patients by lesions) multiplies both rates of a lesion. Size changes from first
    dose on; before it the baseline size holds. Source: Stein et al., Clin Cancer Res 17:907 (2011).
    """
    t = np.maximum(day, 0)[:, :, None].astype(float)
    kill = (biology.kill[:, None] * spread)[:, None, :]
    growth = (biology.growth[:, None] * spread)[:, None, :]
    regrowth = np.exp(np.minimum(growth * t, 4.0))
    return np.asarray(np.maximum(np.exp(-kill * t) + regrowth - 1.0, 0.0))
