"""The same suites, drawn from for minutes: queries that a contract allows, and damaged programs, by the thousand."""

from __future__ import annotations

import pytest

from tests.conformance import test_forecast, test_segment, test_tabular

pytestmark = pytest.mark.soak


class TestManyLoans(test_tabular.TestTwoClasses):
    examples = 2000


class TestManySales(test_forecast.TestSales):
    examples = 2000


class TestManyShoppers(test_segment.TestSegments):
    examples = 2000


class TestManyDamagedGraphs(test_tabular.TestGraphs):
    examples = 20_000


class TestManyDamagedSeries(test_forecast.TestSeries):
    examples = 20_000
