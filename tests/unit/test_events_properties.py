"""Properties of event logs, on logs that Hypothesis makes."""

from __future__ import annotations

import tempfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelsim.events import SCHEMA, EventLog
from tests.made_logs import END_MINUTE, event_logs, minute
from tests.sizes import costly

MINUTES = st.integers(0, END_MINUTE)


def shuffled(log: EventLog, seed: int) -> dict[str, pd.DataFrame]:
    return {
        name: frame.sample(frac=1, random_state=seed)[list(frame.columns)[::-1]]
        for name, frame in log.tables().items()
    }


@costly
@given(event_logs(), st.integers(0, 1000))
def test_equal_content_is_equal_whatever_its_order(log, seed):
    assert EventLog(**shuffled(log, seed), meta=log.meta).equals(log)


@costly
@given(event_logs(), MINUTES, MINUTES)
def test_a_cut_of_a_cut_is_the_earlier_cut(log, one, other):
    early, late = sorted((minute(one), minute(other)))
    assert log.as_of(late).as_of(early).equals(log.as_of(early))


@costly
@given(event_logs())
def test_a_cut_at_the_end_is_the_log(log):
    assert log.as_of(log.meta.observed_until).equals(log)


@costly
@given(event_logs(), MINUTES)
def test_a_cut_is_valid_and_holds_nothing_later(log, number):
    moment = minute(number)
    past = log.as_of(moment)
    assert EventLog(**past.tables(), meta=past.meta).equals(past)
    for frame in past.tables().values():
        for name in frame.select_dtypes("datetimetz"):
            assert not (frame[name] > moment).any()
    assert past.leads["segment"].isna().all() or moment == log.meta.observed_until


@costly
@given(event_logs(), MINUTES)
def test_a_cut_does_not_see_the_future(log, number):
    """Whatever happens after a moment, what was known at it stays the same."""
    moment = pd.Timestamp(minute(number))
    tables = log.tables()
    later = {
        **tables,
        "leads": tables["leads"][tables["leads"]["arrived_at"] <= moment],
    }
    kept = later["leads"]["lead_id"]
    for name in ("visits", "efforts", "marks"):
        later[name] = later[name][later[name]["lead_id"].isin(kept)]
    later["marks"] = later["marks"][later["marks"]["at"] <= moment]
    assert EventLog(**later, meta=log.meta).as_of(moment).equals(log.as_of(moment))


@pytest.mark.parametrize("form", ["csv", "parquet"])
@costly
@given(log=event_logs())
def test_saving_and_loading_gives_the_same_log(form, log):
    with tempfile.TemporaryDirectory() as place:
        log.save(f"{place}/log", form)
        again = EventLog.load(f"{place}/log")
    for name in SCHEMA:
        pd.testing.assert_frame_equal(again.tables()[name], log.tables()[name])
    assert again.equals(log)


@costly
@given(event_logs())
def test_filtering_all_and_joining_the_parts_is_the_identity(log):
    ids = log.leads["lead_id"]
    assert log.filter(ids).equals(log)
    assert log.filter(ids.notna()).equals(log)
    even, odd = log.filter(ids[::2]), log.filter(ids[1::2])
    assert EventLog.concat([odd, even]).equals(log)


@costly
@given(event_logs())
def test_views_count_every_row_once(log):
    wide = log.visits_wide()
    assert len(wide) == len(log.visits)
    assert wide["n_efforts"].sum() == log.efforts["visit"].notna().sum()
    assert wide["value"].sum() == log.marks["value"][log.marks["visit"].notna()].sum()
    outcomes = log.outcomes()
    assert outcomes["lead_id"].tolist() == log.leads["lead_id"].tolist()
    assert outcomes["closed_at"].isna().tolist() == (outcomes["outcome"] == "open").tolist()
