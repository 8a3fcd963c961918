"""Released versions of the study folder, and from when each site works with which."""

from __future__ import annotations

from django.db import models


class StudyVersion(models.Model):
    """A study folder as it was loaded: its files, so that old forms can always be shown.

    ``hash`` is ``Study.version``, the SHA-256 of the folder's text files. ``files`` also hold what
    the study took from the package's library, under ``library/``; versions from before this was
    kept have none and read the package's. It is large: where a version is joined to other rows, it
    is deferred.
    """

    number = models.PositiveIntegerField(unique=True)
    hash = models.CharField(max_length=64, unique=True)
    files = models.JSONField()  # relative path -> text
    loaded_at = models.DateTimeField()
    loaded_by = models.ForeignKey("capture.User", on_delete=models.PROTECT, null=True)

    class Meta:
        ordering = ("number",)


class Site(models.Model):
    """A centre. ``cap``: most subjects it may enrol, None without limit."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=200)
    zone = models.CharField(max_length=60, default="UTC")
    cap = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("code",)


class SiteVersion(models.Model):
    """The study version that a site enters new forms under from a day on."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="versions")
    version = models.ForeignKey(StudyVersion, on_delete=models.PROTECT)
    begins = models.DateField()

    class Meta:
        ordering = ("site", "begins", "id")
