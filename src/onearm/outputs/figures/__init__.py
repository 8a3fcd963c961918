"""Figures: one file a kind, drawn from results or from one mark a patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl

from onearm.outputs.figures import (
    flow,
    forest,
    kaplan_meier,
    liver,
    mirror,
    spider,
    swimmer,
    waterfall,
)
from onearm.outputs.figures.save import save
from onearm.outputs.figures.style import Drawn, Material, styled
from onearm.study.outputs import AnyFigure

mpl.use("Agg")

Draw = Callable[[Any, Material], Drawn]  # Any: each kind's own shell

FIGURES: Mapping[str, Draw] = {
    "flow": flow.draw,
    "waterfall": waterfall.draw,
    "spider": spider.draw,
    "swimmer": swimmer.draw,
    "kaplan_meier": kaplan_meier.draw,
    "forest": forest.draw,
    "mirror": mirror.draw,
    "liver": liver.draw,
}
"""The kinds of figure by the name that ``outputs.yaml`` uses."""


def draw(shell: AnyFigure, material: Material) -> Drawn:
    """The figure of a shell; call and save it inside ``styled()``."""
    return FIGURES[shell.kind](shell, material)


__all__ = ["FIGURES", "Drawn", "Material", "draw", "save", "styled"]
