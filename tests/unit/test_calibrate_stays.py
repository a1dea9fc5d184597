"""Survival curves, families and competing ways against libraries and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from funnelsim.calibration.cleaning.spelling import length, shares
from funnelsim.calibration.stages.dwell import dwell
from funnelsim.calibration.stages.families import SINGLE, Fitted, fit
from funnelsim.calibration.stages.routes import routes
from funnelsim.calibration.stages.shapes import Constant, Empirical
from funnelsim.calibration.stages.survival import Durations, curve
from funnelsim.calibration.stages.visits import StageVisits
from funnelsim.distributions import quantiles

PATH = ("stages", "offer", "delay_after")


def durations(time, ended=None, entry=None, weight=None) -> Durations:
    n = len(time)
    return Durations(
        np.asarray(time, dtype=float),
        np.ones(n, dtype=bool) if ended is None else ended,
        np.zeros(n) if entry is None else entry,
        np.ones(n) if weight is None else weight,
    )


def censored(rng, n=300) -> Durations:
    time, limit = rng.weibull(1.3, n).round(2) + 0.01, rng.uniform(0, 3, n).round(2) + 0.01
    return durations(np.minimum(time, limit), time <= limit)


def test_curve_is_that_of_statsmodels():
    seen = censored(np.random.default_rng(1))
    oracle = SurvfuncRight(seen.time, seen.ended.astype(int))
    assert curve(seen).survival == pytest.approx(oracle.surv_prob)


def test_curve_with_weights_is_that_of_repeated_rows():
    rng = np.random.default_rng(2)
    seen = censored(rng)
    weight = rng.integers(1, 4, len(seen))
    whole = seen.taken(np.repeat(np.arange(len(seen)), weight))
    part = durations(seen.time, seen.ended, weight=weight.astype(float))
    assert curve(part).survival == pytest.approx(curve(whole).survival)


def test_curve_with_late_entry_is_that_of_statsmodels():
    rng = np.random.default_rng(3)
    time, entry = rng.exponential(2.0, 2000), rng.uniform(0, 2, 2000)
    entry[rng.random(2000) < 0.4] = 0.0
    known = time > entry
    seen = durations(time[known], entry=entry[known])
    oracle = SurvfuncRight(time[known], np.ones(known.sum()), entry=entry[known])
    assert curve(seen).survival == pytest.approx(oracle.surv_prob, abs=1e-9)


@pytest.mark.parametrize("family", SINGLE)
def test_families_are_found_again_from_truncated_and_censored_stays(family):
    """4,000 stays: standard errors below 2.5 %; false alarm below 1e-4 at 10 %."""
    rng = np.random.default_rng(4)
    given = {"median": 5.0} if family == "exponential" else {"median": 5.0, "p90": 20.0}
    time = quantiles(family, given).ppf(rng.random(4000))
    entry = np.where(rng.random(4000) < 0.3, rng.uniform(0, 6, 4000), 0.0)
    limit = entry + rng.uniform(3, 40, 4000)
    known = time > entry
    seen = durations(np.minimum(time, limit)[known], (time <= limit)[known], entry[known])
    found = fit(family, seen)
    assert found is not None
    for level, value in (("median", 0.5), ("p90", 0.9)):
        if level in given:
            assert found.quantile(value) == pytest.approx(given[level], rel=0.1)


def test_family_without_censoring_is_that_of_scipy():
    time = np.random.default_rng(5).gamma(2.0, 3.0, 500)
    found = fit("gamma", durations(time))
    assert found is not None
    shape, _, scale = stats.gamma.fit(time, floc=0)
    assert np.exp(found.theta) == pytest.approx([scale, shape], rel=1e-3)


def test_ways_are_those_of_aalen_and_johansen():
    rng = np.random.default_rng(6)
    n = 800
    won, lost, limit = rng.exponential(3, n), rng.exponential(2, n), rng.uniform(0, 12, n)
    first = np.minimum(won, lost)
    ended = first <= limit
    way = np.where(ended, np.where(won < lost, "won", "lost"), "").astype(object)
    time = np.minimum(first, limit)
    oracle = CumIncidenceRight(time, np.where(way == "won", 1, np.where(way == "lost", 2, 0)))
    part, _ = routes(visits(time * 86_400, ended, way), ["won"])
    assert part is not None
    last = np.array([one[-1] for one in oracle.cinc])
    share = dict(zip(part.ways, part.whole.share, strict=True))
    assert len(part.branches) == 1
    assert share["won"] == pytest.approx(last[0] / last.sum(), abs=1e-9)


def visits(time, ended, way) -> StageVisits:
    n = len(time)
    none = np.full(n, np.nan)
    return StageVisits(
        stage="offer",
        stays=durations(time, ended),
        way=way,
        number=np.ones(n, dtype=np.int64),
        traits={name: np.full(n, "", dtype=object) for name in ("source", "segment", "product")},
        entered=np.zeros(n, dtype=np.int64),
        age=time,
        before=none,
        waiting=none,
        hands_on=none,
        begun=np.zeros(n, dtype=bool),
        lead=np.arange(n).astype(str).astype(object),
    )


def test_kinds_of_leads_lean_to_all_by_as_much_as_they_are_alike():
    rng = np.random.default_rng(9)
    source = np.repeat([f"s{i}" for i in range(8)], [400, 300, 300, 200, 200, 100, 40, 12])
    true = dict(zip(sorted(set(source)), rng.beta(4, 4, 8), strict=True))
    won = rng.random(len(source)) < np.array([true[one] for one in source])
    n = len(source)
    table = visits(rng.exponential(1e5, n), np.ones(n, bool), np.where(won, "won", "lost"))
    table.traits["source"][:] = source
    part, _ = routes(table, ["won"])
    assert part is not None
    small = next(b for b in part.branches if b.when.get("source") == "s7")
    at = part.ways.index("won")
    raw, whole = won[source == "s7"].mean(), won.mean()
    share = small.share[at]
    assert min(raw, whole) < share < max(raw, whole)
    assert small.size > 12


def test_same_length_is_a_constant():
    part, _ = dwell("dwell/offer", PATH, durations(np.full(50, 7200.0)))
    assert part is not None
    assert isinstance(part.shape, Constant)
    assert part.settings[PATH] == "2 h"


def test_two_humps_are_no_single_family():
    rng = np.random.default_rng(8)
    time = np.concatenate([rng.normal(45, 4, 700), rng.lognormal(11, 0.7, 300)])
    part, _ = dwell("dwell/offer", PATH, durations(time))
    assert part is not None
    assert part.shape.family in {"lognormal mixture", "observed"}
    assert part.shape.quantile(0.5) == pytest.approx(np.quantile(time, 0.5), rel=0.05)
    assert part.shape.quantile(0.9) == pytest.approx(np.quantile(time, 0.9), rel=0.15)


@pytest.mark.parametrize(
    "theta",
    [(0.3, 3.8, -2.0, 11.0, -0.3), (-4.0, 9.0, 0.5, 12.0, 1.0), (0.0, 8.0, 0.1, 8.0, 0.1)],
    ids=["apart", "one is rare", "alike"],
)
def test_quantiles_of_a_mixture_leave_what_they_say_beyond_them(theta):
    mixture = Fitted("mixture", np.array(theta), np.eye(5), 0.0)
    levels = np.array([1e-6, 0.01, 0.3, 0.5, 0.574, 0.9, 0.999, 1 - 1e-12])
    beyond = mixture.log_survival(mixture.quantiles(levels))
    assert np.expm1(beyond)[:-1] == pytest.approx(-levels[:-1], rel=1e-7)
    assert beyond == pytest.approx(np.log1p(-levels), rel=1e-7)
    assert mixture.quantile(0.3) == pytest.approx(mixture.quantiles(levels)[2], rel=1e-9)


def test_censored_end_goes_on_at_the_last_rate():
    """Exponential stays of mean 10 d seen for 9 d: the mean is drawn out, not cut."""
    rng = np.random.default_rng(9)
    time = rng.exponential(10.0, 5000) * 86_400
    seen = durations(np.minimum(time, 9 * 86_400.0), time <= 9 * 86_400)
    shape = Empirical(seen)
    assert shape.quantile(0.9) == pytest.approx(23.0 * 86_400, rel=0.1)


def test_zeros_have_a_share_of_their_own():
    rng = np.random.default_rng(10)
    time = np.where(rng.random(800) < 0.3, 0.0, rng.exponential(86_400, 800))
    part, _ = dwell("dwell/offer", PATH, durations(time))
    assert part is not None
    spec = part.settings[PATH]
    assert isinstance(spec, dict)
    first = spec["mixture"][0]
    assert first["of"] == "0 s"
    assert first["share"] == pytest.approx(0.3, abs=0.06)


def test_few_ends_are_refused():
    part, refusal = dwell("dwell/offer", PATH, durations(np.arange(1.0, 8.0) * 3600))
    assert part is not None
    assert refusal is not None
    assert "have ended: 7; 20 are needed" in str(refusal)


def test_numbers_are_written_for_people():
    assert length(0.0) == "0 s"
    assert length(200_000.0) == "2.315 d"
    assert sum(shares({"a": 1.0, "b": 1.0, "c": 1.0}).values()) == 1.0
