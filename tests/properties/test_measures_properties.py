"""What must hold for every event log, however odd."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelsim import measures
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from funnelsim.measures.passages import Counting
from tests.logs import make_log, measures_of_a_log
from tests.made_logs import event_logs
from tests.sizes import costly
from tests.strategies import SEEDS, scenarios

STAGES = ["ask", "offer", "deal", "again"]
ALL = measures_of_a_log()
MODES: tuple[Counting, ...] = ("reached", "strict", "visits")
UNTIL = 60
# Some examples ask every measure at once: fewer of them do.
FEWER = max(1, settings().max_examples // 3)


@st.composite
def funnels(draw: st.DrawFn) -> EventLog:
    """Draw leads that skip, loop, stand still, close and stay open in a known funnel."""
    paths, efforts = {}, []
    for number in range(draw(st.integers(0, 12))):
        lead, hour = f"l{number}", draw(st.integers(0, UNTIL))
        line = []
        for visit in range(1, draw(st.integers(1, 5)) + 1):
            line.append(f"{draw(st.sampled_from(STAGES))} {hour}")
            if draw(st.booleans()):
                times = sorted(draw(st.lists(st.integers(hour, UNTIL), min_size=3, max_size=3)))
                known = draw(st.integers(1, 3))
                shown = [*times[:known], None, None][:3]
                efforts.append((lead, visit, draw(st.sampled_from(["desk", "back"])), *shown))
            hour = draw(st.integers(hour, UNTIL))
        end = draw(st.sampled_from([None, "won", "lost", "!"]))
        paths[lead] = ", ".join(line if end is None else [*line, f"{end} {hour}"])
    cuts = sorted(draw(st.lists(st.integers(0, UNTIL), min_size=4, max_size=4, unique=True)))
    source = [draw(st.sampled_from(["web", "shop", None])) for _ in paths]
    return make_log(
        paths,
        until=UNTIL,
        since=draw(st.sampled_from([0, 0, 20])),
        efforts=efforts,
        staffed={"desk": [(cuts[0], cuts[1], 1), (cuts[2], cuts[3], 2)], "back": []},
        leads={"source": source},
        time_zone="Europe/Kyiv",
    )


SIMULATED = st.builds(
    lambda scenario, seed: simulate(scenario, seed=seed), scenarios(leads=40), SEEDS
)


@settings(max_examples=FEWER)
@given(log=st.one_of(event_logs(), SIMULATED))
def test_no_log_is_too_odd(log):
    for measure in ALL:
        table = measure(log)
        shares = table[table["unit"] == "share"]
        for name in ("value", "lo", "hi"):
            assert shares[name].dropna().between(0, 1).all()


@costly
@given(log=st.one_of(event_logs(), funnels(), SIMULATED))
def test_nothing_vanishes(log):
    assert (measures.mass_balance(log)["imbalance"] == 0).all()
    flow = measures.cumulative_flow(log, every="1 h")
    total = flow.groupby("at")["value"].sum()
    entered = log.visits.groupby("lead_id")["entered_at"].min().sort_values()
    assert (total == np.searchsorted(entered, total.index, side="right")).all()


@costly
@given(log=funnels())
def test_counts_add_up_in_every_mode(log):
    for counting in MODES:
        table = measures.conversion(log, counting=counting)
        table = table[table["unit"] == "share"]
        parts = table[["advanced", "lost", "other", "open"]].sum(axis=1)
        assert (parts == table["entered"]).all()


@costly
@given(log=funnels())
def test_strict_never_counts_more_than_reached(log):
    reached, strict = (
        measures.end_to_end_conversion(log, counting=counting) for counting in ("reached", "strict")
    )
    assert (strict["advanced"] <= reached["advanced"]).all()
    path = reached["advanced"].to_numpy()[:-1]
    assert (np.diff(path) <= 0).all()
    assert (np.diff(strict["advanced"].to_numpy()[:-1]) <= 0).all()


@settings(max_examples=FEWER)
@given(log=funnels())
def test_parts_add_up_to_the_whole(log):
    for measure, item, count in (
        (measures.stage_conversion, "stage", "entered"),
        (measures.end_to_end_conversion, "stage", "advanced"),
        (measures.losses, "stage", "value"),
        (measures.transitions, "next_stage", "value"),
        (measures.outcomes, "outcome", "value"),
        (measures.throughput, "outcome", "value"),
        (measures.won_value, "measure", "n"),
        (measures.dwell_time, "stage", "n"),
        (measures.waiting_time, "stage", "waiting"),
        (measures.backlog, "at", "value"),
        (measures.mass_balance, "stage", "value"),
    ):
        whole = measure(log).groupby(item)[count].sum()
        parts = measure(log, by="source").groupby(item)[count].sum()
        if len(log.leads):
            pd.testing.assert_series_equal(parts.reindex(whole.index, fill_value=0), whole)


@costly
@given(log=funnels(), every=st.sampled_from([None, "1 h", "5 h", "1D"]))
def test_utilisation_lies_between_0_and_1(log, every):
    table = measures.utilisation(log, every=every)
    assert table["value"].dropna().between(0, 1).all()
    assert (table["overtime_h"].dropna() >= 0).all()
    whole = measures.utilisation(log).set_index("team")["busy_h"]
    assert np.allclose(table.groupby("team")["busy_h"].sum().loc[whole.index], whole)


@costly
@given(log=funnels())
def test_open_counted_as_lost_is_never_too_high(log):
    row = measures.win_rate(log).iloc[0]
    if row["n"]:
        assert not row["value"] < row["won_of_created"] - 1e-9


@costly
@given(log=funnels())
def test_leaving_open_leads_out_looks_faster(log):
    table = measures.cycle_time(log, percentiles=[0.5])
    cohort = log.leads["arrived_at"].between(
        log.meta.observed_from, log.meta.observed_until, inclusive="left"
    )
    outcome = log.outcomes()[cohort.to_numpy()]
    lasted = (outcome["closed_at"] - log.leads["arrived_at"][cohort]).dropna()
    if len(lasted) and not np.isnan(table["value"].iloc[0]):
        naive = lasted.dt.total_seconds().quantile(0.5, interpolation="lower")
        assert table["value"].iloc[0] >= naive


@costly
@given(log=funnels())
def test_wip_is_the_area_under_dwell(log):
    """Little's law, exactly: visits present on average = visits' time inside ÷ window."""
    table = measures.wip(log, every="1 h")
    inside = log.visits[~log.visits["stage"].isin(["won", "lost"])]
    start = inside["entered_at"].clip(lower=log.meta.observed_from)
    end = inside["left_at"].fillna(log.meta.observed_until).clip(lower=log.meta.observed_from)
    hours = ((end - start) / pd.Timedelta(hours=1)).sum()
    before_end = table[table["at"] < log.meta.observed_until]
    assert before_end["value"].sum() == round(hours)
