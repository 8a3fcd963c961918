"""What goes in and out: files that were taken, offsets of dates that leave, keys of programs."""

from __future__ import annotations

from django.db import models

from onearm.capture.models.subjects import Subject


class TakenFile(models.Model):
    """A file that data were loaded from, kept byte by byte with its hash.

    ``account``: what became of its lines, by fate.
    """

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    account = models.JSONField(default=dict)
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at", "-id")


class DateShift(models.Model):
    """By how many days every date of a subject is moved in exports without names.

    Drawn once by chance and never shown: with it the true dates could be told.
    """

    subject = models.OneToOneField(Subject, on_delete=models.PROTECT, related_name="date_shift")
    days = models.IntegerField()


class ApiKey(models.Model):
    """A key with which a program acts as a person; only its hash is kept.

    ``revoked_at`` and ``ends`` close it; what it may do are the person's rights at that moment.
    """

    user = models.ForeignKey("capture.User", on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    ends = models.DateField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("user", "-made_at")
