"""Forecasts by the package statsforecast, in its own environment (it wants an older pandas).

python forecasters.py CASES.jsonl FORECASTS.jsonl appends one line per series and model to the
second file; what it holds already is left alone. Cases: name, season, horizon, past.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from statsforecast.models import (
    MSTL,
    AutoARIMA,
    AutoCES,
    AutoETS,
    AutoTheta,
    DynamicOptimizedTheta,
    SeasonalNaive,
)

MODELS = {
    "AutoETS": AutoETS,
    "AutoARIMA": AutoARIMA,
    "AutoTheta": AutoTheta,
    "DynamicOptimizedTheta": DynamicOptimizedTheta,
    "AutoCES": AutoCES,
    "MSTL": MSTL,
    "SeasonalNaive": SeasonalNaive,
}
WIDTHS = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95]
"""Central intervals asked for, in percent; with the mean they make the quantiles."""


def main() -> None:
    """Forecast what is not in the second file yet."""
    warnings.simplefilter("ignore")
    cases = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    target = Path(sys.argv[2])
    known = target.read_text("utf-8").splitlines() if target.exists() else []
    done = {(one["series"], one["model"]) for one in map(json.loads, known)}
    left = [
        (case, model) for case in cases for model in MODELS if (case["name"], model) not in done
    ]
    if left:
        first = np.asarray(left[0][0]["past"], dtype=float)
        for kind in MODELS.values():  # whatever is loaded at a first call is not timed
            kind(season_length=1 if kind is not MSTL else 4).forecast(y=first, h=2, level=[80])
    with target.open("a", encoding="utf-8") as file:
        for number, (case, model) in enumerate(left, 1):
            file.write(json.dumps(forecast(case, model)) + "\n")
            file.flush()
            if number % len(MODELS) == 0:
                print(f"\rpeers: {number} of {len(left)} forecasts", end="", flush=True)
    print()


def forecast(case: dict, model: str) -> dict:
    """One line: quantiles by period, seconds of processor time, and whether the model failed."""
    past, season = np.asarray(case["past"], dtype=float), case["season"]
    failed = ""
    start = time.process_time()
    try:
        found = MODELS[model](season_length=season).forecast(
            y=past, h=case["horizon"], level=WIDTHS
        )
        if not all(np.isfinite(np.asarray(values)).all() for values in found.values()):
            raise ValueError("not a number")  # noqa: TRY301 - falls back like any other failure
    except Exception as problem:  # noqa: BLE001 - a peer's failure is a result
        failed = repr(problem)[:100]
        found = SeasonalNaive(season_length=season).forecast(
            y=past, h=case["horizon"], level=WIDTHS
        )
    took = time.process_time() - start
    sides = [f"lo-{width}" for width in reversed(WIDTHS)]
    sides += ["mean", *(f"hi-{width}" for width in WIDTHS)]
    quantiles = np.array([found[side] for side in sides]).T
    return {
        "series": case["name"],
        "model": model,
        "seconds": round(took, 4),
        "failed": failed,
        "quantiles": [[float(f"{value:.7g}") for value in row] for row in quantiles],
    }


if __name__ == "__main__":
    main()
