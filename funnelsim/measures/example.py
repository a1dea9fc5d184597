"""Three days at a small bank, for examples in docstrings.

Five leads: ``a`` won in order, ``b`` was lost, ``c`` skipped the decision and won, ``d`` is
deciding and ``e`` is still being served. The advisers are two, 9:00 to 17:00.
"""

from __future__ import annotations

import pandas as pd

from funnelsim.events import EventLog, Metadata, Staffed, StageInfo, TeamInfo

__all__ = ["BANK"]

VISITS = """
a 1 interest 05T09:00 05T10:00 05T12:00 moved decision
a 2 decision 05T12:00 -        06T12:00 moved contract
a 3 contract 06T12:00 -        06T12:00 ended -
b 1 interest 05T09:30 05T10:30 05T13:00 moved lost
b 2 lost     05T13:00 -        05T13:00 ended -
c 1 interest 06T09:00 06T09:00 06T15:00 moved contract
c 2 contract 06T15:00 -        06T15:00 ended -
d 1 interest 06T10:00 06T10:00 06T12:00 moved decision
d 2 decision 06T12:00 -        -        open  -
e 1 interest 07T09:00 07T16:30 -        open  -
"""
EFFORTS = """
a 1 talk advisers 05T10:00 05T10:00 05T11:00
b 1 talk advisers 05T10:30 05T11:00 05T12:00
c 1 talk advisers 06T09:00 06T09:00 06T10:00
d 1 talk advisers 06T10:00 06T10:30 06T11:30
e 1 talk advisers 07T16:30 07T16:45 07T17:15
"""
MARKS = """
a 3 06T12:00 won  -     100000 EUR
b 2 05T13:00 lost price -      -
c 2 06T15:00 won  -     300000 EUR
"""


def _table(text: str, columns: str) -> pd.DataFrame:
    """Read a table from lines; ``-`` is empty, ``05T09:00`` is 5 February 2024 UTC."""
    rows = [[None if cell == "-" else cell for cell in line.split()] for line in text.split("\n")]
    table = pd.DataFrame([row for row in rows if row], columns=columns.split())
    for name in table.columns[table.columns.str.endswith("_at") | (table.columns == "at")]:
        table[name] = pd.to_datetime("2024-02-" + table[name], utc=True)
    for name in table.columns.intersection(["visit", "value"]):
        table[name] = pd.to_numeric(table[name]).astype("Int64")
    return table


BANK = EventLog(
    leads=_table(
        """
        a web    05T09:00
        b web    05T09:30
        c branch 06T09:00
        d branch 06T10:00
        e web    07T09:00
        """,
        "lead_id source arrived_at",
    ),
    visits=_table(VISITS, "lead_id visit stage entered_at ready_at left_at exit next_stage"),
    efforts=_table(EFFORTS, "lead_id visit effort team queued_at started_at ended_at"),
    marks=_table(MARKS, "lead_id visit at kind reason value currency"),
    meta=Metadata.model_validate(
        {
            "observed_from": "2024-02-05T00:00Z",
            "observed_until": "2024-02-08T00:00Z",
            "currency": "EUR",
            "stages": (
                StageInfo(id="interest", position=0, advance="decision"),
                StageInfo(id="decision", position=1, advance="contract"),
                StageInfo(id="contract", position=2, terminal=True, outcome="won"),
                StageInfo(id="lost", position=3, terminal=True, outcome="lost"),
            ),
            "teams": (
                TeamInfo(
                    id="advisers",
                    staffed=tuple(
                        Staffed.model_validate(
                            {
                                "start": f"2024-02-{day:02}T09:00Z",
                                "end": f"2024-02-{day:02}T17:00Z",
                                "seats": 2,
                            }
                        )
                        for day in (5, 6, 7)
                    ),
                ),
            ),
        }
    ),
)
