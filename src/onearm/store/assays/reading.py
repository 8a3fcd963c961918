"""What a reader gives back and where it puts what it met: values of one file, findings, counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from onearm.errors import Finding, OnearmError
from onearm.omics.assay import Scale
from onearm.omics.checks import finding, shortened
from onearm.stats.arguments import Booleans, Floats

Option = str | float | bool | tuple[str, ...] | Mapping[str, str]
"""What may stand behind an option of the manifest."""

STEPS: Mapping[str, pl.DataType] = {
    "modality": pl.String(),
    "file": pl.String(),
    "format": pl.String(),
    "what": pl.String(),
    "rows_in": pl.Int64(),
    "dropped": pl.Int64(),
    "kept": pl.Int64(),
    "why": pl.String(),
}
"""Columns of the table of what was loaded: one row a step of a file.

``what`` was counted (features, samples, variants, rows), how many there were before the step, how
many it dropped and kept, and why.
"""


class Unreadable(OnearmError):
    """A file of which nothing can be used; the finding says why."""

    def __init__(self, problem: Finding) -> None:
        super().__init__(str(problem))
        self.finding = problem


@dataclass
class Log:
    """Findings and counts of one file, in the order in which they were met."""

    modality: str
    file: str
    format: str = ""
    findings: list[Finding] = field(default_factory=list)
    steps: list[tuple[str, str, str, str, int, int, int, str]] = field(default_factory=list)

    def say(
        self,
        rule: str,
        message: str,
        *,
        value: object = None,
        line: int = 0,
        sample: str = "",
        feature: str = "",
        hint: str = "",
    ) -> None:
        """Note a finding of a rule at a place of this file."""
        self.findings.append(
            finding(
                rule,
                message,
                value=value,
                sample=sample,
                feature=feature,
                file=self.file,
                line=line,
                hint=hint,
            )
        )

    def stop(self, rule: str, message: str, *, value: object = None, line: int = 0) -> Unreadable:
        """An exception for a file of which nothing more can be read."""
        return Unreadable(finding(rule, message, value=value, file=self.file, line=line))

    def step(self, what: str, rows_in: int, kept: int, why: str, *, always: bool = False) -> None:
        """Count what a step kept; a step that drops nothing is passed over unless ``always``."""
        if kept == rows_in and not always:
            return
        row = (self.modality, self.file, self.format, what, rows_in, rows_in - kept, kept, why)
        self.steps.append(row)

    def short(self) -> list[Finding]:
        """The findings, with the repetitions of a rule counted instead of listed."""
        return shortened(self.findings)


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """What the manifest says about one modality beside its files; checked when it was read.

    sheet: the rows of the modality in the sample sheet. sample: the name of the sample of a file
    that holds one sample.
    """

    values: Mapping[str, Option] = field(default_factory=dict)
    folder: Path = Path()
    sheet: pl.DataFrame = field(default_factory=pl.DataFrame)
    sample: str = ""

    def text(self, name: str, default: str = "") -> str:
        return str(self.values.get(name, default))

    def number(self, name: str, default: float) -> float:
        value = self.values.get(name, default)
        return float(value) if isinstance(value, int | float | str) else default

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True

    def words(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name, ())
        return (
            (value,) if isinstance(value, str) else tuple(value) if isinstance(value, tuple) else ()
        )

    def mapping(self, name: str) -> Mapping[str, str]:
        value = self.values.get(name)
        return value if isinstance(value, Mapping) else {}

    def file(self, name: str) -> Path | None:
        return self.folder / self.text(name) if name in self.values else None


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What one file holds, as it stands there.

    values: (features, samples), NaN where empty. lines: the line of each feature in the file, empty
    where features are not lines. scale and unit: what the format settles, None where the manifest
    must say. info: one row a feature, first column ``feature``. variants: one row a variant of a
    sample, see ``variants.VARIANTS``.
    """

    features: tuple[str, ...]
    samples: tuple[str, ...]
    values: Floats
    lines: Sequence[int] = ()
    scale: Scale | None = None
    unit: str = ""
    below_lod: Booleans | None = None
    info: pl.DataFrame | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)
    variants: pl.DataFrame | None = None


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def needs_extra(log: Log, what: str) -> Unreadable:
    """Says which extra reads a kind of file that the base installation does not read."""
    return log.stop(
        "file.unreadable", f"{what} needs further libraries: pip install 'onearm[omics]'"
    )
