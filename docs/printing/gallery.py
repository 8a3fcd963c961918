"""The gallery: figures of the simulated trial as small SVG files, the same bytes every time."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

from onearm import pipeline
from onearm.outputs import figures
from onearm.outputs.figures import Material, styled
from onearm.outputs.labels import Labels
from onearm.outputs.numbers import Numbers
from onearm.pipeline import Trial
from onearm.simulate import trial as simulate_trial
from onearm.study import load
from onearm.study.outputs import Outputs
from printing.examples import ROOT
from printing.markdown import NOTE

STUDY = ROOT / "studies" / "lenvatinib-pembrolizumab"
SUBJECTS, SEED = 50, 1
SHOWN = {
    "waterfall": (
        "Waterfall plot",
        "Each bar is one patient: the best change of the sum of target lesions.",
    ),
    "swimmer": (
        "Swimmer plot",
        "Each row is one patient: time on each drug, and what happened when.",
    ),
    "kaplan_meier": (
        "Kaplan-Meier curve",
        "The curve, its limits, the censored patients, and how many were at risk.",
    ),
    "mirror": (
        "Adverse events",
        "Worst grade of each event: all events on one side, related ones on the other.",
    ),
}
NUMBER = re.compile(r"-?\d+\.\d+")
COORDINATE = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
DOTTED = 20_000
"""A path longer than this is a pattern of dots."""


@cache
def demo() -> Trial:
    """The trial of ``onearm demo``."""
    study = load(STUDY)
    made = simulate_trial(study, subjects=SUBJECTS, seed=SEED)
    return pipeline.build(study, made.entries, cut=made.cut)


def shells() -> Outputs:
    """What the shipped study prints."""
    outputs = demo().study.outputs
    if outputs is None:
        raise LookupError(f"{STUDY} has no outputs.yaml")
    return outputs


def pictures() -> dict[str, bytes]:
    """The SVG files by kind: the first figure of each kind that the shipped study has."""
    trial, outputs = demo(), shells()
    codes = tuple(level.code for level in trial.study.cohorts)
    numbers = Numbers(trial.numbers)
    material = Material(outputs, numbers, trial.datasets, Labels("en"), codes)
    found: dict[str, bytes] = {}
    with styled(), tempfile.TemporaryDirectory() as folder:
        for kind in SHOWN:
            shell = next(f for f in outputs.figures if f.kind == kind)
            path = Path(folder) / f"{kind}.svg"
            about = {"Date": None, "Creator": None}
            figures.draw(shell, material).figure.savefig(path, format="svg", metadata=about)
            found[kind] = small(path.read_text(encoding="utf-8")).encode()
    return found


def small(svg: str) -> str:
    """An SVG with coordinates to a tenth of a point and without a line for each of them."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", svg, flags=re.S)
    svg = re.sub(r'\bd="([^"]*)"', lambda m: f'd="{_path(m[1])}"', svg)
    svg = re.sub(r'\b(?:x|y|width|height)="[^"]*"', lambda m: NUMBER.sub(_tenth, m[0]), svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    return svg.strip() + "\n"


def _path(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > DOTTED:
        return "".join(_dot(one) for one in text.split("z") if one.strip())
    return NUMBER.sub(_finer, text)


def _dot(outline: str) -> str:
    """A dot of a pattern as a square: thousands of circles make most of a file."""
    numbers = [float(n) for n in COORDINATE.findall(outline)]
    across, up = numbers[::2], numbers[1::2]
    side = _short(str(max(across) - min(across)), 1)
    return f"M{_short(str(min(across)), 1)} {_short(str(min(up)), 1)}h{side}v{side}h-{side}z"


def _tenth(match: re.Match[str]) -> str:
    return _short(match[0], 1)


def _finer(match: re.Match[str]) -> str:
    # Glyphs are drawn in units that are scaled down a hundredfold, marks in points.
    return _short(match[0], 2)


def _short(number: str, digits: int) -> str:
    text = f"{float(number):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def gallery() -> str:
    """``gallery.md``."""
    outputs = shells()
    parts = ["# Gallery", NOTE]
    parts.append(
        f"Figures of `onearm demo` ({SUBJECTS} virtual patients, seed {SEED}). They are made-up "
        "data. A build writes each figure as SVG, PDF and PNG in a journal's width. What stands "
        "in a figure is named in `outputs.yaml`; see "
        "[kinds of figure](reference/analyses.md#kinds-of-figure)."
    )
    for kind, (name, words) in SHOWN.items():
        shell = next(f for f in outputs.figures if f.kind == kind)
        parts.append(
            f"## {name}\n\n*{shell.title}.* {words} Kind `{kind}`.\n\n"
            f"![{shell.title}](gallery/{kind}.svg)"
        )
    return "\n\n".join(parts) + "\n"
