"""What is kept: people, the study's versions, subjects and their forms, the trail, cleaning."""

from __future__ import annotations

from onearm.capture.models.cleaning import Hold, Query, QueryEntry, Signature, Verification
from onearm.capture.models.files import Attachment, LabRange, Snapshot
from onearm.capture.models.people import Grant, User
from onearm.capture.models.study import Site, SiteVersion, StudyVersion
from onearm.capture.models.subjects import EventInstance, FormInstance, FormVersion, Subject
from onearm.capture.models.trail import Anchor, AuditEvent, TrailHead

__all__ = [
    "Anchor",
    "Attachment",
    "AuditEvent",
    "EventInstance",
    "FormInstance",
    "FormVersion",
    "Grant",
    "Hold",
    "LabRange",
    "Query",
    "QueryEntry",
    "Signature",
    "Site",
    "SiteVersion",
    "Snapshot",
    "StudyVersion",
    "Subject",
    "TrailHead",
    "User",
    "Verification",
]
