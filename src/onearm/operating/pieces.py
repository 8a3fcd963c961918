"""The pieces of work of a simulation, and what tells one simulation from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import polars as pl
from numpy.random import SeedSequence

from onearm.operating.drawn import Drawn, drawn
from onearm.operating.entered import Entered, entered
from onearm.operating.settings import setting_of
from onearm.pieces import SERIAL, Kept, Workers, each, streams
from onearm.study import Study
from onearm.study.simulation import Scenario

AT_ONCE = 500
"""Trials of one piece that are drawn from rates: a second or less."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked for: trials drawn from rates, and trials taken through the derivations."""

    study: Study
    scenarios: tuple[Scenario, ...]
    trials: int
    entered: int
    seed: int


def pieces(work: Work) -> list[Drawn | Entered]:
    """The work in independent pieces; the same work, the same pieces.

    Trial k of every scenario has the same random stream, so that scenarios differ in what is asked
    and not in who came. Raises ``OnearmError`` where the study cannot be simulated so.
    """
    settings = [setting_of(work.study, scenario) for scenario in work.scenarios]
    # The lines of the study's files are for messages; without them a piece is light to send.
    light = replace(work.study, documents={})
    counts = [min(AT_ONCE, work.trials - start) for start in range(0, work.trials, AT_ONCE)]
    found: list[Drawn | Entered] = []
    fast, slow = streams(work.seed, 2)
    for setting in settings:
        # Spawning counts up: each scenario spawns anew from a fresh copy of the stream.
        own = _children(fast, len(counts))
        found += [
            Drawn(setting, 1 + AT_ONCE * k, count, stream)
            for k, (count, stream) in enumerate(zip(counts, own, strict=True))
        ]
    for setting in settings:
        for k, stream in enumerate(_children(slow, work.entered)):
            found.append(Entered(light, setting, k + 1, int(stream.generate_state(1)[0])))
    return found


def _children(stream: SeedSequence, n: int) -> list[SeedSequence]:
    return type(stream)(stream.entropy, spawn_key=stream.spawn_key).spawn(n)


def run(
    work: Work,
    *,
    workers: Workers = SERIAL,
    kept: Kept[pl.DataFrame] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[pl.DataFrame]:
    """The trials of every piece, in the order of `pieces`; see `onearm.pieces.each`."""
    return each(one_piece, pieces(work), workers=workers, kept=kept, progress=progress)


def one_piece(piece: Drawn | Entered) -> pl.DataFrame:
    """The trials of a piece, whichever way it goes."""
    return drawn(piece) if isinstance(piece, Drawn) else entered(piece)


def outline(work: Work) -> Mapping[str, str]:
    """What was asked for, in words; runs of one program that agree in it give the same bytes."""
    asked = [scenario.model_dump(mode="json") for scenario in work.scenarios]
    return {
        "study": work.study.id,
        "study version": work.study.version,
        "scenarios": ", ".join(scenario.id for scenario in work.scenarios),
        "scenario values": _digest(json.dumps(asked, sort_keys=True)),
        "trials": f"{work.trials} drawn from rates, {work.entered} as entries",
        "seed": str(work.seed),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
