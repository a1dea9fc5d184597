"""Fingerprints of event logs: rows and SHA-256 of each table of every scenario, run short."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from funnelsim import shipped
from funnelsim.engine import simulate
from funnelsim.events import EventLog
from funnelsim.scenarios.loading import load
from funnelsim.scenarios.scenario import Scenario

__all__ = [
    "RENEW",
    "SEED",
    "WINDOWS",
    "canonical",
    "fingerprint",
    "read",
    "short",
    "short_log",
    "write",
]

Fingerprint = dict[str, dict[str, int | str]]

SEED = 7
STORED = Path(__file__).with_name("logs.json")
RENEW = "python -m tests.golden.renew"

# Scenario → warm-up and horizon: long enough for every stage to be visited, and no longer.
WINDOWS: Mapping[str, tuple[str, str]] = {
    "apartment-doors": ("4 w", "12 w"),
    "bank-corporate": ("10 w", "40 w"),
    "bank-retail": ("1 w", "3 w"),
    "clothing-shop": ("1 d", "6 d"),
    "crm-customer": ("4 w", "14 w"),
    "marketing-course": ("2 w", "20 w"),
    "security-systems": ("4 w", "16 w"),
    "storage-media": ("4 w", "16 w"),
}


def short(name: str) -> Scenario:
    """A shipped scenario, cut to its short window."""
    warm_up, horizon = WINDOWS[name]
    window = {"run.warm_up": warm_up, "run.horizon": horizon}
    return load(shipped.scenarios() / f"{name}.yaml").change("short", window)


def short_log(name: str) -> EventLog:
    """One replication of it."""
    return simulate(short(name), seed=SEED)


def fingerprint(tables: Mapping[str, pd.DataFrame]) -> Fingerprint:
    """Table → number of rows and SHA-256 of its canonical text."""
    return {
        name: {"rows": len(table), "sha256": hashlib.sha256(canonical(table)).hexdigest()}
        for name, table in tables.items()
    }


def canonical(table: pd.DataFrame) -> bytes:
    """A table as text that neither pandas' formatting nor the platform can change.

    JSON, one row a line after the names of the columns: integers, times as microseconds since
    the epoch, text, ``null`` for what is missing (which CSV cannot tell from empty text).
    """
    columns = [_plain(table[column]) for column in table]
    rows = [list(table.columns), *zip(*columns, strict=True)]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _plain(values: pd.Series) -> Iterator[int | str | None]:
    """A column as Python's own integers and text."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        stamps = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")
        microseconds = stamps.astype(np.int64)
        pairs = zip(microseconds, values.isna(), strict=True)
        return (None if missing else int(stamp) for stamp, missing in pairs)
    of = {"int64": int, "Int64": int, "str": str}.get(str(values.dtype))
    if of is None:
        message = f"{values.name} is {values.dtype}: only integers, text and times hash alike"
        raise TypeError(message)
    return (None if pd.isna(value) else of(value) for value in values)


def read() -> dict[str, Fingerprint]:
    """The stored fingerprints."""
    stored: dict[str, Fingerprint] = json.loads(STORED.read_text("utf-8"))
    return stored


def write(fingerprints: Mapping[str, Fingerprint]) -> None:
    """Store fingerprints in place of the old ones."""
    STORED.write_text(json.dumps(fingerprints, indent=2) + "\n", "utf-8")
