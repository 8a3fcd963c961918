"""How the trial is run: accrual, confirmed eligibility, plan of verification, serious events."""

from __future__ import annotations

from django.db import models

from onearm.capture.models.study import Site
from onearm.capture.models.subjects import FormInstance, Subject


class AccrualStep(models.Model):
    """Accrual paused or resumed, at one site or (``site`` empty) in the study; rows are only added.

    ``go_on``: the look between the stages of the design was held, and the trial goes on.
    """

    class Kind(models.TextChoices):
        """What was decided."""

        PAUSE = "pause"
        RESUME = "resume"
        GO_ON = "go_on"

    kind = models.CharField(max_length=10, choices=Kind)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True)
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        ordering = ("id",)


class Confirmation(models.Model):
    """An investigator's word that a subject meets every criterion.

    ``content``: by form id the head hash of the forms it rests on; it holds until one changes.
    """

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="confirmations")
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    at = models.DateTimeField()
    content = models.JSONField()

    class Meta:
        ordering = ("id",)


class PlanLine(models.Model):
    """How much of a form (``item`` empty) or an item is compared with the source: % of subjects.

    The newest line of a form or item counts; without one every value is compared.
    """

    form = models.CharField(max_length=12)
    item = models.CharField(max_length=16, blank=True, default="")
    percent = models.PositiveIntegerField()
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)


class SeriousEvent(models.Model):
    """A row of a form of adverse events that is serious, and when its 24 hours began.

    ``aware_at``: when the site learnt of it; the time of entry until somebody says an earlier one.
    ``withdrawn_at``: since when the row is not serious any more.
    """

    instance = models.ForeignKey(FormInstance, on_delete=models.PROTECT, related_name="serious")
    row = models.PositiveIntegerField()
    noticed_at = models.DateTimeField()
    aware_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-noticed_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("instance", "row"), name="one_serious_event_each"),
        )


class SeriousReport(models.Model):
    """One report of a serious event: the first, then a version for each follow-up.

    ``version``: that of the form when it was reported; ``content`` is the row as it stood.
    """

    event = models.ForeignKey(SeriousEvent, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()
    version = models.PositiveIntegerField()
    content = models.JSONField()
    text = models.TextField(blank=True, default="")
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    role = models.CharField(max_length=30)
    at = models.DateTimeField()

    class Meta:
        ordering = ("event", "number")
        constraints = (
            models.UniqueConstraint(fields=("event", "number"), name="one_report_number_each"),
        )


class Contact(models.Model):
    """Who is told by e-mail of a serious event, at one site or (``site`` empty) at any."""

    name = models.CharField(max_length=200)
    email = models.EmailField()
    language = models.CharField(max_length=10, default="en")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True)
    begins = models.DateTimeField()
    ends = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("email", "id")


class Reconciliation(models.Model):
    """One comparison of the serious events with an export of the safety database; only added.

    ``lines``: each event of either side as `actions.reconcile.Line` has it.
    """

    at = models.DateTimeField()
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    role = models.CharField(max_length=30)
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    lines = models.JSONField()

    class Meta:
        ordering = ("-id",)
