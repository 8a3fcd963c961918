"""Operating characteristics of a whole trial: drawn from rates, or as entries through the river.

Both ways take the same pieces of work, give one row a trial with the same columns, and are summed
up by the same function, so that they stand side by side in one table.
"""

from __future__ import annotations

from onearm.operating.drawn import Drawn, drawn
from onearm.operating.entered import Entered, entered
from onearm.operating.pieces import Work, outline, pieces, run
from onearm.operating.scenarios import chosen, given
from onearm.operating.settings import Setting, plan_of, setting_of
from onearm.operating.tables import ROUTES, summary_of, trials_of

__all__ = [
    "ROUTES",
    "Drawn",
    "Entered",
    "Setting",
    "Work",
    "chosen",
    "drawn",
    "entered",
    "given",
    "outline",
    "pieces",
    "plan_of",
    "run",
    "setting_of",
    "summary_of",
    "trials_of",
]
