"""How a number becomes text: rounded once, half away from zero, on its decimal text."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

from onearm.dates import MONTH_DAYS

NOT_REACHED = "NR"
"""Printed for an estimate that the curve does not reach."""
NOT_ESTIMABLE = "NE"
"""Printed for a limit that cannot be estimated."""
NOTHING = "–"
"""Printed where there is no number."""

LONG = 5
"""A word in capitals of so many letters is a word, not a code."""

SPEC = re.compile(r"^(?:\.(?P<digits>\d))?(?P<kind>[f%mdps]?)(?P<below><?)$")
ESTIMATES = re.compile(r"median|quartile|^q\d|survival|rate|estimate")
LIMITS = re.compile(r"ci_|limit|low|high|lower|upper")


def decimal_text(value: float) -> Decimal:
    """The decimal that a float stands for: its 15 digits, which every float carries faithfully.

    0.285 * 100 is 28.499999999999996 in binary and stands for 28.5.
    """
    return Decimal(f"{value:.15g}")


def rounded(value: float | Decimal, digits: int) -> str:
    """The value with that many decimals, half away from zero; no minus before a zero.

    Raises ``ValueError`` for infinity and NaN: those are not numbers to print.
    Source: specification of results, rounding (as SAS ROUND; never half to even).

    >>> rounded(-1.15, 1), rounded(2.5, 0), rounded(-0.04, 1)
    ('-1.2', '3', '0.0')
    """
    exact = value if isinstance(value, Decimal) else decimal_text(value)
    if not exact.is_finite():
        raise ValueError(f"{value} is not a number that can be printed")
    text = exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return f"{abs(text) if text == 0 else text:f}"


def p_value(value: float) -> str:
    """A p-value with four decimals, ``<0.0001`` below that, ``>0.9999`` above."""
    if value < 0.0001:
        return "<0.0001"
    return ">0.9999" if value > 0.9999 else rounded(value, 4)


def number_text(value: float, spec: str) -> str:
    """A number by its format.

    ``d`` or empty: a whole number (more decimals only if the value has them); ``.1f``: decimals;
    ``.1%``: a proportion as percent; ``.1m``: days as months of 30.4375 days; ``p``: a p-value.
    ``<`` at the end prints ``<0.1`` where a value above 0 would round to 0.

    >>> number_text(0.285, ".1%"), number_text(0.0004, ".1%<"), number_text(182.625, ".1m")
    ('28.5%', '<0.1%', '6.0')
    """
    match = SPEC.match(spec)
    if match is None:
        raise ValueError(f"'{spec}' is not a format: use d, .1f, .1%, .1m or p")
    if match["kind"] == "p":
        return p_value(value)
    if match["digits"] is None and match["kind"] in ("", "d"):
        exact = decimal_text(value)
        whole = exact == exact.to_integral_value()
        return f"{int(exact)}" if whole else f"{exact.normalize():f}"
    digits = int(match["digits"] or 0)
    exact, sign = _scaled(value, match["kind"])
    text = rounded(exact, digits)
    if match["below"] and exact > 0 and Decimal(text) == 0:
        text = f"<{rounded(Decimal(1).scaleb(-digits), digits)}"
    return text + sign


def _scaled(value: float, kind: str) -> tuple[Decimal, str]:
    exact = decimal_text(value)
    if kind == "%":
        return exact * 100, "%"
    if kind == "m":
        return exact / Decimal(str(MONTH_DAYS)), ""
    return exact, ""


def absent(operation: str, note: str) -> str:
    """What stands for a number that does not exist.

    NR for an estimate that is not reached, NE for a limit, – for all else and for groups so small
    that nothing was estimated.
    """
    if "n_too_small" in note:
        return NOTHING
    if LIMITS.search(operation):
        return NOT_ESTIMABLE
    if note == "not_reached" and ESTIMATES.search(operation):
        return NOT_REACHED
    return NOTHING


def level_words(level: str) -> str:
    """A level as words: data in capitals become a sentence, codes such as CR or HCC stay.

    >>> level_words("PROGRESSIVE DISEASE"), level_words("NON-CR/NON-PD"), level_words("CR")
    ('Progressive disease', 'NON-CR/NON-PD', 'CR')
    """
    is_phrase = " " in level or (level.isalpha() and len(level) >= LONG)
    return level.capitalize() if level.isupper() and is_phrase else level


def solid(text: str) -> str:
    """The text with no line break after a comma: limits stay together.

    >>> solid("5.6 (2.8, NE)") == "5.6 (2.8,\\u00a0NE)"
    True
    """
    return text.replace(", ", ",\u00a0")


def is_number(value: float | None) -> bool:
    """Whether there is a finite value to print."""
    return value is not None and math.isfinite(value)
