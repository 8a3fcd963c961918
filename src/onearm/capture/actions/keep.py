"""One version of a form: its data, its history and its chain; and signatures that it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onearm.capture import permissions, states, trail
from onearm.capture.chain import link
from onearm.capture.document import Document, applied
from onearm.capture.models import FormInstance, FormVersion, Signature
from onearm.capture.trail import version_content

if TYPE_CHECKING:
    from datetime import datetime

    from onearm.capture.models import StudyVersion


def keep_version(
    instance: FormInstance,
    change: Document,
    actor: permissions.Actor,
    at: datetime,
    *,
    origin: str,
    reason: str,
    under: StudyVersion,
) -> None:
    """Carry out a change of a form (new or not) as its next version, linked to the one before.

    under: the study version by which it was judged. Signatures over the form break.
    """
    instance.data = applied(instance.data, change)
    instance.version += 1
    instance.saved_at = at
    if instance.pk is None:
        instance.save()  # gives a new form its key, which the hash is taken over
    version = FormVersion(
        instance=instance,
        version=instance.version,
        delta=change,
        user=actor.user,
        role=actor.role,
        at=at,
        reason=reason,
        origin=origin,
        study_version=under,
        previous=instance.head,
    )
    version.hash = link(instance.head, version_content(version))
    version.save(force_insert=True)
    instance.head = version.hash
    instance.save()
    break_signatures(instance, actor, at)


def break_signatures(instance: FormInstance, actor: permissions.Actor, at: datetime) -> None:
    """Break every standing signature over a form, and say so in the trail: its content is not what
    was signed any more."""
    named = states.targets(form=instance)
    standing = Signature.objects.filter(target__in=named, broken_at=None)
    broken = list(standing.order_by("pk").values_list("pk", "target"))
    if not broken:
        return
    standing.update(broken_at=at, broken_by=f"{actor.user.username}: {instance.form} saved")
    subject = instance.event.subject
    trail.record(
        f"subject:{subject.code}",
        "sign.break",
        actor=actor,
        site=subject.site,
        target=f"form:{instance.pk}",
        details={"signatures": [target for _, target in broken], "version": instance.version},
    )
