"""What is asked of the assays (``biomarkers.yaml``): markers, endpoints, tiers, before unblinding.

Nothing here may be chosen after outcomes were seen: the analysis tests what stands in this file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from onearm.errors import OnearmError
from onearm.omics import plan as asked
from onearm.omics.gene_sets import shipped
from onearm.omics.kinetics import rules
from onearm.study.text import Part, Text, Words

LIBRARY = "hallmark"
"""The shipped gene sets that programmes are chosen from."""
NONE = Text(en="")
Share = float
Keys = tuple[str | int, ...]


class AssayPlan(Part):
    """One kind of assay: ``name`` is the modality in the sample sheet and the manifest.

    ``timepoint``: the planned time point analysed from first dose; ``later``: time points analysed
    as change. ``specimen``, ``method`` and ``handling`` are printed in the REMARK table.
    ``discovery``: every feature that passes the filters is tested, as hypothesis-generating.
    ``kinetics``: the rule (``any``, or ``fifth``: 20% from a baseline of 20) by which later amounts
    are classed as clearance, fall or rise. ``counts``: models of counts (``voom``, ``pydeseq2``)
    tried beside the permutation tests; they decide nothing.
    ``genes``: names shown in the oncoprint and on the heatmap, in order.
    """

    name: str
    label: Words
    timepoint: str
    later: tuple[str, ...] = ()
    specimen: Words = NONE
    method: Words = NONE
    handling: Words = NONE
    discovery: bool = False
    kinetics: str = ""
    counts: tuple[asked.CountMethod, ...] = ()
    genes: tuple[str, ...] = ()

    @field_validator("kinetics")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name and name not in rules():
            raise ValueError(
                f"there is no rule of kinetics {name!r}; there are {', '.join(rules())}"
            )
        return name


class MarkerEndpoint(Part):
    """An endpoint that markers are tested against, read from the analysis datasets.

    ``kind: response``: 1 where ``success`` holds in ``dataset`` (one row or more of the subject),
    else 0; ``evaluable`` (over ADSL): subjects for whom it does not hold are left out, for
    sensitivity analyses. ``kind: time``: AVAL in days and CNSR of ADTTE's ``parameter``.
    ``kind: amount``: ``value`` of the subject's row where ``success`` holds, such as the best
    change in per cent. ``varies``: a sensitivity analysis of that endpoint, for candidates only.
    """

    name: str
    label: Words
    kind: Literal["response", "time", "amount"]
    dataset: str = ""
    success: str = ""
    evaluable: str = ""
    parameter: str = ""
    value: str = ""
    varies: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {"response": "success", "time": "parameter", "amount": "value"}[self.kind]
        if not getattr(self, needs):
            raise ValueError(f"an endpoint of kind {self.kind} needs `{needs}:`")
        return self

    @property
    def reads(self) -> str:
        """The dataset it is read from; where none is given ADTTE for times, else ADSL."""
        return self.dataset or ("ADTTE" if self.kind == "time" else "ADSL")


class MarkerColumn(Part):
    """A fact about the subjects: ``expr`` is SQL over ADSL.

    ``use``: ``checked`` (against every endpoint by the confounding gate), ``design`` (in every
    model) or ``strata`` (patients are permuted within its levels), ``marker`` (a number that a
    candidate names) or ``sex`` (F or M, for the check of identity).
    """

    name: str
    label: Words
    expr: str
    use: Literal["checked", "design", "strata", "marker", "sex"] = "checked"


class CandidateMarker(Part):
    """A marker named in advance.

    One of ``feature`` (a row of the assay), ``score`` (a published signature), ``derived`` (a
    number computed from the assay, such as ``tmb``) and ``column`` (a column of the subjects with
    ``use: marker``; then without ``modality``). ``log``: of log2. ``cut``: a cutpoint fixed in
    advance. ``change_to``: the change from the assay's time point to this one; then
    ``landmark_days``: survival is counted from this day after first dose. ``source``: where marker
    and cutpoint come from.
    """

    name: str = Field(max_length=8, pattern=r"^[A-Z][A-Z0-9_]*$")
    label: Words
    modality: str = asked.CLINICAL
    feature: str = ""
    score: str = ""
    derived: str = ""
    column: str = ""
    log: bool = False
    cut: float | None = None
    unit: str = ""
    change_to: str = ""
    landmark_days: int | None = None
    source: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [n for n in ("feature", "score", "derived", "column") if getattr(self, n)]
        if len(given) != 1:
            raise ValueError("give one of `feature:`, `score:`, `derived:` and `column:`")
        if (given == ["column"]) != (self.modality == asked.CLINICAL):
            raise ValueError("`modality:` names an assay, except for a column of the subjects")
        if bool(self.change_to) != (self.landmark_days is not None):
            raise ValueError("`change_to:` and `landmark_days:` go together")
        return self

    def asked(self) -> asked.Candidate:
        """The candidate as the engine takes it."""
        sources = {
            "feature": self.feature, "score": self.score, "derived": self.derived,
            "column": self.column,
        }  # fmt: skip
        source = next(name for name, key in sources.items() if key)
        return asked.Candidate(
            self.name,
            self.modality,
            source,  # type: ignore[arg-type]  # one of the four names above
            sources[source],
            log=self.log,
            cut=self.cut,
            change_to=self.change_to,
            landmark_days=self.landmark_days,
        )


class Programmes(Part):
    """Gene sets scored as programmes: ``sets`` of the shipped library, and the study's ``own``.

    ``own``: the genes of each set that the library does not have, by name.
    """

    modality: str
    sets: tuple[str, ...] = ()
    own: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all sets, those of the library first."""
        return (*self.sets, *self.own)


