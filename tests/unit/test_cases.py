"""Cases of a routing table: each leads the leads it names, and the first that fits wins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from funnelsim.engine import simulate
from funnelsim.scenarios.scenario import Scenario
from tests.statistical import assert_share

WAYS = ("base", "first", "second", "third")


def routed(cases, *, source, stage=None, seed=1, **parts):
    """The log of a funnel in which everybody goes to ``base`` but for the cases."""
    following = {"advance": "base", "to": {"base": 1}, "cases": cases}
    stages = {"start": {"next": following} | (stage or {})} | {way: {} for way in WAYS}
    sources = source if "web" in source else {"web": source}
    return simulate(
        Scenario.model_validate(
            {
                "funnelsim": 1,
                "name": "cases",
                "run": {"start": "2026-01-05", "horizon": "2 w"},
                "sources": {key: {"stage": "start"} | data for key, data in sources.items()},
                "stages": stages | parts.pop("stages", {}),
            }
            | parts
        ),
        seed=seed,
    )


def ways(log):
    """Where each lead went from ``start``, in order of arrival and visit."""
    rows = log.visits[(log.visits["stage"] == "start") & (log.visits["exit"] != "open")]
    return rows["next_stage"].tolist()


def case(to="first", **when):
    return {"when": when, "to": {to: 1}}


def at(*minutes):
    """Moments so many minutes after noon of the first day."""
    noon = pd.Timestamp("2026-01-05T12:00")
    return [str(noon + pd.Timedelta(minutes=m).as_unit("us")) for m in minutes]


# --- who a lead is -----------------------------------------------------------------------------

KINDS = {
    "web": {
        "rate": "20 / d",
        "product": "card",
        "mix": [
            {"share": 0.4, "segment": "firm"},
            {"share": 0.3, "segment": "private"},
            {"share": 0.3, "segment": "private", "product": "loan"},
        ],
    },
    "fair": {"rate": "20 / d", "segment": "firm"},
    "phone": {"rate": "20 / d", "segment": "private", "product": "card"},
}


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({"segment": "firm"}, lambda lead: lead["segment"] == "firm"),
        ({"source": "web"}, lambda lead: lead["source"] == "web"),
        ({"source": ["web", "fair"]}, lambda lead: lead["source"].isin(["web", "fair"])),
        ({"product": "loan"}, lambda lead: lead["product"] == "loan"),
        (
            {"segment": "private", "product": "card", "source": ["web", "phone"]},
            lambda lead: (lead["segment"] == "private") & (lead["product"] == "card"),
        ),
        ({"segment": "nobody"}, lambda lead: lead["segment"] == "nobody"),
    ],
)
def test_a_case_is_for_the_leads_it_names(when, fits):
    log = routed([case(**when)], source=KINDS)
    went = log.visits[log.visits["visit"] == 1].set_index("lead_id")["next_stage"]
    leads = log.leads.set_index("lead_id")
    assert len(leads) > 500
    expected = fits(leads).fillna(value=False).map({True: "first", False: "base"})
    assert went.reindex(leads.index).tolist() == expected.tolist()


def test_the_first_that_fits_wins():
    narrow, wide = case("first", segment="firm", source="web"), case("second", segment="firm")
    for cases, both in (([narrow, wide], "first"), ([wide, narrow], "second")):
        log = routed(cases, source=KINDS)
        went = log.visits[log.visits["visit"] == 1].merge(log.leads, on="lead_id")
        firm = went[went["segment"] == "firm"]
        assert set(firm.loc[firm["source"] == "web", "next_stage"]) == {both}
        assert set(firm.loc[firm["source"] == "fair", "next_stage"]) == {"second"}
        assert set(went.loc[went["segment"] != "firm", "next_stage"]) == {"base"}


# --- what has happened to it -------------------------------------------------------------------


def test_the_nth_visit_and_all_later_ones():
    """Visits to this stage count, not visits to any."""
    cases = [case("third", visit=4), case("second", visit=3)]
    stages = {"base": {"next": "start"}, "second": {"next": "start"}}
    log = routed(cases, source={"replay": at(0)}, stages=stages)
    path = log.visits.sort_values("visit")["stage"].tolist()
    assert path == ["start", "base", "start", "base", "start", "second", "start", "third"]


def test_age_counts_from_arrival_to_leaving():
    """At least so old: to the microsecond. Earlier stages count, and the delay of this one."""
    cases = [case("second", age="3 h"), case("first", age="2 h")]
    following = {"advance": "base", "to": {"base": 1}, "cases": cases}
    arriving = ("quick", "short", "nearly", "long")
    stages = {
        "quick": {"next": "tail"},
        "short": {"delay_before": "1 h", "next": "tail"},
        "nearly": {"delay_before": "7199.999999 s", "next": "tail"},
        "long": {"delay_before": "2 h", "next": "tail"},
        "tail": {"delay_before": "1 h", "next": following},
    }
    sources = {key: {"replay": at(0), "stage": key} for key in arriving}
    log = routed([], source={"web": {"replay": at(0)}} | sources, stages=stages)
    tails = log.visits[log.visits["stage"] == "tail"].merge(log.leads, on="lead_id")
    assert dict(zip(tails["source"], tails["next_stage"], strict=True)) == {
        "quick": "base",
        "short": "first",
        "nearly": "first",
        "long": "second",
    }


def test_interest_fades_while_waiting():
    """One seat, half an hour of work: waits of 0, 20, 40 and 60 minutes; limits included."""
    cases = [case("second", wait="60 min"), case("first", wait="20 min")]
    work = {"efforts": {"call": {"team": "desk", "duration": "30 min"}}}
    log = routed(
        cases, source={"replay": at(0, 10, 20, 30)}, stage=work, teams={"desk": {"seats": 1}}
    )
    waits = (log.efforts["started_at"] - log.efforts["queued_at"]).dt.total_seconds() / 60
    assert waits.tolist() == [0, 20, 40, 60]
    assert ways(log) == ["base", "first", "first", "second"]


@pytest.mark.parametrize(
    ("limit", "went"), [("45 min", ["base", "second", "third"]), ("46 min", ["base", "base"])]
)
def test_waits_of_one_visit_add_up_and_are_forgotten(limit, went):
    """Two pieces of work, waited for 30 and 15 minutes; the next visit starts from nothing."""
    efforts = {
        "call": {"team": "a", "duration": "30 min"},
        "note": {"team": "b", "duration": "45 min"},
    }
    log = routed(
        [case("first", visit=2, wait="1 s"), case("second", visit=2), case("third", wait=limit)],
        source={"replay": at(0, 0)},
        stage={"efforts": efforts},
        stages={"third": {"delay_before": "1 d", "next": "start"}},
        teams={"a": {"seats": 1}, "b": {"seats": 1}},
    )
    waits = (log.efforts["started_at"] - log.efforts["queued_at"]).dt.total_seconds() / 60
    assert sorted(waits)[-2:] == [15, 30]
    assert sorted(ways(log)) == went


def test_the_stay_counts_from_entering_to_leaving():
    """At least so long: to the microsecond. Delays, waits and work count."""
    cases = [case("second", stay="90 min"), case("first", stay="60 min")]
    work = {
        "delay_before": "10 min",
        "efforts": {"call": {"team": "desk", "duration": "30 min"}},
        "delay_after": "1199.999999 s",
    }
    log = routed(cases, source={"replay": at(0, 0, 0)}, stage=work, teams={"desk": {"seats": 1}})
    rows = log.visits[log.visits["stage"] == "start"].sort_values("left_at")
    stays = (rows["left_at"] - rows["entered_at"]) // pd.Timedelta(1, "us")
    assert stays.tolist() == [minutes * 60_000_000 - 1 for minutes in (60, 90, 120)]
    assert rows["next_stage"].tolist() == ["base", "first", "second"]
    assert ways(routed(cases, source={"replay": at(0)}, stage={"delay_before": "90 min"})) == [
        "second"
    ]


def test_stays_of_earlier_visits_do_not_count():
    cases = [case("first", stay="60 min"), case("second", visit=2)]
    log = routed(
        cases,
        source={"replay": at(0)},
        stage={"delay_before": "50 min"},
        stages={"base": {"next": "start"}},
    )
    assert ways(log) == ["base", "second"]


def test_competing_ways_by_the_length_of_the_stay():
    """Each length of stay has its way; e⁻¹ of the visits last a day. Detects 10 points."""
    bands = [case("second", stay="2 d"), case("first", stay="1 d")]
    log = routed(
        bands,
        source={"rate": "900 / d"},
        stage={"delay_after": {"family": "exponential", "mean": "1 d"}},
    )
    rows = log.visits[(log.visits["stage"] == "start") & (log.visits["exit"] == "moved")]
    days = (rows["left_at"] - rows["entered_at"]).dt.total_seconds() / 86400
    expected = np.select([days >= 2, days >= 1], ["second", "first"], "base")
    assert rows["next_stage"].tolist() == expected.tolist()
    early = days[rows["entered_at"] < rows["entered_at"].min() + pd.Timedelta(3, "D")]
    assert_share(int((early >= 1).sum()), len(early), np.exp(-1), detectable=0.1)


def test_all_that_is_named_must_hold():
    cases = [case("first", source="web", visit=2, age="1 d")]
    stages = {"base": {"delay_before": "20 h", "next": "start"}}
    sources = {"web": {"replay": at(0)}, "fair": {"replay": at(0)}}
    log = routed(cases, source=sources, stages=stages)
    starts = log.visits.merge(log.leads[["lead_id", "source"]], on="lead_id")
    starts = starts[(starts["stage"] == "start")].sort_values("visit")
    web = starts.loc[starts["source"] == "web", "next_stage"].tolist()
    assert web == ["base", "base", "first"], "the second visit comes too early, the third is right"
    assert "first" not in set(starts.loc[starts["source"] == "fair", "next_stage"])


def test_a_case_has_its_own_shares():
    """Also without the branch that counts as progress. Detects 7 points."""
    third = {"first": 0.2, "second": 0.5, "third": 0.3}
    log = routed(
        [{"when": {"segment": "firm"}, "to": third}],
        source={"rate": "200 / d", "mix": [{"share": 0.7, "segment": "firm"}, {"share": 0.3}]},
    )
    went = log.visits[log.visits["visit"] == 1].merge(log.leads, on="lead_id")
    firm = went["segment"] == "firm"
    assert_share(int(firm.sum()), len(firm), 0.7, detectable=0.08)
    assert set(went.loc[~firm, "next_stage"]) == {"base"}
    for way, share in third.items():
        count = int((went.loc[firm, "next_stage"] == way).sum())
        assert_share(count, int(firm.sum()), share, detectable=0.1)
