"""Files of subjects, normal ranges of laboratories, and named exports."""

from __future__ import annotations

from django.db import models

from onearm.capture.models.subjects import FormInstance


class Attachment(models.Model):
    """An uploaded file; a newer one supersedes it and it stays. The bytes lie encrypted on disk."""

    instance = models.ForeignKey(FormInstance, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    stored_as = models.CharField(max_length=80, unique=True)
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    at = models.DateTimeField()
    superseded_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True)


class LabRange(models.Model):
    """Normal range of one laboratory for one analyte, from a day until before another.

    ``sex`` is M, F or empty for both; ages in years; limits as text, exact decimals.
    """

    laboratory = models.CharField(max_length=80)
    analyte = models.CharField(max_length=40)
    unit = models.CharField(max_length=40)
    sex = models.CharField(max_length=1, blank=True, default="")
    age_from = models.PositiveIntegerField(default=0)
    age_to = models.PositiveIntegerField(default=200)
    low = models.CharField(max_length=30, blank=True, default="")
    high = models.CharField(max_length=30, blank=True, default="")
    begins = models.DateField()
    ends = models.DateField(null=True, blank=True)


class Snapshot(models.Model):
    """A named export as of a moment: what was in it can be made again, and its hash says so."""

    name = models.CharField(max_length=80, unique=True)
    as_of = models.DateTimeField()
    made_at = models.DateTimeField()
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    study_version = models.ForeignKey("capture.StudyVersion", on_delete=models.PROTECT)
    rows = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
