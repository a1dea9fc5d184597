"""A rolling-origin backtest inside the real log of a bank: nobody knew more than the cutoff shows.

Cutoffs twice a week; each time the log is calibrated as of then and simulated on from its open
cases for two and for four weeks; beside it what people do without a model. Horizons overlap, so
the cutoffs are not independent: the bands are too narrow by that. Prints the tables of
docs/evidence.md.

    python benchmarks/evidence_real_log.py [replications]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from scipy import stats

from funnelsim.calibration.readers import read_mapped
from funnelsim.planning.pipeline.pipeline import PipelineForecast
from funnelsim.planning.pipeline.pipeline_backtest import OURS, backtest_pipeline, skill
from funnelsim.planning.pipeline.reliability import reliability, settled

SEED = 17
REPLICATIONS = 100
ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data" / "BPI_Challenge_2012_asof_2012-01-01.csv.gz"
FIRST = "2011-11-07"
LAST = pd.Timestamp("2012-01-01")


def main() -> None:
    """Run the backtests and print what came out."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATIONS
    if not DATA.exists():
        print(f"skipped: {DATA} is not here")
        return
    log = read_mapped(DATA, ROOT / "scenarios" / "mappings" / "bpi-2012.yaml").log
    for weeks in (2, 4):
        last = LAST - pd.Timedelta(weeks=weeks)
        cutoffs = [str(day.date()) for day in pd.date_range(FIRST, last, freq="84h")]
        fans: list[PipelineForecast] = []
        table = backtest_pipeline(
            log,
            cutoffs=cutoffs,
            horizon=f"{weeks} w",
            n=n,
            seed=SEED,
            progress=lambda share: print(f"{share:.0%}", file=sys.stderr, flush=True),
            observe=fans.append,
        )
        print(f"\n{weeks} weeks ahead, {len(cutoffs)} cutoffs from {cutoffs[0]} to {cutoffs[-1]}\n")
        _print_coverage(table)
        _print_skill(skill(table, seed=SEED))
        _print_reliability(pd.concat([settled(fan, log) for fan in fans]))


def _print_coverage(table: pd.DataFrame) -> None:
    print("| of | measure | method | came | forecast | bias | CRPS | 80 % held | 95 % held |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|")
    for (origin, measure, method), rows in table.groupby(
        ["origin", "measure", "method"], sort=False
    ):
        came, mean = rows["actual"].mean(), rows["mean"].mean()
        held = []
        for level in (80, 95):
            k = int(rows[f"covered_{level}"].sum())
            band = stats.binomtest(k, len(rows)).proportion_ci(0.95, "exact")
            held.append(f"{k} of {len(rows)} [{band.low:.0%}, {band.high:.0%}]")
        name = f"**{method}**" if method == OURS else method
        print(
            f"| {origin} | {measure} | {name} | {came:,.1f} | {mean:,.1f} | {mean / came - 1:+.0%} "
            f"| {rows['crps'].mean():,.1f} | {' | '.join(held)} |"
        )


def _print_reliability(deals: pd.DataFrame) -> None:
    for by in ("stage", "chance"):
        print(f"\n| {by} | open cases | chance given | won |\n|---|---:|---:|---:|")
        for row in reliability(deals, by).itertuples():
            name = f"{row.chance:.0%}" if by == "chance" else row.stage
            print(f"| {name} | {row.n:,} | {row.given:.1%} | {row.happened:.1%} |")


def _print_skill(table: pd.DataFrame) -> None:
    print("\n| of | measure | CRPS ÷ that of | ratio | 95 % bootstrap over cutoffs |")
    print("|---|---|---|---:|---:|")
    for row in table.itertuples():
        band = f"{row.lo:.2f}–{row.hi:.2f}"
        print(f"| {row.origin} | {row.measure} | {row.rule} | {row.ratio:.2f} | {band} |")


if __name__ == "__main__":
    main()
