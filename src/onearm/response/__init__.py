"""Tumour response by published criteria: diameters in, responses out, with the rule and the reason.

The engine knows no study, no CDISC name and no file. It reads polars frames with lower-case columns
and answers for one patient on a form as for a million rows.

**From lesions to time points**

``time_points(lesions, *, criteria=RECIST11, markers=None) -> pl.DataFrame``

``lesions``: one row a lesion and time point. Needs

=============  =========  ======================================================================
column         type       meaning
=============  =========  ======================================================================
subject        String
reader         String     who read the scans (investigator, independent 1, ...); not null
time_point     Int32      0 = baseline, then in order of time (gaps are allowed)
date           Date       day of the scan on which this lesion was looked at
lesion         String     identifier within subject and reader; fragments of T01 are T01a, T01b
role           String     target, non-target or new; null for a row that only says "scanned"
nodal          Boolean    a lymph node: ``size`` is then its short axis
size           Int64      diameter in units of 0.1 micrometre (mm x 10 000), null where not
                          measured; make it with ``fixed_point`` (from text or Float64)
state          String     measured, absent, present, too_small, progressed, coalesced,
                          not_evaluable, equivocal, unequivocal; null means measured where there
                          is a size, else not evaluable
=============  =========  ======================================================================

and may have ``scheduled`` (Date, planned day of the visit, for ``pd_date_rule='scheduled'``) and
``query`` (String, a question about this row that is carried into ``flags``).

Returns one row a subject, reader and time point, sorted so, baseline included (its responses are
null): ``subject, reader, time_point, date`` (last scan day), ``sum, n_expected, n_assessed,
complete, base, nadir, nadir_date, change, change_nadir`` (Int64, same unit as ``size``; divide by
``UNITS_PER_MM``, or use ``in_mm``), ``pct_change, pct_change_nadir`` (Float64, per cent), ``target,
nontarget`` (CR, PR, SD, PD, NE, NON-CR/NON-PD, none), ``new`` (yes, no, equivocal), ``overall``
(CR, PR, SD, PD, NE, NON-CR/NON-PD, NED), ``rule`` (row of the published table), ``reason`` (one
sentence), ``flags`` (text, "; " between, null where there is none), ``pd_date`` (null unless
``overall`` is PD).

**From time points to the best response**

``best_response(responses, subjects, *, criteria=RECIST11, confirmed=True) -> pl.DataFrame``

``responses``: one row an assessment after baseline: ``subject, reader, date, response``, and if
there ``pd_date`` and ``flags``. ``subjects``: one row a subject: ``subject, start`` (first dose),
``new_therapy`` and ``cutoff`` (Date or null), and if there ``why_missing`` (String).

Returns one row a subject and reader: ``subject, reader, response, date, response_date`` (first CR
or PR that counts; null for non-responders), ``pd_date`` (first progression within follow-up),
``rule, reason, flags``. Subjects without a usable assessment are there, for every reader.

``counted_assessments(responses, subjects, parameters)`` returns the assessments that decided, with
disease after a CR taken as progression where that rule is strict: PFS and DOR read the same rows.
``first_response``, ``clinical_benefit`` and ``progression`` answer single questions about them.

Parameters (``sd_min_days``, ``confirm_days``, ``pd_date_rule``, ...) belong to the criteria:
``RECIST11.with_parameters(confirm_days=28, sd_min_days=42)``; a study file can name them the same.
"""

from __future__ import annotations

from onearm.response.best import best_response
from onearm.response.criteria import (
    CRITERIA,
    RECIST11,
    Criteria,
    Parameters,
    find_criteria,
    overall_response,
)
from onearm.response.followup import counted_assessments
from onearm.response.milestones import clinical_benefit, first_response, progression
from onearm.response.sizes import UNITS_PER_MM, fixed_point, in_mm
from onearm.response.timepoint import time_points

__all__ = [
    "CRITERIA",
    "RECIST11",
    "UNITS_PER_MM",
    "Criteria",
    "Parameters",
    "best_response",
    "clinical_benefit",
    "counted_assessments",
    "find_criteria",
    "first_response",
    "fixed_point",
    "in_mm",
    "overall_response",
    "progression",
    "time_points",
]
