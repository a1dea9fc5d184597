"""What won leads are worth, on average and month by month."""

from __future__ import annotations

import pandas as pd

from funnelsim.events import EventLog
from funnelsim.measures import won_value
from funnelsim.measures.timeline import timeline
from funnelsim.reporting.blocks import column, sentence, table, text
from funnelsim.reporting.document import Table, Text
from funnelsim.reporting.texts import Texts

__all__ = ["money", "worth"]


def worth(log: EventLog, t: Texts) -> Text | None:
    """What a won lead is worth.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Text or None
        None where no deal has a value.
    """
    found = won_value(log).set_index("measure")
    if not log.meta.currency or not len(found) or not found["valued"].iloc[0]:
        return None
    mean = {name: float(found[name]["won_value_mean"]) for name in ("value", "lo", "hi")}
    currency = log.meta.currency
    return text(
        sentence(
            t._("A won lead is worth **{mean}** on average (95%: {lo} to {hi})."),
            mean=t.money(mean["value"], currency),
            lo=t.money(mean["lo"], currency),
            hi=t.money(mean["hi"], currency),
        )
    )


def money(log: EventLog, t: Texts) -> Table | None:
    """What was won in each month, if there are several.

    Parameters
    ----------
    log : EventLog
    t : Texts

    Returns
    -------
    Table or None
        None where no deal has a value.
    """
    found = won_value(log, every="1 mo")
    if not log.meta.currency or not found["valued"].sum() or found["at"].nunique() < 2:  # noqa: PLR2004
        return None
    whole = won_value(log).set_index("measure")
    monthly = found.pivot_table(index="at", columns="measure", values="value", dropna=False)
    zone, currency = log.meta.time_zone, log.meta.currency
    whole_months = timeline(log, "1 mo").whole
    rows = [
        (
            t.month(pd.Timestamp(str(month)), zone) + ("" if complete else "*"),
            t.number(row["won_deals"]),
            t.money(row["won_value"], currency),
            t.money(row["won_value_mean"], currency),
        )
        for (month, row), complete in zip(monthly.iterrows(), whole_months, strict=True)
    ]
    rows.append(
        (
            t._("Together"),
            t.number(whole["value"]["won_deals"]),
            t.money(whole["value"]["won_value"], currency),
            t.money(whole["value"]["won_value_mean"], currency),
        )
    )
    return table(
        [
            column(t._("Month")),
            column(t._("Won"), unit=t._("leads"), numeric=True),
            column(t._("Value"), numeric=True),
            column(t._("Mean per lead"), numeric=True),
        ],
        rows,
        caption=t._("Value won by month"),
        note=" ".join(
            [t._("Counted in the month of the win, whenever the lead arrived.")]
            + ([] if all(whole_months) else [t._("* Only part of the month lies in the window.")])
        ),
        total=True,
    )
