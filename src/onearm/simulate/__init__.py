"""Made-up trials with a known truth: entries for any study, and what must be found in them."""

from __future__ import annotations

from onearm.simulate.plan import check
from onearm.simulate.trial import Simulated, trial

__all__ = ["Simulated", "check", "trial"]
