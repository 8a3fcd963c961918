"""Subjects, their visits, and their forms with every version of each."""

from __future__ import annotations

from django.db import models

from onearm.capture.models.study import Site, StudyVersion


class Subject(models.Model):
    """A person in the screening log; ``code`` (SUBJID) is never used twice."""

    class Stage(models.TextChoices):
        """How far a subject has come."""

        SCREENING = "screening"
        FAILED = "failed"
        ENROLLED = "enrolled"
        OFF_TREATMENT = "off_treatment"
        OFF_STUDY = "off_study"

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="subjects")
    code = models.CharField(max_length=40, unique=True)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.SCREENING)
    enrolled_on = models.DateField(null=True, blank=True)
    slot = models.PositiveIntegerField(null=True, blank=True, unique=True)
    failed_because = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("site", "code")


class EventInstance(models.Model):
    """A visit of one subject: planned, unscheduled, or the log that holds running forms."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="events")
    visit = models.CharField(max_length=16)
    repeat = models.PositiveIntegerField(default=1)
    date = models.DateField(null=True, blank=True)
    missed_because = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("subject", "id")
        constraints = (
            models.UniqueConstraint(fields=("subject", "visit", "repeat"), name="one_event_each"),
        )


class FormInstance(models.Model):
    """One form of one visit as it stands now.

    ``data``: ``{"rows": [{"_key": 1, ITEM: "value" | {"null": "REASON"}, ...}]}``; a row taken out
    carries ``"_removed": "reason"``. Keys are never given twice. Values are the text that was
    typed, as in the entries frame. ``version`` counts saves; ``head`` is the hash of the newest.
    """

    event = models.ForeignKey(EventInstance, on_delete=models.PROTECT, related_name="forms")
    form = models.CharField(max_length=12)
    study_version = models.ForeignKey(StudyVersion, on_delete=models.PROTECT)
    version = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64)
    data = models.JSONField()
    is_complete = models.BooleanField(default=False)
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ("event", "form")
        constraints = (models.UniqueConstraint(fields=("event", "form"), name="one_form_each"),)
        indexes = (models.Index(fields=("form", "event")),)


class FormVersion(models.Model):
    """What one save changed. Never updated, never deleted: the database itself refuses both.

    ``delta`` has the shape of ``FormInstance.data`` with only the cells that changed; None for a
    cell that became empty.
    """

    class Origin(models.TextChoices):
        """How the values came in."""

        SCREEN = "screen"
        IMPORT = "import"
        API = "api"
        CALCULATION = "calculation"
        MIGRATION = "migration"
        REDACTION = "redaction"

    instance = models.ForeignKey(FormInstance, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    delta = models.JSONField()
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    role = models.CharField(max_length=30)
    at = models.DateTimeField()
    reason = models.TextField(blank=True, default="")
    origin = models.CharField(max_length=20, choices=Origin, default=Origin.SCREEN)
    study_version = models.ForeignKey(StudyVersion, on_delete=models.PROTECT)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("instance", "version")
        constraints = (
            models.UniqueConstraint(fields=("instance", "version"), name="one_version_each"),
        )
        indexes = (models.Index(fields=("at",)),)
