"""Distances between event logs by the package log-distance-measures, in its own environment.

python log_distance.py REAL.csv OTHER.csv … prints one line of JSON per other log.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import log_distance_measures.absolute_event_distribution as absolute
import log_distance_measures.circadian_event_distribution as circadian
import log_distance_measures.cycle_time_distribution as cycle
import log_distance_measures.n_gram_distribution as n_gram
import log_distance_measures.relative_event_distribution as relative
import pandas as pd
from log_distance_measures.config import AbsoluteTimestampType, EventLogIDs

IDS = EventLogIDs(case="case", activity="activity", start_time="at", end_time="at")
HOUR = dt.timedelta(hours=1)


def read(path: str) -> pd.DataFrame:
    """Read a log of one row per event."""
    log = pd.read_csv(path, dtype={"case": str, "activity": str})
    log["at"] = pd.to_datetime(log["at"], utc=True, format="ISO8601")
    return log


def main() -> None:
    """Print the distances of every log from the first."""
    real, *others = (read(path) for path in sys.argv[1:])
    for path, log in zip(sys.argv[2:], others, strict=True):
        pair = (real, IDS, log, IDS)
        end = {"discretize_type": AbsoluteTimestampType.END}
        distances = {
            "NGD": n_gram.n_gram_distribution_distance(*pair, n=3),
            "AEDD": absolute.absolute_event_distribution_distance(*pair, **end),
            "CEDD": circadian.circadian_event_distribution_distance(*pair, **end),
            "REDD": relative.relative_event_distribution_distance(*pair, **end),
            "CTDD": cycle.cycle_time_distribution_distance(*pair, bin_size=HOUR),
        }
        print(json.dumps({"log": Path(path).stem, **distances}), flush=True)


if __name__ == "__main__":
    main()
