"""The rules between a file and an assay: scale, names, samples, numbers, files of one modality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from onearm.errors import Finding
from onearm.omics.assay import Assay, Scale, Source
from onearm.omics.checks import (
    brought_together,
    check_names,
    check_numbers,
    empty_lines,
    looks_like,
    match_samples,
    without_version,
)
from onearm.omics.datesymbols import date_symbols
from onearm.store.assays.expression import rounded
from onearm.store.assays.formats import SCALES
from onearm.store.assays.manifest import Entry
from onearm.store.assays.reading import Log, Options, Raw


def conformed(raw: Raw, entry: Entry, options: Options, log: Log) -> Raw | None:
    """A file's values by the rules: names clean, samples those of the sheet, scale known.

    Findings and counts go to ``log``; None where the scale is not known.
    """
    scaled = _scaled(raw, entry, options, log)
    if scaled is None:
        return None
    named = _names(scaled, options, log)
    if named.samples:
        named = _samples(named, options, log)
    lines = dict(zip(named.features, named.lines, strict=False))
    scale = named.scale or "score"
    found = check_numbers(named.values, named.features, named.samples, scale=scale, unit=named.unit)
    log.findings += _placed(found, lines, log.file)
    unread = any(f.rule in ("value.text", "value.comma") for f in log.findings)
    return named if unread else _without_empty(named, log)


def _placed(findings: Iterable[Finding], lines: Mapping[str, int], file: str) -> list[Finding]:
    """The findings with the file, and with the line of the feature where it has one."""
    return [
        replace(f, place=replace(f.place, file=file, line=lines.get(f.place.field, 0)))
        for f in findings
    ]


def _scaled(raw: Raw, entry: Entry, options: Options, log: Log) -> Raw | None:
    """With scale and unit, from the manifest or the format; per cent and estimates converted."""
    said: tuple[Scale | None, str] = SCALES.get(entry.scale, (None, ""))
    if raw.scale is not None and said[0] is not None and said[0] != raw.scale:
        told = f"the manifest says {entry.scale}, and a {entry.format} file holds {raw.scale}"
        log.say("manifest.option", told, value=entry.scale, hint="Leave `scale` out.")
    scale = raw.scale or said[0]
    if scale is None:
        told = f"the scale is not said; the file holds {looks_like(raw.values)}"
        log.say("scale.unstated", told)
        return None
    values = raw.values / 100 if options.flag("percent") else raw.values
    if options.flag("estimated"):
        values = rounded(values, log)
    unit = entry.unit or raw.unit or said[1]
    # Checks know TPM by the scale's own unit, whatever the manifest calls it.
    return replace(raw, values=values, scale=scale, unit=said[1] if said[1] == "TPM" else unit)


def _names(raw: Raw, options: Options, log: Log) -> Raw:
    """Names stripped, dates refused or dropped, versions off, one row a name."""
    raw = _renamed(raw, [name.strip() for name in raw.features])
    dates = date_symbols(raw.features)
    if options.text("date_symbols") == "drop" and dates:
        keep = np.array([name not in dates for name in raw.features])
        log.step("features", len(keep), int(keep.sum()), "gene symbols changed to dates")
        raw = _rows(raw, keep)
    how = options.text("duplicates", "refuse")
    lines = dict(zip(raw.features, raw.lines, strict=False))
    plain = [without_version(name) for name in raw.features]
    found = list(check_names(raw.features, allow_twice=how != "refuse"))
    if plain != list(raw.features) and how == "refuse":
        shared = [f for f in check_names(plain) if f.rule == "feature.duplicate"]
        found += [f for f in shared if f.place.field not in raw.features]
    log.findings += _placed(found, lines, log.file)
    raw = _renamed(raw, plain)
    if how != "refuse" and len(set(plain)) < len(plain):
        names, values, kept = brought_together(plain, raw.values, how)
        log.step("features", len(plain), len(names), f"features of one name: {how}")
        smaller = _rows(raw, np.array(kept))
        raw = replace(smaller, features=names, values=values)
    return raw


def _renamed(raw: Raw, names: list[str]) -> Raw:
    info = raw.info
    if info is not None and names != list(raw.features):
        given = {} if "given" in info.columns else {"given": pl.Series(list(raw.features))}
        info = info.with_columns(feature=pl.Series(names), **given)
    return replace(raw, features=tuple(names), info=info)


def _rows(raw: Raw, keep: np.ndarray) -> Raw:
    """Some features, by a mask or by positions."""
    at: list[int] = (np.flatnonzero(keep) if keep.dtype == np.bool_ else keep).tolist()
    return replace(
        raw,
        features=tuple(raw.features[i] for i in at),
        values=raw.values[at],
        lines=[raw.lines[i] for i in at] if raw.lines else (),
        below_lod=None if raw.below_lod is None else raw.below_lod[at],
        info=None if raw.info is None else raw.info[at],
    )


def _columns(raw: Raw, keep: list[int], names: list[str]) -> Raw:
    return replace(
        raw,
        samples=tuple(names),
        values=raw.values[:, keep],
        below_lod=None if raw.below_lod is None else raw.below_lod[:, keep],
    )


def _samples(raw: Raw, options: Options, log: Log) -> Raw:
    """The samples of the sheet, by the sheet's names; others are left out and said."""
    sheet: set[str] = set()
    if options.sheet.width:
        sheet = set(options.sheet.get_column("sample_id").drop_nulls())
    names, findings = match_samples(raw.samples, sheet)
    log.findings += _placed(findings, {}, log.file)
    unknown = [name for name in raw.samples if name not in names]
    if not names:
        told = f"none of the {len(unknown)} samples of the file is in the sheet for {log.modality}"
        ours = f"; the sheet has {', '.join(sorted(sheet)[:3])}" if len(sheet) else ""
        log.say("sample.none", told + ours, value=", ".join(unknown[:3]))
        return raw
    for name in unknown:
        log.say("sample.unknown", "the sample is not in the sheet", value=name, sample=name)
    log.step("samples", len(raw.samples), len(names), "not in the sample sheet")
    kept = [at for at, name in enumerate(raw.samples) if name in names]
    chosen = [names[raw.samples[at]] for at in kept]
    if len(set(chosen)) < len(chosen):
        return raw  # match_samples has said which two samples have one name
    return _columns(raw, kept, chosen)


