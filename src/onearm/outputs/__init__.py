"""Outputs: tables, figures, listings and the report, every number tied to a result."""

from __future__ import annotations

from onearm.outputs.build import render

__all__ = ["render"]
