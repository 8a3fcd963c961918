"""ODM-XML files in and out: metadata, clinical data, audit records (CDISC ODM 1.3.x and 2.0)."""

from onearm.store.odm.entries import odm_entries
from onearm.store.odm.read import OdmFile, read_odm
from onearm.store.odm.write import Act, Version, Who, write_odm

__all__ = ["Act", "OdmFile", "Version", "Who", "odm_entries", "read_odm", "write_odm"]
