"""The examples in the docstrings run, every public name and every design is documented."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import onearm.design as design

MODULES = [f"onearm.design.{found.name}" for found in pkgutil.iter_modules(design.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module(name) for name in MODULES]
    assert sum(len(test.examples) for module in modules for test in finder.find(module)) > 25


@pytest.mark.parametrize("name", design.__all__)
def test_every_public_name_is_documented(name):
    assert (getattr(design, name).__doc__ or "").strip()
    assert name in design.__doc__ or name[0].isupper()


@pytest.mark.parametrize("one", design.DESIGNS.values(), ids=design.DESIGNS)
def test_every_design_has_a_title_and_a_source(one):
    assert one.title
    assert one.source
    assert one.function.__doc__
