"""From a CRM's history to an event log: what is repaired, counted, or refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from funnelsim import measures
from funnelsim.calibration.cleaning.cleaning import last_event
from funnelsim.calibration.cleaning.repairs import Repaired, repaired
from funnelsim.calibration.raw import RawFile, RawHistory, RawMetadata, RawStage
from funnelsim.calibration.raw_example import RAW, STAGES, raw_table
from funnelsim.errors import DataError, HistoryError

TAKEN = datetime(2024, 6, 1, tzinfo=UTC)


def history(deals, moves=(), efforts=(), marks=(), level="full", stages=STAGES, **meta):
    """A raw history of a few rows."""
    return RawHistory(
        deals=raw_table("deals", list(deals)),
        moves=raw_table("moves", list(moves)),
        efforts=raw_table("efforts", list(efforts)),
        marks=raw_table("marks", list(marks)),
        meta=RawMetadata(
            **{
                "format": "pipedrive",
                "files": (RawFile("a.csv", "12ab", len(deals), TAKEN),),
                "history": level,
                "currency": "EUR",
                "stages": stages,
                **meta,
            }
        ),
    )


def deal(number, **columns):
    return {"deal_id": str(number), "created_at": "2024-01-01T09:00Z", "stage": "New", **columns}


def move(number, stage, at, **columns):
    return {"deal_id": str(number), "stage": stage, "at": at, **columns}


def kinds(result: Repaired) -> dict[str, int]:
    return {note.kind: note.count for note in result.notes}


def route(result: Repaired, lead: str = "1") -> list[tuple[str, str]]:
    visits = result.log.visits
    mine = visits[visits["lead_id"] == lead]
    return [
        (stage, str(at)[:16]) for stage, at in zip(mine["stage"], mine["entered_at"], strict=True)
    ]


def test_a_clean_history_needs_no_repair():
    moves = [move(1, "New", "2024-01-01T09:00Z"), move(1, "Offer", "2024-01-05T09:00Z")]
    result = repaired(history([deal(1, stage="Offer")], moves))
    assert result.notes == ()
    assert route(result) == [("new", "2024-01-01 09:00"), ("offer", "2024-01-05 09:00")]
    assert result.log.meta.observed_until == TAKEN
    assert result.log.meta.provenance["file_sha256"] == "12ab"


def test_every_repair_is_a_note_in_the_provenance():
    result = repaired(RAW)
    notes = result.log.meta.provenance["notes"].split("\n")
    assert notes == [str(note) for note in result.notes]
    assert RAW.events().equals(result.log)


@pytest.mark.parametrize(
    ("deals", "moves", "expected", "kind"),
    [
        pytest.param(
            [deal(1, stage="Offer")],
            [move(1, "Offer", "2024-01-03T09:00Z", from_stage="New")],
            [("new", "2024-01-01 09:00"), ("offer", "2024-01-03 09:00")],
            "first_stages",
            id="the first move leaves a stage",
        ),
        pytest.param(
            [deal(1, status="lost", closed_at="2024-01-09T10:00Z")],
            [move(1, "New", "2024-01-01T09:00Z")],
            [("new", "2024-01-01 09:00"), ("lost", "2024-01-09 10:00")],
            "added_closings",
            id="lost without a move",
        ),
        pytest.param(
            [deal(1, status="lost", closed_at="2024-01-09T10:00Z")],
            [],
            [("new", "2024-01-01 09:00"), ("lost", "2024-01-09 10:00")],
            "unmoved_deals",
            id="closed in its first stage",
        ),
        pytest.param(
            [deal(1, stage="Offer", stage_since="2024-01-07T09:00Z")],
            [move(1, "New", "2024-01-01T09:00Z")],
            [("new", "2024-01-01 09:00"), ("offer", "2024-01-07 09:00")],
            "added_stages",
            id="the present stage has no move",
        ),
        pytest.param(
            [deal(1, stage="Offer")],
            [move(1, "New", "2024-01-01T09:00Z")],
            [("new", "2024-01-01 09:00")],
            "unexplained_stages",
            id="nobody knows since when",
        ),
        pytest.param(
            [deal(1)],
            [move(1, "New", "2023-12-24T09:00Z")],
            [("new", "2023-12-24 09:00")],
            "late_creations",
            id="created after its first move",
        ),
        pytest.param(
            [deal(1)],
            [move(1, "New", "2024-01-01T09:00Z"), move(1, "Offer", "2031-01-01T09:00Z")],
            [("new", "2024-01-01 09:00")],
            "future_moves",
            id="moved in the future",
        ),
        pytest.param(
            [deal(1), deal(1, stage="Offer")],
            [move(1, "Offer", "2024-01-02T09:00Z")],
            [("offer", "2024-01-02 09:00")],
            "conflicting_deals",
            id="the same deal twice",
        ),
        pytest.param(
            [deal(1, status="lost", closed_at="2024-01-09T10:00Z")],
            [move(1, "New", "2024-01-01T09:00Z"), move(1, "Offer", "2024-03-01T09:00Z")],
            [("new", "2024-01-01 09:00"), ("lost", "2024-01-09 10:00")],
            "moves_after_closing",
            id="moved after it was lost",
        ),
        pytest.param(
            [deal(1, stage="Won")],
            [move(1, "New", "2024-01-01T09:00Z")],
            [("new", "2024-01-01 09:00"), ("won", "2024-06-01 00:00")],
            "undated_closings",
            id="won, nobody knows when",
        ),
    ],
)
def test_repairs_of_the_route(deals, moves, expected, kind):
    result = repaired(history(deals, moves))
    assert route(result) == expected
    assert kinds(result)[kind] == 1


def test_reopened_deals_count_by_their_first_closing():
    moves = [
        move(1, "New", "2024-01-01T09:00Z"),
        move(1, "Lost", "2024-01-05T09:00Z"),
        move(1, "Offer", "2024-02-01T09:00Z"),
        move(1, "Won", "2024-02-09T09:00Z"),
    ]
    result = repaired(history([deal(1, stage="Won", value=500)], moves))
    assert kinds(result) == {"reopened": 1}
    assert result.log.outcomes()["outcome"].tolist() == ["lost"]
    assert result.log.marks["kind"].tolist() == ["lost", "won"]
    assert "first closing" in str(result.notes[0])


def test_a_file_that_begins_with_the_latest_move_is_read_backwards():
    moves = [
        move(1, "Won", "2024-01-05T09:00Z"),
        move(1, "Offer", "2024-01-05T09:00Z"),  # the same minute: a deal closed in passing
        move(1, "New", "2024-01-01T09:00Z"),
    ]
    result = repaired(history([deal(1, stage="Won")], moves))
    assert [stage for stage, _ in route(result)] == ["new", "offer", "won"]


def test_deleted_deals_go_with_their_moves_and_strays_are_counted():
    deals = [deal(1), deal(2, deleted=True)]
    moves = [move(n, "New", "2024-01-01T09:00Z") for n in (1, 2, 3)]
    marks = [{"deal_id": "9", "kind": "called", "at": "2024-01-02"}]
    result = repaired(history(deals, moves, marks=marks))
    assert kinds(result) == {"deleted_deals": 1, "stray_moves": 1, "stray_marks": 1}
    assert result.log.leads["lead_id"].tolist() == ["1"]


@pytest.mark.parametrize(
    ("columns", "kind", "left"),
    [
        ({"closed_at": "2023-12-01T09:00Z", "status": "won"}, "closed_before_created", 1),
        ({"closed_at": "2024-01-01T00:00Z", "status": "won"}, "closed_same_day", 2),
        ({"closed_at": "2031-01-01T09:00Z", "status": "won"}, "future_closings", 2),
        ({"closed_at": "2024-07-01T09:00Z", "status": "open"}, "planned_closings", 2),
        ({"created_at": "2030-01-01T09:00Z"}, "future_deals", 1),
        ({"created_at": "1970-01-01T00:00Z"}, "ancient_times", 1),
        ({"created_at": None}, "undated_deals", 1),
        ({"created_at": None, "stage_since": "2024-02-01"}, "uncreated_deals", 2),
        ({"deal_id": None}, "nameless_deals", 1),
        ({"status": "lost", "stage": "Won", "closed_at": "2024-02-01"}, "contradicting_status", 2),
    ],
)
def test_impossible_dates_of_deals(columns, kind, left):
    result = repaired(history([deal(1), deal(2, **columns)], level="snapshot"))
    assert kinds(result)[kind] == 1
    assert len(result.log.leads) == left


def test_a_few_closings_without_a_date_are_left_out():
    deals = [deal(n, stage="Won", closed_at="2024-02-01T09:00Z") for n in range(20)]
    moves = [move(n, "New", "2024-01-01T09:00Z") for n in range(21)]
    moves += [move(n, "Won", "2024-02-01T09:00Z") for n in range(20)]
    result = repaired(history([*deals, deal(20, stage="Won")], moves))
    assert kinds(result) == {"lost_closings": 1}
    assert len(result.log.leads) == 20


def test_a_closing_before_the_creation_is_impossible():
    moves = [move(1, "Won", "2023-12-01T09:00Z"), move(1, "New", "2024-01-01T09:00Z")]
    result = repaired(history([deal(1, stage="Won"), deal(2)], moves))
    assert kinds(result) == {"closed_before_created": 1, "unmoved_deals": 1}


def test_the_stage_of_a_lost_deal_is_not_entered_when_it_was_lost():
    lost = deal(1, status="lost", stage="Offer", stage_since="2024-01-05T09:00Z")
    lost["closed_at"] = "2024-01-09T09:00Z"
    result = repaired(history([lost]))
    assert route(result) == [("offer", "2024-01-05 09:00"), ("lost", "2024-01-09 09:00")]


def test_work_that_cannot_be_is_repaired_or_left_out():
    def work(**times):
        return {"deal_id": "1", "effort": "call", "team": "desk", **times}

    efforts = [
        work(queued_at="2024-01-01T09:00Z", started_at="2024-01-01T10:00Z"),
        work(started_at="2024-01-02T10:00Z", ended_at="2024-01-02T09:00Z"),
        work(ended_at="2024-01-02T09:00Z"),
        work(started_at="2024-01-02T10:00Z", ended_at="2025-01-02T09:00Z"),
        work(queued_at="2024-01-03T09:00Z", started_at="2024-01-02T10:00Z"),
        work(queued_at="2024-01-03T10:00Z"),
    ]
    deals = [deal(1, stage="Won", closed_at="2024-01-05T09:00Z")]
    result = repaired(history(deals, [move(1, "New", "2024-01-01T09:00Z")], efforts))
    assert kinds(result) == {
        "queued_after_start": 1,
        "impossible_work": 2,
        "future_work": 1,
        "given_up": 1,
        "added_closings": 1,
    }
    assert len(result.log.efforts) == 4
    assert result.log.visits["ready_at"].notna().tolist() == [True, False]
    assert [team.id for team in result.log.meta.teams] == ["desk"]


def test_marks_know_their_visit_and_never_precede_the_lead():
    marks = [
        {"deal_id": "1", "kind": "called", "at": "2024-01-06"},
        {"deal_id": "1", "kind": "called", "at": "2023-01-06"},
        {"deal_id": "1", "kind": "called", "at": "2025-01-06"},
    ]
    moves = [move(1, "New", "2024-01-01T09:00Z"), move(1, "Offer", "2024-01-05T09:00Z")]
    result = repaired(history([deal(1, stage="Offer")], moves, marks=marks))
    assert result.log.marks["visit"].tolist() == [1, 2]
    assert kinds(result) == {"future_marks": 1, "early_marks": 1}


def test_a_snapshot_gives_win_rate_and_cycle_time_and_refuses_delays():
    deals = [
        deal(1, stage="Won", closed_at="2024-01-11T09:00Z", value=700),
        deal(2, status="lost", closed_at="2024-01-21T09:00Z", stage="Offer", reason="price"),
        deal(3, stage="Offer", stage_since="2024-03-01T09:00Z"),
        deal(4),
    ]
    result = repaired(history(deals, level="snapshot"))
    log = result.log
    assert kinds(result) == {"unknown_since": 1}
    assert log.meta.history == "snapshot"
    assert log.visits.groupby("lead_id").size().tolist() == [1, 1, 1, 1]
    assert log.outcomes()["outcome"].tolist() == ["won", "lost", "open", "open"]
    assert log.outcomes()["reason"].tolist()[1] == "price"
    rate = measures.win_rate(log)
    assert rate.loc[rate["measure"] == "win_rate", "n"].gt(0).all()
    assert len(measures.cycle_time(log))
    with pytest.raises(HistoryError):
        measures.dwell_time(log)


def test_a_latest_entry_history_keeps_its_level():
    moves = [move(1, "Offer", "2024-01-05T09:00Z"), move(1, "New", "2024-01-01T09:00Z")]
    log = repaired(history([deal(1, stage="Offer")], moves, level="latest_entry")).log
    assert log.meta.history == "latest_entry"
    assert log.visits["stage"].tolist() == ["new", "offer"]


def test_what_began_before_recording_is_seen_from_then_on():
    deals = [deal(n, created_at="2023-01-01T09:00Z", stage="Offer") for n in range(5)]
    moves = [move(n, "Offer", "2024-01-05T09:00Z", from_stage="New") for n in range(5)]
    result = repaired(history(deals, moves))
    assert kinds(result)["left_truncation"] == 5
    assert result.log.meta.observed_from == datetime(2024, 1, 5, 9, tzinfo=UTC)
    assert result.log.leads["observed_from"].notna().all()
    given = history(deals, moves, observed_from=datetime(2023, 6, 1, tzinfo=UTC))
    assert repaired(given).log.meta.observed_from == datetime(2023, 6, 1, tzinfo=UTC)


def test_closings_that_should_have_been_seen_mean_that_recording_began_later():
    created = pd.date_range("2023-01-01", "2024-03-01", freq="D", tz="UTC")
    began = pd.Timestamp("2023-08-01", tz="UTC")
    closed = created + pd.Timedelta(days=20)
    deals = [
        deal(
            n,
            created_at=str(at),
            **({"status": "won", "closed_at": str(end)} if end >= began else {}),
        )
        for n, (at, end) in enumerate(zip(created, closed, strict=True))
        if end >= began or n % 10 == 0
    ]
    deals[0] |= {"status": "won", "closed_at": "2023-01-20"}  # one closing is there by exception
    result = repaired(history(deals, level="snapshot"))
    assert kinds(result)["left_truncation"] > 5
    assert result.log.meta.observed_from.date() == began.date()


def test_stages_that_are_not_listed_are_kept_before_the_closing_ones():
    moves = [move(1, "New", "2024-01-01T09:00Z"), move(1, "Старый этап", "2024-01-05T09:00Z")]
    result = repaired(history([deal(1, stage="Старый этап")], moves))
    assert [stage.id for stage in result.log.meta.stages] == [
        "new",
        "offer",
        "staryi_etap",
        "won",
        "lost",
    ]
    assert kinds(result) == {"unlisted_stages": 1}
    advance = {stage.id: stage.advance for stage in result.log.meta.stages}
    assert advance == {
        "new": "offer",
        "offer": "won",
        "staryi_etap": None,
        "won": None,
        "lost": None,
    }


def test_without_a_list_stages_stand_in_the_order_of_the_deals():
    moves = [
        move(n, stage, f"2024-01-0{day}T09:00Z")
        for n in (1, 2)
        for day, stage in enumerate(("Lead in", "Demo", "Contract"), start=1)
    ]
    deals = [deal(1, stage="Contract"), deal(2, stage=None, status="lost", closed_at="2024-02-01")]
    log = repaired(history(deals, moves, stages=())).log
    assert [stage.id for stage in log.meta.stages] == ["lead_in", "demo", "contract", "lost"]
    assert log.outcomes()["outcome"].tolist() == ["open", "lost"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (history([]), ["no deals"]),
        (history([{"deal_id": "1", "stage": "New"}]), ["no deal and no move has a date"]),
        (history([deal(1, stage=None)]), ["stage, a status or a move", "name it in a mapping"]),
        (
            history([deal(1, funnel="B2B"), deal(2, funnel="B2B"), deal(3, funnel="Retail")]),
            ['"B2B" (2), "Retail" (1)', "--pipeline"],
        ),
        (
            history(
                [
                    deal(1, funnel="B2B", value=1, currency="EUR"),
                    deal(2, funnel="Retail", value=1, currency="USD"),
                ]
            ),
            ["pipelines are mixed", "2 currencies are mixed: EUR (1), USD (1)"],
        ),
        (
            history([deal(1, created_at="2031-01-01")]),
            ["no usable deal is left", "created after the export"],
        ),
        (
            history([deal(n, stage=f"Stage {n}") for n in range(10_000)], stages=()),
            ["10,000 different stages"],
        ),
    ],
)
def test_what_cannot_be_repaired_is_refused_with_all_its_problems(raw, words):
    with pytest.raises(DataError) as error:
        repaired(raw)
    assert all(word in str(error.value) for word in words)
    assert "a.csv" in str(error.value)


@pytest.mark.parametrize("level", ["full", "snapshot"])
@pytest.mark.parametrize(
    "deals",
    [
        [deal(1)],
        [deal(n) for n in range(9)],
        [deal(n, stage="Won", closed_at="2024-02-01") for n in range(9)],
        [deal(n, stage="Won", closed_at="2024-01-01T09:00Z") for n in range(9)],
        [deal(n, stage=None, status="won", closed_at="2024-02-01") for n in range(9)],
    ],
    ids=["one deal", "all open", "all won", "all times equal", "no stages"],
)
def test_poor_histories_are_still_logs(deals, level):
    result = repaired(history(deals, level=level))
    assert len(result.log.leads) == len(deals)
    assert len(result.log.outcomes()) == len(deals)


def test_a_date_far_in_the_future_does_not_move_the_end_of_the_window():
    deals = [deal(n, created_at=f"2024-01-{n:02}T09:00Z") for n in range(1, 30)]
    raw = history([*deals, deal(99, created_at="2099-01-01")], level="snapshot")
    file = replace(raw.meta.files[0], taken_at=None)
    result = repaired(replace(raw, meta=replace(raw.meta, files=(file,))))
    assert result.log.meta.observed_until == datetime(2024, 1, 29, 9, tzinfo=UTC)
    assert kinds(result)["future_deals"] == 1


def test_a_million_copies_count_once_and_fast():
    moves = RAW.moves.take(np.zeros(1_000_000, dtype=int)).reset_index(drop=True)
    moves["row"] = np.arange(2, len(moves) + 2)
    deals = RAW.deals.take(np.arange(200_000) % 2).reset_index(drop=True)
    start = perf_counter()
    result = repaired(replace(RAW, deals=deals, moves=moves))
    assert perf_counter() - start < 20
    assert kinds(result)["duplicate_moves"] == 999_999
    assert kinds(result)["duplicate_deals"] == 199_998
    assert len(result.log.leads) == 2


def test_stages_of_the_same_name_in_two_pipelines_keep_their_own_id():
    stages = (
        RawStage("New", "new_a", "A"),
        RawStage("Won", "won_a", "A", outcome="won"),
        RawStage("New", "new_b", "B"),
        RawStage("Won", "won_b", "B", outcome="won"),
    )
    raw = history([deal(1, funnel="B")], [move(1, "New", "2024-01-02")], stages=stages)
    log = repaired(raw).log
    assert log.visits["stage"].tolist() == ["new_b"]
    assert [stage.id for stage in log.meta.stages] == ["new_b", "won_b"]


def test_one_time_in_ten_far_ahead_does_not_move_the_window():
    """Three typing errors among a hundred dates are slips, not seventy years of silence."""
    days = pd.Series(pd.date_range("2024-01-01", periods=100, tz="UTC"))
    days.iloc[[5, 50, 70]] = pd.Timestamp("2099-01-01", tz="UTC")
    assert last_event([days]) == pd.Timestamp("2024-04-09", tz="UTC")
