"""Pipedrive: the export of deals, the log of changes, both."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.crm import read_crm
from funnelsim.errors import DataError

DATA = Path(__file__).parents[3] / "shared" / "data" / "pipedrive_log"

LOG = """\
deal_id,change_time,changed_field_key,new_value
7,2024-02-01 09:00:00,add_time,2024-02-01T09:00:00
7,2024-02-01 09:00:00,user_id,11
7,2024-02-01 09:00:00,stage_id,1
7,2024-02-01 09:05:00,value,1500.5
7,2024-02-01 09:05:00,currency,EUR
7,2024-02-03 09:00:00,stage_id,2
7,2024-02-04 09:00:00,title,Big one
7,2024-02-05 09:00:00,user_id,12
7,2024-02-06 09:00:00,status,lost
7,2024-02-06 09:00:00,lost_reason,2
7,2024-02-08 09:00:00,status,open
7,2024-02-09 09:00:00,stage_id,3
7,2024-02-12 09:00:00,status,won
8,2024-02-02 09:00:00,add_time,2024-02-02T09:00:00
8,2024-02-02 09:00:00,stage_id,1
9,2024-02-02 10:00:00,add_time,2024-02-02T10:00:00
9,2024-02-05 10:00:00,status,lost
9,2024-02-05 10:00:00,lost_reason,1
"""
STAGES = "stage_id,stage_name\n1,Contact\n3,Contract\n2,Demo\n4,Never used\n"
FIELDS = (
    "ID,FIELD_KEY,NAME,FIELD_VALUE_OPTIONS\n"
    '7,lost_reason,Lost reason,"[{""id"": ""1"", ""label"": ""Price""}, '
    '{""id"": ""2"", ""label"": ""Silence""}]"\n'
)
DEALS = """\
Deal - ID,Deal - Stage,Deal - Status,Deal - Deal created,Deal - Last stage change,\
Deal - Won time,Deal - Lost time,Deal - Deal closed on,Deal - Value,\
Deal - Currency of Value,Deal - Owner,Deal - Pipeline,Deal - Lost reason,Deal - Organization ID
7,Contract,Won,2024-02-01 09:00:00,2024-02-09 09:00:00,\
2024-02-12 09:00:00,,2024-02-12 09:00:00,1600,EUR,Anna,Sales,,51
8,Contact,Open,2024-02-02 09:00:00,2024-02-02 09:00:00,,,,,EUR,Ben,Sales,,
9,Contact,Lost,2024-02-02 10:00:00,,,2024-02-05 10:00:00,,20,EUR,Ben,Sales,Price,52
"""


def read(folder: Path, *texts: str, **options: str) -> RawHistory:
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text(text, encoding="utf-8")
    return read_crm(paths, **options)  # type: ignore[arg-type]


def test_the_log_is_a_full_history(tmp_path):
    raw = read(tmp_path, LOG, STAGES, FIELDS, time_zone="Europe/Kyiv")
    assert raw.meta.history == "full"
    moves = raw.moves[raw.moves["deal_id"] == "7"]
    assert moves["stage"].tolist() == [
        *("Contact", "Demo", "Lost", "Demo", "Contract", "Won"),
    ]
    assert moves["row"].tolist() == [4, 7, 10, 12, 13, 14]
    assert str(moves["at"].iloc[0]) == "2024-02-01 07:00:00+00:00"
    deal = raw.deals.set_index("deal_id").loc["7"]
    assert (deal["stage"], deal["status"], deal["owner"]) == ("Contract", "won", "12")
    assert (deal["value"], deal["currency"]) == (150_050, "EUR")
    # the first deal was won in the end, whatever its reason was
    assert raw.deals["reason"].fillna("").tolist() == ["", "", "Price"]
    notes = {note.kind: note.count for note in raw.meta.notes}
    assert notes == {"other_fields": 1}


def test_stages_stand_in_the_order_of_their_list(tmp_path):
    raw = read(tmp_path, LOG, STAGES, time_zone="UTC")
    names = [stage.name for stage in raw.meta.stages]
    assert names == ["Contact", "Contract", "Demo", "Never used", "Won", "Lost"]
    assert [stage.outcome for stage in raw.meta.stages[-2:]] == ["won", "lost"]


def test_the_log_becomes_events(tmp_path):
    log = read(tmp_path, LOG, STAGES, FIELDS, time_zone="UTC").events()
    outcomes = log.outcomes().set_index("lead_id")["outcome"].to_dict()
    assert outcomes == {"7": "lost", "8": "open", "9": "lost"}  # by the first closing
    assert log.visits.query("lead_id == '8'")["exit"].tolist() == ["open"]


def test_a_log_without_status_knows_losses_by_their_reason(tmp_path):
    kept = [line for line in LOG.splitlines() if ",status," not in line and line[0] != "7"]
    raw = read(tmp_path, "\n".join(kept))
    status = raw.deals.set_index("deal_id")["status"]
    assert status["9"] == "lost"
    assert pd.isna(status["8"])  # it may have been won: such a log does not say
    notes = {note.kind: note.count for note in raw.meta.notes}
    assert notes["inferred_losses"] == 1


def test_a_reopening_that_comes_with_a_stage_is_one_move(tmp_path):
    rows = (
        "deal_id,change_time,changed_field_key,new_value\n"
        "7,2024-02-01T09:00Z,stage_id,1\n7,2024-02-02T09:00Z,status,lost\n"
        "7,2024-02-03T09:00Z,status,open\n7,2024-02-03T09:00Z,stage_id,2\n"
    )
    assert read(tmp_path, rows).moves["stage"].tolist() == ["1", "Lost", "2"]


def test_deals_alone_are_a_snapshot(tmp_path):
    raw = read(tmp_path, DEALS, time_zone="UTC")
    assert (raw.meta.history, len(raw.moves)) == ("snapshot", 0)
    assert "changelog" in raw.meta.obtain_history
    deals = raw.deals.set_index("deal_id")
    # a lost deal keeps its open stage, and its date may stand in one column only
    assert list(deals.loc["9", ["stage", "status", "reason"]]) == ["Contact", "lost", "Price"]
    assert str(deals.loc["9", "closed_at"]) == "2024-02-05 10:00:00+00:00"
    assert deals.loc["7", "value"] == 160_000
    assert deals["customer_id"].iloc[0] == "51"
    assert raw.events().outcomes()["outcome"].tolist() == ["won", "open", "lost"]


def test_the_other_vocabulary(tmp_path):
    text = DEALS.replace("Deal - Stage", "Deal - Stage (pipeline)")
    text = text.replace("Deal - ID", "Deal - Pipedrive System ID").replace("Deal created", "X")
    text = text.replace(",Contract,", ",Contract (Sales),").replace(",Contact,", ",Contact (EU),")
    text = text.replace("Deal - X", "Deal - Creation date").replace("Deal - Pipeline", "Other")
    deals = read(tmp_path, text, time_zone="UTC").deals
    assert deals["stage"].tolist() == ["Contract", "Contact", "Contact"]
    assert deals["funnel"].tolist() == ["Sales", "EU", "EU"]
    assert deals["created_at"].notna().all()


def test_deals_and_log_complete_each_other(tmp_path):
    more = DEALS + "10,Demo,Open,2024-02-03 09:00:00,2024-02-04 09:00:00,,,,5,EUR,Ben,Sales,,\n"
    more = more.replace("9,Contact,Lost,2024-02-02 10:00:00,,,2024-02-05 10:00:00,", "9,,,,,,,")
    raw = read(tmp_path, more, LOG, STAGES, time_zone="UTC")
    assert raw.meta.history == "latest_entry"  # one in three has no history
    deals = raw.deals.set_index("deal_id")
    assert list(deals.loc["7", ["owner", "value"]]) == ["Anna", 160_000]
    assert [file.name for file in raw.meta.files] == ["0.csv", "1.csv", "2.csv"]
    assert set(raw.moves["file"]) == {1}
    full = read(tmp_path, DEALS, LOG, STAGES, time_zone="UTC")
    assert full.meta.history == "full"
    assert full.meta.obtain_history == ""
    assert full.deals["file"].tolist() == [0, 0, 0]


def test_a_pipeline_can_be_chosen(tmp_path):
    two = DEALS.replace("EUR,Ben,Sales,,\n", "EUR,Ben,Renewals,,\n")
    raw = read(tmp_path, two, LOG, STAGES, time_zone="UTC", pipeline="renewals")
    assert raw.deals["deal_id"].tolist() == ["8"]
    assert raw.moves["deal_id"].unique().tolist() == ["8"]


def test_lists_alone_are_refused(tmp_path):
    with pytest.raises(DataError, match="export the deals, or the log of changes"):
        read(tmp_path, STAGES, FIELDS)


def test_a_broken_list_of_fields_is_named(tmp_path):
    with pytest.raises(DataError, match=r"2\.csv FIELD_VALUE_OPTIONS: the values of lost_reason"):
        read(tmp_path, LOG, STAGES, FIELDS.replace("[{", "{{"))


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA.name} is not beside the project")
def test_the_generated_log_of_2000_deals():
    files = [DATA / name for name in ("deal_changes.csv.gz", "stages.csv", "fields.csv")]
    raw = read_crm(files)
    plain = pd.read_csv(files[0], dtype="str")
    assert len(raw.deals) == plain["deal_id"].nunique() == 1995
    entered = raw.moves[raw.moves["stage"] != "Lost"]
    assert len(entered) == (plain["changed_field_key"] == "stage_id").sum()
    assert raw.meta.stages[0].name == "Lead Generation"
    assert set(raw.deals["reason"]) == {
        *("Customer Not Ready", "Pricing Issues", "Unreachable Customer"),
        *("Product Mismatch", "Duplicate Entry"),
    }
    assert raw.events().outcomes()["outcome"].unique().tolist() == ["lost"]
