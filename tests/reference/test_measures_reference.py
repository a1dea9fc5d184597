"""Published numbers, each beside where it was published, and lifelines as an oracle."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from funnelsim.measures import cycle_time, dwell_time, stage_conversion, win_rate
from funnelsim.measures.estimates import mean, proportion, rate
from funnelsim.measures.followup import follow, followed_quantiles, followed_share
from tests.logs import make_log

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import AalenJohansenFitter, KaplanMeierFitter

# Freireich et al. (1963), Blood 21: 699–716: weeks of remission of 42 children with acute
# leukaemia; True where the relapse was seen.
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23]  # relapses on 6-MP
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]

# Kleinbaum & Klein (2012), Survival Analysis, 3rd ed., chapter 2: Kaplan–Meier estimate of
# the 6-MP group; medians 23 and 8 weeks.
SURVIVAL = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}

# R, cmprsk::cuminc of these 18 (0 = censored, three competing causes), as quoted in
# statsmodels/duration/tests/test_survfunc.py.
CUMINC_TIME = [1, 1, 2, 4, 4, 4, 6, 6, 7, 8, 9, 9, 9, 1, 2, 2, 4, 4]
CUMINC_CAUSE = [1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
CUMINC = {1: 0.17037037, 2: 0.20740741, 3: 0.26666667}


@pytest.mark.parametrize(
    ("count", "n", "lo", "hi"),
    [
        # Newcombe (1998), Statistics in Medicine 17: 857–872, table I, method 3 (score).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson(count, n, lo, hi):
    estimate = proportion(count, n, 0.95)
    assert (round(estimate.lo, 4), round(estimate.hi, 4)) == (lo, hi)


@pytest.mark.parametrize(
    ("count", "lo", "hi"),
    # Garwood (1936), Biometrika 28: 437–442; Johnson, Kotz & Kemp, table of exact limits.
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (3, 0.619, 8.767), (10, 4.795, 18.390)],
)
def test_poisson(count, lo, hi):
    estimate = rate(count, 1.0, 0.95)
    assert estimate.lo == pytest.approx(lo, abs=5e-4)
    assert estimate.hi == pytest.approx(hi, abs=5e-4)


def test_student():
    # Student (1908), Biometrika 6: 1–25: additional hours of sleep, drug 2 − drug 1; R's
    # t.test(sleep) gives 1.58, 0.7001142 to 2.4598858.
    gained = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    estimate = mean(gained, 0.95)
    assert estimate[:1] + estimate[2:4] == pytest.approx((1.58, 0.7001142, 2.4598858), abs=1e-7)


class TestFreireich:
    """The remission times as leads that stay in a stage; a week is an hour here."""

    TREATED = make_log(
        {f"r{i}": f"ask 0, lost {week}" for i, week in enumerate(TREATED)}
        | {f"c{i}": f"ask {40 - week}" for i, week in enumerate(CENSORED)},
        until=40,
    )
    PLACEBO = make_log({f"p{i}": f"ask 0, lost {week}" for i, week in enumerate(PLACEBO)}, 40)

    def test_medians(self):
        for log, weeks in ((self.TREATED, 23), (self.PLACEBO, 8)):
            for table in (dwell_time(log, percentiles=[0.5]), cycle_time(log, percentiles=[0.5])):
                assert table["value"].iloc[0] == weeks * 3600

    @pytest.mark.parametrize(("week", "share"), SURVIVAL.items())
    def test_survival(self, week, share):
        duration = np.array(TREATED + CENSORED, dtype=float)
        seen = follow(duration, np.arange(21) < 9)
        assert 1 - seen.weight[duration <= week].sum() == pytest.approx(share, abs=5e-4)

    def test_mean_of_the_placebo_group(self):
        # Kleinbaum & Klein (2012), p. 31: 182 weeks of 21 children.
        assert dwell_time(self.PLACEBO)["value"].iloc[-1] / 3600 == pytest.approx(182 / 21)


class TestCompetingRisks:
    @pytest.mark.parametrize(("cause", "share"), CUMINC.items())
    def test_cuminc(self, cause, share):
        causes = np.array(CUMINC_CAUSE)
        seen = follow(np.array(CUMINC_TIME, dtype=float), causes > 0)
        estimate = followed_share(seen, causes == cause, 0.95)
        assert estimate.value == pytest.approx(share, abs=1e-8)
        assert seen.unresolved == pytest.approx(1 - sum(CUMINC.values()), abs=1e-8)

    def test_through_the_funnel(self):
        ways = {
            0: "ask {start}",
            1: "ask 0, won {time}",
            2: "ask 0, lost {time}",
            3: "ask 0, ! {time}",
        }
        paths = {
            f"l{i}": ways[cause].format(start=20 - time, time=time)
            for i, (time, cause) in enumerate(zip(CUMINC_TIME, CUMINC_CAUSE, strict=True))
        }
        log = make_log(paths, until=20)
        assert win_rate(log)["value"].tolist() == pytest.approx([CUMINC[1]], abs=1e-8)
        ask = stage_conversion(log).iloc[0]
        assert ask["value"] == pytest.approx(CUMINC[1], abs=1e-8)
        assert ask[["advanced", "lost", "other", "open"]].tolist() == [3, 3, 3, 9]


class TestLifelines:
    """Two implementations, one answer, on times without ties (lifelines shakes ties apart)."""

    RNG = np.random.default_rng(6)
    DURATION = RNG.permutation(np.arange(1.0, 301.0)) + RNG.random(300) / 2
    CAUSE = RNG.integers(0, 3, 300)

    def test_aalen_johansen(self):
        seen = follow(self.DURATION, self.CAUSE > 0)
        for cause in (1, 2):
            fitter = AalenJohansenFitter(calculate_variance=False)
            fitter.fit(self.DURATION, self.CAUSE, event_of_interest=cause)
            share = followed_share(seen, np.equal(self.CAUSE, cause), 0.95).value
            assert share == pytest.approx(float(fitter.cumulative_density_.iloc[-1, 0]), abs=1e-12)

    def test_kaplan_meier_percentiles(self):
        seen = follow(self.DURATION, self.CAUSE > 0)
        fitter = KaplanMeierFitter().fit(self.DURATION, self.CAUSE > 0)
        chances = [0.1, 0.25, 0.5, 0.8]
        curve = fitter.survival_function_.iloc[:, 0]
        theirs = [float(curve.index[(curve <= 1 - p).argmax()]) for p in chances]
        assert [one.value for one in followed_quantiles(seen, None, chances, 0.95)] == theirs
