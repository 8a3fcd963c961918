"""Toxicity grades of laboratory values: arithmetic over a published table, on a page as in ADaM.

The table gives conditions for each grade of each term (``ctcae5_lab.csv``). `add_grades` grades a
frame of any length; `grade` grades one result in well under a millisecond, for a page that answers
while somebody types. Both read the same conditions, and tests hold them to the same answers.
"""

from onearm.grading.grades import CALCIUM_PER_ALBUMIN, USUAL_ALBUMIN, Term, add_grades, terms
from onearm.grading.single import Graded, Result, corrected_calcium, grade

__all__ = [
    "CALCIUM_PER_ALBUMIN",
    "USUAL_ALBUMIN",
    "Graded",
    "Result",
    "Term",
    "add_grades",
    "corrected_calcium",
    "grade",
    "terms",
]
