"""What all measures promise, whatever they measure."""

from __future__ import annotations

import inspect
import subprocess
import sys
from datetime import UTC, datetime

import pandas as pd
import pytest

from funnelsim import measures
from funnelsim.errors import HistoryError, ParameterError
from funnelsim.events import EventLog, Metadata
from funnelsim.events.tables import empty
from funnelsim.measures.example import BANK
from funnelsim.measures.tables import MEASURED
from tests.logs import make_log, measures_of_a_log

ALL = measures_of_a_log()
GROUPED = [measure for measure in ALL if "by" in inspect.signature(measure).parameters]
NEED_HISTORY = {
    "conversion",
    "cumulative_flow",
    "delay_time",
    "dwell_time",
    "end_to_end_conversion",
    "offers_sent",  # the funnel of these logs has a stage that is an offer
    "stage_conversion",
    "transitions",
    "weakest_stage",
    "wip",
}
EMPTY = EventLog(
    leads=empty("leads"),
    visits=empty("visits"),
    efforts=empty("efforts"),
    marks=empty("marks"),
    meta=Metadata(
        observed_from=datetime(2024, 1, 1, tzinfo=UTC),
        observed_until=datetime(2024, 1, 8, tzinfo=UTC),
    ),
)
LOGS = {
    "bank": BANK,
    "empty": EMPTY,
    "nothing but stages": make_log({}, until=24),
    "one open": make_log({"a": "ask 0"}, until=24, efforts=[("a", 1, "t", 1, None, None)]),
    "one closed": make_log({"a": "ask 0, won 2"}, until=24, efforts=[("a", 1, "t", 1, 1, 2)]),
    "no window": make_log({"a": "ask 0"}, until=0),
    "nothing missing": make_log(
        {"a": "ask 0, won 2", "b": "ask 1, lost 3"}, until=3, leads={"source": [None, ""]}
    ),
}


ATTRIBUTES = {
    "score": [0.5, None],
    "vip": [True, False],
    "size": [1, 9_007_199_254_740_993],
    "signed": [datetime(2024, 1, 1, tzinfo=UTC), None],
}
ATTRIBUTED = make_log({"a": "ask 0, won 2", "b": "ask 1"}, until=3, leads=ATTRIBUTES)
SHALLOW = {
    history: make_log({"a": "won 1", "b": "ask 0"}, until=3, history=history)
    for history in ("latest_entry", "snapshot")
}


def name_of(value: object) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS)
@pytest.mark.parametrize("measure", ALL, ids=name_of)
def test_tables_have_the_fixed_columns(measure, log):
    table = measure(log)
    columns = list(table.columns)
    start = columns.index("measure")
    assert columns[start : start + len(MEASURED)] == list(MEASURED)
    assert table.dtypes.astype(str).iloc[start : start + len(MEASURED)].to_dict() == dict(MEASURED)
    assert not table.columns.duplicated().any()
    assert table.index.equals(pd.RangeIndex(len(table)))
    given = table["lo"].notna() | table["hi"].notna()
    assert table["level"].notna().eq(given).all()
    between = (table["lo"] <= table["value"]) & (table["value"] <= table["hi"])
    assert (between | ~table[["lo", "value", "hi"]].notna().all(axis=1)).all()


@pytest.mark.parametrize("name", ["bank", "empty"])
@pytest.mark.parametrize("measure", GROUPED, ids=name_of)
def test_groups_come_first(measure, name):
    log = LOGS[name]
    table = measure(log, by=["source", "segment"])
    assert list(table.columns[:2]) == ["source", "segment"]
    plain = measure(log)
    assert list(table.columns[2:]) == list(plain.columns)
    assert (table.dtypes.iloc[2:] == plain.dtypes).all()


@pytest.mark.parametrize("measure", GROUPED, ids=name_of)
def test_attributes_of_any_type_can_group(measure):
    table = measure(ATTRIBUTED, by=list(ATTRIBUTES))
    for name in ATTRIBUTES:
        assert table[name].dtype == ATTRIBUTED.leads[name].dtype


@pytest.mark.parametrize("measure", GROUPED, ids=name_of)
def test_unknown_columns_are_refused(measure):
    with pytest.raises(ParameterError, match="is no column of this measure"):
        measure(BANK, by="value")


@pytest.mark.parametrize("history", SHALLOW)
@pytest.mark.parametrize("measure", ALL, ids=name_of)
def test_history_is_refused_by_name_or_suffices(measure, history):
    log = SHALLOW[history]
    if measure.__name__ in NEED_HISTORY:
        with pytest.raises(HistoryError, match=history):
            measure(log)
    else:
        measure(log)


@pytest.mark.parametrize("measure", ALL, ids=name_of)
def test_the_same_log_gives_the_same_table_and_is_left_alone(measure):
    before = {name: getattr(BANK, name).copy() for name in ("leads", "visits", "efforts", "marks")}
    pd.testing.assert_frame_equal(measure(BANK), measure(BANK))
    for name, table in before.items():
        pd.testing.assert_frame_equal(getattr(BANK, name), table)


def test_exported_names_are_sorted_and_there():
    assert list(measures.__all__) == sorted(measures.__all__)
    assert all(callable(getattr(measures, name)) for name in measures.__all__)


def test_importing_measures_leaves_statsmodels_alone():
    code = "import sys, funnelsim.measures; sys.exit('statsmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
