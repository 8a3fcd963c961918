"""Every change of every value, as the audit records of an ODM file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from onearm.capture.document import KEY, NULL, REMOVED
from onearm.capture.models import FormVersion, User

if TYPE_CHECKING:
    from onearm.capture.export.tables import Selection
    from onearm.store.odm import Act, Who


def acts(selection: Selection) -> Iterator[Act]:
    """The changes in order of subject and time. A row taken out removes its values, and a row put
    back inserts them again."""
    versions = FormVersion.objects.filter(
        instance__event__subject__site__in=list(selection.sites)
    ).select_related("instance__event__subject__site", "user")
    if selection.subjects:
        versions = versions.filter(instance__event__subject__code__in=list(selection.subjects))
    if selection.forms:
        versions = versions.filter(instance__form__in=list(selection.forms))
    if selection.as_of is not None:
        versions = versions.filter(at__lte=selection.as_of)
    order = ("instance__event__subject__site__code", "instance__event__subject__code", "at", "pk")
    standing: dict[int, dict[int, dict[str, Any]]] = {}
    subject = ""
    for version in versions.order_by(*order).iterator(chunk_size=1000):
        code = version.instance.event.subject.code
        if code != subject:
            standing, subject = {}, code
        yield from _of_version(version, standing.setdefault(version.instance_id, {}))


def people() -> Who:
    """Who and where the audit records point to."""
    from onearm.capture.models import Site
    from onearm.store.odm import Who

    users = {u.username: u.get_full_name() or u.username for u in User.objects.all()}
    return Who(users, dict(Site.objects.values_list("code", "name")))


def _of_version(version: FormVersion, rows: dict[int, dict[str, Any]]) -> Iterator[Act]:
    event = version.instance.event
    place = (event.subject.site.code, event.subject.code, event.visit, event.repeat)
    for change in version.delta["rows"]:
        key = change[KEY]
        row = rows.setdefault(key, {})
        was_out = REMOVED in row
        before = {} if was_out else {k: v for k, v in row.items() if k[0] != "_"}
        for name, stored in change.items():
            if name == KEY:
                continue
            if stored is None:
                row.pop(name, None)
            else:
                row[name] = stored
        is_out = REMOVED in row
        after = {} if is_out else {k: v for k, v in row.items() if k[0] != "_"}
        why = version.reason or (str(row[REMOVED]) if is_out else "")
        for item in sorted(before.keys() | after.keys()):
            if before.get(item) != after.get(item):
                where = (*place, version.instance.form, key, item)
                yield _act(where, before.get(item), after.get(item), version, why)


def _act(
    where: tuple[str, str, str, int, str, int, str],
    before: object,
    after: object,
    version: FormVersion,
    why: str,
) -> Act:
    from onearm.store.odm import Act

    action = "Remove" if after is None else "Insert" if before is None else "Update"
    reason = str(after[NULL]) if isinstance(after, Mapping) else ""
    return Act(
        place=where,
        value="" if after is None or reason else str(after),
        reason=reason,
        action=action,
        user=version.user.username,
        at=version.at,
        why=why,
        source=f"{version.origin}, version {version.version}, {version.hash[:16]}",
    )
