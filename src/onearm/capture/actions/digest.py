"""The e-mail digest: numbers and a link for who asked for it, in each reader's language."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.mail import send_mail
from django.utils import translation

from onearm.capture import clock, permissions, todo, trail
from onearm.capture.models import User
from onearm.capture.words import say

if TYPE_CHECKING:
    from onearm.capture.todo import Waiting

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """How many mails went out, how many could not, and how many people had nothing to do."""

    sent: int
    failed: int
    idle: int


def choose(user: User, *, wants: bool) -> None:
    """Keep whether a person wants the digest; no act of the trail, as the language is none."""
    user.wants_digest = wants
    User.objects.filter(pk=user.pk).update(wants_digest=wants)


def send(address: str) -> Sent:
    """Write to everybody who asked for it and has something to do; the trail keeps how many.

    address: where the pages are reached, with its scheme and without a slash at the end. A mail
    holds counts by site and links to the first page: no subject, no visit, no value. People without
    an address, with an ended account or without a right to see subjects are left out.
    """
    today, sent, failed, idle = clock.now().date(), 0, 0, 0
    for user in User.objects.filter(wants_digest=True, is_active=True).exclude(email=""):
        sites = permissions.sites_of(user, "subject.view", today)
        found = [each for each in todo.waiting(user, sites) if not each.is_nothing]
        if not found:
            idle += 1
            continue
        with translation.override(user.language):
            heading, text = say("digest.heading"), _text(user, found, address)
        try:
            send_mail(heading, text, None, [user.email])
            sent += 1
        except OSError:  # SMTP errors are among them; the next run writes again
            LOG.exception("the digest for account %s was not sent", user.pk)
            failed += 1
    trail.record("accounts", "digest.mail", details={"sent": sent, "failed": failed})
    return Sent(sent, failed, idle)


def _text(user: User, found: list[Waiting], address: str) -> str:
    lines = [say("digest.dear").format(name=user.get_full_name() or user.username), ""]
    for each in found:
        lines.append(f"{say('column.site')} {each.site.code}")
        lines += [
            "  " + say("digest.line").format(what=say(f"month.{kind}"), n=count)
            for kind, count in each.counts
            if count
        ]
        lines += [f"  {address}/?site={each.site.code}", ""]
    return "\n".join([*lines, say("digest.why"), ""])
