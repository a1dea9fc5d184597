"""Families of durations, fitted by maximum likelihood to what was seen of each.

A duration known to its end adds log f(t), one cut short log S(t); either is conditional on
having lasted until it was first seen, so log S(entry) is taken off. Parameters are without
bounds (logarithms, logits), so that their estimates are nearly normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from funnelsim.calibration.stages.survival import Durations

__all__ = ["SINGLE", "Fitted", "ParametricFamily", "fit", "fit_mixture"]

Floats = NDArray[np.float64]
WORST: Final = 1e10  # loss where the likelihood cannot be had
LOWEST: Final = -745.0  # log of the smallest positive number

BESIDE: Final = 1e-6  # the parts' quantiles, so that one of them may be the mixture's
EXACT: Final = 1e-10
SINGLE: Final = ("exponential", "weibull", "gamma", "lognormal", "loglogistic")

ParametricFamily = str
"""One of `SINGLE`, or ``mixture`` (of two lognormals)."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A family with its parameters.

    Parameters
    ----------
    family : str
        One of `SINGLE`, or ``mixture``.
    theta : ndarray, shape (k,)
        exponential: log mean; gamma: log scale, log shape; the others: μ and log σ of
        (log t − μ) ÷ σ; mixture: logit of the first share, then both lognormals'.
    covariance : ndarray, shape (k, k)
        Of ``theta``, from the observed information.
    likelihood : float
        Log likelihood at the maximum.
    """

    family: ParametricFamily
    theta: Floats
    covariance: Floats
    likelihood: float

    def log_survival(self, time: Floats) -> Floats:
        """Logarithm of the share that lasts longer."""
        return _log_survival(self.family, self.theta, time)

    def quantile(self, level: float) -> float:
        """The duration that this share does not exceed, seconds."""
        return float(self.quantiles(np.array([level]))[0])

    def quantiles(self, levels: Floats) -> Floats:
        """The durations that these shares do not exceed, seconds."""
        return _quantiles(self.family, self.theta, levels)

    def information(self, n: int) -> float:
        """Akaike's criterion with the correction for small samples; less is better."""
        k = len(self.theta)
        more = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
        return 2 * k - 2 * self.likelihood + more

    def drawn(self, rng: np.random.Generator) -> Fitted:
        """Parameters as the data could as well mean them."""
        values, vectors = np.linalg.eigh(self.covariance)
        spread = np.sqrt(np.clip(values, 0, None))
        noise: Floats = vectors @ (spread * rng.standard_normal(len(values)))
        return Fitted(self.family, self.theta + noise, self.covariance, self.likelihood)

    def spread(self, of: Callable[[Fitted], float]) -> float:
        """Standard error of a function of the parameters, by the delta method."""
        slope = np.empty(len(self.theta))
        for i, step in enumerate(np.eye(len(self.theta)) * 1e-4):
            up, down = (
                of(Fitted(self.family, self.theta + sign * step, self.covariance, 0.0))
                for sign in (1, -1)
            )
            slope[i] = (up - down) / 2e-4
        variance = float(slope @ self.covariance @ slope)
        return float(np.sqrt(max(variance, 0.0)))


def fit(family: ParametricFamily, seen: Durations) -> Fitted | None:
    """Fit one family; None where it has no sound maximum.

    Parameters
    ----------
    family : str
        One of `SINGLE`.
    seen : Durations
        Positive times; at least two different ends.

    Returns
    -------
    Fitted or None

    References
    ----------
    Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, ch. 3.

    Examples
    --------
    >>> time = np.array([1.0, 2.0, 3.0, 4.0])
    >>> seen = Durations(time, np.array([True, True, True, False]), np.zeros(4), np.ones(4))
    >>> round(fit("exponential", seen).quantile(0.5), 3)
    2.31
    """
    if family == "exponential":
        exposure = float(seen.weight @ (seen.time - seen.entry))
        ends = float(seen.weight[seen.ended].sum())
        theta = np.array([np.log(exposure / ends)])
        return _at(family, theta, seen)
    logs = np.log(seen.time[seen.ended])
    middle, width = float(np.median(logs)), max(float(logs.std()), 1e-3)
    if family == "gamma":
        shape = float(np.clip(1.2 / width**2, 0.2, 50))
        return _maximum(family, np.array([middle - np.log(shape), np.log(shape)]), seen)
    factor = {"weibull": 0.78, "loglogistic": 0.55}.get(family, 1.0)
    return _maximum(family, np.array([middle, np.log(factor * width)]), seen)


