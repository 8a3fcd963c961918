"""The shipped study without its analysis files: what a simulation reads, and nothing more."""

from __future__ import annotations

import shutil
from pathlib import Path

from onearm.study import Study, load

SHIPPED = Path(__file__).resolve().parents[2] / "studies" / "lenvatinib-pembrolizumab"


def shipped_study(folder: Path, *, also: tuple[str, ...] = ()) -> Study:
    """The study loaded from a copy in ``folder`` with identity, schedule, forms and simulation."""
    for name in ("study.yaml", "schedule.yaml", "simulation.yaml", *also):
        shutil.copy(SHIPPED / name, folder / name)
    for name in ("forms", "terms", "registry"):
        shutil.copytree(SHIPPED / name, folder / name)
    return load(folder)
