"""Models and scores against numbers that others published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from funnelsim.forecasting.naive import seasonal_naive
from funnelsim.forecasting.outlook import quiet
from funnelsim.forecasting.scores import mase, naive_error
from funnelsim.forecasting.smoothing import theta

SERIES = Path(__file__).parents[3] / "shared" / "data" / "series"

OIL = np.array([445.36, 453.20, 454.41, 422.38, 456.04, 440.39, 425.19, 486.21, 500.43, 521.28,
                508.95, 488.89, 509.87, 456.72, 473.82, 525.95, 549.83, 542.34])  # fmt: skip
"""Oil in Saudi Arabia, 1996 to 2013: Hyndman & Athanasopoulos (2018), Forecasting: principles and
practice, second edition, table 7.2, whose simple smoothing has α = 0.8339 and ends at 542.68."""
ALPHA, LEVEL = 0.8339, 542.68


def test_theta_is_simple_smoothing_with_half_the_drift():
    """Hyndman & Billah (2003), eq. 5: ℓ + b/2 (h - 1 + 1/α - (1 - α)ⁿ/α)."""
    slope = np.polyfit(np.arange(1, 19), OIL, 1)[0]
    steps = np.arange(1, 6)
    expected = LEVEL + slope / 2 * (steps - 1 + 1 / ALPHA - (1 - ALPHA) ** 18 / ALPHA)
    assert theta(OIL, 1, 5).mean == pytest.approx(expected, abs=0.5)


def test_simple_smoothing_ends_where_the_book_says():
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    with quiet():
        fitted = ETSModel(OIL).fit(disp=False)
    assert fitted.params[0] == pytest.approx(ALPHA, abs=0.002)
    assert fitted.forecast(1)[0] == pytest.approx(LEVEL, abs=0.1)


@pytest.mark.realdata
def test_the_naive_forecast_scores_what_was_published():
    """Athanasopoulos et al. (2011), reproduced: MASE 1.63 over 24 months, 366 monthly series."""
    if not SERIES.exists():
        pytest.skip("../shared/data/series is not here")
    past, future = (pd.read_csv(SERIES / f"monthly_{part}.csv.gz") for part in ("in", "oos"))
    published = pd.read_csv(SERIES / "Tcomp_reproduction_monthly.csv").set_index(
        ["method", "measure"]
    )
    scores = []
    for name in past.columns:
        known, came = (table[name].iloc[3:].dropna().to_numpy() for table in (past, future))
        ahead = seasonal_naive(known, 12, len(came)).mean
        scores.append(mase(ahead, came, naive_error(known, 12)))
    assert np.mean(scores) == pytest.approx(published.loc[("Naive", "MASE"), "1-24"], abs=0.006)
