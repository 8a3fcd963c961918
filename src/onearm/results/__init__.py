"""The numbers of the trial: one row a number, each with the condition that selects its rows.

analyse(study, datasets) -> frame with the columns of `SCHEMA`, in the order of ``analyses.yaml``
run(plan, datasets, levels=...) -> the same from a plan, without a study around it
KINDS[name] -> the kinds of analysis: title, function, operations, source
rows_behind(datasets, dataset, where) -> the rows that a number's condition selects now
rows_hash(dataset, rows) -> the hash stored beside a number
compare(before, after) -> which numbers changed, came or went
monitor(study, datasets) -> where every rule of the design stands, one row a fact (`FACTS`)
need_rules(study) -> the design and the plan to monitor by; raises where there are none
check_consistency(numbers) -> findings where a share is not its counts, or counts contradict

A table column is group1 with its level, or ``Total``. group2 and group3 are variables of the
dataset, or one of these: LINE (a line of the analysis), BAND (a depth of change), MONTH and TIME
(months, and days of a curve), EVNTDESC, CENSORED and CNSDTDSC (kinds of event, reasons for
censoring, what dates it), or the PARAMCDs of two readings that are compared.
Shares are from 0 to 1; times are in the unit that the row names.
"""

from onearm.results.analyse import analyse, run
from onearm.results.compare import check_consistency, compare
from onearm.results.kinds import KINDS
from onearm.results.model import MISSING, SCHEMA, Kind
from onearm.results.monitor import FACTS, monitor, need_rules
from onearm.results.select import rows_behind, rows_hash

__all__ = [
    "FACTS",
    "KINDS",
    "MISSING",
    "SCHEMA",
    "Kind",
    "analyse",
    "check_consistency",
    "compare",
    "monitor",
    "need_rules",
    "rows_behind",
    "rows_hash",
    "run",
]
