"""Tables and listings as CSV: the same cells as on the page; listings in full."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from onearm.outputs.table import Table


def write_csv(table: Table, folder: Path) -> Path:
    """Write one table: the row label (indented by two blanks a step), then its cells.

    A table nobody is in has one row that says so. UTF-8 with LF line ends: the same bytes anywhere.
    """
    path = folder / f"{table.key}.csv"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    counts = (f" (N={c.count.text})" if c.count.text else "" for c in table.columns)
    writer.writerow(
        [table.stub, *(c.label + n for c, n in zip(table.columns, counts, strict=True))]
    )
    for row in table.rows:
        cells = [cell.text for cell in row.cells] or [""] * len(table.columns)
        writer.writerow(["  " * row.indent + row.label, *cells])
    if table.empty:
        writer.writerow([table.empty, *[""] * len(table.columns)])
    path.write_text(text.getvalue(), encoding="utf-8", newline="\n")
    return path
