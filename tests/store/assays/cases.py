"""A folder with a manifest, a sample sheet and files, made from text; and what reading it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from onearm.errors import Finding, Problems
from onearm.omics.assay import Assay
from onearm.store.assays import Assays, read_assays, read_manifest


def sheet_of(*samples: str, modality: str = "m", timepoint: str = "baseline") -> str:
    """A sample sheet in which every sample is a subject of its own."""
    rows = [f"{sample},P{at},{modality},{timepoint}" for at, sample in enumerate(samples)]
    return "\n".join(["sample_id,subject_id,modality,timepoint", *rows]) + "\n"


def write(
    folder: Path, files: dict[str, str | bytes], options: str, *, sheet: str, modality: str = "m"
) -> Path:
    """The manifest of one modality; ``options`` are lines such as ``format: matrix``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(raw)
    (folder / "samples.csv").write_text(sheet, encoding="utf-8")
    lines = [f"    {line.strip()}" for line in options.strip().splitlines()]
    text = "\n".join(["sheet: samples.csv", "assays:", f"  {modality}:", *lines]) + "\n"
    manifest = folder / "assays.yaml"
    manifest.write_text(text, encoding="utf-8")
    return manifest


def load(
    folder: Path, content: str | bytes, options: str, *samples: str, name: str = "data.tsv"
) -> Assays:
    """The assays of one file that the manifest calls ``m``, its samples all in the sheet."""
    said = f"file: {name}\n{options}"
    return read_assays(
        read_manifest(write(folder, {name: content}, said, sheet=sheet_of(*samples)))
    )


def one(
    folder: Path, content: str | bytes, options: str, *samples: str, name: str = "data.tsv"
) -> Assay:
    return load(folder, content, options, *samples, name=name).assays["m"]


def refused(
    folder: Path, content: str | bytes, options: str, *samples: str, name: str = "data.tsv"
) -> tuple[Finding, ...]:
    """The findings of a file that is not accepted."""
    with pytest.raises(Problems) as caught:
        load(folder, content, options, *samples, name=name)
    return caught.value.findings


def rules(findings: tuple[Finding, ...] | list[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def value(assay: Assay, feature: str, sample: str) -> float:
    return float(assay.values[assay.features.index(feature), assay.samples.index(sample)])


def tabs(text: str) -> str:
    """Text with `` | `` for tabs and blanks before lines taken off, to be read by people."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\n".join("\t".join(cell.strip() for cell in line.split("|")) for line in lines) + "\n"
