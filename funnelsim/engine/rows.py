"""The columns of a run, as both engines hand them over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.arrivals import Arrivals
from funnelsim.engine.seating import Seats

__all__ = ["Columns", "Rows"]

Columns = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Rows:
    """What happened in one replication, all in whole numbers; in no particular order.

    Instants are microseconds since the epoch (``NEVER`` for not yet); leads, stages, teams
    and the like are numbers of the plan; money is in minor units (-1 for none).

    Parameters
    ----------
    arrivals : Arrivals
    seats : tuple of Seats
        By team.
    visits : mapping
        ``lead visit stage entered_at ready_at left_at exit next_stage``.
    efforts : mapping
        ``lead visit effort team queued_at started_at ended_at``.
    marks : mapping
        ``lead visit at mark value cost``.
    """

    arrivals: Arrivals
    seats: tuple[Seats, ...]
    visits: Columns
    efforts: Columns
    marks: Columns
