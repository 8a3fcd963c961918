"""What a made-up trial looks like: people, disease, drugs, harm and mess (``simulation.yaml``).

Shares are between 0 and 1; days are counted from first dose = 0; lengths are millimetres.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from onearm.study.text import Part, Words

Share = float


class Normal(Part):
    """A normal distribution, cut off at ``low`` and ``high``; with ``log`` of the logarithm.

    With ``log`` the ``mean`` is the median of the value and ``sd`` that of its natural logarithm.
    """

    mean: float
    sd: float = 0.0
    low: float | None = None
    high: float | None = None
    log: bool = False


class Answer(Part):
    """How one item is answered that no part of the course of disease decides.

    ``values``: weight by code. ``number``: a distribution. ``days``: first and last day of a date,
    counted from ``since``. ``by_cohort``: other weights in some cohorts. ``each``: drawn once a
    ``subject`` or anew at each ``visit``. ``partial``: share of dates known only to the month (and
    a third of those only to the year). ``empty``: share left empty. ``fact``: take what the course
    of disease says (see ``onearm.simulate.facts``), in the words of ``words``.
    """

    fact: str = ""
    words: dict[str, str] = Field(default_factory=dict)
    values: dict[str, float] = Field(default_factory=dict)
    by_cohort: dict[str, dict[str, float]] = Field(default_factory=dict)
    number: Normal | None = None
    days: tuple[int, int] | None = None
    since: Literal["consent", "first_dose", "visit"] = "visit"
    each: Literal["subject", "visit"] = "subject"
    partial: Share = 0.0
    empty: Share = 0.0


class SimSite(Part):
    """A site and its share of the patients."""

    id: str
    share: float = 1.0


class Screening(Part):
    """Who is looked at, and what becomes of them.

    ``failure``: share of those screened who are not enrolled. ``never_dosed``: share of those
    enrolled who get no drug. ``days``: first and last day of consent before first dose.
    """

    failure: Share
    never_dosed: Share = 0.0
    days: tuple[int, int] = (7, 24)
    failed_criteria: dict[str, float] = Field(default_factory=dict)


class SimCohort(Part):
    """One kind of patients: how many, who they are, where their disease sits, how it behaves.

    ``organs``: weight by name of ``Tumour.organs``, ``always`` an organ all have. ``growth``,
    ``kill``, ``survival`` and ``spread`` multiply the general rates and times.
    """

    code: str
    share: float
    female: Share
    age: Normal
    organs: dict[str, float]
    always: str = ""
    growth: float = 1.0
    kill: float = 1.0
    survival: float = 1.0
    spread: float = 1.0


class Organ(Part):
    """A place for lesions: SDTM locations (one is drawn), and what kind of place it is."""

    locations: tuple[str, ...]
    nodal: bool = False
    paired: bool = False
    measurable: bool = True


class Tumour(Part):
    """Lesions at baseline and how they are seen. Counts: weight by number of lesions.

    ``error``: standard deviation of the logarithm of a measurement. Nothing is measured above
    ``largest_mm`` (``largest_node_mm``), below ``gone_mm`` a lesion is absent, below
    ``too_small_mm`` the share ``too_small`` is not measured. ``nontarget_gone``: share of its size
    below which a non-target is absent. ``same_patient``: spread of rates within a patient.
    ``two_days``: share of time points scanned on two days. ``merged``, ``split``: shares of
    patients.
    """

    organs: dict[str, Organ]
    targets: dict[int, float]
    nontargets: dict[int, float]
    size: Normal
    node_size: Normal
    error: float = 0.04
    decimals: Literal[0, 1] = 1
    too_small: Share = 0.6
    too_small_mm: float = 5.0
    gone_mm: float = 2.0
    largest_mm: float = 290.0
    largest_node_mm: float = 140.0
    gone_node_mm: float = 3.0
    nontarget_gone: Share = 0.3
    same_patient: float = 0.15
    methods: dict[str, float]
    slices: dict[str, float] = Field(default_factory=dict)
    two_days: Share = 0.1
    lesion_not_evaluable: Share = 0.008
    merged: Share = 0.01
    split: Share = 0.01
    not_evaluable_reasons: tuple[str, ...] = ("POOR IMAGE QUALITY",)


class Kinetics(Part):
    """Size over time: ``size * (exp(-kill * day) + exp(growth * day) - 1)``, rates a day.

    ``sensitive`` is the share of patients in whom the drugs kill at all. Source: Stein et al.,
    Clin Cancer Res 17:907 (2011); Claret et al., J Clin Oncol 27:4103 (2009).
    """

    sensitive: Share
    kill: Normal
    growth: Normal
    resistant_growth: float = 1.0


class Spread(Part):
    """Progression beside the targets. Times are medians of Weibull times in days."""

    new_lesion: float
    nontarget: float
    shape: float = 1.2
    equivocal: Share = 0.15
    confirmed: Share = 0.6
    sensitive: float = 2.0


class Scans(Part):
    """How imaging departs from the plan."""

    baseline_days: tuple[int, int] = (1, 20)
    jitter: float = 2.5
    late: Share = 0.05
    missed: Share = 0.04
    not_evaluable: Share = 0.015
    unscheduled: Share = 0.03
    no_baseline: Share = 0.0
    after_progression: Share = 0.15


class Course(Part):
    """What ends treatment and follow-up. Rates are a year, survival is in days.

    ``survival``: from progression to death; ``association``: correlation of its logarithm with
    slow growth. ``death``: rate of deaths before progression.
    """

    survival: Normal
    association: float = Field(ge=-1, le=1)
    death: float
    toxicity: float
    withdrawal: float
    lost: float
    beyond_progression: Share = 0.1
    clinical_progression: float = 0.0
    therapy_after_progression: Share = 0.4
    therapy_after_toxicity: Share = 0.25
    surgery_of_responders: Share = 0.0
    registry_death: Share = 0.3
    contact_jitter: float = 3.0
    contact_missed: Share = 0.03


class Drug(Part):
    """What happens to the doses of one treatment of study.yaml. Rates are a year.

    ``reduction`` steps down behind a hold, ``interruption`` holds and goes on as before,
    ``stopped_alone`` ends this drug and not the others. ``delay`` and ``skipped``: shares of the
    doses of a drug given in cycles. ``reasons``: why a dose is not the one before.
    ``immune``: events related to this drug may be immune-mediated. ``related_to`` and
    ``action_to``: SDTM targets of the answers about this drug on an event.
    """

    reduction: float = 0.0
    interruption: float = 0.0
    hold_days: tuple[int, int] = (4, 21)
    stopped_alone: float = 0.0
    delay: Share = 0.0
    delay_days: tuple[int, int] = (3, 10)
    skipped: Share = 0.0
    reasons: dict[str, float] = Field(default_factory=dict)
    immune: bool = False
    related_to: str = ""
    action_to: str = ""


class Event(Part):
    """One adverse event term: how often, how bad, when, from which drug.

    ``code``: the answer in the study's codelist of terms. ``grades``: weight of the worst grade 1
    to 5. ``related``: share related, by treatment. ``onset``, ``duration``: medians in days.
    """

    code: str
    text: str = ""
    incidence: Share
    grades: tuple[float, ...]
    related: dict[str, Share] = Field(default_factory=dict)
    immune: bool = False
    onset: float = 42.0
    duration: float = 21.0
    again: Share = 0.1


class Events(Part):
    """Adverse events in general.

    ``before``: share with onset before first dose. ``serious``: share serious by grade.
    ``partial_start`` and ``partial_end``: shares of dates without a day. ``after_days``: how long
    after the last dose events still begin. ``late_days``: how long serious and immune-mediated ones
    still count as treatment-emergent. ``actions``: weight of the action taken, by grade.
    ``immune_to``: SDTM target of the question whether an event is immune-mediated.
    """

    terms: tuple[Event, ...]
    before: Share = 0.03
    serious: tuple[Share, ...] = (0.0, 0.02, 0.25, 0.9, 1.0)
    partial_start: Share = 0.02
    partial_end: Share = 0.05
    after_days: int = 30
    late_days: int = 90
    actions: dict[int, dict[str, float]] = Field(default_factory=dict)
    immune_to: str = ""


class Measurement(Part):
    """A number measured again and again, by its test code.

    ``between``: standard deviation between patients; ``within``: from visit to visit; with ``log``
    both are of the natural logarithm and ``mean`` is the median. ``drift``: change of the mean in
    half a year, on the same scale. ``least`` and ``most``: limits of what can be; ``screening``:
    narrower limits at screening, for values that patients are chosen by. ``of``: the value is a
    share of that of another test. ``missing``: share not done. ``by_cohort``, ``by_sex``: other
    means.
    """

    mean: float
    between: float
    within: float
    log: bool = False
    least: float | None = None
    most: float | None = None
    screening: tuple[float, float] | None = None
    of: str = ""
    drift: float = 0.0
    missing: Share = 0.0
    by_cohort: dict[str, float] = Field(default_factory=dict)
    by_sex: dict[str, float] = Field(default_factory=dict)


class Medication(Part):
    """A row of a log form: its answers by item, its weight, and the cohorts that have it."""

    weight: float = 1.0
    cohorts: tuple[str, ...] = ()
    values: dict[str, str]


class History(Part):
    """Rows of one log form: how many a subject, which, and when.

    ``rows``: weight by number of rows; ``by_cohort``: other weights. ``start``, ``end``,
    ``ongoing``, ``number``: the items with first day, last day, whether it goes on (BEFORE or
    ONGOING), and the number of the row. ``days`` counts the start from ``since``; ``length`` is how
    long a row lasts; rows of one subject follow each other. ``since = therapy`` and ``surgery``:
    one row on the day of new systemic therapy, or of surgery, for those who have it.
    """

    form: str
    choices: tuple[Medication, ...]
    rows: dict[int, float] = Field(default={1: 1.0})
    by_cohort: dict[str, dict[int, float]] = Field(default_factory=dict)
    start: str
    end: str = ""
    ongoing: str = ""
    number: str = ""
    since: Literal["consent", "first_dose", "therapy", "surgery"] = "first_dose"
    days: tuple[int, int] = (0, 0)
    length: tuple[int, int] = (0, 0)
    partial: Share = 0.0


class Mess(Part):
    """Rates of what people get wrong, a value unless said otherwise.

    ``reader_error``: a scan's overall response written wrongly; ``typo``: a number;
    ``impossible_date``, ``out_of_list``, ``missing``; ``partial_death``: a date of death without
    its day.
    """

    reader_error: Share = 0.03
    typo: Share = 0.0005
    missing: Share = 0.001
    impossible_date: Share = 0.0005
    out_of_list: Share = 0.0005
    partial_death: Share = 0.0


class Places(Part):
    """Which visits of schedule.yaml stand for what.

    ``safety``: visits this many days after the last dose.
    """

    screening: str
    end_of_treatment: str
    end_of_study: str
    death: str
    log: str
    unscheduled: str = ""
    contact: str = ""
    safety: dict[str, int] = Field(default_factory=dict)


class Scenario(Part):
    """One way a whole trial might go (``onearm simulate --trials``); the rest is as planned.

    The patients, where trials are drawn from rates: ``response`` and ``control`` (shares),
    ``pfs_months`` and ``after_months`` (median time free of progression, and from progression to
    death), ``pfs_shape`` (Weibull; 1 is exponential), ``deaths`` (share of the first that are
    deaths), ``correlation`` of tumour and time; the design's target where not given. Where trials
    are drawn as entries: ``sensitive`` (share in whom the drugs kill), ``progression`` (multiplies
    growth and spread). How they are looked at: ``scan_days`` between scans throughout, ``missed``
    (share of scans), ``reader_error`` (share of readings, drawn from rates),
    ``measurement_error`` (standard deviation of the logarithm of a diameter, drawn as entries),
    ``confirmation`` of a response needed or not, ``dropout`` (rate a year).
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: Words
    response: float | None = Field(default=None, gt=0, lt=1)
    control: float | None = Field(default=None, gt=0, lt=1)
    pfs_months: float | None = Field(default=None, gt=0)
    pfs_shape: float = Field(default=1.0, gt=0)
    after_months: float | None = Field(default=None, gt=0)
    deaths: float = Field(default=0.1, ge=0, le=1)
    correlation: float = Field(default=0.5, gt=-1, lt=1)
    sensitive: float | None = Field(default=None, ge=0, le=1)
    progression: float = Field(default=1.0, gt=0)
    scan_days: int | None = Field(default=None, gt=0)
    missed: float | None = Field(default=None, ge=0, lt=1)
    reader_error: float | None = Field(default=None, ge=0, lt=1)
    measurement_error: float | None = Field(default=None, ge=0)
    confirmation: bool | None = None
    dropout: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.response and self.control and self.control < self.response:
            raise ValueError(
                f"control {self.control:g} is below response {self.response:g}, which is part of it"
            )
        return self


class Simulation(Part):
    """The whole of ``simulation.yaml``."""

    subjects: int = Field(gt=0)
    seed: int = Field(ge=0)
    start: date
    accrual_months: float = Field(gt=0)
    cut: date
    sites: tuple[SimSite, ...]
    subject_number: str = "{n:04d}"
    places: Places
    screening: Screening
    cohorts: tuple[SimCohort, ...]
    tumour: Tumour
    kinetics: Kinetics
    spread: Spread
    scans: Scans = Scans()
    course: Course
    drugs: dict[str, Drug]
    events: Events
    measurements: dict[str, Measurement] = Field(default_factory=dict)
    history: tuple[History, ...] = ()
    answers: dict[str, Answer] = Field(default_factory=dict)
    mess: Mess = Mess()
    aims: dict[str, tuple[float, float]] = Field(default_factory=dict)
    scenarios: tuple[Scenario, ...] = ()
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [scenario.id for scenario in self.scenarios]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"scenarios: the id {twice[0]} is used twice")
        return self

    def expressions(self) -> Iterable[tuple[tuple[str | int, ...], str, str]]:
        """No part of a simulation is a condition."""
        return ()
