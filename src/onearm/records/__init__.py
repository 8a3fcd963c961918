"""Captured values: read, cut at a day, brought into one typed frame a form, and checked."""

from __future__ import annotations

from onearm.records.checks import check
from onearm.records.cut import at_cut
from onearm.records.model import Records

__all__ = ["Records", "at_cut", "check"]
