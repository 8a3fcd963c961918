"""Tabulation: captured values as CDISC SDTM datasets, and the check that datasets are SDTM."""

from __future__ import annotations

from onearm.sdtm import conform
from onearm.sdtm.domains import derive
from onearm.sdtm.provenance import entry_of
from onearm.sdtm.spec import specs

__all__ = ["conform", "derive", "entry_of", "specs"]
