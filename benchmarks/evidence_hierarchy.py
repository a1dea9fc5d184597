"""Whether sums keep to their intervals: a real hierarchy, forecast from every origin.

Hotel takings of eight Australian states by quarter (../shared/data/series, read from there). At
every quarter from the 24th on, the states and their sum are forecast and reconciled on what was
known, eight quarters ahead, and compared with what came: quarter by quarter, and summed over the
eight. Intervals of coverage are bootstraps of stretches of eight origins, as neighbouring ones
share what came. Prints the table of docs/evidence.md.

    python benchmarks/evidence_hierarchy.py [every nth origin]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from public_series import QUARTERS_AHEAD as AHEAD
from public_series import SALES, SHORTEST
from resampling import mean_interval

from funnelsim.forecasting.forecaster import Settings
from funnelsim.forecasting.leads import outlook_of
from funnelsim.forecasting.samples import levels
from funnelsim.forecasting.table_series import from_table

DATA = SALES / "aus_accommodation_quarterly_takings.csv"
ENDS = {"80 %": (0.1, 0.9), "95 %": (0.025, 0.975)}

Floats = NDArray[np.float64]


def main() -> None:
    """Forecast at all origins and print how many outcomes were held."""
    step = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if not DATA.exists():
        print(f"skipped: {DATA} is not here")
        return
    table = pd.read_csv(DATA, usecols=["Date", "State", "Takings"], parse_dates=["Date"])
    quarters = pd.DatetimeIndex(sorted(table["Date"].unique()))
    origins = range(SHORTEST, len(quarters) - AHEAD + 1, step)
    found = [{"stretch": origin // AHEAD, **each}
             for origin in origins for each in held(table, quarters, origin)]  # fmt: skip
    print(f"{len(origins)} origins, {AHEAD} quarters ahead\n")
    print("| of | span | 80 % holds | 95 % holds |\n|---|---|---:|---:|")
    for (of, span), rows in pd.DataFrame(found).groupby(["of", "span"], sort=False):
        print(f"| {of} | {span} | " + " | ".join(told(rows, name) for name in ENDS) + " |")


def held(
    table: pd.DataFrame, quarters: pd.DatetimeIndex, origin: int
) -> Iterator[dict[str, object]]:
    """What was held of one origin's outcomes: states and their sum, quarters and all eight."""
    past = table[table["Date"] < quarters[origin]]
    series = from_table(past, at="Date", y="Takings", by=("State",), every="quarter")
    made = outlook_of(series, Settings("quarter", AHEAD, n_paths=1000), what="takings", workers=1)
    wide = table.pivot_table(index="Date", columns="State", values="Takings")
    came = wide.iloc[origin : origin + AHEAD][made.segments["State"]].to_numpy()
    draws = made.bottom.astype(float)
    for of, paths, outcome in (("states", draws, came),
                               ("their sum", draws.sum(axis=2), came.sum(axis=1))):  # fmt: skip
        yield {"of": of, "span": "a quarter", **shares(paths, outcome)}
        yield {"of": of, "span": "eight quarters", **shares(paths.sum(axis=1), outcome.sum(axis=0))}


def shares(paths: Floats, outcome: Floats) -> dict[str, float]:
    """Share of outcomes within each interval of the paths."""
    found = {}
    for name, ends in ENDS.items():
        lo, hi = levels(paths, ends)
        found[name] = float(((lo <= outcome) & (outcome <= hi)).mean())
    return found


def told(rows: pd.DataFrame, name: str) -> str:
    """Mean over origins, with its bootstrap over stretches of time."""
    lo, hi = mean_interval(rows[name].to_numpy(), rows["stretch"].to_numpy())
    return f"{rows[name].mean():.1%} [{lo:.0%}, {hi:.0%}]"


if __name__ == "__main__":
    main()
