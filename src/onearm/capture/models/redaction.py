"""Personal data entered by mistake, blackened by two persons: the one exception to history."""

from __future__ import annotations

from django.db import models

from onearm.capture.models.subjects import FormInstance, FormVersion


class Redaction(models.Model):
    """A request to blacken one cell of a form, and who decided on it.

    ``version`` is the save in which the value was seen. The value itself stands nowhere here.
    """

    instance = models.ForeignKey(FormInstance, on_delete=models.PROTECT, related_name="redactions")
    version = models.PositiveIntegerField()
    row = models.PositiveIntegerField()
    item = models.CharField(max_length=16)
    reason = models.TextField()
    requested_by = models.ForeignKey(
        "capture.User", on_delete=models.PROTECT, related_name="redactions_requested"
    )
    requested_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        "capture.User", on_delete=models.PROTECT, null=True, related_name="redactions_approved"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    refused_by = models.ForeignKey(
        "capture.User", on_delete=models.PROTECT, null=True, related_name="redactions_refused"
    )
    refused_at = models.DateTimeField(null=True, blank=True)
    refused_because = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("requested_at", "id")

    @property
    def target(self) -> str:
        """The cell as a target (as in `Hold`)."""
        return f"item:{self.instance_id}:{self.row}:{self.item}"


class RedactedVersion(models.Model):
    """What one save says after the value was blackened; the only thing its ``delta`` may become.

    ``hash`` is taken over the save as it is now; the save keeps the hash it had, which the next one
    names, so that the chain stays as it was. The trigger of the database lets a save's ``delta``
    change only to that of such a row, of a redaction that two persons stand for. Never changed.
    """

    redaction = models.ForeignKey(Redaction, on_delete=models.PROTECT, related_name="versions")
    form_version = models.ForeignKey(FormVersion, on_delete=models.PROTECT, related_name="redacted")
    delta = models.JSONField()
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("form_version", "id")
