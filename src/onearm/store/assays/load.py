"""From a manifest to assays: every file read, every rule checked, everything wrong said at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl

from onearm.errors import Finding, Problems
from onearm.omics.assay import SHEET, Assay, Scale, Source
from onearm.omics.checks import finding
from onearm.store.assays import annotated
from onearm.store.assays.formats import FORMATS, SCALES
from onearm.store.assays.manifest import Entry, Manifest
from onearm.store.assays.reading import STEPS, Log, Options, Raw, Unreadable, sha256
from onearm.store.assays.rules import conformed, to_assay, together
from onearm.store.assays.sheet import check_days, load_sheet
from onearm.store.assays.variants import from_variants

IN_FILE, LOADED = "in the file", "in the assay"
"""What the first and the last row of a file count."""


@dataclass(frozen=True, slots=True, eq=False)
class Assays:
    """All assays of a study as they were loaded.

    sheet: the sample sheet, see ``omics.assay.SHEET``. assays: by modality. variants: by modality
    one row a variant of a sample (``variants.VARIANTS``), for mutational burden and spectra.
    loaded: what each step of loading kept and dropped (``reading.STEPS``). findings: warnings and
    notes, in the order of the manifest.
    """

    sheet: pl.DataFrame
    assays: Mapping[str, Assay]
    findings: tuple[Finding, ...] = ()
    loaded: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(STEPS)))
    variants: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def read_assays(manifest: Manifest, *, first_dose: Mapping[str, date] | None = None) -> Assays:
    """Every assay of a manifest.

    first_dose: date of first dose by subject, from the trial's own data; with it the study day of
    every sample is computed, and samples labelled baseline but taken later are refused. Raises
    ``Problems`` with every error of the sheet and of every file; warnings and notes are returned.
    """
    sheet, lines, findings = load_sheet(manifest.sheet, baseline=manifest.baseline)
    if first_dose is not None:
        sheet, more = check_days(
            sheet,
            first_dose,
            file=manifest.sheet.name,
            lines=lines,
            baseline=manifest.baseline,
        )
        findings += [each for each in more if each not in findings]
    assays: dict[str, Assay] = {}
    variants: dict[str, pl.DataFrame] = {}
    steps: list[tuple[str, str, str, str, int, int, int, str]] = []
    for entry in manifest.entries:
        logs = _Logs()
        raw = _read_entry(entry, manifest, sheet, logs)
        findings += logs.findings
        steps += logs.steps
        if raw is not None and not logs.broken:
            if raw.variants is not None:
                variants[entry.modality] = raw.variants
            sources = tuple(Source(path.name, sha256(path)) for path, _ in entry.files)
            options = Options(entry.options, manifest.folder)
            assays[entry.modality] = to_assay(raw, entry, options, sources)
    if any(each.severity == "error" for each in findings):
        raise Problems(findings, f"{manifest.file}: the assays cannot be used as they are:")
    loaded = pl.DataFrame(steps, schema=dict(STEPS), orient="row")
    return Assays(sheet, assays, tuple(findings), loaded, variants)


@dataclass
class _Logs:
    """The logs of the files of one modality."""

    logs: list[Log] = field(default_factory=list)

    def new(self, entry: Entry, file: str) -> Log:
        self.logs.append(Log(entry.modality, file, entry.format))
        return self.logs[-1]

    @property
    def findings(self) -> list[Finding]:
        return [each for log in self.logs for each in log.short()]

    @property
    def steps(self) -> list[tuple[str, str, str, str, int, int, int, str]]:
        return [step for log in self.logs for step in log.steps]

    @property
    def broken(self) -> bool:
        return any(each.severity == "error" for log in self.logs for each in log.findings)


def _read_entry(entry: Entry, manifest: Manifest, sheet: pl.DataFrame, logs: _Logs) -> Raw | None:
    rows = sheet.filter(pl.col("modality") == entry.modality)
    options = Options(entry.options, manifest.folder, rows)
    raws = []
    for path, sample in entry.files:
        log = logs.new(entry, path.name)
        raw = _read_file(path, replace(options, sample=sample), entry, log)
        if raw is None:
            continue
        log.step("samples", len(raw.samples), len(raw.samples), IN_FILE, always=True)
        if raw.variants is None:
            log.step("features", len(raw.features), len(raw.features), IN_FILE, always=True)
            raw = conformed(raw, entry, options, log)
        if raw is not None:
            raws.append(raw)
    if not raws:
        return None
    whole = logs.new(entry, entry.files[0][0].name)
    if raws[0].variants is not None:
        raw = _altered(raws, entry, options, whole)
    else:
        raw = together(raws, whole)
    if not any(each.rule == "sample.none" for log in logs.logs for each in log.findings):
        _absent(raw, rows, whole)
    if raw is not None:
        whole.step("samples", len(raw.samples), len(raw.samples), LOADED, always=True)
        whole.step("features", len(raw.features), len(raw.features), LOADED, always=True)
    return raw


def _read_file(path: Path, options: Options, entry: Entry, log: Log) -> Raw | None:
    """One file as it stands; None, and a finding, where nothing of it can be used."""
    try:
        raw = FORMATS[entry.format].read(path, log, options)
    except Unreadable as problem:
        log.findings.append(problem.finding)
        return None
    except (OSError, ValueError, OverflowError, MemoryError, pl.exceptions.PolarsError) as problem:
        first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        said = f"cannot be read as {entry.format}: {first[:200]}"
        log.findings.append(finding("file.unreadable", said, file=log.file))
        return None
    return raw


def _altered(raws: list[Raw], entry: Entry, options: Options, log: Log) -> Raw | None:
    """Genes by samples from the variants of all files of a modality."""
    frames = [raw.variants for raw in raws if raw.variants is not None]
    called = [name for raw in raws for name in raw.samples]
    for name in sorted({s for s in called if called.count(s) > 1}):
        told = "the sample is in more than one file of the modality"
        log.say("sample.duplicate", told, value=name, sample=name)
    try:
        raw = from_variants(pl.concat(frames), called, log, options)
    except Unreadable as problem:
        log.findings.append(problem.finding)
        return None
    found = conformed(raw, entry, options, log)
    if found is None or found.variants is None:
        return found
    names = dict(zip(raw.samples, raw.samples, strict=True))
    folded = {name.casefold(): name for name in found.samples}
    names = {name: folded.get(name.casefold(), name) for name in names}
    spelled = found.variants.with_columns(pl.col("sample_id").replace(names))
    known = spelled.filter(pl.col("sample_id").is_in(list(found.samples)))
    log.step("variants", spelled.height, known.height, "of samples that are not in the sheet")
    return replace(found, variants=known)


def _absent(raw: Raw | None, rows: pl.DataFrame, log: Log) -> None:
    """Samples of the sheet that no file of the modality has."""
    listed = set(rows.get_column("sample_id").drop_nulls())
    for name in sorted(listed - set(raw.samples)) if raw is not None else []:
        log.say("sample.absent", "no file has the sample", value=name, sample=name)


def read_h5mu(
    path: Path, *, scales: Mapping[str, str] | None = None, timepoint: str = "baseline"
) -> Assays:
    """The assays of a MuData file.

    A file that `write_h5mu` wrote gives back what was written, sheet and variants included. For
    another file ``scales`` says by modality what the numbers are (a word of ``formats.SCALES``),
    and every sample becomes a subject of its own at ``timepoint``; the right mapping of samples to
    subjects is a manifest with a sample sheet and the format h5mu. Raises ``Problems`` for a
    file that cannot be read, or where the scale of a modality is not said. Needs the extra omics.
    """
    log = Log("", path.name, "h5mu")
    words: dict[str, tuple[Scale, str]] = {}
    for modality, word in (scales or {}).items():
        if word in SCALES:
            words[modality] = SCALES[word]
        else:
            told = f"{modality}: the scale is not one of {', '.join(SCALES)}"
            log.say("manifest.option", told, value=word)
    assays: dict[str, Assay] = {}
    sheet: pl.DataFrame | None = None
    variants: dict[str, pl.DataFrame] = {}
    try:
        assays, sheet, variants = annotated.read(path, log, words)
    except Unreadable as problem:
        log.findings.append(problem.finding)
    if any(each.severity == "error" for each in log.findings):
        raise Problems(log.findings, f"{path.name}: the assays cannot be used as they are:")
    if sheet is None:
        sheet = _own_sheet(assays, timepoint)
    return Assays(sheet, assays, tuple(log.findings), variants=variants)


def _own_sheet(assays: Mapping[str, Assay], timepoint: str) -> pl.DataFrame:
    rows = [
        (sample, sample, modality, timepoint)
        for modality, assay in assays.items()
        for sample in assay.samples
    ]
    keys = pl.DataFrame(
        rows, schema=["sample_id", "subject_id", "modality", "timepoint"], orient="row"
    )
    others = [pl.lit(None, dtype).alias(c) for c, dtype in SHEET.items() if c not in keys.columns]
    return keys.with_columns(others).select(pl.col(c).cast(t) for c, t in SHEET.items())


def write_h5mu(assays: Assays, path: Path) -> None:
    """The assays with sheet and variants as a MuData file, whole or not at all.

    Feature names carry their modality (``rna:TP53``), as MuData wants them unique over the file;
    `read_h5mu` takes it off. Raises ``Problems`` where the extra omics is not installed.
    """
    try:
        annotated.write(assays.assays, assays.sheet, assays.variants, path)
    except Unreadable as problem:
        raise Problems([problem.finding], f"{path.name}: cannot be written:") from problem
