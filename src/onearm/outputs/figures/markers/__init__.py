"""Figures of markers: each takes the rows it shows and says how many were tested."""

from __future__ import annotations

from onearm.outputs.figures.markers.candidates import draw as forest
from onearm.outputs.figures.markers.course import by_cutpoint, spaghetti
from onearm.outputs.figures.markers.frame import About
from onearm.outputs.figures.markers.nulls import draw as nulls
from onearm.outputs.figures.markers.patients import Strip, availability, heatmap, oncoprint
from onearm.outputs.figures.markers.prediction import factor_variance, roc, selection
from onearm.outputs.figures.markers.volcano import draw as volcano

__all__ = [
    "About",
    "Strip",
    "availability",
    "by_cutpoint",
    "factor_variance",
    "forest",
    "heatmap",
    "nulls",
    "oncoprint",
    "roc",
    "selection",
    "spaghetti",
    "volcano",
]
