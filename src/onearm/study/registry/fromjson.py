"""Records in JSON: API v2, and the classic form of before 2024."""

from __future__ import annotations

import json
from dataclasses import dataclass

from onearm.study.registry.record import (
    RANKS,
    BadRecord,
    Rank,
    RegisteredArm,
    RegisteredIntervention,
    RegisteredOutcome,
    RegisteredSite,
    RegistryRecord,
)
from onearm.study.registry.words import code, count, iso_date, required, unescaped


@dataclass(frozen=True, slots=True)
class _Tree:
    """A JSON value that answers every path: what is not there, or of another kind, is empty."""

    value: object

    def at(self, *keys: str) -> _Tree:
        value = self.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return _Tree(value)

    def text(self, *keys: str) -> str:
        found = self.at(*keys).value
        return unescaped(str(found)).strip() if isinstance(found, str | int | float) else ""

    def list(self, *keys: str) -> list[_Tree]:
        found = self.at(*keys).value
        return [_Tree(part) for part in found] if isinstance(found, list) else []

    def texts(self, *keys: str) -> tuple[str, ...]:
        return tuple(filter(None, (part.text() for part in self.list(*keys))))


def from_json(text: str) -> RegistryRecord:
    try:
        root = _Tree(json.loads(text))
    except (ValueError, RecursionError) as problem:
        raise BadRecord(f"not JSON: {problem}") from problem
    if root.at("protocolSection").value is not None:
        return _from_v2(root.at("protocolSection"))
    several = root.list("FullStudiesResponse", "FullStudies")
    for part in (root, root.at("Study"), root.at("FullStudy", "Study"), *several[:1]):
        for tree in (part.at("ProtocolSection"), part.at("Study", "ProtocolSection")):
            if tree.value is not None:
                return _from_v1(tree)
    raise BadRecord("the JSON holds no protocolSection (API v2) and no ProtocolSection (classic)")


def _from_v2(tree: _Tree) -> RegistryRecord:
    ids, status = tree.at("identificationModule"), tree.at("statusModule")
    design, arms = tree.at("designModule"), tree.at("armsInterventionsModule")
    who, sponsor = tree.at("eligibilityModule"), tree.at("sponsorCollaboratorsModule")
    return RegistryRecord(
        shape="api-v2",
        nct_id=required(ids.text("nctId"), "nctId"),
        title=required(ids.text("briefTitle"), "briefTitle"),
        official_title=ids.text("officialTitle"),
        acronym=ids.text("acronym"),
        summary=tree.text("descriptionModule", "briefSummary"),
        description=tree.text("descriptionModule", "detailedDescription"),
        status=status.text("overallStatus"),
        start=iso_date(status.text("startDateStruct", "date")),
        completion=iso_date(status.text("completionDateStruct", "date")),
        sponsor=sponsor.text("leadSponsor", "name"),
        collaborators=tuple(c.text("name") for c in sponsor.list("collaborators")),
        conditions=tree.texts("conditionsModule", "conditions"),
        keywords=tree.texts("conditionsModule", "keywords"),
        study_type=design.text("studyType"),
        phases=design.texts("phases"),
        allocation=design.text("designInfo", "allocation"),
        model=design.text("designInfo", "interventionModel"),
        masking=design.text("designInfo", "maskingInfo", "masking"),
        purpose=design.text("designInfo", "primaryPurpose"),
        enrolment=count(design.text("enrollmentInfo", "count")),
        enrolment_type=design.text("enrollmentInfo", "type"),
        arms=tuple(
            RegisteredArm(
                a.text("label"),
                a.text("type"),
                a.text("description"),
                tuple(n.partition(": ")[2] or n for n in a.texts("interventionNames")),
            )
            for a in arms.list("armGroups")
        ),
        interventions=tuple(
            RegisteredIntervention(
                i.text("type"), i.text("name"), i.text("description"), i.texts("otherNames")
            )
            for i in arms.list("interventions")
        ),
        outcomes=tuple(
            RegisteredOutcome(rank, o.text("measure"), o.text("description"), o.text("timeFrame"))
            for rank in RANKS
            for o in tree.list("outcomesModule", f"{rank}Outcomes")
        ),
        eligibility=who.text("eligibilityCriteria"),
        sex=who.text("sex"),
        minimum_age=who.text("minimumAge"),
        maximum_age=who.text("maximumAge"),
        sites=tuple(
            RegisteredSite(s.text("facility"), s.text("city"), s.text("country"))
            for s in tree.list("contactsLocationsModule", "locations")
        ),
    )


