"""Evidence: where the numbers of a scenario come from, and how sure they are."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from funnelsim.scenarios.frozen import Frozen

__all__ = ["DataOrigin", "Evidence"]


class DataOrigin(Frozen):
    """The data on which a scenario was calibrated."""

    files: tuple[str, ...] = ()
    """Names of the files, without folders."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Fingerprint of the event log that was used."""
    observed_from: AwareDatetime
    """The log's window begins."""
    observed_until: AwareDatetime
    """What happened later was not known."""
    history: str
    """How much the data knows of the past: full, latest_entry or snapshot."""
    leads: Annotated[int, Field(ge=0)]
    """Leads in the log."""


class Evidence(Frozen):
    """One number of the scenario with its estimate, interval and origin."""

    of: str
    """Dotted path of the value, for example ``stages.offer.next.to.won``."""
    measure: str
    """What of it: ``share``, ``median``, ``p90``, ``mean``, ``rate`` …"""
    value: float
    """The estimate."""
    unit: str
    """``share``, ``s``, ``leads/d``, ``seats``, ``minor`` … as in the measures' tables."""
    lo: float | None = None
    """Lower end of the interval."""
    hi: float | None = None
    """Upper end of the interval."""
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Confidence level of the interval."""
    n: Annotated[int, Field(ge=0)]
    """Events that the estimate rests on."""
    method: str
    """How it was estimated."""
    note: str = ""
    """What to keep in mind."""
