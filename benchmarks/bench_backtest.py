"""How long 1,000 monthly series × 6 cutoffs take with the fast profile, on two processes.

Series are made up, like leads of a firm's segments: level, season, growth, over-dispersed
counts; the first n of the 1,000 are a fair sample. What is done is kept in a folder, so that a
run that was stopped goes on; going on is timed as well.

With one worker all is done in this process, and processor seconds tell what neighbours cannot
lengthen; with two, time on the wall is what a planner waits.

    python benchmarks/bench_backtest.py [--full | --series N] [--workers 2] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rounds import keep

from funnelsim.forecasting.backtesting import Backtest, backtest

SERIES, MONTHS, HORIZON, CUTOFFS = 1000, 72, 12, 6
MODELS = ("fast", "seasonal_naive")


def histories(n: int) -> pd.DataFrame:
    """The first n series, in a long table."""
    at = pd.date_range("2019-01-01", periods=MONTHS, freq="MS")
    time_ = np.arange(MONTHS)
    parts = []
    for number in range(n):
        rng = np.random.default_rng([2026, number])
        level = np.exp(
            rng.uniform(2, 7) + np.cumsum(rng.normal(rng.normal(0, 0.005), 0.03, MONTHS))
        )
        season = 1 + rng.uniform(0, 0.4) * np.sin(2 * np.pi * (time_ + rng.uniform(0, 12)) / 12)
        mean = level * season
        restless = rng.uniform(0.02, 0.2) ** 2
        y = rng.poisson(rng.gamma(1 / restless, mean * restless))
        parts.append(pd.DataFrame({"at": at, "series": f"s{number:04d}", "leads": y.astype(float)}))
    return pd.concat(parts, ignore_index=True)


def tested(table: pd.DataFrame, folder: Path, workers: int) -> tuple[Backtest, float, float]:
    """The backtest, and its processor (with workers) and wall seconds."""
    before, start = os.times(), time.perf_counter()
    last = [start]

    def told(share: float) -> None:
        if time.perf_counter() - last[0] > 30:
            last[0] = time.perf_counter()
            print(f"{share:.0%} after {last[0] - start:.0f} s", flush=True)

    found = backtest(
        table, "leads", by="series", horizon=HORIZON, cutoffs=CUTOFFS, step=3, models=MODELS,
        folder=folder, workers=workers, progress=told,
    )  # fmt: skip
    after, wall = os.times(), time.perf_counter() - start
    spent = sum(after[:4]) - sum(before[:4])
    return found, spent, wall


def main() -> None:
    """Print and keep."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="all 1,000 series")
    options.add_argument("--series", type=int, default=20, help="how many otherwise")
    options.add_argument("--workers", type=int, default=2, help="processes")
    options.add_argument("--folder", type=Path, help="where finished series are kept")
    asked = options.parse_args()
    n = SERIES if asked.full else asked.series
    table = histories(n)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        begun = len(list(folder.glob("*.csv")))
        found, spent, wall = tested(table, folder, asked.workers)
        again, _, resumed = tested(table, folder, asked.workers)
    pd.testing.assert_frame_equal(again.table, found.table, check_dtype=False)
    made = max(n - begun, 1)
    board = {row["model"]: row for row in found.leaders.to_dict("records")}
    result = {
        "series": n,
        "cutoffs": int(found.table["cutoff"].nunique()),
        "horizon": HORIZON,
        "already_there": begun,
        "workers": asked.workers,
        "processor_s_per_series": round(spent / made, 3) if asked.workers == 1 else None,
        "all_1000_on_2_idle_cores_min": (
            round(spent / made * SERIES / 2 / 60, 1) if asked.workers == 1 else None
        ),
        "wall_s": round(wall, 1),
        "wall_s_per_series": round(wall / made, 3),
        "all_1000_at_this_rate_min": round(wall / made * SERIES / 60, 1),
        "going_on_when_all_is_there_s": round(resumed, 1),
        "mase": {model: round(board[model]["mase"], 3) for model in MODELS},
        "cover_80": round(board["fast"]["cover_80"], 3),
        "cover_95": round(board["fast"]["cover_95"], 3),
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    print(found.sentence())
    keep("backtest", result)


if __name__ == "__main__":
    main()
