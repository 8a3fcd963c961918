"""Accounts, and what each may do where and when."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. Accounts are ended (``is_active``), never deleted: their names stay taken.

    ``identity_checked_on``: when somebody saw that the person is who the account names; without it
    nothing is signed.
    """

    language = models.CharField(max_length=10, default="en")
    must_change_password = models.BooleanField(default=True)
    trained_on = models.DateField(null=True, blank=True)
    identity_checked_on = models.DateField(null=True, blank=True)
    equivalence_accepted_at = models.DateTimeField(null=True, blank=True)
    wants_digest = models.BooleanField(default=False)

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        """Refused: the trail names this account."""
        raise TypeError("accounts are ended, never deleted")


class Grant(models.Model):
    """A role of a person, at one site or (``site`` empty) at all, from a day until before another.

    Rows are ended, never changed, so that the rights of any past day can be listed.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=30)
    site = models.ForeignKey("capture.Site", on_delete=models.PROTECT, null=True, blank=True)
    begins = models.DateField()
    ends = models.DateField(null=True, blank=True)
    given_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="grants_given"
    )

    class Meta:
        ordering = ("user", "begins", "id")
