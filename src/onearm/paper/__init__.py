"""Documents on paper: case report forms, blank and filled in, and how text becomes a PDF."""

from __future__ import annotations

from onearm.paper.blank import blank_forms
from onearm.paper.filled import casebook, filled_form, serious_event
from onearm.paper.press import pdf

__all__ = ["blank_forms", "casebook", "filled_form", "pdf", "serious_event"]