def _from_v1(tree: _Tree) -> RegistryRecord:
    ids, status = tree.at("IdentificationModule"), tree.at("StatusModule")
    design, arms = tree.at("DesignModule"), tree.at("ArmsInterventionsModule")
    who, sponsor = tree.at("EligibilityModule"), tree.at("SponsorCollaboratorsModule")
    info = design.at("DesignInfo")
    return RegistryRecord(
        shape="api-v1",
        nct_id=required(ids.text("NCTId"), "NCTId"),
        title=required(ids.text("BriefTitle"), "BriefTitle"),
        official_title=ids.text("OfficialTitle"),
        acronym=ids.text("Acronym"),
        summary=tree.text("DescriptionModule", "BriefSummary"),
        description=tree.text("DescriptionModule", "DetailedDescription"),
        status=code(status.text("OverallStatus")),
        start=iso_date(status.text("StartDateStruct", "StartDate")),
        completion=iso_date(status.text("CompletionDateStruct", "CompletionDate")),
        sponsor=sponsor.text("LeadSponsor", "LeadSponsorName"),
        collaborators=tuple(
            c.text("CollaboratorName") for c in sponsor.list("CollaboratorList", "Collaborator")
        ),
        conditions=tree.texts("ConditionsModule", "ConditionList", "Condition"),
        keywords=tree.texts("ConditionsModule", "KeywordList", "Keyword"),
        study_type=code(design.text("StudyType")),
        phases=tuple(map(code, design.texts("PhaseList", "Phase"))),
        allocation=code(info.text("DesignAllocation")),
        model=code(info.text("DesignInterventionModel")),
        masking=code(info.text("DesignMaskingInfo", "DesignMasking")),
        purpose=code(info.text("DesignPrimaryPurpose")),
        enrolment=count(design.text("EnrollmentInfo", "EnrollmentCount")),
        enrolment_type=code(design.text("EnrollmentInfo", "EnrollmentType")),
        arms=tuple(map(_arm_v1, arms.list("ArmGroupList", "ArmGroup"))),
        interventions=tuple(
            RegisteredIntervention(
                code(i.text("InterventionType")),
                i.text("InterventionName"),
                i.text("InterventionDescription"),
                i.texts("InterventionOtherNameList", "InterventionOtherName"),
            )
            for i in arms.list("InterventionList", "Intervention")
        ),
        outcomes=tuple(o for rank in RANKS for o in _outcomes_v1(tree, rank)),
        eligibility=who.text("EligibilityCriteria"),
        sex=code(who.text("Gender")),
        minimum_age=who.text("MinimumAge"),
        maximum_age=who.text("MaximumAge"),
        sites=tuple(
            RegisteredSite(
                s.text("LocationFacility"), s.text("LocationCity"), s.text("LocationCountry")
            )
            for s in tree.list("ContactsLocationsModule", "LocationList", "Location")
        ),
    )


def _arm_v1(arm: _Tree) -> RegisteredArm:
    given = arm.texts("ArmGroupInterventionList", "ArmGroupInterventionName")
    return RegisteredArm(
        arm.text("ArmGroupLabel"),
        code(arm.text("ArmGroupType")),
        arm.text("ArmGroupDescription"),
        tuple(name.partition(": ")[2] or name for name in given),
    )


def _outcomes_v1(tree: _Tree, rank: Rank) -> list[RegisteredOutcome]:
    word = f"{rank.capitalize()}Outcome"
    return [
        RegisteredOutcome(
            rank, o.text(f"{word}Measure"), o.text(f"{word}Description"), o.text(f"{word}TimeFrame")
        )
        for o in tree.list("OutcomesModule", f"{word}List", word)
    ]
