"""Writing simulated assays as the files a laboratory would send, with sheet and manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import yaml

from onearm.simulate.assays import MadeAssays

SHEET, MANIFEST = "samples.csv", "manifest.yaml"


def write_made_assays(made: MadeAssays, folder: Path) -> Path:
    """Counts as TSV, variants as MAF with the list of sequenced samples, long tables as CSV.

    Writes the sample sheet, the manifest that `onearm.store.assays.read_manifest` reads, and
    ``planted.csv`` with what was planted. Returns the manifest. The same assays give the same
    bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries: dict[str, dict[str, Any]] = {}  # Any: what YAML holds
    made.sheet.write_csv(folder / SHEET)
    for name, frame in made.counts.items():
        frame.write_csv(folder / f"{name}_counts.tsv", separator="\t")
        entries[name] = {"file": f"{name}_counts.tsv", "format": "matrix", "scale": "counts"}
    for name, frame in made.variants.items():
        frame.write_csv(folder / f"{name}.maf", separator="\t")
        listed = pl.DataFrame({"sample_id": made.sequenced[name]})
        listed.write_csv(folder / f"{name}_sequenced.txt", include_header=False)
        entries[name] = {"file": f"{name}.maf", "format": "maf"}
        entries[name] |= {"sequenced": f"{name}_sequenced.txt"} | dict(made.details.get(name, {}))
    for name, frame in made.long.items():
        frame.write_csv(folder / f"{name}.csv")
        entries[name] = {"file": f"{name}.csv", "format": "long", "scale": "linear"}
    made.truth.write_csv(folder / "planted.csv")
    baseline = sorted({str(t) for t in made.sheet["timepoint"]} & made.baseline)
    said = {"sheet": SHEET, "baseline": baseline, "assays": dict(sorted(entries.items()))}
    path = folder / MANIFEST
    path.write_text(yaml.safe_dump(said, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
