"""A small history of a CRM, for examples in docstrings."""

from __future__ import annotations

import pandas as pd

from funnelsim.calibration.raw import RAW_SCHEMA, RawFile, RawHistory, RawMetadata, RawStage
from funnelsim.events.tables import cast

__all__ = ["RAW", "STAGES", "raw_table"]

STAGES = (
    RawStage("New", "new"),
    RawStage("Offer", "offer"),
    RawStage("Won", "won", outcome="won"),
    RawStage("Lost", "lost", outcome="lost"),
)


def raw_table(name: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return a table of a raw history from a few rows; times are ISO 8601, UTC.

    Parameters
    ----------
    name : str
        ``deals``, ``moves``, ``efforts`` or ``marks``.
    rows : list of dict
        Columns not named are empty; rows are numbered from 2.

    Returns
    -------
    pandas.DataFrame
        As in `RAW_SCHEMA`.

    Examples
    --------
    >>> raw_table("moves", [{"deal_id": "1", "stage": "New", "at": "2024-02-01"}])["row"].item()
    2
    """
    frame = pd.DataFrame(rows)
    columns: dict[str, pd.Series] = {}
    for column, dtype in RAW_SCHEMA[name].items():
        default = range(2, len(frame) + 2) if column == "row" else 0 if column == "file" else None
        values = frame[column] if column in frame else pd.Series(default, index=frame.index)
        if dtype.startswith("datetime"):
            values = pd.to_datetime(values, utc=True, format="ISO8601")
        columns[column] = cast(values, dtype)
    for column in frame.columns.difference(list(columns)):
        columns[str(column)] = frame[column]
    return pd.DataFrame(columns)


RAW = RawHistory(
    deals=raw_table(
        "deals",
        [
            {"deal_id": "1", "stage": "Won", "created_at": "2024-02-01T09:00Z", "value": 90_000},
            {"deal_id": "2", "stage": "Offer", "created_at": "2024-02-02T09:00Z"},
        ],
    ),
    moves=raw_table(
        "moves",
        [
            {"deal_id": "1", "stage": "New", "at": "2024-02-01T09:00Z"},
            {"deal_id": "1", "stage": "Offer", "at": "2024-02-03T09:00Z"},
            {"deal_id": "1", "stage": "Offer", "at": "2024-02-03T09:00Z"},
            {"deal_id": "1", "stage": "Won", "at": "2024-02-09T09:00Z"},
            {"deal_id": "2", "stage": "Offer", "from_stage": "New", "at": "2024-02-05T09:00Z"},
        ],
    ),
    efforts=raw_table("efforts", []),
    marks=raw_table("marks", []),
    meta=RawMetadata(
        format="pipedrive",
        files=(RawFile("deals.csv", "", 2), RawFile("changes.csv", "", 5)),
        history="full",
        currency="EUR",
        stages=STAGES,
    ),
)
