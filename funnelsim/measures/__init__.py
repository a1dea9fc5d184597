"""Measures: event log in, tidy table out; the same for a CRM's log and a simulated one.

Every measure is a pure function of an :class:`~funnelsim.events.EventLog`. Its table has
one row per number, with ``measure``, ``value``, ``unit``, ``n``, the interval ``lo`` …
``hi`` at ``level`` where the number is an estimate, and ``method``, how it was made:

=======================  ==================================================================
``exact``                counted or added up, no estimate
``Wilson``               share, everything closed
``Aalen-Johansen``       share or time of one outcome, some leads still open
``Kaplan-Meier``         time to any closing, some still open
``order statistics``     percentile, everything closed
``Student t``            mean
``Ghosh-Lin``            mean number of entries, some leads still open
``Poisson``              rate
``not reached``          the log is too short to show this percentile
``not estimable``        the log is too short for a mean
``all open``, ``no data``  nothing has closed yet, nothing came
=======================  ==================================================================

Examples
--------
>>> from funnelsim import measures
>>> from funnelsim.measures.example import BANK
>>> measures.win_rate(BANK)["method"].tolist()
['Aalen-Johansen']
"""

from __future__ import annotations

from funnelsim.measures.balance import mass_balance
from funnelsim.measures.capacity import service_level, utilisation
from funnelsim.measures.conversion import (
    conversion,
    end_to_end_conversion,
    stage_conversion,
    win_rate,
)
from funnelsim.measures.durations import (
    cycle_time,
    delay_time,
    dwell_time,
    waiting_time,
    working_time,
)
from funnelsim.measures.flows import losses, transitions
from funnelsim.measures.headline import headline
from funnelsim.measures.load import backlog, cumulative_flow, throughput, wip, wip_ageing
from funnelsim.measures.ranking import weakest_stage
from funnelsim.measures.rhythm import arrivals_by_hour, work_by_hour
from funnelsim.measures.value import outcomes, won_value

__all__ = [
    "arrivals_by_hour",
    "backlog",
    "conversion",
    "cumulative_flow",
    "cycle_time",
    "delay_time",
    "dwell_time",
    "end_to_end_conversion",
    "headline",
    "losses",
    "mass_balance",
    "outcomes",
    "service_level",
    "stage_conversion",
    "throughput",
    "transitions",
    "utilisation",
    "waiting_time",
    "weakest_stage",
    "win_rate",
    "wip",
    "wip_ageing",
    "won_value",
    "work_by_hour",
    "working_time",
]