class AlphaSplit(Part):
    """How alpha is shared among the tiers; fixed before unblinding."""

    candidates: Share = Field(default=0.025, gt=0, lt=1)
    programmes: Share = Field(default=0.0125, gt=0, lt=1)
    discovery: Share = Field(default=0.0125, gt=0, lt=1)


class Remark(Part):
    """Answers for the REMARK table that no run can know; what is empty is printed as open."""

    objectives: Words = NONE
    patients: Words = NONE
    treatments: Words = NONE
    sample_size: Words = NONE
    follow_up: Words = NONE
    missing_data: Words = NONE
    interpretation: Words = NONE


class Planted(Part):
    """A planted signal: features of an assay shifted by ``shift`` standard deviations.

    ``to``: ``response`` (responders are shifted) or ``survival`` (the shift is per standard
    deviation of the logarithm of survival). ``target``: a gene, an analyte, or the name of a score
    or a set, whose genes are all shifted.
    """

    modality: str
    target: str
    to: Literal["response", "survival"] = "response"
    shift: float = 0.0


class Trap(Part):
    """A planted trap, to see whether the analysis falls into it.

    ``batch_unbalanced``: responders were mostly measured in one batch; ``batch_aliased``: all were;
    ``swapped``: the RNA of two patients of different sex is exchanged; ``missing_by_response``: the
    assay is missing more often in those without response; ``late_baseline``: the sample called
    baseline was taken after first dose.
    """

    kind: Literal[
        "batch_unbalanced", "batch_aliased", "swapped", "missing_by_response", "late_baseline"
    ]
    modality: str


class SimulatedAssays(Part):
    """How assays of made-up patients are made: sizes, noise, planted signals and traps.

    ``missing``: share of patients without a sample, by modality. ``mutated``: share of patients
    with a mutation, by gene. ``analytes``: median by analyte of the long tables, by modality.
    ``unit`` and ``lod`` (limit of detection) by modality.
    """

    genes: int = Field(default=2000, ge=100)
    modules: int = Field(default=20, ge=1)
    depth: float = Field(default=2e6, gt=0)
    batches: tuple[str, ...] = ("A", "B")
    batch_effect: float = 0.3
    missing: dict[str, Share] = Field(default_factory=dict)
    mutated: dict[str, Share] = Field(default_factory=dict)
    burden: float = 60.0
    callable_mb: float = 35.0
    analytes: dict[str, dict[str, float]] = Field(default_factory=dict)
    unit: dict[str, str] = Field(default_factory=dict)
    lod: dict[str, float] = Field(default_factory=dict)
    signals: tuple[Planted, ...] = ()
    traps: tuple[Trap, ...] = ()


