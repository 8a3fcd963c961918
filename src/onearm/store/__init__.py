"""The shell's hands: reading trial data from files, writing datasets, replacing folders whole."""

from onearm.store.entries import read_entries, write_entries
from onearm.store.findings import write_findings
from onearm.store.folder import replaced_folder, write_beside
from onearm.store.read import read_sdtm, read_table
from onearm.store.write import write_datasets

__all__ = [
    "read_entries",
    "read_sdtm",
    "read_table",
    "replaced_folder",
    "write_beside",
    "write_datasets",
    "write_entries",
    "write_findings",
]
