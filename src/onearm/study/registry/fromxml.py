"""Records in the public XML of before 2023."""

from __future__ import annotations

import re
from xml.etree import ElementTree  # a DOCTYPE is refused before it parses: no entities

from onearm.study.registry.record import (
    RANKS,
    BadRecord,
    RegisteredArm,
    RegisteredIntervention,
    RegisteredOutcome,
    RegisteredSite,
    RegistryRecord,
)
from onearm.study.registry.words import code, count, iso_date, required


def from_xml(text: str) -> RegistryRecord:
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise BadRecord("the XML has a DOCTYPE; registry records have none, so it is not read")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no DOCTYPE: nothing can expand
    except ElementTree.ParseError as problem:
        raise BadRecord(f"not XML: {problem}") from problem
    if root.tag != "clinical_study":
        raise BadRecord(f"the XML holds <{root.tag}>, not <clinical_study>")
    design = root.find("study_design_info")
    design = design if design is not None else ElementTree.Element("none")
    return RegistryRecord(
        shape="xml",
        nct_id=required(_text(root, "id_info/nct_id"), "nct_id"),
        title=required(_text(root, "brief_title"), "brief_title"),
        official_title=_text(root, "official_title"),
        acronym=_text(root, "acronym"),
        summary=_text(root, "brief_summary/textblock"),
        description=_text(root, "detailed_description/textblock"),
        status=code(_text(root, "overall_status")),
        start=iso_date(_text(root, "start_date")),
        completion=iso_date(_text(root, "completion_date")),
        sponsor=_text(root, "sponsors/lead_sponsor/agency"),
        collaborators=_texts(root, "sponsors/collaborator/agency"),
        conditions=_texts(root, "condition"),
        keywords=_texts(root, "keyword"),
        study_type=code(_text(root, "study_type")),
        phases=_phases(_text(root, "phase")),
        allocation=code(_text(design, "allocation")),
        model=code(_text(design, "intervention_model")),
        masking=code(_text(design, "masking")),
        purpose=code(_text(design, "primary_purpose")),
        enrolment=count(_text(root, "enrollment")),
        enrolment_type=code((_first(root, "enrollment")).get("type", "")),
        arms=_arms_xml(root),
        interventions=tuple(
            RegisteredIntervention(
                code(_text(i, "intervention_type")),
                _text(i, "intervention_name"),
                _text(i, "description"),
                _texts(i, "other_name"),
            )
            for i in root.findall("intervention")
        ),
        outcomes=tuple(
            RegisteredOutcome(
                rank, _text(o, "measure"), _text(o, "description"), _text(o, "time_frame")
            )
            for rank in RANKS
            for o in root.findall(f"{rank}_outcome")
        ),
        eligibility=_block(root, "eligibility/criteria/textblock"),
        sex=code(_text(root, "eligibility/gender")),
        minimum_age=_text(root, "eligibility/minimum_age"),
        maximum_age=_text(root, "eligibility/maximum_age"),
        sites=tuple(
            RegisteredSite(
                _text(s, "facility/name"),
                _text(s, "facility/address/city"),
                _text(s, "facility/address/country"),
            )
            for s in root.findall("location")
        ),
    )


def _arms_xml(root: ElementTree.Element) -> tuple[RegisteredArm, ...]:
    """Arms do not name their interventions in this form; interventions name their arms."""
    return tuple(
        RegisteredArm(
            label := _text(arm, "arm_group_label"),
            code(_text(arm, "arm_group_type")),
            _text(arm, "description"),
            tuple(
                _text(i, "intervention_name")
                for i in root.findall("intervention")
                if label in _texts(i, "arm_group_label")
            ),
        )
        for arm in root.findall("arm_group")
    )


def _phases(text: str) -> tuple[str, ...]:
    """``Phase 1/Phase 2`` is two codes, ``N/A`` is one."""
    return (code(text),) if text == "N/A" else tuple(map(code, filter(None, text.split("/"))))


def _first(root: ElementTree.Element, path: str) -> ElementTree.Element:
    found = root.find(path)
    return found if found is not None else ElementTree.Element("none")


def _text(root: ElementTree.Element, path: str) -> str:
    return _joined("".join(_first(root, path).itertext()))


def _block(root: ElementTree.Element, path: str) -> str:
    return "".join(_first(root, path).itertext()).strip("\n").rstrip()


def _texts(root: ElementTree.Element, path: str) -> tuple[str, ...]:
    return tuple(_joined("".join(e.itertext())) for e in root.findall(path))


def _joined(text: str) -> str:
    """Paragraphs on one line each: the XML breaks its lines at column 100."""
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(filter(None, (" ".join(p.split()) for p in paragraphs)))
