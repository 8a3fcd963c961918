"""Diameters as exact whole numbers of 0.1 micrometre: no limit is missed by a float."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import polars as pl

UNITS_PER_MM = 10_000
"""Units in a millimetre: four decimals of a millimetre are kept exactly."""

_LARGEST_MM = 100_000.0
_NUMBER = r"^\d{1,6}(\.\d{1,4}0*)?$"


def units(mm: Decimal | int | str) -> int:
    """A length in millimetres as a whole number of units.

    Raises ValueError where it has more than four decimals.

    >>> units("16.1")
    161000
    """
    exact = Fraction(str(mm)) * UNITS_PER_MM
    if exact.denominator != 1:
        raise ValueError(f"{mm} mm has more than four decimals")
    return exact.numerator


def fixed_point(values: pl.Series) -> pl.Series:
    """Diameters in millimetres (text, Float64, integer or Decimal) as Int64 units.

    Null where the value is null, blank, negative, not a number, above 100 m or has more than four
    decimals; ``size_problems`` says which and why. A float counts as the decimal number of
    at most four decimals that it is the nearest double of; there is no rounding.
    """
    numbers = values
    if values.dtype == pl.String:
        text = values.str.strip_chars()
        plain = text.str.contains(_NUMBER)
        numbers = pl.select(pl.when(plain).then(text).cast(pl.Float64)).to_series()
    number = numbers.cast(pl.Float64).to_numpy()
    whole = np.rint(number * UNITS_PER_MM)
    # Correctly rounded division: it returns the double exactly when the decimal was whole / 10000.
    # (Division of a polars column by a number multiplies by the reciprocal, which is not exact.)
    with np.errstate(invalid="ignore"):
        fits = (number >= 0) & (number <= _LARGEST_MM) & (whole / UNITS_PER_MM == number)
    exact = np.where(fits, whole, np.nan)
    return pl.Series(values.name, exact, nan_to_null=True).cast(pl.Int64)


def size_problems(values: pl.Series) -> dict[int, tuple[str, str]]:
    """What is wrong with diameters that are there and cannot be used: row -> (problem, what to do).

    Blank text counts as not there.
    """
    text = values.cast(pl.String).str.strip_chars()
    there = text.is_not_null() & (text != "")
    bad = (there & fixed_point(values).is_null()).arg_true()
    return {int(row): _size_problem(str(text[int(row)])) for row in bad}


def _size_problem(text: str) -> tuple[str, str]:
    if "," in text and text.replace(",", ".", 1).replace(".", "", 1).isdigit():
        return "the diameter has a decimal comma", f"Write {text.replace(',', '.', 1)}."
    try:
        number = float(text)
    except ValueError:
        return (
            "the diameter is not a number",
            "Write millimetres as a number; say 'absent' or 'too_small' in the state column.",
        )
    if number < 0:
        return "the diameter is negative", "Correct it; a lesion that is gone has state 'absent'."
    if number != number or number > _LARGEST_MM:
        return "the diameter is not a possible length", "Correct it, in millimetres."
    return "the diameter has more than four decimals", "Enter what was measured, in millimetres."


def in_mm(column: str) -> pl.Expr:
    """A column of units as Float64 millimetres (the nearest double), null where it is null."""
    return pl.col(column).map_batches(_millimetres, return_dtype=pl.Float64)


def _millimetres(sizes: pl.Series) -> pl.Series:
    # In numpy, because division of a polars column by a number is not correctly rounded.
    exact = sizes.cast(pl.Float64).to_numpy() / UNITS_PER_MM
    return pl.Series(sizes.name, exact, nan_to_null=True)


def mm_text(size: pl.Expr) -> pl.Expr:
    """A size in units as text in millimetres, at least one decimal, nothing rounded."""
    fraction = (size.abs() % UNITS_PER_MM).cast(pl.String).str.zfill(4)
    decimals = fraction.str.head(1) + fraction.str.tail(3).str.strip_chars_end("0")
    return (size.abs() // UNITS_PER_MM).cast(pl.String) + "." + decimals


def at_most(size: pl.Expr, share_pct: Fraction, of: pl.Expr) -> pl.Expr:
    """``size <= share_pct % of``, in whole numbers."""
    return size * (100 * share_pct.denominator) <= of * share_pct.numerator


def at_least(size: pl.Expr, share_pct: Fraction, of: pl.Expr) -> pl.Expr:
    """``size >= share_pct % of``, in whole numbers."""
    return size * (100 * share_pct.denominator) >= of * share_pct.numerator
