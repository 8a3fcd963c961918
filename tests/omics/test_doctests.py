"""The examples in the docstrings of the engine run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import onearm.omics as omics

MODULES = [f"onearm.omics.{found.name}" for found in pkgutil.iter_modules(omics.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0
