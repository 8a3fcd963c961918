"""ODM metadata and the study's own files, one made from the other; pure, without any file."""

from onearm.study.odm.account import Account
from onearm.study.odm.draft import draft_from_odm
from onearm.study.odm.model import OdmMetadata
from onearm.study.odm.names import Names

__all__ = ["Account", "Names", "OdmMetadata", "draft_from_odm"]
