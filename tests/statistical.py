"""Assertions about random numbers that say how far they can be trusted.

Each one states its *false alarm* (the chance that it fails although all is well) and
the smallest difference it can *detect* (a truth that far off is missed at most once in
a thousand). An assertion too blunt for the difference asked for raises
``TooFewSamples`` instead of passing for want of data. Seeds are fixed and nothing is
run again: a failure means that the code, not the luck, has changed.

The idea is that of TensorFlow Probability's ``statistical_testing``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "BUDGET",
    "FALSE_ALARM",
    "MISSED",
    "TooFewSamples",
    "assert_counts_are_poisson",
    "assert_distribution",
    "assert_mean",
    "assert_poisson_total",
    "assert_share",
    "assert_uncorrelated",
    "batch_means",
    "spent",
]

FALSE_ALARM = 1e-6
"""Of one assertion."""
BUDGET = 3e-4
"""Of all assertions of a test run together (``tests/theory/conftest.py`` adds them up)."""
MISSED = 1e-3
"""Chance to overlook a difference of the detectable size."""

spent: list[float] = []
"""False alarms of the assertions that passed so far."""

Floats = NDArray[np.float64]


class TooFewSamples(Exception):  # noqa: N818 - it reads as what is wrong
    """The data could not show a difference of the size that matters."""


def assert_mean(
    samples: ArrayLike, expected: float, *, detectable: float, false_alarm: float = FALSE_ALARM
) -> None:
    """Independent samples (or batch means) have this mean, by Student's t.

    Parameters
    ----------
    samples : array, shape (n,)
        Independent; nearly normal, or many.
    expected : float
        Their mean if all is well.
    detectable : float
        Difference that must show, in the unit of the samples.
    false_alarm : float
        Chance to fail although all is well.
    """
    values = np.asarray(samples, float)
    n = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(n)
    threshold = float(stats.t.isf(false_alarm / 2, n - 1)) * error
    difference = float(values.mean()) - expected
    assert abs(difference) <= threshold, (
        f"mean {values.mean():.6g} is not {expected:.6g}: off by {difference:.3g}, "
        f"noise explains {threshold:.3g} (n = {n}, false alarm {false_alarm:g})"
    )
    _sharp_enough(threshold + float(stats.t.isf(MISSED, n - 1)) * error, detectable)
    spent.append(false_alarm)


def assert_share(
    successes: int,
    trials: int,
    expected: float,
    *,
    detectable: float,
    false_alarm: float = FALSE_ALARM,
) -> None:
    """Independent trials succeed with this probability, by the exact binomial.

    ``detectable`` is a difference of probabilities.
    """
    low = float(stats.binom.ppf(false_alarm / 2, trials, expected))
    high = float(stats.binom.isf(false_alarm / 2, trials, expected))
    assert low <= successes <= high, (
        f"{successes} of {trials} ({successes / trials:.5g}) is not a share of {expected:.5g}: "
        f"noise explains {low:g} to {high:g} (false alarm {false_alarm:g})"
    )
    missed = max(
        stats.binom.cdf(high, trials, min(expected + detectable, 1)),
        stats.binom.sf(low - 1, trials, max(expected - detectable, 0)),
    )
    if missed > MISSED:
        raise TooFewSamples(f"a difference of {detectable:g} is missed with chance {missed:.2g}")
    spent.append(false_alarm)


def assert_poisson_total(
    count: int, expected: float, *, detectable: float, false_alarm: float = FALSE_ALARM
) -> None:
    """A count is Poisson with this mean, exactly. ``detectable`` is a share of the mean."""
    low = float(stats.poisson.ppf(false_alarm / 2, expected))
    high = float(stats.poisson.isf(false_alarm / 2, expected))
    assert low <= count <= high, (
        f"count {count} is not Poisson with mean {expected:.6g}: "
        f"noise explains {low:g} to {high:g} (false alarm {false_alarm:g})"
    )
    missed = max(
        stats.poisson.cdf(high, expected * (1 + detectable)),
        stats.poisson.sf(low - 1, expected * max(1 - detectable, 0)),
    )
    if missed > MISSED:
        raise TooFewSamples(f"a difference of {detectable:.1%} is missed with chance {missed:.2g}")
    spent.append(false_alarm)


def assert_counts_are_poisson(
    counts: ArrayLike, *, detectable: float, false_alarm: float = FALSE_ALARM
) -> None:
    """Independent counts of one mean vary as much as Poisson counts do.

    The index of dispersion: given their sum, the squared deviations over the mean are
    Pearson's chi-square with n - 1 degrees of freedom (mean count at least 5).

    ``detectable`` is a relative change of the variance, such as 0.2.
    """
    values = np.asarray(counts, float)
    mean, free = float(values.mean()), len(values) - 1
    if mean < 5:
        raise TooFewSamples(f"a mean count of {mean:.3g} is too small for chi-square")
    statistic = float(((values - mean) ** 2).sum()) / mean
    low = float(stats.chi2.ppf(false_alarm / 2, free))
    high = float(stats.chi2.isf(false_alarm / 2, free))
    assert low <= statistic <= high, (
        f"variance over mean is {statistic / free:.4g}, not 1: "
        f"noise explains {low / free:.4g} to {high / free:.4g} (false alarm {false_alarm:g})"
    )
    missed = max(
        stats.chi2.cdf(high / (1 + detectable), free), stats.chi2.sf(low / (1 - detectable), free)
    )
    if missed > MISSED:
        raise TooFewSamples(f"a difference of {detectable:.1%} is missed with chance {missed:.2g}")
    spent.append(false_alarm)


def assert_distribution(
    samples: ArrayLike,
    cdf: Callable[[Floats], ArrayLike],
    *,
    detectable: float,
    false_alarm: float = FALSE_ALARM,
) -> None:
    """Independent samples have this distribution, by the DKW inequality.

    Parameters
    ----------
    samples : array, shape (n,)
        Independent, of any distribution, discrete ones included.
    cdf : callable
        P(X <= x), vectorised.
    detectable : float
        Largest vertical distance between two distributions that must show.
    false_alarm : float
        Chance to fail although all is well.

    References
    ----------
    Massart (1990), "The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality":
    P(sup |F_n - F| > e) <= 2 exp(-2 n e^2).
    """
    values = np.sort(np.asarray(samples, float))
    n = len(values)
    distance = _distance(values, cdf)
    threshold = math.sqrt(math.log(2 / false_alarm) / (2 * n))
    assert distance <= threshold, (
        f"the distribution is off by {distance:.4g} at worst, noise explains {threshold:.4g} "
        f"(n = {n}, false alarm {false_alarm:g})"
    )
    _sharp_enough(threshold + math.sqrt(math.log(1 / MISSED) / (2 * n)), detectable)
    spent.append(false_alarm)


def _distance(values: Floats, cdf: Callable[[Floats], ArrayLike]) -> float:
    """Largest vertical distance between sorted samples and a cdf, steps included."""
    x, repeats = np.unique(values, return_counts=True)
    upper = np.cumsum(repeats) / len(values)
    at = np.asarray(cdf(x), float)
    before = np.asarray(cdf(np.nextafter(x, -math.inf)), float)
    return float(
        max(np.abs(at - upper).max(), np.abs(before - (upper - repeats / len(values))).max())
    )


def assert_uncorrelated(
    first: ArrayLike, second: ArrayLike, *, detectable: float, false_alarm: float = FALSE_ALARM
) -> None:
    """Pairs are uncorrelated, by Fisher's z. ``detectable`` is a correlation."""
    n = len(np.asarray(first))
    z = math.atanh(float(np.corrcoef(np.asarray(first, float), np.asarray(second, float))[0, 1]))
    error = 1 / math.sqrt(n - 3)
    threshold = float(stats.norm.isf(false_alarm / 2)) * error
    assert abs(z) <= threshold, (
        f"correlation {math.tanh(z):.4g} is not 0: noise explains {math.tanh(threshold):.4g} "
        f"(n = {n}, false alarm {false_alarm:g})"
    )
    _sharp_enough(threshold + float(stats.norm.isf(MISSED)) * error, math.atanh(detectable))
    spent.append(false_alarm)


def batch_means(series: ArrayLike, batches: int = 50) -> Floats:
    """Means of consecutive stretches of a steady series, nearly independent if long.

    A remainder that fills no stretch is left out.
    """
    values = np.asarray(series, float)
    size = len(values) // batches
    means: Floats = values[: size * batches].reshape(batches, size).mean(axis=1)
    return means


def _sharp_enough(smallest: float, detectable: float) -> None:
    """Refuse a pass that proves too little."""
    if smallest > detectable:
        raise TooFewSamples(f"only differences over {smallest:.4g} show, {detectable:.4g} should")
