"""Text that a person has typed and not saved: no data, and gone once the form is saved."""

from __future__ import annotations

from django.db import models

from onearm.capture.models.subjects import Subject


class Draft(models.Model):
    """What one person has typed into one form since it was opened, as the page's fields.

    ``version`` is that of the form when it was opened (0: nobody had saved it), so that a save of
    the draft is refused like any other where somebody saved the form meanwhile.
    """

    user = models.ForeignKey("capture.User", on_delete=models.CASCADE, related_name="drafts")
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="drafts")
    visit = models.CharField(max_length=16)
    repeat = models.PositiveIntegerField(default=1)
    form = models.CharField(max_length=12)
    version = models.PositiveIntegerField(default=0)
    fields = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "subject", "visit", "repeat", "form"), name="one_draft_each"
            ),
        )
