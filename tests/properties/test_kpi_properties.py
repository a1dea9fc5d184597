"""What adds up must add up exactly, in every log of orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelsim import measures
from funnelsim.events import EventLog
from funnelsim.measures import Costs
from funnelsim.measures.factors import FACTORS, Takings, shared_out
from tests.orders import shop
from tests.sizes import costly

UNTIL = 60
AMOUNTS = st.sampled_from(["", " =0", " =1", " =7", " =100", " =99999 -3", " -4"])
COSTS = Costs(commission=0.1, overheads=77, pay={"desk": 3})


@st.composite
def shops(draw: st.DrawFn) -> EventLog:
    """Draw leads that buy, buy again, pay, leave and are lost, with what it cost."""
    lines, work = {}, []
    for number in range(draw(st.integers(0, 8))):
        lead, now = f"l{number}", draw(st.integers(0, UNTIL - 1))
        line = [f"arrived {now}"]
        for _ in range(draw(st.integers(0, 5))):
            now = draw(st.integers(now, UNTIL))
            kind = draw(st.sampled_from(["acquired", "won", "ordered", "paid", "churned", "demo"]))
            line.append(f"{kind} {now}{draw(AMOUNTS)}")
        if draw(st.booleans()):
            line.append(f"{draw(st.sampled_from(['lost', 'ended']))} {now}")
        lines[lead] = ", ".join(line)
        if draw(st.booleans()):
            begin = draw(st.integers(0, UNTIL - 1))
            work.append((lead, "desk", max(begin, now - 1), max(begin, now - 1) + 0.5))
    work = [
        one
        for one in work
        if one[3] <= UNTIL and one[2] >= float(lines[one[0]].split()[1].strip(","))
    ]
    pick = st.sampled_from
    return shop(
        lines,
        until=UNTIL,
        since=draw(pick([0, 20])),
        work=work or [("l0", "desk", UNTIL - 0.5, UNTIL)] if lines else [],
        staffed={"desk": (1, 40, 2)},
        product=[draw(pick(["x", "y", None])) for _ in lines],
        source=[draw(pick(["web", "shop"])) for _ in lines],
        customer_id=[draw(pick(["p", "q", None])) for _ in lines],
    )


@costly
@given(log=shops())
def test_sales_add_up_over_groups_and_periods(log):
    whole = measures.total_sales(log).groupby("measure")["value"].sum()
    cuts: list[dict[str, Any]] = [
        {"by": "source"},
        {"every": "1W"},
        {"by": "product", "every": "1MS"},
    ]
    for more in cuts:
        parts = measures.total_sales(log, **more)
        if len(parts):
            pd.testing.assert_series_equal(parts.groupby("measure")["value"].sum(), whole)
            assert parts["share"].dropna().between(-1e-9, 1 + 1e-9).all()


@costly
@given(log=shops())
def test_abc_adds_up_to_sales(log):
    sales = measures.total_sales(log)["value"].iloc[0]
    for one_off in (None, 5):
        table = measures.abc_classes(log, one_off=one_off)
        if len(log.leads):
            assert table["value"].sum() + table["left_out_value"].sum() == sales
        assert table["class"].is_monotonic_increasing


@costly
@given(log=shops())
def test_drift_is_the_change_of_sales(log):
    days = log.meta.observed_from.day
    before = (f"2024-01-{days:02}", "2024-02-01")
    table = measures.abc_drift(log, before=before, after=("2024-02-01", "2024-03-01"))
    assert (table["after"] - table["before"] == table["value"]).all()
    monthly = measures.total_sales(log, every="1MS")
    monthly = monthly[monthly["measure"] == "total_sales"]
    if len(table):
        # 1 March, the end of the log, belongs to February
        assert table["before"].sum() == monthly["value"].iloc[0]
        assert table["after"].sum() == monthly["value"].iloc[1]


@costly
@given(log=shops())
def test_factors_add_up_exactly(log):
    for by in ((), "source"):
        table = measures.revenue_factors(log, by=by, mix=["product"])
        keys = [*([by] if by else []), "way"]
        for _, rows in table.groupby(keys):
            parts = rows.set_index("factor")["value"]
            assert parts.drop("(total)").sum() == parts["(total)"]
            assert (parts % 1 == 0).all()
    if len(log.leads):
        total = table[(table["factor"] == "(total)") & (table["way"] == "Shapley")]["value"].sum()
        whole = measures.revenue_factors(log)
        assert total == whole[whole["factor"] == "(total)"]["value"].iloc[0]


@st.composite
def takings(draw: st.DrawFn, kinds: int) -> Takings:
    """Draw what kinds of leads did in a period."""
    leads = draw(st.lists(st.integers(0, 9), min_size=kinds, max_size=kinds))
    buyers = [draw(st.integers(0, most)) for most in leads]
    sales = [draw(st.integers(-50, 10**12)) if some else 0 for some in buyers]
    return Takings(leads, buyers, sales, draw(st.integers(0, 99)), np.array([0]), valued=True)


@given(data=st.data(), kinds=st.integers(1, 4), order=st.permutations(FACTORS))
def test_any_change_is_shared_out_without_a_rest(data, kinds, order):
    old, new = data.draw(takings(kinds)), data.draw(takings(kinds))
    change = sum(new.sales) + new.carry_over - sum(old.sales) - old.carry_over
    for way in (order, None):
        assert sum(shared_out(old, new, way).values()) == change


@given(data=st.data(), kinds=st.integers(1, 4))
def test_shapley_knows_no_direction(data, kinds):
    old, new = data.draw(takings(kinds)), data.draw(takings(kinds))
    there, back = shared_out(old, new, None), shared_out(new, old, None)
    for name in FACTORS:
        assert abs(there[name] + back[name]) <= 1  # the rounding may fall otherwise


@costly
@given(log=shops())
def test_expenses_add_up(log):
    whole = measures.selling_expenses(log, costs=COSTS).set_index("expense")["value"]
    assert whole.drop("(total)").sum() == pytest.approx(whole["(total)"])
    cuts: list[dict[str, Any]] = [{"by": "source"}, {"every": "1W"}]
    for more in cuts:
        parts = measures.selling_expenses(log, costs=COSTS, **more)
        if len(parts):
            added = parts.groupby("expense")["value"].sum()
            assert added["(total)"] == pytest.approx(whole["(total)"])


@costly
@given(log=shops())
def test_what_is_acquired_costs_no_more_than_all(log):
    spent = measures.cac(log, costs=COSTS)
    total = measures.selling_expenses(log, costs=COSTS)["value"].iloc[-1]
    by_period = spent[spent["measure"] == "cac"]["spent"]
    assert (by_period <= total + 1e-6).all()


@costly
@given(log=shops(), silent=st.sampled_from([None, "5 d", "30 d"]))
def test_clients_are_conserved(log, silent):
    table = measures.retention(log, every="1W", silent=silent)
    end = table["at_start"] - table["left"] + table["joined"]
    assert (end == table["at_end"]).all()
    assert (table["at_start"].iloc[1:].to_numpy() == table["at_end"].iloc[:-1].to_numpy()).all()
    both = table["value"] + measures.churn(log, every="1W", silent=silent)["value"]
    assert np.allclose(both.dropna(), 1)


@costly
@given(log=shops())
def test_a_completed_cohort_is_never_below_what_it_shows(log):
    table = measures.cohorts(log, every="1W")
    known = table[table["n"] > 0]
    assert (known["value"] >= known["so_far"] - 1e-9).all()
    assert (known["expected"] <= known["n"] + 1e-9).all()
    assert known["completeness"].between(0, 1).all()
