"""Where calibrated numbers come from: the files, and a fingerprint of the log."""

from __future__ import annotations

import hashlib

import pandas as pd

from funnelsim.events import EventLog
from funnelsim.scenarios.evidence import DataOrigin

__all__ = ["data_origin", "fingerprint"]


def fingerprint(log: EventLog) -> str:
    """SHA-256 of a log's tables and metadata.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    str
        64 hexadecimal digits; equal logs have equal ones.

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> len(fingerprint(BANK)), fingerprint(BANK) == fingerprint(BANK.filter(source="web"))
    (64, False)
    """
    digest = hashlib.sha256(log.meta.model_dump_json(exclude={"provenance"}).encode())
    for name, table in log.tables().items():
        digest.update(f"{name}:{','.join(table.columns)}:{len(table)}".encode())
        for column in table.columns:
            rows = pd.util.hash_pandas_object(table[column], index=False)
            digest.update(rows.to_numpy().tobytes())
    return digest.hexdigest()


def data_origin(log: EventLog) -> DataOrigin:
    """What a scenario says of the data it was calibrated on.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    DataOrigin

    Examples
    --------
    >>> from funnelsim.measures.example import BANK
    >>> data_origin(BANK).leads
    5
    """
    said = log.meta.provenance
    named = said.get("files") or said.get("file") or ""
    files = tuple(part.strip() for part in named.replace("\n", ",").split(",") if part.strip())
    return DataOrigin(
        files=files,
        sha256=fingerprint(log),
        observed_from=log.meta.observed_from,
        observed_until=log.meta.observed_until,
        history=log.meta.history,
        leads=len(log.leads),
    )
