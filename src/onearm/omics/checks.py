"""The rules that an assay must pass when it is loaded: on names and on numbers, without files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from onearm.errors import Finding, Place
from onearm.omics.assay import Scale
from onearm.omics.datesymbols import date_symbols
from onearm.omics.loadrules import RULES
from onearm.stats.arguments import Booleans, Floats

SHOWN = 10
"""So many places of one rule are named a file; the others are counted."""

BASELINE = ("baseline", "screening", "c1d1", "pre-treatment", "pretreatment", "pre", "day 1", "d1")
"""Names of time points that mean: before the first dose. Compared in lower case."""

LOG_LIMIT = 25.0
"""No sample of a linear scale stays below 25 everywhere; 2 ** 25 is 34 million, so logs do."""
LARGEST_LOG = 64.0
"""No logarithm of a measured amount is larger: 2 ** 64 is more than any instrument counts."""
TELLING = 50
"""So many features are needed to tell one scale from another by the values."""
MILLION = 1_050_000.0
"""Transcripts per million add up to a million; 5% are left for rounding."""


def finding(
    rule: str,
    message: str,
    *,
    value: object = None,
    sample: str = "",
    feature: str = "",
    file: str = "",
    line: int = 0,
    hint: str = "",
) -> Finding:
    """A finding of a rule of `RULES`, with the severity and, by default, the hint of the rule."""
    known = RULES[rule]
    place = Place(subject=sample, field=feature, file=file, line=line)
    return Finding(place, value, rule, message, hint or known.hint, known.severity)


def shortened(findings: Iterable[Finding], *, shown: int = SHOWN) -> list[Finding]:
    """At most ``shown`` findings of a rule, and one that counts the others."""
    kept: list[Finding] = []
    more: dict[str, list[Finding]] = {}
    seen: Counter[str] = Counter()
    for each in findings:
        seen[each.rule] += 1
        if seen[each.rule] <= shown:
            kept.append(each)
        else:
            more.setdefault(each.rule, []).append(each)
    for rule, others in more.items():
        said = f"{len(others)} more places break the same rule"
        kept.append(finding(rule, said, file=others[0].place.file))
    return kept


# Names -------------------------------------------------------------------------------------------

VERSION = re.compile(r"^(ENS[A-Z]*[GTPE]\d{11})\.\d+(_PAR_Y)?$")


def without_version(name: str) -> str:
    """An Ensembl identifier without its version; any other name as it is.

    >>> without_version("ENSG00000141510.18"), without_version("ENSG00000182378.15_PAR_Y")
    ('ENSG00000141510', 'ENSG00000182378_PAR_Y')
    >>> without_version("RP11-34P13.7")
    'RP11-34P13.7'
    """
    match = VERSION.match(name)
    return f"{match[1]}{match[2] or ''}" if match else name


def twice(names: Iterable[str]) -> list[str]:
    """Names that stand there more than once, sorted."""
    return sorted(name for name, n in Counter(names).items() if n > 1)


def check_names(features: Sequence[str], *, allow_twice: bool = False) -> Iterator[Finding]:
    """Unnamed features, features named twice, symbols changed to dates, Ensembl versions."""
    if unnamed := sum(not name for name in features):
        yield finding("feature.unnamed", f"{unnamed} features have no name")
    for name in twice(name for name in features if name):
        if not allow_twice:
            yield finding(
                "feature.duplicate",
                f"the feature stands there {features.count(name)} times",
                value=name,
                feature=name,
            )
    for name, symbols in date_symbols(features).items():
        may = f"may have been {symbols}" if symbols else "is a date"
        yield finding(
            "feature.date",
            f"a spreadsheet changed the name of a gene to a date: it {may}",
            value=name,
            feature=name,
        )
    if versions := [name for name in features if without_version(name) != name]:
        said = f"{len(versions)} Ensembl identifiers carry a version, which is taken off"
        yield finding("feature.version", said, value=versions[0])


def match_samples(
    found: Sequence[str], sheet: Collection[str]
) -> tuple[dict[str, str], list[Finding]]:
    """The sheet's name of each sample of a file, and what does not fit.

    Names are the same when they are equal, or else equal but for capitals and for blanks around
    them, if only one name of the sheet is. Samples without a name in the sheet are left out.
    """
    folded: dict[str, list[str]] = {}
    for name in sorted(sheet):
        folded.setdefault(name.strip().casefold(), []).append(name)
    known, names, findings = set(sheet), {}, []
    for name in found:
        near = folded.get(name.strip().casefold(), [])
        if name in known:
            names[name] = name
        elif len(near) == 1:
            names[name] = near[0]
            said = f"the sheet writes the sample {near[0]!r}, which is used"
            findings.append(finding("sample.case", said, value=name, sample=name))
        elif near:
            said = f"the sheet has {' and '.join(map(repr, near))}, which differ only in case"
            findings.append(finding("sample.duplicate", said, value=name, sample=name))
    for target in twice(names.values()):
        given = ", ".join(repr(name) for name, used in names.items() if used == target)
        said = "two samples of the file have this one name in the sheet"
        findings.append(finding("sample.duplicate", said, value=given, sample=target))
    return names, findings


# Numbers -----------------------------------------------------------------------------------------


def check_numbers(
    values: Floats,
    features: Sequence[str],
    samples: Sequence[str],
    *,
    scale: Scale,
    unit: str = "",
) -> Iterator[Finding]:
    """Whether the numbers of an assay are what they are said to be.

    values: (features, samples), NaN where nothing was measured, which is never a finding. Single
    values first (infinite, negative, outside the scale), each with feature and sample; then the
    table as a whole, where it holds at least `TELLING` features: a logarithm sent as linear, a
    linear scale sent as logarithm, counts sent as TPM, TPM sent as counts, beta values sent as M.
    """
    where = _Where(values, features, samples)
    yield from where.says("value.infinite", np.isinf(values), "an infinite value")
    finite = np.where(np.isfinite(values), values, np.nan)
    with np.errstate(invalid="ignore"):
        yield from _single(where, finite, scale)
    known = finite[np.isfinite(finite)]
    if known.size and values.shape[0] >= TELLING:
        yield from _whole(finite, known, scale, unit)


class _Where:
    """Turns positions in a matrix into findings with feature and sample."""

    def __init__(self, values: Floats, features: Sequence[str], samples: Sequence[str]) -> None:
        self.values, self.features, self.samples = values, features, samples

    def says(self, rule: str, wrong: Booleans, message: str) -> Iterator[Finding]:
        places = np.argwhere(wrong)
        for row, column in places[:SHOWN]:
            yield finding(
                rule,
                message,
                value=f"{self.values[row, column]:g}",
                feature=self.features[row],
                sample=self.samples[column],
            )
        if len(places) > SHOWN:
            yield finding(rule, f"{message}, and {len(places) - SHOWN} more such values")


def _single(where: _Where, values: Floats, scale: Scale) -> Iterator[Finding]:
    if scale in ("counts", "compositional", "linear"):
        what = "a negative count" if scale == "counts" else f"a negative value on a {scale} scale"
        yield from where.says("value.negative", values < 0, what)
    if scale == "counts":
        broken = (values >= 0) & (values != np.floor(values))
        yield from where.says("value.fraction", broken, "a count that is no whole number")
    if scale == "share":
        outside = (values < 0) | (values > 1)
        yield from where.says("value.share", outside, "a share outside 0 to 1")
    if scale == "binary":
        other = np.isfinite(values) & ~np.isin(values, (0.0, 1.0))
        yield from where.says("value.binary", other, "neither 0 nor 1")
    if scale == "copy_number":
        other = np.isfinite(values) & ~np.isin(values, (-2.0, -1.0, 0.0, 1.0, 2.0))
        yield from where.says("value.copy_number", other, "not one of -2, -1, 0, 1, 2")
    if scale == "log":
        large = np.abs(values) > LARGEST_LOG
        yield from where.says("value.linear", large, "too large to be a logarithm")


def _whole(values: Floats, known: Floats, scale: Scale, unit: str) -> Iterator[Finding]:
    top = float(known.max())
    whole = bool((known == np.floor(known)).all())
    if scale == "linear" and top < LOG_LIMIT and not whole and unit in ("TPM", "FPKM", "intensity"):
        said = f"the largest of {known.size} values is {top:.3g}: these are logarithms"
        yield finding("value.logged", said, value=f"{top:.3g}")
    if scale == "linear" and unit in ("TPM", "FPKM") and whole and top > 0:
        said = f"all {known.size} values are whole numbers: these are counts, not {unit}"
        yield finding("value.counts", said, value=f"{top:g}")
    if (
        scale == "linear"
        and unit == "TPM"
        and (most := float(np.nansum(values, axis=0).max())) > MILLION
    ):
        said = "the values of one sample add up to more than a million: these are not TPM"
        yield finding("value.tpm", said, value=f"{most:.0f}")
    if scale == "log" and unit == "M value" and known.min() >= 0 and top <= 1:
        yield finding("value.beta", "all values lie between 0 and 1: these are beta values, not M")


def looks_like(values: Floats) -> str:
    """What the numbers of a table may be, in words; advice for a person, never a decision.

    >>> looks_like(np.array([[0.0, 12.0], [3.0, 410.0]]))
    'whole numbers from 0 to 410, as counts are'
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return "no numbers"
    low, top = float(known.min()), float(known.max())
    if (known == np.floor(known)).all():
        if low >= 0 and top <= 1:
            return "only 0 and 1, as altered or not is"
        if low >= 0:
            return f"whole numbers from {low:g} to {top:g}, as counts are"
        if low >= -2 and top <= 2:
            return "whole numbers from -2 to 2, as gene-level copy number is"
    if low < 0:
        return (
            f"numbers from {low:.3g} to {top:.3g}, negative ones too, as logarithms or scores have"
        )
    if top <= 1:
        return "numbers from 0 to 1, as beta values or frequencies are"
    sums = np.nansum(np.where(np.isfinite(values), values, np.nan), axis=0)
    if np.all(np.abs(sums - 1e6) < 5e4):
        return "numbers that add up to a million in every sample, as TPM do"
    if top < LOG_LIMIT:
        return f"numbers up to {top:.3g}, as logarithms have"
    return f"fractions up to {top:.4g}, as TPM, FPKM or intensities have"


