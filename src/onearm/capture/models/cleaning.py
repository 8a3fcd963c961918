"""Queries, verification, signatures, and what holds data still."""

from __future__ import annotations

from django.db import models

from onearm.capture.models.subjects import FormInstance, Subject


class Query(models.Model):
    """A question about data: on a cell, a row, a form, a visit or a subject.

    ``check_id`` is empty for a question that a person asked. ``visit`` and ``form`` may name a form
    that nobody has saved yet; ``row`` 0 and an empty ``item`` mean the whole form.
    """

    class State(models.TextChoices):
        """Whose turn it is."""

        OPEN = "open"
        ANSWERED = "answered"
        CLOSED = "closed"
        CANCELLED = "cancelled"

    LIVE = (State.OPEN, State.ANSWERED)
    """States in which somebody still has to do something."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="queries")
    visit = models.CharField(max_length=16, blank=True, default="")
    repeat = models.PositiveIntegerField(default=1)
    form = models.CharField(max_length=12, blank=True, default="")
    row = models.PositiveIntegerField(default=0)
    item = models.CharField(max_length=16, blank=True, default="")
    check_id = models.CharField(max_length=80, blank=True, default="")
    text = models.TextField()
    text_zh = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    opened_by = models.ForeignKey("capture.User", on_delete=models.PROTECT, null=True)

    class Meta:
        ordering = ("subject", "opened_at", "id")
        indexes = (models.Index(fields=("state", "subject")),)


class QueryEntry(models.Model):
    """One word in the talk about a query; ``user`` is None where the system spoke."""

    query = models.ForeignKey(Query, on_delete=models.PROTECT, related_name="entries")
    state = models.CharField(max_length=10, choices=Query.State)
    text = models.TextField(blank=True, default="")
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT, null=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("query", "id")


class Verification(models.Model):
    """Cells of a form compared with the source, at the version that was seen.

    ``row`` 0 and an empty ``item`` stand for the whole form. Data changed since are "changed since
    verified": the newest version of the cell is above ``version``.
    """

    instance = models.ForeignKey(FormInstance, on_delete=models.PROTECT, related_name="verified")
    row = models.PositiveIntegerField(default=0)
    item = models.CharField(max_length=16, blank=True, default="")
    version = models.PositiveIntegerField()
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    at = models.DateTimeField()


class Hold(models.Model):
    """What holds data still: reviewed (a mark only), frozen or locked, on one level.

    ``target``: ``study``, ``site:CODE``, ``subject:CODE``, ``event:ID``, ``form:ID`` or
    ``item:FORMID:ROW:ITEM``. It holds until ``lifted_at``.
    """

    class Kind(models.TextChoices):
        """How still."""

        REVIEWED = "reviewed"
        FROZEN = "frozen"
        LOCKED = "locked"

    target = models.CharField(max_length=120, db_index=True)
    kind = models.CharField(max_length=10, choices=Kind)
    set_by = models.ForeignKey("capture.User", on_delete=models.PROTECT, related_name="holds_set")
    set_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        "capture.User", on_delete=models.PROTECT, null=True, related_name="holds_lifted"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")


class Signature(models.Model):
    """An investigator's signature under a form, a visit or a casebook.

    ``target`` as in `Hold`. ``content``: head hash of every form signed, by form id; ``hash`` is
    that of the content with meaning, name and time. A change in signed data breaks it
    (``broken_at``); it is never removed.
    """

    target = models.CharField(max_length=120, db_index=True)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="signatures")
    user = models.ForeignKey("capture.User", on_delete=models.PROTECT)
    printed_name = models.CharField(max_length=200)
    meaning = models.TextField()
    at = models.DateTimeField()
    content = models.JSONField()
    hash = models.CharField(max_length=64)
    broken_at = models.DateTimeField(null=True, blank=True)
    broken_by = models.CharField(max_length=200, blank=True, default="")
