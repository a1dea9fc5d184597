"""Demand from awkward logs: what is left out is said, and draws fit the language."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from funnelsim.calibration.demand.arrivals import SourcePart, arrival_parts
from funnelsim.calibration.demand.repeats import repeat_parts
from funnelsim.calibration.demand.values import amount_fit, deal_values, leaning_fit
from funnelsim.calibration.work.handling import phases, stages_with_work, work_parts
from funnelsim.calibration.work.hours import calendar_parts
from funnelsim.events import EventLog, Metadata
from funnelsim.scenarios.source import Source

START, END = pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-07-01", tz="UTC")
STAGES: Any = (
    {"id": "enquiry", "position": 0, "advance": "won"},
    {"id": "won", "position": 1, "terminal": True, "outcome": "won"},
)


def times(n: int, seed: int = 0, until: pd.Timestamp = END) -> pd.Series:
    rng = np.random.default_rng(seed)
    span = (until - START) // pd.Timedelta(seconds=1)
    return START + pd.to_timedelta(np.sort(rng.integers(0, span, n)), unit="s").to_series()


def log_of(
    leads: pd.DataFrame, *, marks: pd.DataFrame | None = None, won: int = 0, **meta: Any
) -> EventLog:
    leads = leads.reset_index(drop=True)
    leads["lead_id"] = [f"l{i:06d}" for i in range(len(leads))]
    gone = np.arange(len(leads)) < won
    first = pd.DataFrame(
        {
            "lead_id": leads["lead_id"],
            "visit": 1,
            "stage": "enquiry",
            "entered_at": leads["arrived_at"],
            "left_at": leads["arrived_at"].where(gone),
            "exit": np.where(gone, "moved", "open"),
            "next_stage": pd.Series("won", index=leads.index).where(gone),
        }
    )
    second = first.iloc[:won].assign(visit=2, stage="won", exit="ended", next_stage=None)
    whole = Metadata(
        **{"observed_from": START, "observed_until": END, "currency": "EUR", "stages": STAGES}
        | meta
    )
    visits = pd.concat([first, second]) if won else first
    return EventLog(
        leads, visits, pd.DataFrame(), pd.DataFrame() if marks is None else marks, whole
    )


def sources(log: EventLog) -> dict[str, SourcePart]:
    return {part.id: part for part in arrival_parts(log)[0] if isinstance(part, SourcePart)}


def test_missing_and_rare_sources_are_pooled() -> None:
    names = pd.Series(["Веб-сайт"] * 300 + ["fair"] * 6 + ["radio"] * 5 + [None] * 40)
    leads = pd.DataFrame({"arrived_at": times(351).array})
    leads["source"] = names.sample(frac=1, random_state=1).to_numpy()
    found = sources(log_of(leads))
    assert sorted(found) == ["leads", "other", "veb-sait"]
    assert found["veb-sait"].settings["sources", "veb-sait", "label"] == {"en": "Веб-сайт"}
    assert sum(part.rate.n for part in found.values()) == 351


def test_silent_days_at_the_end_do_not_count() -> None:
    log = log_of(pd.DataFrame({"arrived_at": times(1200, until=END - pd.Timedelta("30D")).array}))
    (part,) = sources(log).values()
    assert part.rate.days == 152
    assert any("later days seem incomplete" in note for note in part.notes)
    assert part.rate.per_week() == pytest.approx(1200 / 152 * 7, rel=0.01)


def test_an_ended_source_is_refused_and_a_new_one_counts_from_its_beginning() -> None:
    old, new = times(500, 1, until=END - pd.Timedelta("60D")), times(400, 2)
    new = new[new > END - pd.Timedelta("40D")]
    web = times(900, 3)
    leads = pd.DataFrame(
        {
            "arrived_at": [*old, *new, *web],
            "source": ["old"] * len(old) + ["new"] * len(new) + ["web"] * len(web),
        }
    )
    log = log_of(leads)
    parts, refusals = arrival_parts(log)
    names = [part.name for part in parts if isinstance(part, SourcePart)]
    assert names == ["arrivals/new", "arrivals/web"]
    assert any(one.of == "sources.old" and "no lead since" in one.why for one in refusals)
    assert sources(log)["new"].rate.days <= 40


def test_dates_without_times_have_no_hours() -> None:
    parts, refusals = arrival_parts(
        log_of(pd.DataFrame({"arrived_at": times(500).dt.floor("D").array}))
    )
    assert not any("by_hour" in path for path in parts[0].settings)
    assert any("dates only" in one.why for one in refusals)


def test_leads_of_a_snapshot_enter_at_the_top() -> None:
    log = log_of(pd.DataFrame({"arrived_at": times(100).array}), history="snapshot", won=40)
    parts, refusals = arrival_parts(log)
    assert parts[0].settings["sources", "leads", "stage"] == "enquiry"
    assert any("nobody knows where leads entered" in one.why for one in refusals)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_few_leads_still_make_a_source(n: int) -> None:
    (part,) = sources(log_of(pd.DataFrame({"arrived_at": times(n).array}))).values()
    lo, hi = part.rate.interval(0.95)
    assert 0 < lo < part.rate.per_week() < hi


def test_no_lead_in_the_window_is_refused() -> None:
    early = pd.DataFrame({"arrived_at": [START - pd.Timedelta("3D")] * 3})
    parts, refusals = arrival_parts(log_of(early))
    assert not parts
    assert "No lead arrived" in refusals[0].why


def test_all_at_one_moment_is_a_day() -> None:
    at = pd.Timestamp("2024-03-01 12:00", tz="UTC")
    log = log_of(pd.DataFrame({"arrived_at": [at] * 50}), observed_from=at, observed_until=at)
    (part,) = sources(log).values()
    assert part.rate.days == 1


def test_draws_fit_the_language_and_repeat() -> None:
    rng = np.random.default_rng(1)
    leads = pd.DataFrame(
        {
            "arrived_at": times(2000).array,
            "segment": rng.choice(["private", "business"], 2000),
            "product": np.array(["basic", "plus", None])[rng.integers(0, 3, 2000)],
            "amount": pd.array(np.rint(rng.lognormal(12, 1, 2000)), dtype="Int64"),
        }
    )
    log = log_of(leads)
    (part,) = sources(log).values()
    assert pickle.loads(pickle.dumps(part)) == part  # noqa: S301 - our own
    drawn = part.drawn(np.random.default_rng(7))
    assert drawn == part.drawn(np.random.default_rng(7))
    assert drawn != part.settings
    assert set(drawn) == set(part.settings)
    for settings in (part.settings, drawn):
        source = Source.model_validate({path[2]: value for path, value in settings.items()})
        assert len(source.kinds()) == 6
    assert deal_values(log).column == "amount"


def test_values_known_for_won_deals_only_say_so() -> None:
    leads = pd.DataFrame({"arrived_at": times(400).array})
    ids = [f"l{i:06d}" for i in range(100)]
    marks = pd.DataFrame(
        {
            "lead_id": ids,
            "visit": 2,
            "at": times(400).array[:100],
            "kind": "won",
            "value": pd.array(np.arange(100) * 1000 + 500, dtype="Int64"),
            "currency": "EUR",
        }
    )
    log = log_of(leads, marks=marks, won=100)
    (part,) = sources(log).values()
    row = next(row for row in part.evidence if row.of == "sources.leads.value")
    assert row.n == 100
    assert row.value == pytest.approx(50_000, rel=0.01)
    assert "won deals only" in row.note


def test_growth_is_found_where_there_is_some() -> None:
    """A rate that doubles in half a year; the slope is 30 standard errors from 0."""
    rng = np.random.default_rng(3)
    span = (END - START) / pd.Timedelta("1D")
    share = np.sqrt(rng.uniform(1, 4, 6000)) - 1  # density rises from 1 to 2
    at = START + pd.to_timedelta(np.sort(share * span), unit="D").floor("s").to_series()
    (part,) = sources(log_of(pd.DataFrame({"arrived_at": at.array}))).values()
    growth = part.rate.growth()
    assert growth is not None
    assert 0.08 < growth < 0.16
    assert part.rate.per_week() == pytest.approx(6000 * 7 / span * 4 / 3, rel=0.1)


def test_later_orders_make_a_loop() -> None:
    rng = np.random.default_rng(5)
    arrived = times(600)
    rows: list[tuple[str, int | None, pd.Timestamp, str]] = []
    for i, at in enumerate(arrived.iloc[:500]):
        rows.append((f"l{i:06d}", 2, at, "won"))
        time = at
        while rng.random() < 0.5:
            time = time + pd.Timedelta(days=float(rng.exponential(10)))
            if time > END:
                break
            rows.append((f"l{i:06d}", None, time.floor("s"), "ordered"))
    marks = pd.DataFrame(rows, columns=["lead_id", "visit", "at", "kind"])
    marks["visit"] = marks["visit"].astype("Int64")
    log = log_of(pd.DataFrame({"arrived_at": arrived.array}), marks=marks, won=500)
    parts, refusals = repeat_parts(log)
    assert [part.name for part in parts] == ["repeat/won", "repeat/order_again"]
    assert not refusals
    for part in parts:
        share = part.evidence[0]
        assert share.lo is not None
        assert share.hi is not None
        assert share.lo < 0.5 < share.hi


def test_without_work_there_is_nothing_to_staff() -> None:
    log = log_of(pd.DataFrame({"arrived_at": times(50).array}))
    parts, refusals = work_parts(log)
    assert not parts
    assert "no work" in refusals[0].why
    assert stages_with_work(log) == frozenset()
    assert calendar_parts(log)[1][0].of == "calendars"
    assert (phases(log)["hands_on"] == 0).all()


def test_a_kind_with_few_amounts_keeps_its_own_middle() -> None:
    """Eight large deals beside 200 small ones; 200 draws of the mean stay within a factor of 5."""
    rng = np.random.default_rng(3)
    small, large = (pd.Series(rng.lognormal(mu, 0.7, n)) for mu, n in ((6, 200), (9, 8)))
    whole = amount_fit(pd.concat([small, large]))
    found = leaning_fit(large, whole)
    assert found is not None
    assert abs(found.mu - 9) < 4 * 0.7 / 8**0.5
    assert found.mean_lo < np.exp(9 + 0.7**2 / 2) < found.mean_hi
    medians = [found.drawn(rng)["median"] for _ in range(200)]  # type: ignore[index]
    assert np.exp(9) / 5 < min(medians) < max(medians) < np.exp(9) * 5
    assert leaning_fit(large.head(3), whole) is whole
    assert leaning_fit(large, None) is None
