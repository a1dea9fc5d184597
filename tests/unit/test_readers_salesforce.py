"""Salesforce: opportunities, their history, the history of their fields, any of these."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.crm import read_crm

OPPORTUNITY = """\
"Id","IsDeleted","AccountId","Name","StageName","StageSortOrder","Amount","CloseDate","Type",\
"LeadSource","IsClosed","IsWon","CurrencyIsoCode","OwnerId","CreatedDate","LastStageChangeDate",\
"Loss_Reason__c"
"006A","0","001X","Café","Closed Won","8","1500.50","2024-02-20","New","Web","1","1","EUR","005A",\
"2024-02-01 08:00:00","2024-02-12 09:00:00",""
"006B","0","001Y","B","Prospecting","1","10","2024-06-30","New","Web","0","0","EUR","005A",\
"2024-02-02 08:00:00","2024-02-02 08:00:00",""
"006C","0","001Y","C","No Budget","9","20","2024-02-05","Old","Trade fair","1","0","EUR","005B",\
"2024-02-03 08:00:00","2024-02-05 08:00:00","Price"
"006D","1","001Z","D","Prospecting","1","20","2024-06-30","Old","Web","0","0","EUR","005B",\
"2024-02-03 08:00:00","2024-02-03 08:00:00",""
"""
HISTORY = """\
"Id","OpportunityId","CreatedById","CreatedDate","StageName","Amount","IsDeleted"
"0081","006A","005A","2024-02-01 08:00:00","Prospecting","1000","0"
"0082","006A","005A","2024-02-03 08:00:00","Prospecting","1500","0"
"0084","006A","005A","2024-02-12 09:00:00","Closed Won","1500","0"
"0083","006A","005A","2024-02-05 08:00:00","Proposal","1500","0"
"0085","006B","005A","2024-02-02 08:00:00","Prospecting","10","0"
"0086","006C","005B","2024-02-03 08:00:00","Prospecting","20","0"
"0087","006C","005B","2024-02-04 08:00:00","Proposal","20","1"
"0088","006C","005B","2024-02-05 08:00:00","No Budget","20","0"
"""
FIELDS = """\
"Id","IsDeleted","OpportunityId","CreatedById","CreatedDate","Field","DataType","OldValue","NewValue"
"0171","0","006A","005A","2024-02-01 08:00:00","created","","",""
"0172","0","006A","005A","2024-02-05 08:00:00","StageName","DynamicEnum","Prospecting","Proposal"
"0173","0","006A","005A","2024-02-05 08:00:00","Amount","Currency","1000","1500"
"0174","0","006A","005A","2024-02-12 09:00:00","StageName","DynamicEnum","Proposal","Closed Won"
"0175","0","006C","005B","2024-02-05 08:00:00","StageName","DynamicEnum","Prospecting","No Budget"
"""
FILES = {"Opportunity": OPPORTUNITY, "OpportunityHistory": HISTORY, "FieldHistory": FIELDS}
WAY = ["Prospecting", "Proposal", "Closed Won"]


def read(folder: Path, *names: str, **options: str) -> RawHistory:
    paths = []
    for name in names:
        paths.append(folder / f"{name}.csv")
        paths[-1].write_bytes(FILES[name].encode("latin-1"))
    return read_crm(paths, **options)  # type: ignore[arg-type]


def counts(raw: RawHistory) -> dict[str, int]:
    return {note.kind: note.count for note in raw.meta.notes}


def way(raw: RawHistory, deal: str) -> list[str]:
    return list(raw.moves.loc[raw.moves["deal_id"] == deal, "stage"])


def test_opportunities_alone_are_a_snapshot(tmp_path):
    raw = read(tmp_path, "Opportunity", time_zone="Europe/Kyiv")
    assert (raw.meta.history, len(raw.moves)) == ("snapshot", 0)
    assert "OpportunityHistory" in raw.meta.obtain_history
    deals = raw.deals.set_index("deal_id")
    assert deals["status"].tolist() == ["won", "open", "lost", "open"]
    assert deals["deleted"].tolist() == [False, False, False, True]
    assert list(deals.loc["006C", ["source", "segment", "reason", "value"]]) == [
        *("Trade fair", "Old", "Price", 2000)
    ]
    # times are in UTC, whatever the zone of the reports
    assert str(deals.loc["006A", "created_at"]) == "2024-02-01 08:00:00+00:00"
    assert raw.meta.time_zone == "Europe/Kyiv"
    # closed when its stage changed; the date of closing is set by hand, and expected while open
    assert str(deals.loc["006A", "closed_at"]) == "2024-02-12 09:00:00+00:00"
    assert deals["closed_at"].isna().tolist() == [False, True, False, True]
    assert str(deals.loc["006B", "expected_close_at"]) == "2024-06-30 00:00:00+00:00"


def test_stages_take_order_and_outcome_from_the_file(tmp_path):
    raw = read(tmp_path, "Opportunity", "OpportunityHistory")
    assert [(stage.name, stage.outcome) for stage in raw.meta.stages] == [
        ("Prospecting", None),
        ("Proposal", None),
        ("Closed Won", "won"),
        ("No Budget", "lost"),
    ]


def test_changes_of_the_amount_are_no_moves(tmp_path):
    raw = read(tmp_path, "OpportunityHistory")
    assert raw.meta.history == "full"
    assert way(raw, "006A") == WAY
    assert way(raw, "006C") == ["Prospecting", "No Budget"]  # a row was deleted
    assert counts(raw)["other_edits"] == 1
    assert counts(raw)["deleted_rows"] == 1
    assert raw.moves["row"].tolist()[:3] == [2, 5, 4]


def test_the_first_stage_stands_in_the_old_value(tmp_path):
    raw = read(tmp_path, "FieldHistory")
    assert way(raw, "006A") == WAY
    assert way(raw, "006C") == ["No Budget"]
    assert counts(raw)["unknown_beginnings"] == 1
    # with the opportunities, the beginning is known: repairs put the deal into its first stage
    both = read(tmp_path, "Opportunity", "FieldHistory")
    visits = both.events().visits
    assert visits.query("lead_id == '006C'")["stage"].tolist() == ["prospecting", "no-budget"]
    first = visits.query("lead_id == '006C'")["entered_at"].iloc[0]
    assert str(first) == "2024-02-03 08:00:00+00:00"


@pytest.mark.parametrize(
    "names", [c for size in (1, 2, 3) for c in combinations(FILES, size)], ids="+".join
)
def test_any_of_the_files_will_do(tmp_path, names):
    raw = read(tmp_path, *names)
    assert raw.meta.history == ("snapshot" if names == ("Opportunity",) else "full")
    assert [file.name for file in raw.meta.files] == [f"{name}.csv" for name in names]
    log = raw.events()
    outcomes = log.outcomes().set_index("lead_id")["outcome"]
    assert outcomes["006A"] == "won"
    assert "006D" not in outcomes  # deleted, or never heard of
    if len(names) > 1:
        assert log.visits.query("lead_id == '006A'")["entered_at"].nunique() == 3


def test_both_histories_count_once(tmp_path):
    raw = read(tmp_path, *FILES)
    assert way(raw, "006A") == WAY
    assert raw.moves.loc[raw.moves["deal_id"] == "006A", "file"].unique().tolist() == [1]
