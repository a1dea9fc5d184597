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

from funnelsim.measures.acquisition import cac, cltv_to_cac, cost_per_lead
from funnelsim.measures.activity import (
    efforts_per_manager,
    handling_time,
    happening_counts,
    new_leads,
    offers_sent,
)
from funnelsim.measures.arms import compare_arms, compare_periods
from funnelsim.measures.balance import mass_balance
from funnelsim.measures.capacity import service_level, utilisation
from funnelsim.measures.classes import abc_classes, abc_drift
from funnelsim.measures.cohorts import client_cohorts, cohorts
from funnelsim.measures.conversion import (
    conversion,
    end_to_end_conversion,
    stage_conversion,
    win_rate,
)
from funnelsim.measures.costs import Costs
from funnelsim.measures.customers import churn, purchase_frequency, repeat_rate, retention
from funnelsim.measures.durations import (
    cycle_time,
    delay_time,
    dwell_time,
    waiting_time,
    working_time,
)
from funnelsim.measures.expenses import roi, ros, selling_expenses
from funnelsim.measures.factors import revenue_factors
from funnelsim.measures.flows import losses, transitions
from funnelsim.measures.headline import headline
from funnelsim.measures.lifetime import cltv_profit, ltv_revenue, retention_effect
from funnelsim.measures.load import backlog, cumulative_flow, throughput, wip, wip_ageing
from funnelsim.measures.managers import sales_per_manager
from funnelsim.measures.milestones import (
    demo_to_deal,
    enquiry_to_lead,
    lead_to_client,
    mark_conversion,
)
from funnelsim.measures.ranking import weakest_stage
from funnelsim.measures.rhythm import arrivals_by_hour, work_by_hour
from funnelsim.measures.sales import (
    amount_per_buyer,
    average_deal,
    average_order,
    sales_growth,
    sales_per_product,
    total_sales,
)
from funnelsim.measures.surveys import click_rate, csat, nps
from funnelsim.measures.timeline import cohorted
from funnelsim.measures.value import outcomes, won_value

__all__ = [
    "Costs",
    "abc_classes",
    "abc_drift",
    "amount_per_buyer",
    "arrivals_by_hour",
    "average_deal",
    "average_order",
    "backlog",
    "cac",
    "churn",
    "click_rate",
    "client_cohorts",
    "cltv_profit",
    "cltv_to_cac",
    "cohorted",
    "cohorts",
    "compare_arms",
    "compare_periods",
    "conversion",
    "cost_per_lead",
    "csat",
    "cumulative_flow",
    "cycle_time",
    "delay_time",
    "demo_to_deal",
    "dwell_time",
    "efforts_per_manager",
    "end_to_end_conversion",
    "enquiry_to_lead",
    "handling_time",
    "happening_counts",
    "headline",
    "lead_to_client",
    "losses",
    "ltv_revenue",
    "mark_conversion",
    "mass_balance",
    "new_leads",
    "nps",
    "offers_sent",
    "outcomes",
    "purchase_frequency",
    "repeat_rate",
    "retention",
    "retention_effect",
    "revenue_factors",
    "roi",
    "ros",
    "sales_growth",
    "sales_per_manager",
    "sales_per_product",
    "selling_expenses",
    "service_level",
    "stage_conversion",
    "throughput",
    "total_sales",
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
