"""The mean paired difference between two worlds under the same luck, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from funnelsim.experiments.outcomes import Measure
from funnelsim.experiments.precision import mean_interval

__all__ = ["Uplift", "Verdict", "paired", "row"]

Verdict = Literal["better", "worse", "more", "less", "same", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Uplift:
    """What a change does to a measure: the mean paired difference.

    Parameters
    ----------
    what_if : str
        Its name.
    measure : Measure
    baseline, changed : float
        Means of either, over the replications in which both have a value.
    uplift, lo, hi : float
        Mean of changed − baseline, and its interval, simultaneous over all what-ifs.
    relative : float
        uplift ÷ baseline.
    p_better : float
        How sure that the *mean* is better (in the measure's direction), by Student's t
        with a flat prior: T(n-1)(mean ÷ standard error); not adjusted. NaN for a measure
        that is neither good nor bad.
    runs_better : float
        Share of the replications, hence of possible futures, in which the what-if is
        better; ties count half. NaN as before.
    n : int
        Pairs.
    level : float
    verdict : str
        ``better``, ``worse`` (``more``, ``less`` where neither is good) if the interval
        excludes 0; ``same`` if no replication differs; else ``cannot tell``.
    """

    what_if: str
    measure: Measure
    baseline: float
    changed: float
    uplift: float
    lo: float
    hi: float
    relative: float
    p_better: float
    runs_better: float
    n: int
    level: float
    verdict: Verdict


def paired(
    what_if: str,
    measure: Measure,
    base: NDArray[np.float64],
    changed: NDArray[np.float64],
    level: float,
    alternatives: int,
) -> Uplift:
    """Estimate what a change does from the replications of both worlds.

    Parameters
    ----------
    what_if : str
    measure : Measure
    base, changed : ndarray, shape (n,)
        By replication; a pair counts if both have a value.
    level : float
        Confidence level, 0 to 1.
    alternatives : int
        How many intervals hold together (Bonferroni).

    Returns
    -------
    Uplift

    Examples
    --------
    >>> won = Measure("won", "deals", "deals won", 1)
    >>> found = paired("x", won, np.array([1.0, 2, 3]), np.array([3.0, 3, 5]), 0.95, 1)
    >>> round(found.uplift, 2), round(found.p_better, 2), found.verdict
    (1.67, 0.98, 'better')
    """
    both = ~np.isnan(base - changed)
    base, changed = base[both], changed[both]
    gaps = changed - base
    mean = mean_interval(gaps, 1 - (1 - level) / alternatives)
    before = float(base.mean()) if mean.n else float("nan")
    good = measure.better * gaps
    known = bool(measure.better and mean.n)
    return Uplift(
        what_if=what_if,
        measure=measure,
        baseline=before,
        changed=before + mean.mean,
        uplift=mean.mean,
        lo=mean.lo,
        hi=mean.hi,
        relative=mean.mean / before if before else float("nan"),
        p_better=_p_positive(good) if known else float("nan"),
        runs_better=float((np.sign(good) + 1).mean() / 2) if known else float("nan"),
        n=mean.n,
        level=level,
        verdict=_verdict(measure, gaps, mean.lo, mean.hi),
    )


def _p_positive(gaps: NDArray[np.float64]) -> float:
    """Probability that the mean is above 0: Student's t, flat prior."""
    n = len(gaps)
    mean, spread = float(gaps.mean()), float(gaps.std(ddof=1)) if n > 1 else float("nan")
    if not spread:
        return (float(np.sign(mean)) + 1) / 2
    from scipy.special import stdtr

    return float(stdtr(n - 1, mean / spread * n**0.5))


def _verdict(measure: Measure, gaps: NDArray[np.float64], lo: float, hi: float) -> Verdict:
    if len(gaps) and not gaps.any():
        return "same"
    if not (lo > 0 or hi < 0):
        return "cannot tell"
    if not measure.better:
        return "more" if lo > 0 else "less"
    return "better" if (lo > 0) == (measure.better > 0) else "worse"


def row(found: Uplift, alternatives: int) -> dict[str, object]:
    """An uplift as a row of the table of a comparison."""
    return {
        "measure": found.measure.id,
        "what_if": found.what_if,
        "unit": found.measure.unit,
        "baseline": found.baseline,
        "changed": found.changed,
        "uplift": found.uplift,
        "lo": found.lo,
        "hi": found.hi,
        "relative": found.relative,
        "p_better": found.p_better,
        "runs_better": found.runs_better,
        "n": found.n,
        "level": found.level,
        "method": "paired t" + (f", Bonferroni over {alternatives}" if alternatives > 1 else ""),
        "verdict": found.verdict,
        "name": found.measure.words(),
    }