def _without_empty(raw: Raw, log: Log) -> Raw:
    features, samples = empty_lines(raw.values)
    if raw.values.size == 0:
        return raw
    lines = dict(zip(raw.features, raw.lines, strict=False))
    for at in np.flatnonzero(samples):
        name = raw.samples[at]
        log.say("sample.empty", "the sample has no value at all", value=name, sample=name)
    log.step("samples", samples.size, int((~samples).sum()), "no value at all")
    for at in np.flatnonzero(features):
        name = raw.features[at]
        told = "the feature has no value in any sample"
        log.say("feature.empty", told, value=name, line=lines.get(name, 0), feature=name)
    log.step("features", features.size, int((~features).sum()), "no value in any sample")
    kept = np.flatnonzero(~samples).tolist()
    return _columns(_rows(raw, ~features), kept, [raw.samples[at] for at in kept])


def together(raws: list[Raw], log: Log) -> Raw:
    """Files of one modality side by side: features of any file, NaN where a file lacks one."""
    if len(raws) == 1:
        return raws[0]
    samples = [name for raw in raws for name in raw.samples]
    for name in sorted({s for s in samples if samples.count(s) > 1}):
        told = "the sample is in more than one file of the modality"
        log.say("sample.duplicate", told, value=name, sample=name)
    features = sorted({name for raw in raws for name in raw.features})
    row = {name: at for at, name in enumerate(features)}
    values = np.full((len(features), len(samples)), np.nan)
    below = np.zeros(values.shape, dtype=np.bool_)
    start = 0
    for raw in raws:
        at = [row[name] for name in raw.features]
        end = start + len(raw.samples)
        values[at, start:end] = raw.values
        if raw.below_lod is not None:
            below[at, start:end] = raw.below_lod
        start = end
    infos = [raw.info for raw in raws if raw.info is not None]
    has_limit = any(raw.below_lod is not None for raw in raws)
    scales = {raw.scale for raw in raws}
    if len(scales) > 1:
        log.say("unit.mixed", f"the files have several scales: {', '.join(map(str, scales))}")
    return replace(
        raws[0],
        features=tuple(features),
        samples=tuple(samples),
        values=values,
        lines=(),
        below_lod=below if has_limit else None,
        info=pl.concat(infos, how="diagonal_relaxed").unique("feature", maintain_order=True)
        if infos
        else None,
    )


def to_assay(raw: Raw, entry: Entry, options: Options, sources: tuple[Source, ...]) -> Assay:
    """The assay, features and samples sorted by name."""
    rows = np.array(sorted(range(len(raw.features)), key=raw.features.__getitem__), dtype=np.int64)
    columns = sorted(range(len(raw.samples)), key=raw.samples.__getitem__)
    ordered = _columns(_rows(raw, rows), columns, [raw.samples[at] for at in columns])
    info = ordered.info
    if info is not None:
        right = info.unique("feature", keep="first")
        info = pl.DataFrame(
            {"feature": list(ordered.features)}, schema={"feature": pl.String}
        ).join(right, on="feature", how="left", maintain_order="left")
    details = dict(raw.details)
    if "array" in options.values:
        details["array"] = options.text("array")
    return Assay(
        entry.modality,
        raw.scale or "score",
        ordered.features,
        ordered.samples,
        ordered.values,
        unit=raw.unit,
        below_lod=ordered.below_lod,
        feature_info=pl.DataFrame() if info is None else info,
        details=details,
        sources=sources,
    )