class Biomarkers(Part):
    """The whole of ``biomarkers.yaml``.

    ``statement``: what was registered, in its words, and ``source`` where. ``population``: SQL over
    ADSL. The first endpoint is the primary one. ``assays``: the folder of assay files beside the
    entries, where the command line names none.
    """

    statement: Words
    source: str = ""
    population: str = "FASFL = 'Y'"
    manifest: str = "assays/manifest.yaml"
    modalities: tuple[AssayPlan, ...] = Field(min_length=1)
    endpoints: tuple[MarkerEndpoint, ...] = Field(min_length=1)
    columns: tuple[MarkerColumn, ...] = ()
    batch: tuple[str, ...] = ()
    candidates: tuple[CandidateMarker, ...] = Field(default=(), max_length=asked.MOST["candidates"])
    programmes: Programmes | None = None
    alpha: Share = Field(default=0.05, gt=0, lt=1)
    split: AlphaSplit = AlphaSplit()
    permutations: int = Field(default=10_000, ge=99)
    seed: int = Field(default=1, ge=0)
    prediction: bool = False
    remark: Remark = Remark()
    simulated: SimulatedAssays | None = None

    @field_validator("modalities", "endpoints", "columns", "candidates")
    @classmethod
    def _named_once(cls, parts: tuple[Part, ...], info: ValidationInfo) -> tuple[Part, ...]:
        names = [str(getattr(part, "name", "")) for part in parts]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is named twice among the {info.field_name}")
        return parts

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterable[str]:
        split = self.split
        spent = split.candidates + split.programmes + split.discovery
        if spent > self.alpha * (1 + 1e-9):
            yield f"the tiers spend alpha {spent:g}, more than the {self.alpha:g} there is"
        assays = {assay.name: assay for assay in self.modalities}
        markers = {column.name for column in self.columns if column.use == "marker"}
        for candidate in self.candidates:
            name = candidate.name
            if candidate.column:
                if candidate.column not in markers:
                    yield f"{name}: {candidate.column} is no column with `use: marker`"
            elif candidate.modality not in assays:
                yield f"{name}: there is no modality {candidate.modality}"
            elif (
                candidate.change_to and candidate.change_to not in assays[candidate.modality].later
            ):
                yield f"{name}: {candidate.change_to} is not a later time point of its modality"
        if self.programmes is not None and self.programmes.modality not in assays:
            yield f"programmes: there is no modality {self.programmes.modality}"
        names = [endpoint.name for endpoint in self.endpoints]
        for endpoint in self.endpoints:
            if endpoint.varies and endpoint.varies not in names:
                yield f"{endpoint.name}: there is no endpoint {endpoint.varies} that it could vary"
        if self.endpoints[0].varies:
            yield "the first endpoint is the primary one and varies no other"

    def expressions(self) -> Iterable[tuple[Keys, str, str]]:
        """Key path, text and dataset of every SQL expression."""
        yield ("population",), self.population, "ADSL"
        for at, column in enumerate(self.columns):
            yield ("columns", at, "expr"), column.expr, "ADSL"
        for at, endpoint in enumerate(self.endpoints):
            for key, dataset in (
                ("success", endpoint.reads), ("evaluable", "ADSL"), ("value", endpoint.reads),
            ):  # fmt: skip
                if text := str(getattr(endpoint, key)):
                    yield ("endpoints", at, key), text, dataset

    def sets(self) -> tuple[asked.Programme, ...]:
        """The programmes with their genes, those of the shipped library first.

        Raises ``OnearmError`` for a set that the library does not have.
        """
        wanted = self.programmes
        if wanted is None:
            return ()
        library = shipped(LIBRARY).sets
        for name in wanted.sets:
            if name not in library:
                raise OnearmError(f"biomarkers.yaml: the library has no gene set {name!r}")
        genes = {name: library[name] for name in wanted.sets} | wanted.own
        return tuple(asked.Programme(name, wanted.modality, genes[name]) for name in genes)

    def plan(self) -> asked.Plan:
        """The plan as the engine takes it."""
        tested = [endpoint for endpoint in self.endpoints if not endpoint.varies]
        uses = {use: tuple(c.name for c in self.columns if c.use == use)
                for use in ("checked", "design", "strata")}  # fmt: skip
        return asked.Plan(
            modalities=tuple(
                asked.Modality(m.name, m.timepoint, m.later, m.discovery, m.kinetics, m.counts)
                for m in self.modalities
            ),
            endpoints=tuple(endpoint.name for endpoint in tested),
            candidates=tuple(candidate.asked() for candidate in self.candidates),
            programmes=self.sets(),
            split=asked.Split(self.split.candidates, self.split.programmes, self.split.discovery),
            alpha=self.alpha,
            checked=(*uses["checked"], *uses["design"], *uses["strata"]),
            batch=self.batch,
            sex=next((c.name for c in self.columns if c.use == "sex"), ""),
            design=uses["design"],
            strata=uses["strata"],
            sensitivity={e.name: e.varies for e in self.endpoints if e.varies},
            permutations=self.permutations,
            seed=self.seed,
            prediction=self.prediction,
        )
