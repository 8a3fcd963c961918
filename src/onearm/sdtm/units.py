"""Standard results: --STRESC is the text in the standard unit, --STRESN is read from it."""

from __future__ import annotations

import polars as pl

from onearm.sdtm.spec import spec_of
from onearm.terms import units
from onearm.terms.units import LONGEST, conversion, known_tests

NUMBER, CENSORED = units.NUMBER.pattern, units.CENSORED.pattern


def add_standard_results(frame: pl.DataFrame, domain: str) -> pl.DataFrame:
    """Add --STRESC, --STRESN (Float64) and --STRESU to rows of a findings domain, in their order.

    frame: needs --TESTCD and --ORRES (text as entered), and --ORRESU where the domain has units.
    A number in the standard unit keeps its text; one in another unit is converted, rounded half
    away from zero to the digits of ``tests.csv`` and then read back, so that text and number never
    differ. ``<40`` is converted as text and has no number. Text stays text. Without a known
    conversion the original unit is kept.
    Rule: SDTMIG 3.4, section 4.5.1; factors in ``units.csv`` with their sources.
    """
    spec = spec_of(domain)
    if spec is None or f"{domain}STRESC" not in spec.names:
        return frame
    test, unit = f"{domain}TESTCD", f"{domain}ORRESU"
    if unit not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias(unit))
    pairs = frame.select(test, unit).unique(maintain_order=True)
    text = pl.col(f"{domain}ORRES").str.strip_chars()
    if pairs.height == 1:
        result = _standard(domain, pairs.item(0, 0), pairs.item(0, 1), text)
        return frame.with_columns(**{f"{domain}{k}": v for k, v in result.items()})
    whens: dict[str, pl.Expr] = {k: pl.lit(None) for k in ("STRESC", "STRESN", "STRESU")}
    for code, seen in pairs.iter_rows():
        mine = pl.col(test).eq_missing(pl.lit(code)) & pl.col(unit).eq_missing(pl.lit(seen))
        for k, v in _standard(domain, code, seen, text).items():
            whens[k] = pl.when(mine).then(v).otherwise(whens[k])
    return frame.with_columns(**{f"{domain}{k}": v for k, v in whens.items()})


def _standard(domain: str, code: str | None, unit: str | None, text: pl.Expr) -> dict[str, pl.Expr]:
    known = known_tests().get((domain, code or ""))
    wanted = known.unit if known else None
    numeric = text.str.contains(NUMBER)
    standard, standard_unit = text, unit
    rule = conversion(code or "", unit, wanted) if unit and wanted and unit != wanted else None
    if rule is not None:
        sign = text.str.extract(CENSORED, 1)
        number = pl.coalesce(text.str.extract(CENSORED, 2), text).cast(pl.Float64, strict=False)
        digits = LONGEST if known is None else known.digits
        converted = rounded((number + float(rule.before)) * float(rule.factor), digits)
        standard = pl.coalesce(pl.concat_str(sign.fill_null(""), converted), text)
        standard_unit = wanted
    return {
        "STRESC": standard,
        "STRESN": pl.when(numeric).then(standard.cast(pl.Float64, strict=False)),
        # A word for a result ("ABSENT") has no unit.
        "STRESU": pl.when(numeric | text.str.contains(CENSORED)).then(
            pl.lit(standard_unit, pl.String)
        ),
    }


def rounded(value: pl.Expr, digits: int) -> pl.Expr:
    """A number as text with so many digits, half away from zero; 8.55 stays 8.55."""
    # A product such as 17.1 * 0.5 falls a hair short of what it means; 12 digits mend that.
    near = value.round_sig_figs(12)
    scaled = (near * 10.0**digits).abs().round_sig_figs(12)
    whole = (scaled + 0.5).floor() / 10.0**digits * near.sign()
    shown = whole.round(digits)
    if digits == 0:
        return shown.cast(pl.Int64).cast(pl.String)
    return shown.cast(pl.Decimal(38, digits)).cast(pl.String)
