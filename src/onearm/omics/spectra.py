"""Mutational spectra of 6 or 96 classes, and how much of each known signature they hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.optimize import nnls

from onearm.errors import OnearmError
from onearm.omics.assay import Assay
from onearm.stats.arguments import Floats, check_between, check_choice, check_count

MIN_SNVS = 50
"""A sample of fewer single-base substitutions is not fitted (omics.md, section 3)."""

SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
CLASSES = {
    "6": SUBSTITUTIONS,
    "96": tuple(f"{a}[{s}]{b}" for s in SUBSTITUTIONS for a in "ACGT" for b in "ACGT"),
}
"""Classes of single-base substitutions, written from the pyrimidine of the pair."""

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def spectra(variants: pl.DataFrame, sequenced: Sequence[str], *, classes: str = "6") -> Assay:
    """Single-base substitutions of each sample by class, as counts.

    variants: sample_id, ref and alt; for 96 classes also ``context``, the reference bases with one
    on either side, on the strand of ``ref``. Anything but the replacement of one base by another is
    left out, and for 96 classes what has no context of three bases. sequenced: all samples, so that
    one without a substitution is a column of zeros. Raises for a context whose middle is not
    ``ref``, with the number of such rows.
    """
    check_choice("classes", classes, tuple(CLASSES))
    names = CLASSES[classes]
    bases = list("ACGT")
    rows = variants.filter(
        pl.col("ref").is_in(bases), pl.col("alt").is_in(bases), pl.col("ref") != pl.col("alt")
    )
    if classes == "96":
        rows = rows.filter(pl.col("context").str.contains("^[ACGT]{3}$").fill_null(value=False))
        wrong = rows.filter(pl.col("context").str.slice(1, 1) != pl.col("ref")).height
        if wrong:
            raise OnearmError(
                f"{wrong} variants have a context whose middle base is not their reference base; "
                "give the three bases on the strand of the reference allele"
            )
    row = {name: at for at, name in enumerate(names)}
    column = {sample: at for at, sample in enumerate(sequenced)}
    counts = np.zeros((len(names), len(column)))
    fields = ["sample_id", "ref", "alt", *(["context"] if classes == "96" else [])]
    for sample, ref, alt, *context in rows.select(fields).iter_rows():
        if sample not in column:
            raise OnearmError(
                f"sample {sample} has variants but is not among the sequenced samples"
            )
        counts[row[_class(ref, alt, *context)], column[sample]] += 1
    return Assay(f"spectrum {classes}", "counts", names, tuple(column), counts)


def _class(ref: str, alt: str, context: str = "") -> str:
    """The class of a substitution, turned to the strand of the pyrimidine."""
    if ref in "AG":
        ref, alt = ref.translate(_COMPLEMENT), alt.translate(_COMPLEMENT)
        context = context.translate(_COMPLEMENT)[::-1]
    change = f"{ref}>{alt}"
    return f"{context[0]}[{change}]{context[2]}" if context else change


def signature_exposures(
    spectrum: Assay,
    signatures: Assay,
    rng: np.random.Generator,
    *,
    bootstrap: int = 200,
    level: float = 0.95,
) -> pl.DataFrame:
    """Share of each supplied signature in each sample, with a bootstrap interval.

    spectrum: of `spectra`. signatures: features are the same classes, samples the signatures; each
    column is brought to sum 1. Fit by non-negative least squares on the sample's shares, exposures
    brought to sum 1; the bootstrap draws the sample's substitutions again (multinomial).
    Samples of fewer than 50 substitutions are refused: they have a row with a reason and no
    number. cosine: similarity of the fitted to the observed spectrum.
    One row a sample and signature: sample_id, signature, substitutions, exposure, lower, upper,
    cosine, reason. Samples are fitted in sorted order, so the order of the file changes nothing.
    Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
    """
    check_count("bootstrap", bootstrap, low=1)
    check_between("level", level)
    profiles = _profiles(spectrum, signatures)
    rows: list[tuple[object, ...]] = []
    at = {sample: column for column, sample in enumerate(spectrum.samples)}
    for sample in sorted(at):
        counts = spectrum.values[:, at[sample]]
        n = int(counts.sum())
        if n < MIN_SNVS:
            reason = f"{n} substitutions, fewer than {MIN_SNVS}"
            rows += [(sample, s, n, None, None, None, None, reason) for s in signatures.samples]
            continue
        share, cosine = _fit(counts / n, profiles)
        again = [_fit(draw / n, profiles)[0] for draw in rng.multinomial(n, counts / n, bootstrap)]
        tails = [(1 - level) / 2, (1 + level) / 2]
        lower, upper = np.quantile(np.array(again), tails, axis=0)
        rows += [
            (sample, name, n, *map(float, (share[k], lower[k], upper[k], cosine)), "")
            for k, name in enumerate(signatures.samples)
        ]
    numbers = ("exposure", "lower", "upper", "cosine")
    schema = {
        "sample_id": pl.String,
        "signature": pl.String,
        "substitutions": pl.Int64,
        **dict.fromkeys(numbers, pl.Float64),
        "reason": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _profiles(spectrum: Assay, signatures: Assay) -> Floats:
    lacking = sorted(set(spectrum.features) - set(signatures.features))
    if lacking:
        raise OnearmError(
            f"the signatures lack {len(lacking)} of {len(spectrum.features)} classes, such as "
            f"{lacking[0]}; write classes as {spectrum.features[0]}"
        )
    row = {name: at for at, name in enumerate(signatures.features)}
    profiles = signatures.values[[row[name] for name in spectrum.features]]
    if (profiles < 0).any() or not (profiles.sum(axis=0) > 0).all():
        raise OnearmError("a signature has a negative or no weight; each must be shares of classes")
    scaled: Floats = profiles / profiles.sum(axis=0)
    return scaled


def _fit(share: Floats, profiles: Floats) -> tuple[Floats, float]:
    weights = nnls(profiles, share)[0]
    fitted = profiles @ weights
    length = np.linalg.norm(fitted) * np.linalg.norm(share)
    cosine = float(fitted @ share / length) if length > 0 else 0.0
    total = weights.sum()
    return (weights / total if total > 0 else weights), cosine