# Features that stand there twice -----------------------------------------------------------------

TOGETHER = ("refuse", "sum", "mean", "highest")
"""What is done with features of one name; ``highest`` keeps the row with the largest mean."""


def brought_together(
    features: Sequence[str], values: Floats, how: str
) -> tuple[tuple[str, ...], Floats, list[int]]:
    """One row a name, names in the order in which they first stand: names, values, kept rows.

    ``sum`` and ``mean`` pass over missing values and are missing only where all are; the third part
    is the row whose annotation is kept. How is one of `TOGETHER` but ``refuse``.
    """
    rows: dict[str, list[int]] = {}
    for at, name in enumerate(features):
        rows.setdefault(name, []).append(at)
    kept = [each[0] for each in rows.values()]
    result = values[kept].copy()
    for at, (name, several) in enumerate(rows.items()):
        if len(several) > 1:
            result[at], kept[at] = _together(values[several], several, how)
            rows[name] = several
    return tuple(rows), result, kept


def _together(values: Floats, rows: list[int], how: str) -> tuple[Floats, int]:
    there = np.isfinite(values)
    total = np.where(there, values, 0.0).sum(axis=0)
    n = there.sum(axis=0)
    if how == "highest":
        means = np.where(there.any(axis=1), np.where(there, values, 0.0).sum(axis=1), -np.inf)
        means /= np.maximum(there.sum(axis=1), 1)
        best = int(np.argmax(means))
        return values[best], rows[best]
    combined = total if how == "sum" else total / np.maximum(n, 1)
    return np.where(n > 0, combined, np.nan), rows[0]


def empty_lines(values: Floats) -> tuple[Booleans, Booleans]:
    """Which features and which samples hold no number at all."""
    missing = np.isnan(values)
    return np.asarray(missing.all(axis=1)), np.asarray(missing.all(axis=0))


def is_baseline(timepoint: str | None, labels: Collection[str] = BASELINE) -> bool:
    """Whether a time point's name means: before the first dose."""
    return (timepoint or "").strip().casefold() in {label.casefold() for label in labels}


def rules_by_topic() -> Mapping[str, list[str]]:
    """The ids of all rules, by the part before the dot."""
    topics: dict[str, list[str]] = {}
    for rule in RULES:
        topics.setdefault(rule.partition(".")[0], []).append(rule)
    return topics
