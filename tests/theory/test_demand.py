"""Demand: how many leads come, when, of what kind, value and cost. False alarm 1e-6 each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from funnelsim.engine import simulate
from funnelsim.engine.planning import make_plan
from funnelsim.engine.shocks import factors
from funnelsim.streams import Stream
from tests.statistical import (
    assert_distribution,
    assert_mean,
    assert_poisson_total,
    assert_share,
    assert_uncorrelated,
)
from tests.theory.bugs import fails_on
from tests.theory.models import funnel

GONE: dict[str, dict[str, str]] = {"gone": {}}
ZONE = "Europe/Kyiv"


def arrived(source, *, seed=91, start="2026-01-05", replication=0, **parts):
    """The log of one source, or of several by name."""
    many = source if "web" in source else {"web": source}
    sources = {key: {"stage": "gone", **part} for key, part in many.items()}
    parts.setdefault("time_zone", ZONE)
    scenario = funnel(parts.pop("stages", GONE), {}, start=start, sources=sources, **parts)
    return simulate(scenario, seed=seed, replication=replication)


def daily(log, source="web"):
    """Leads of each local day of the run."""
    local = log.leads.loc[log.leads["source"] == source, "arrived_at"].dt.tz_convert(ZONE)
    window = (log.meta.observed_from, log.meta.observed_until)
    first, end = (pd.Timestamp(at).tz_convert(ZONE) for at in window)
    days = pd.date_range(first, end, inclusive="left")
    return local.dt.normalize().value_counts().reindex(days, fill_value=0)


# --- rates that change ---------------------------------------------------------------------------


@fails_on("nothing grows")
def test_growth_is_compound():
    """8 % a month over half a year: detects 9 % of all, 0.04 of where they lie in time."""
    log = arrived({"rate": "60 / d", "growth": "8 % / mo"}, horizon="26 w")
    month = 365.25 / 12
    by = np.log(1.08) / month
    total = 60 * np.expm1(by * 182) / by
    assert_poisson_total(len(log.leads), total, detectable=0.09)
    day = (log.leads["arrived_at"] - log.meta.observed_from).dt.total_seconds() / 86400
    assert_distribution(day, lambda x: np.expm1(by * x) / np.expm1(by * 182), detectable=0.04)


@fails_on("seasons a month late")
def test_seasons_follow_the_local_month():
    """Each month against its factor: detects 36 % of a month."""
    season = {"jan": 0.5, "may": 0.7, "jul": 2, "dec": 1.5}
    log = arrived({"rate": "40 / d", "by_month": season}, start="2026-01-01", horizon="12 mo")
    counts = daily(log).groupby(lambda day: day.month).agg(["sum", "size"])
    factors_of = [0.5, 1, 1, 1, 0.7, 1, 2, 1, 1, 1, 1, 1.5]
    for (number, days), factor in zip(counts.to_numpy(), factors_of, strict=True):
        assert_poisson_total(int(number), 40 * days * factor, detectable=0.36)


@fails_on("campaigns last a day longer")
def test_campaigns_have_a_first_and_a_last_day():
    """Factors multiply where campaigns overlap, and 0 is nobody: detects 60 % of a day."""
    campaigns = [
        {"start": "2026-03-24", "end": "2026-03-31", "times": 3},
        {"start": "2026-03-29", "end": "2026-04-02", "times": 0.5},
        {"start": "2026-04-03", "end": "2026-04-04", "times": 0},
    ]
    log = arrived({"rate": "480 / d", "campaigns": campaigns}, start="2026-03-23", horizon="2 w")
    factor = [1, 3, 3, 3, 3, 3, 1.5, 1.5, 0.5, 0.5, 1, 0, 1, 1]
    hours = [24] * 14
    hours[6] = 23  # the night in which clocks change
    for number, times, length in zip(daily(log), factor, hours, strict=True):
        if times:
            assert_poisson_total(int(number), 20 * length * times, detectable=0.6)
        else:
            assert number == 0


# --- luck that is shared -------------------------------------------------------------------------

CV = 0.6


@fails_on("all days are calm", "sources share their restless days")
def test_restless_days():
    """Counts of a day are negative binomial: variance = mean + cv² mean².

    Detects 0.25 in the distribution of the day's count; 75 % more variance between the
    halves of a day, which are Poisson once the day is known; a correlation of 0.45
    between sources, which have each their own luck.
    """
    source = {"rate": "30 / d", "overdispersion": CV}
    log = arrived({"web": source, "fair": source}, horizon="364 d", time_zone="UTC")
    n = 1 / CV**2
    counts = {key: _by_day(log, key) for key in ("web", "fair")}
    for halves in counts.values():
        whole = halves.sum(axis=1)
        assert_distribution(whole, stats.nbinom(n, n / (n + 30)).cdf, detectable=0.25)
        some = whole > 0
        scatter = (halves[some, 0] - halves[some, 1]) ** 2 / whole[some]
        assert_mean(scatter, 1, detectable=0.75)
    web, fair = (halves.sum(axis=1) for halves in counts.values())
    assert_uncorrelated(web, fair, detectable=0.45)


def _by_day(log, source):
    """Leads before and after noon of each day, shape (days, 2)."""
    at = log.leads.loc[log.leads["source"] == source, "arrived_at"]
    half = (at - log.meta.observed_from) // pd.Timedelta(hours=12)
    return np.bincount(half, minlength=728).reshape(364, 2)


@pytest.mark.parametrize(
    ("period", "first", "number"),
    [("week", "2026-01-05", 52), ("month", "2026-01-01", 12), ("quarter", "2026-01-01", 4)],
)
def test_a_shock_lasts_a_local_period(period, first, number):
    """And its factors are lognormal with mean 1 over replications.

    Detects 0.12 in the distribution, 10 % of the mean.
    """
    shock = {"market": {"period": period, "cv": 0.4, "sources": ["web"]}}
    scenario = funnel(
        GONE, "1 / d", start="2026-01-05", horizon="51 w", time_zone=ZONE, shocks=shock
    )
    plan = make_plan(scenario)
    starts = pd.to_datetime(plan.shocks[0].starts, unit="us", utc=True).tz_convert(ZONE)
    assert (starts == starts.normalize()).all()
    assert starts[0] == pd.Timestamp(first, tz=ZONE)
    assert (starts < pd.Timestamp("2026-12-28", tz=ZONE)).sum() == min(number, 51 + (number == 12))
    drawn = np.concatenate([factors(plan.shocks[0], Stream(92, r))[:4] for r in range(500)])
    spread = np.log1p(0.4**2) ** 0.5
    assert_distribution(
        drawn, stats.lognorm(spread, scale=np.exp(-(spread**2) / 2)).cdf, detectable=0.12
    )
    assert_mean(drawn, 1, detectable=0.1)


SHOCK = {"market": {"period": "week", "cv": 0.5, "sources": ["web", "fair"], "stages": ["ask"]}}


@fails_on("each source has its own shock", "shocks hit no source")
def test_sources_share_a_shock():
    """Given the factors, days of both sources are independent Poisson numbers.

    Detects 80 % more scatter than that, a bias of half a standard deviation, a
    correlation of 0.45.
    """
    rates = {"web": 16, "fair": 24}
    sources = {key: {"rate": f"{n} / d", "stage": "ask"} for key, n in rates.items()}
    stages = {"ask": {"next": "gone"}, **GONE}
    log = arrived(sources, horizon="52 w", shocks=SHOCK, stages=stages)
    factor = pd.Series({shock.start: shock.factor for shock in log.meta.shocks})
    residuals = []
    for key, rate in rates.items():
        counts = daily(log, key)
        hours = ((counts.index + pd.DateOffset(days=1)) - counts.index) / pd.Timedelta(hours=1)
        mean = rate / 24 * hours * factor.reindex(counts.index, method="ffill").to_numpy()
        residuals.append((counts.to_numpy() - mean) / np.sqrt(mean))
        assert_mean(residuals[-1] ** 2, 1, detectable=0.8)
        assert_mean(residuals[-1], 0, detectable=0.5)
    assert_uncorrelated(*residuals, detectable=0.45)


@fails_on("shocks spare the stages")
def test_a_shock_multiplies_the_odds():
    """Share that advances in a week: p f / (1 - p + p f); detects 80 % more scatter."""
    stages = {"ask": {"next": {"advance": "won", "to": {"won": 0.4, "gone": 0.6}}}}
    log = arrived(
        {"web": {"rate": "30 / d", "stage": "ask"}, "fair": {"rate": "1 / d"}},
        horizon="52 w", shocks=SHOCK, stages={**stages, "won": {}, **GONE},
    )  # fmt: skip
    factor = pd.Series({shock.start: shock.factor for shock in log.meta.shocks})
    asked = log.visits[log.visits["stage"] == "ask"].set_index("entered_at").sort_index()
    day = asked.index.tz_convert(ZONE).normalize()
    won = (asked["next_stage"] == "won").groupby(day).agg(["sum", "size"])
    f = factor.reindex(won.index, method="ffill").to_numpy()
    p = 0.4 * f / (0.6 + 0.4 * f)
    mean, spread = won["size"] * p, np.sqrt(won["size"] * p * (1 - p))
    residual = (won["sum"] - mean) / spread
    assert_mean(residual**2, 1, detectable=0.8)
    assert_mean(residual, 0, detectable=0.5)


# --- given in advance ----------------------------------------------------------------------------

PATHS = [[30, 0, 7, 55, 12, 1, 40, 8, 3], [9, 9, 9, 9, 0, 0, 0, 0, 100]]


@pytest.mark.parametrize("replication", [0, 1, 2, 7])
def test_counts_are_kept_to_the_lead(replication):
    """By local days, over a change of clocks; replication r follows row r, in turn."""
    source = {
        "counts": {"start": "2026-03-25", "every": "1 d", "paths": PATHS},
        "by_weekday": {"sun": 0, "mon": 9},
        "by_hour": {"9-12": 1, "17-18": 5},
    }
    log = arrived(source, start="2026-03-23", horizon="10 d", replication=replication)
    path = PATHS[replication % 2]
    assert daily(log).tolist() == [0, 0, *path[:8]], "the horizon cuts the last day off"
    local = log.leads["arrived_at"].dt.tz_convert(ZONE)
    weekday = local.dt.day_of_week != 6
    assert set(local[weekday].dt.hour) <= {9, 10, 11, 17}


def test_counts_of_weeks_are_kept_too():
    source = {"counts": {"start": "2026-03-16", "paths": [[120, 80, 250]]}}
    log = arrived(source, start="2026-03-23", horizon="2 w")
    assert daily(log).groupby(lambda day: day.isocalendar().week).sum().tolist() == [80, 250]


@fails_on("counts ignore the profile")
def test_counts_are_spread_by_the_profile():
    """Within a period leads lie as the weights say: detects 0.06."""
    weights = {"mon-thu": 4, "fri": 2, "sat": 1, "sun": 0}
    hours = {"8-12": 3, "12-18": 1}
    paths = [[800, 1200, 2000, 3000]]
    source = {
        "counts": {"start": "2026-03-16", "paths": paths}, "by_weekday": weights, "by_hour": hours
    }  # fmt: skip
    log = arrived(source, start="2026-03-16", horizon="4 w")
    local = log.leads["arrived_at"].dt.tz_convert(ZONE)
    position = (local - local.dt.normalize()).dt.total_seconds() / 3600
    position += 24 * local.dt.day_of_week
    by_hour = np.array([0] * 8 + [3] * 4 + [1] * 6 + [0] * 6)
    week = np.outer([4, 4, 4, 4, 2, 1, 0], by_hour).ravel()
    cumulative = np.concatenate([[0], np.cumsum(week)]) / week.sum()
    assert_distribution(
        position, lambda x: np.interp(x, np.arange(169), cumulative), detectable=0.06
    )


def test_a_replay_is_exact():
    """To the microsecond: local time or with an offset, several at once, others left out."""
    moments = {
        "2026-03-28T12:00:00": "2026-03-28T10:00:00",
        "2026-03-30T12:00:00.000001": "2026-03-30T09:00:00.000001",
        "2026-03-30T12:00:00.000002": "2026-03-30T09:00:00.000002",
        "2026-03-30T11:00:00+02:00": "2026-03-30T09:00:00",
        "2026-10-25T03:30:00": "2026-10-25T00:30:00",  # comes twice: the first is meant
        "2026-10-25T03:30:00+02:00": "2026-10-25T01:30:00",
    }
    outside = ["2026-03-22T23:59:59.999999", "2027-03-23T00:00:00"]
    replay = [*moments, *outside, "2026-03-28T12:00:00"]
    log = arrived({"replay": replay}, start="2026-03-23", horizon="12 mo")
    expected = pd.to_datetime(
        sorted([*moments.values(), "2026-03-28T10:00:00"]), format="ISO8601", utc=True
    )
    assert log.leads["arrived_at"].tolist() == expected.tolist()
    assert log.leads["lead_id"].is_unique
    for replication in (1, 2):
        again = arrived(
            {"replay": replay}, start="2026-03-23", horizon="12 mo", replication=replication
        )
        assert again.leads["arrived_at"].equals(log.leads["arrived_at"])


# --- of what kind --------------------------------------------------------------------------------

MIX = [
    {"share": 0.5, "segment": "private", "value": {"min": 100, "max": 300}},
    {"share": 0.3, "segment": "firm", "product": "loan", "value": {"mean": 5000, "cv": 1}},
    {"share": 0.2, "segment": "firm"},
]
WORTH = {
    ("private", "card"): stats.uniform(100, 200).cdf,
    ("firm", "loan"): stats.lognorm(np.log(2) ** 0.5, scale=5000 / 2**0.5).cdf,
    ("firm", "card"): stats.expon(scale=900).cdf,
}


@fails_on("the first kind is more frequent", "one draw for kind and value")
def test_kinds_have_their_shares_and_values():
    """Detects 5 points of a share, 0.11 in the distribution of a kind's value.

    What a lead costs has nothing to do with its kind or its value: detects 0.2.
    """
    source = {
        "rate": "300 / d", "product": "card", "value": {"mean": 900}, "mix": MIX,
        "cost": {"median": 20, "p90": 60}, "stage": "won",
    }  # fmt: skip
    log = arrived(source, horizon="30 d", currency="UAH", stages={"won": {"marks": "won"}})
    leads = log.leads.set_index("lead_id")
    won = log.marks[log.marks["kind"] == "won"].set_index("lead_id").reindex(leads.index)
    paid = log.marks[log.marks["kind"] == "acquired"].set_index("lead_id").reindex(leads.index)
    assert (paid["at"] == leads["arrived_at"]).all()
    assert set(paid["currency"]) == {"UAH"}
    spread = np.log(3) / stats.norm.ppf(0.9)
    cost = stats.lognorm(spread, scale=20).cdf
    assert_distribution(paid["cost"] / 100, cost, detectable=0.05)
    for (segment, product), share in zip(WORTH, (0.5, 0.3, 0.2), strict=True):
        mine = (leads["segment"] == segment) & (leads["product"] == product)
        assert_share(int(mine.sum()), len(leads), share, detectable=0.05)
        value = won.loc[mine, "value"] / 100
        assert_distribution(value, WORTH[segment, product], detectable=0.11)
        rank = paid.loc[mine, "cost"].rank(), value.rank()
        assert_uncorrelated(*rank, detectable=0.2)
        assert_distribution(paid.loc[mine, "cost"] / 100, cost, detectable=0.11)
