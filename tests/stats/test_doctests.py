"""The examples in the docstrings run, and every public name has a docstring."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import onearm.stats as stats

MODULES = [f"onearm.stats.{found.name}" for found in pkgutil.iter_modules(stats.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    module = importlib.import_module(name)
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module(name) for name in MODULES]
    assert sum(len(test.examples) for m in modules for test in finder.find(m)) > 25


@pytest.mark.parametrize("name", stats.__all__)
def test_every_public_name_is_documented(name):
    assert (getattr(stats, name).__doc__ or "").strip()
    assert name in stats.__doc__ or name[0].isupper()
