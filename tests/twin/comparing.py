"""What equal means: the same rows, the same tally, the same event log."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from funnelsim.engine import compiled, make_plan, reference
from funnelsim.engine.logs import event_log
from funnelsim.engine.plan import Plan
from funnelsim.engine.rows import Columns, Rows
from funnelsim.engine.snapshot import Snapshot
from funnelsim.engine.tally import Limits, tally_of
from funnelsim.errors import RunError
from funnelsim.scenarios.scenario import Scenario
from funnelsim.streams import Stream
from funnelsim.worktime import DAY, HOUR

__all__ = ["differences"]

LIMITS = Limits(wait=4 * HOUR, age=3 * DAY)


def differences(
    scenario: Scenario,
    seed: int,
    replication: int = 0,
    seen: Counter[str] | None = None,
    start: Snapshot | None = None,
) -> list[str]:
    """Everything in which the engines differ; empty if nothing. Counts what it has ``seen``."""
    plan, stream = make_plan(scenario, start), Stream(seed, replication)
    try:
        expected = reference.run(plan, stream)
    except RunError as error:
        with pytest.raises(RunError, match=re.escape(str(error))):
            compiled.run(plan, stream)
        return []
    found = compiled.run(plan, stream)
    tables = ("visits", "efforts", "marks")
    if seen is not None:
        seen["leads"] += len(expected.arrivals)
        seen["open deals"] += len(plan.deals)
        seen["rows"] += sum(len(getattr(expected, name)["lead"]) for name in tables)
    different = [
        name
        for name in tables
        if not np.array_equal(_rows(getattr(expected, name)), _rows(getattr(found, name)))
    ]
    one, other = tally_of(plan, expected, LIMITS), compiled.sums(plan, stream, LIMITS)
    different += [
        f"tally: {field.name}"
        for field in fields(one)
        if not np.array_equal(getattr(one, field.name), getattr(other, field.name))
    ]
    return different + _of_logs(plan, stream, expected, found)


def _rows(columns: Columns) -> NDArray[np.int64]:
    """Rows in one order: an engine may hand them over in any."""
    table = np.stack(list(columns.values()), axis=1)
    return table[np.lexsort(table.T[::-1])]


def _of_logs(plan: Plan, stream: Stream, *rows: Rows) -> list[str]:
    one, other = (event_log(plan, each, stream) for each in rows)
    tables = [
        name for name, table in one.tables().items() if not table.equals(other.tables()[name])
    ]
    return [f"log: {name}" for name in tables] + ["log: meta"] * (one.meta != other.meta)
