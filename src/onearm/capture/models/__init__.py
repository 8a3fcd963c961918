"""What is kept: people, the study's versions, subjects and their forms, the trail, cleaning."""

from __future__ import annotations

from onearm.capture.models.cleaning import Hold, Query, QueryEntry, Signature, Verification
from onearm.capture.models.conduct import (
    AccrualStep,
    Confirmation,
    Contact,
    PlanLine,
    Reconciliation,
    SeriousEvent,
    SeriousReport,
)
from onearm.capture.models.drafts import Draft
from onearm.capture.models.exchange import ApiKey, DateShift, TakenFile
from onearm.capture.models.files import Attachment, LabRange, Snapshot
from onearm.capture.models.people import Grant, User
from onearm.capture.models.redaction import RedactedVersion, Redaction
from onearm.capture.models.study import Site, SiteVersion, StudyVersion
from onearm.capture.models.subjects import EventInstance, FormInstance, FormVersion, Subject
from onearm.capture.models.trail import Anchor, AuditEvent, TrailHead

__all__ = [
    "AccrualStep",
    "Anchor",
    "ApiKey",
    "Attachment",
    "AuditEvent",
    "Confirmation",
    "Contact",
    "DateShift",
    "Draft",
    "EventInstance",
    "FormInstance",
    "FormVersion",
    "Grant",
    "Hold",
    "LabRange",
    "PlanLine",
    "Query",
    "QueryEntry",
    "Reconciliation",
    "RedactedVersion",
    "Redaction",
    "SeriousEvent",
    "SeriousReport",
    "Signature",
    "Site",
    "SiteVersion",
    "Snapshot",
    "StudyVersion",
    "Subject",
    "TakenFile",
    "TrailHead",
    "User",
    "Verification",
]
