"""The page on operating characteristics: its table and its figure, from one kept simulation.

The simulation took minutes; ``guides/operating_characteristics.csv`` is its ``summary.csv``. The
page says the command. Everything else on the page runs when it is printed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from onearm.outputs.figures import save, styled
from onearm.outputs.figures.operating import draw
from onearm.outputs.labels import Labels
from onearm.study import load
from onearm.study.text import Text
from printing.gallery import small
from printing.markdown import table

DOCS = Path(__file__).resolve().parents[1]
STUDY = DOCS.parent / "studies" / "lenvatinib-pembrolizumab"
PAGE = "guides/operating_characteristics.md"
KEPT = DOCS / "guides" / "operating_characteristics.csv"
TABLE = re.compile(r"(?<=<!-- table -->\n)(.*?)(?=<!-- end of table -->)", re.S)

COLUMNS = (
    ("past stage 1", "go", 100, "{:.0f}"),
    ("promising", "promising", 100, "{:.0f}"),
    ("PFS", "pfs_win", 100, "{:.0f}"),
    ("ORR, truth", "orr_true", 100, "{:.1f}"),
    ("ORR, bias", "orr_bias", 100, "{:+.1f}"),
    ("PFS, truth", "pfs_median_true", 1, "{:.2f}"),
    ("PFS, bias", "pfs_median_bias", 1, "{:+.2f}"),
)


def scenarios() -> dict[str, Text]:
    """The words of the shipped study's scenarios."""
    plan = load(STUDY).simulation
    return {one.id: one.label for one in plan.scenarios} if plan else {}


def entered_table() -> str:
    """Trials through the real derivations: values with their Monte-Carlo standard errors."""
    found = pl.read_csv(KEPT).filter(route="entered")
    numbers = {(r["scenario"], r["measure"]): r for r in found.iter_rows(named=True)}
    rows = []
    for name, label in scenarios().items():
        cells = [str(label)]
        for _, measure, factor, form in COLUMNS:
            one = numbers[name, measure]
            error = f" ({form.replace('+', '').format(one['std_err'] * factor)})"
            text = form.format(one["value"] * factor)
            cells.append(text if measure.endswith("_true") else text + error)
        rows.append(cells)
    return table(["entered trials", *(head for head, *_ in COLUMNS)], rows) + "\n"


def page() -> str:
    """``guides/operating_characteristics.md`` with its table as the kept simulation has it."""
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    return TABLE.sub(lambda _: entered_table(), text)


def pictures() -> Iterator[tuple[str, bytes]]:
    """The figure of the page, by its path under docs/."""
    with tempfile.TemporaryDirectory() as folder, styled():
        drawn = draw(pl.read_csv(KEPT), scenarios(), Labels("en"))
        svg, *_ = save(drawn, Path(folder), "operating")
        yield "guides/operating_characteristics.svg", small(svg.read_text()).encode()
