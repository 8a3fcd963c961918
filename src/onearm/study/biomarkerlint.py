"""Does ``biomarkers.yaml`` name what the rest of the study has?"""

from __future__ import annotations

from onearm.expr import suggest
from onearm.omics.derived import NUMBERS
from onearm.omics.gene_sets import shipped, signatures
from onearm.omics.plan import CLINICAL
from onearm.study.biomarkers import LIBRARY
from onearm.study.notebook import Notebook

FILE = "biomarkers.yaml"


def check_biomarkers(notes: Notebook) -> None:
    """An error for each endpoint that no rule defines; a warning for what nobody will see."""
    plan, rules = notes.study.biomarkers, notes.study.endpoints
    if plan is None:
        return
    known = [endpoint.endpoint for endpoint in rules.endpoints] if rules else []
    for at, endpoint in enumerate(plan.endpoints):
        if endpoint.kind == "time" and endpoint.parameter not in known:
            notes.error(
                FILE,
                ("endpoints", at, "parameter"),
                endpoint.parameter,
                f"endpoints.yaml defines no time {endpoint.parameter}",
                suggest(endpoint.parameter, known) or "Name one that endpoints.yaml defines.",
            )
    library = shipped(LIBRARY).sets
    for at, name in enumerate(plan.programmes.sets if plan.programmes else ()):
        if name not in library:
            message = "the library has no such gene set"
            hint = suggest(name, library) or "Give its genes under `own:`."
            notes.error(FILE, ("programmes", "sets", at), name, message, hint)
    for at, candidate in enumerate(plan.candidates):
        for key, known_names in (("score", signatures()), ("derived", NUMBERS)):
            name = str(getattr(candidate, key))
            if name and name not in known_names:
                message = f"there is no {key} of this name"
                hint = suggest(name, known_names) or f"Known are {', '.join(known_names)}."
                notes.error(FILE, ("candidates", at, key), name, message, hint)
    used = {candidate.modality for candidate in plan.candidates}
    used |= {plan.programmes.modality} if plan.programmes else set()
    for at, assay in enumerate(plan.modalities):
        if assay.name not in used - {CLINICAL} and not assay.discovery:
            message = f"nothing is asked of the modality {assay.name}"
            hint = "Name a candidate of it, or write `discovery: true`."
            notes.warning(FILE, ("modalities", at), assay.name, message, hint)
