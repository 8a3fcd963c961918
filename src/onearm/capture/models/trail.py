"""The trail of everything that is not item data, chained like the versions of forms."""

from __future__ import annotations

from django.db import models


class TrailHead(models.Model):
    """The newest link of each stream; the row that a writer locks to add the next."""

    stream = models.CharField(max_length=80, primary_key=True)
    number = models.PositiveIntegerField(default=0)
    hash = models.CharField(max_length=64)


class AuditEvent(models.Model):
    """One act: log-in, right given, query, verification, signature, lock, export and so on.

    ``stream`` is ``accounts``, ``study`` or ``subject:CODE``; ``number`` counts within it. Never
    updated, never deleted: the database itself refuses both.
    """

    stream = models.CharField(max_length=80)
    number = models.PositiveIntegerField()
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=200, blank=True, default="")
    details = models.JSONField(default=dict)
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT, null=True)
    role = models.CharField(max_length=30, blank=True, default="")
    site = models.ForeignKey("capture.Site", on_delete=models.PROTECT, null=True)
    at = models.DateTimeField()
    reason = models.TextField(blank=True, default="")
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("stream", "number")
        constraints = (
            models.UniqueConstraint(fields=("stream", "number"), name="one_number_each"),
        )
        indexes = (models.Index(fields=("at",)),)


class Anchor(models.Model):
    """A hash over the heads of all chains at a moment, to be kept outside the system as well."""

    at = models.DateTimeField()
    chains = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("at", "id")