def fit_mixture(seen: Durations) -> Fitted | None:
    """Fit two lognormals, the first the quicker one.

    Parameters
    ----------
    seen : Durations

    Returns
    -------
    Fitted or None
        The better of several starts; None where both components are the same.

    References
    ----------
    McLachlan & Peel (2000), Finite Mixture Models, section 2.12 (starting values).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> time = np.exp(np.concatenate([rng.normal(0, 0.3, 300), rng.normal(5, 0.5, 100)]))
    >>> n = len(time)
    >>> fitted = fit_mixture(Durations(time, np.ones(n, bool), np.zeros(n), np.ones(n)))
    >>> bool(abs(1 / (1 + np.exp(-fitted.theta[0])) - 0.75) < 0.02)
    True
    """
    logs = np.sort(np.log(seen.time[seen.ended]))
    found = []
    for share in _splits(logs):
        cut = max(2, min(len(logs) - 2, round(share * len(logs))))
        low, high = logs[:cut], logs[cut:]
        start = [np.log(share / (1 - share))]
        for part in (low, high):
            start += [float(part.mean()), float(np.log(max(part.std(), 0.05)))]
        found.append(_maximum("mixture", np.array(start), seen))
    sound = [one for one in found if one is not None and _is_mixture(one)]
    return max(sound, key=lambda one: one.likelihood, default=None)


def _splits(logs: Floats) -> list[float]:
    """Shares at which to try a mixture: where the sorted logarithms fall apart best."""
    n = len(logs)
    at = np.arange(1, n)
    total, square = np.cumsum(logs)[:-1], np.cumsum(logs**2)[:-1]
    rest, rest_square = logs.sum() - total, (logs**2).sum() - square
    inside = square - total**2 / at + rest_square - rest**2 / (n - at)
    best = float(np.clip((int(inside.argmin()) + 1) / n, 0.02, 0.98))
    return [best, 0.5] if abs(best - 0.5) > 0.15 else [best, 0.8]  # noqa: PLR2004


def _is_mixture(fitted: Fitted) -> bool:
    """Whether both components are there and neither is a point."""
    share = 1 / (1 + np.exp(-fitted.theta[0]))
    widths = fitted.theta[[2, 4]]
    return bool(0.01 < share < 0.99 and widths.min() > np.log(0.01) and widths.max() < np.log(8))  # noqa: PLR2004


def _maximum(family: ParametricFamily, start: Floats, seen: Durations) -> Fitted | None:
    """The maximum of the likelihood from a start."""
    from scipy.optimize import minimize

    scale = max(float(seen.weight.sum()), 1.0)

    def loss(theta: Floats) -> float:
        return min(-_likelihood(family, theta, seen) / scale, WORST)

    with np.errstate(all="ignore"):
        result = minimize(loss, start, method="BFGS", tol=1e-5)
    if not np.isfinite(result.fun) or result.fun >= WORST:
        return None
    return _at(family, np.asarray(result.x), seen)


def _at(family: ParametricFamily, theta: Floats, seen: Durations) -> Fitted | None:
    """A family at its maximum, with the curvature there."""
    k, step = len(theta), 1e-3
    with np.errstate(all="ignore"):
        here = _likelihood(family, theta, seen)
        moves = np.eye(k) * step
        information = np.empty((k, k))
        for i in range(k):
            for j in range(i, k):
                corners = [
                    a * b * _likelihood(family, theta + a * moves[i] + b * moves[j], seen)
                    for a in (1, -1)
                    for b in (1, -1)
                ]
                information[i, j] = information[j, i] = -sum(corners) / (4 * step**2)
        if not (np.isfinite(here) and np.isfinite(information).all()):
            return None
        values, vectors = np.linalg.eigh(information)
        if values.min() <= 0:
            return None
        # Weights that do not sum to their effective number would feign more (or less) knowledge.
        worth = float(seen.weight.sum()) / float((seen.weight**2).sum())
        covariance = (vectors / (values * worth)) @ vectors.T
    return Fitted(family, theta, covariance, here)


