"""One group against a known survival at one time: the landmark test on the log-log scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from onearm.stats.arguments import check_between
from onearm.stats.curve_reading import AtTime, at_time
from onearm.stats.notes import Note, Sides
from onearm.stats.survival import Curve


@dataclass(frozen=True, slots=True)
class LandmarkTest:
    """S at ``time`` against ``null``; large ``z`` says that more are free of the event.

    ``found`` is S there with its limits. ``z`` and ``p_value`` (one-sided) are None with a note
    where S is 1 or 0, or the time lies beyond follow-up.
    """

    time: float
    null: float
    found: AtTime
    z: float | None
    p_value: float | None
    method: str = "landmark test, log(-log S), Greenwood variance"
    sides: Sides = "one-sided"
    notes: tuple[Note, ...] = ()


def landmark_test(curve: Curve, t: float, *, null: float) -> LandmarkTest:
    """Test whether S at ``t`` exceeds ``null``, by Z = (ln(-ln S0) - ln(-ln S)) / se.

    se is that of ln(-ln S), sqrt(sum of d / (n (n - d))) / |ln S|. t: in the unit of the curve.
    Raises `InvalidArgument` for a null outside (0, 1) and for a negative or missing time.
    Source: Brookmeyer and Crowley, Biometrics 38:29-41 (1982); Klein et al., Statistics in
    Medicine 26:4505-4519 (2007).

    >>> from onearm.stats.survival import kaplan_meier
    >>> curve = kaplan_meier([1, 2, 3, 4, 5, 6, 7, 8], [1, 0, 1, 0, 0, 0, 0, 0])
    >>> test = landmark_test(curve, 4, null=0.25)
    >>> round(test.found.value, 4), round(test.z, 3)
    (0.7292, 2.065)
    """
    check_between("null", null)
    found = at_time(curve, t)
    if found.value is None or found.value in (0.0, 1.0) or not found.std_err:
        return LandmarkTest(float(t), null, found, None, None, notes=found.notes)
    # se(ln(-ln S)) = (se(S) / S) / |ln S|
    spread = found.std_err / found.value / -math.log(found.value)
    z = float((np.log(-math.log(null)) - np.log(-math.log(found.value))) / spread)
    return LandmarkTest(float(t), null, found, z, float(scipy.special.ndtr(-z)), notes=found.notes)
