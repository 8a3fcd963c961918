"""Weeks of remission of 42 children, 6-mercaptopurine against placebo.

Freireich et al., Blood 21:699-716 (1963), as analysed by Cox, JRSS B 34:187-220 (1972), and by
Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data (2002).
"""

from __future__ import annotations

TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
TREATED_RELAPSE = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
WEEKS = TREATED + PLACEBO
RELAPSE = TREATED_RELAPSE + [True] * 21
IS_PLACEBO = [0] * 21 + [1] * 21