def _likelihood(family: ParametricFamily, theta: Floats, seen: Durations) -> float:
    """Log likelihood of censored, truncated and weighted durations."""
    density = _log_density(family, theta, seen.time[seen.ended])
    total = float(seen.weight[seen.ended] @ density)
    cut = ~seen.ended
    if cut.any():
        total += float(seen.weight[cut] @ _log_survival(family, theta, seen.time[cut]))
    late = seen.entry > 0
    if late.any():
        total -= float(seen.weight[late] @ _log_survival(family, theta, seen.entry[late]))
    return total


def _log_density(family: ParametricFamily, theta: Floats, time: Floats) -> Floats:
    """Logarithm of the density."""
    from scipy.special import gammaln

    if family == "exponential":
        return np.asarray(-theta[0] - time * np.exp(-theta[0]))
    if family == "gamma":
        scale, shape = np.exp(theta)
        terms = (shape - 1) * np.log(time) - time / scale - shape * theta[0] - gammaln(shape)
        return np.asarray(terms)
    if family == "mixture":
        first, second = (_log_density("lognormal", theta[i : i + 2], time) for i in (1, 3))
        return _mixed(theta[0], first, second)
    z = (np.log(time) - theta[0]) / np.exp(theta[1])
    if family == "lognormal":
        kernel = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    elif family == "weibull":
        kernel = z - np.exp(z)
    else:
        kernel = z - 2 * np.logaddexp(0, z)
    return np.asarray(kernel - theta[1] - np.log(time))


def _log_survival(family: ParametricFamily, theta: Floats, time: Floats) -> Floats:
    """Logarithm of the share that lasts longer."""
    from scipy.special import gammaincc, log_ndtr

    if family == "exponential":
        return np.asarray(-time * np.exp(-theta[0]))
    if family == "gamma":
        with np.errstate(divide="ignore"):
            tail = np.log(gammaincc(np.exp(theta[1]), time / np.exp(theta[0])))
        return np.asarray(np.maximum(tail, LOWEST))
    if family == "mixture":
        first, second = (_log_survival("lognormal", theta[i : i + 2], time) for i in (1, 3))
        return _mixed(theta[0], first, second)
    with np.errstate(divide="ignore", over="ignore"):
        z = (np.log(time) - theta[0]) / np.exp(theta[1])
        if family == "lognormal":
            return np.asarray(log_ndtr(-z))
        return np.asarray(-np.exp(z) if family == "weibull" else -np.logaddexp(0, z))


def _mixed(logit: float, first: Floats, second: Floats) -> Floats:
    """Logarithm of a mixture of two, given their logarithms."""
    return np.asarray(
        np.logaddexp(first - np.logaddexp(0, -logit), second - np.logaddexp(0, logit))
    )


def _quantiles(family: ParametricFamily, theta: Floats, levels: Floats) -> Floats:
    """Invert the distribution."""
    from scipy import special

    if family == "exponential":
        return np.asarray(-np.log1p(-levels) * np.exp(theta[0]))
    if family == "gamma":
        return np.asarray(special.gammaincinv(np.exp(theta[1]), levels) * np.exp(theta[0]))
    if family == "mixture":
        return _between_parts(theta, levels)
    if family == "lognormal":
        z = special.ndtri(levels)
    else:
        z = np.log(-np.log1p(-levels)) if family == "weibull" else special.logit(levels)
    return np.asarray(np.exp(theta[0] + np.exp(theta[1]) * z))


def _between_parts(theta: Floats, levels: Floats) -> Floats:
    """The quantiles of a mixture: each lies between those of its parts."""
    from scipy.optimize.elementwise import find_root

    ends = [np.log(_quantiles("lognormal", theta[i : i + 2], levels)) for i in (1, 3)]
    low, high = np.minimum(*ends), np.maximum(*ends)

    def excess(log_time: Floats, log_rest: Floats) -> Floats:
        return log_rest - _log_survival("mixture", theta, np.exp(log_time))

    found = find_root(
        excess,
        (low - BESIDE, high + BESIDE),
        args=(np.log1p(-levels),),
        tolerances={"xatol": EXACT, "xrtol": 0.0},
    )
    if not found.success.all():
        message = f"a mixture has no quantile at {levels[~found.success]}"
        raise ValueError(message)
    return np.asarray(np.exp(found.x))
