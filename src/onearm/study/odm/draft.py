"""A study's folder from the metadata of an ODM file, with an account of what was not carried."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from typing import Any

from onearm.study.draft import Draft, as_yaml
from onearm.study.forms import Target
from onearm.study.odm.account import Account
from onearm.study.odm.items import choices_of, item_parts, words
from onearm.study.odm.kept import keep
from onearm.study.odm.model import FORMER, OdmCodeList, OdmEvent, OdmForm, OdmMetadata
from onearm.study.odm.names import NO_EVENT, Names, groups_of, named

EPOCH = "TRIAL"
NAMES_FILE = "odm/names.csv"

Parts = dict[str, Any]


def draft_from_odm(
    metadata: OdmMetadata, account: Account, *, sites: Iterable[str] = ()
) -> tuple[Draft, Names]:
    """The folder of a study as far as ODM metadata go, and where each OID went.

    account: of the reading; what was read and cannot be said in a study's files is added to it.
    sites: codes of the sites that the data name. Files that onearm itself wrote come back whole,
    unless the definitions beside them were changed since (`kept`).
    """
    names = named(metadata)
    own = {k.removeprefix("file/"): v for k, v in metadata.notes.items() if k.startswith("file/")}
    forms = {name: _tidy(parts) for name, parts in _forms(metadata, account, names).items()}
    schedule = _tidy(_schedule(metadata, account, names))
    kept = keep(own, forms, schedule, _terms(metadata))
    files = dict(kept.files)
    if "study.yaml" not in files:
        files["study.yaml"] = as_yaml(_tidy(_identity(metadata, sites)))
    if not metadata.is_ours:
        files[NAMES_FILE] = names.to_csv()
    _unused(metadata, account)
    return Draft(files, (*kept.changed, *_gaps(metadata, account))), names


def _identity(metadata: OdmMetadata, sites: Iterable[str]) -> Parts:
    oid = re.sub(r"[^A-Za-z0-9_.-]+", "-", metadata.study_oid).strip("-") or "STUDY"
    return {
        "id": oid,
        "title": metadata.name or metadata.protocol or oid,
        "description": metadata.description,
        "sites": [{"id": code, "name": code} for code in sorted(sites) or ["01"]],
    }


def _forms(metadata: OdmMetadata, account: Account, names: Names) -> dict[str, Parts]:
    found: dict[str, Parts] = {}
    for form in metadata.forms.values():
        if FORMER in form.notes:
            continue
        inside = {path[2]: target for path, target in names.items.items() if path[0] == form.oid}
        for group in groups_of(metadata, form):
            for ref in group.items:
                target = names.items.get((form.oid, group.oid, ref.item))
                if target is None:
                    account.leave("ItemRef", "no ItemDef has this OID")
                    continue
                if metadata.items[ref.item].is_former:
                    continue
                if target.form not in found:
                    is_group = target.rows_by in ("group", "both")
                    label = group.label if is_group and group.label.en else form.label
                    found[target.form] = {
                        "form": target.form,
                        "label": words(label) or (group.name if is_group else form.name),
                        "rows": "record" if target.rows_by else "",
                        **_own_form(form),
                        "items": [],
                    }
                mine = {oid: t.item for oid, t in inside.items() if t.form == target.form}
                item = item_parts(metadata, account, ref, target.item, target.form, mine)
                item["to"] = [_notation(t) for t in item.get("to", ())]
                found[target.form]["items"].append(item)
    return found


def _own_form(form: OdmForm) -> Parts:
    own: Parts = json.loads(form.notes.get("form", "{}"))
    return own


def _notation(target: Parts) -> str:
    """A target as study files write it."""
    made = Target.model_validate(target)
    pairs = ", ".join(f"{name} = {value}" for name, value in made.where)
    return f"{made.domain}.{made.variable}" + (f" where {pairs}" if pairs else "")


def _schedule(metadata: OdmMetadata, account: Account, names: Names) -> Parts:
    by_form: dict[str, list[str]] = {}
    for (form, _, _), target in names.items.items():
        held = by_form.setdefault(form, [])
        if target.form not in held:
            held.append(target.form)
    visits: list[Parts] = []
    used: set[str] = set()
    for number, (oid, name) in enumerate(names.events.items(), start=1):
        event = metadata.events.get(oid)
        if event is None or FORMER in event.notes:
            continue
        used |= set(event.forms)
        missing = sum(form not in metadata.forms for form in event.forms)
        if missing:
            account.leave("FormRef", "no FormDef has this OID", missing)
        forms = [f for form in event.forms for f in by_form.get(form, ())]
        visits.append(_visit(event, name, number, list(dict.fromkeys(forms)), account))
    loose = [f for form, held in by_form.items() if form not in used for f in held]
    if loose and not metadata.is_ours:
        label = {"en": "Forms outside visits", "zh": "访视以外的表单"}
        log = {"id": names.events.get("", NO_EVENT), "name": "Log", "label": label, "number": 999}
        visits.append({**log, "epoch": EPOCH, "kind": "log", "forms": list(dict.fromkeys(loose))})
    label = {"en": "Trial", "zh": "试验"}
    own = json.loads(metadata.notes.get("schedule", "{}"))
    return {"epochs": [{"id": EPOCH, "label": label}], "visits": visits, **own}


def _visit(event: OdmEvent, name: str, number: int, forms: list[str], account: Account) -> Parts:
    parts: Parts = {
        "id": name,
        "name": event.name,
        "label": words(event.label) or event.name,
        "number": number,
        "epoch": EPOCH,
        "kind": "event",
        "forms": forms,
    }
    if event.is_repeating or event.kind == "Unscheduled":
        parts["kind"] = "unscheduled"
        if event.is_repeating and event.kind == "Scheduled" and not event.notes:
            reason = "ODM gives no interval of a repeating visit; it is unscheduled here"
            account.leave("StudyEventDef@Repeating", reason)
    if event.day is not None:
        day = event.day + 1 if event.day >= 0 else event.day
        parts |= {"kind": "planned", "day": day, "window": list(event.window)}
    return {**parts, **json.loads(event.notes.get("visit", "{}"))}


def _terms(metadata: OdmMetadata) -> dict[str, str]:
    """The codelists that onearm wrote as files of ``terms/``; others stand in their items."""
    files = {}
    for codelist in metadata.codelists.values():
        about = json.loads(codelist.notes.get("list", "{}"))
        if about.get("kind") == "terms":
            files[f"terms/{about['name']}.csv"] = _csv(codelist, about["columns"])
    return files


def _csv(codelist: OdmCodeList, columns: list[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for code in codelist.codes:
        row = {"code": code.code, "en": code.label.en, "zh": code.label.zh}
        writer.writerow(row | json.loads(code.notes.get("row", "{}")))
    return out.getvalue()


def _unused(metadata: OdmMetadata, account: Account) -> None:
    """Definitions that nothing refers to."""
    refs = [ref for group in metadata.groups.values() for ref in group.items]
    groups = {g.oid for form in metadata.forms.values() for g in groups_of(metadata, form)}
    kept = {i.codelist for i in metadata.items.values()} | {
        c.oid for c in metadata.codelists.values() if c.notes
    }
    forms = {g.oid for g in metadata.groups.values() if g.is_form}
    units = {ref.unit_item for ref in refs}
    conditions = {ref.condition for ref in refs}
    methods = {ref.method for ref in refs}
    account_of = (
        (
            "ItemDef",
            set(metadata.items) - {r.item for r in refs} - units,
            "no item group holds it",
        ),
        ("ItemGroupDef", set(metadata.groups) - groups - forms, "no form holds it"),
        ("CodeList", set(metadata.codelists) - kept, "no item refers to it"),
        ("ConditionDef", set(metadata.conditions) - conditions, "no item refers to it"),
        ("MethodDef", set(metadata.methods) - methods, "no item refers to it"),
    )
    if metadata.is_inferred:
        return
    for kind, oids, reason in account_of:
        if oids:
            account.leave(kind, reason, len(oids))


def _gaps(metadata: OdmMetadata, account: Account) -> Iterable[str]:
    if metadata.is_ours:
        return
    if metadata.is_inferred:
        yield "The file has no metadata: visits, forms and items are named as its data name them."
    for line in account.lines():
        for reason, count in line.reasons:
            yield f"{line.kind}: {count} of {line.read} not carried: {reason}."
    yield "The items have no targets in SDTM (forms/, to:)."
    yield "Rules from data to results, design and outputs: none is drafted."


def _tidy(value: Any) -> Any:
    """Without absent parts; whole numbers written as such. In the cases of a check nothing is
    absent: an empty value is what they try."""
    if isinstance(value, dict):
        kept = {
            key: part if key == "cases" else _tidy(part)
            for key, part in value.items()
            if part is not None
        }
        return {key: part for key, part in kept.items() if part not in ("", [], {})}
    if isinstance(value, list | tuple):
        return [_tidy(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


__all__ = ["NAMES_FILE", "choices_of", "draft_from_odm"]
