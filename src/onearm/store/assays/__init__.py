"""Assays from files: manifest, sample sheet, one loader a format, MuData in and out, outcomes."""

from onearm.store.assays.formats import FORMATS, OPTIONS, SCALES, Format
from onearm.store.assays.load import Assays, read_assays, read_h5mu, write_h5mu
from onearm.store.assays.manifest import Entry, Manifest, read_manifest
from onearm.store.assays.outcomes import OutcomeColumns, load_outcomes, read_outcomes
from onearm.store.assays.sheet import check_days, load_sheet, read_sheet

__all__ = [
    "FORMATS",
    "OPTIONS",
    "SCALES",
    "Assays",
    "Entry",
    "Format",
    "Manifest",
    "OutcomeColumns",
    "check_days",
    "load_outcomes",
    "load_sheet",
    "read_assays",
    "read_h5mu",
    "read_manifest",
    "read_outcomes",
    "read_sheet",
    "write_h5mu",
]
