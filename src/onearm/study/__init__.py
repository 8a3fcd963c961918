"""The study: what the protocol says, read from a folder of text."""

from onearm.study.load import load
from onearm.study.model import Study

__all__ = ["Study", "load"]
