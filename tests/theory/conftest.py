"""The false alarms of all theory tests together stay within the budget."""

from __future__ import annotations

import pytest

from tests.statistical import BUDGET, spent


@pytest.fixture(scope="session", autouse=True)
def budget():
    yield
    assert sum(spent) <= BUDGET, f"{len(spent)} assertions cry wolf with chance {sum(spent):.2g}"
