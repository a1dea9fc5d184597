"""What an audit finds: each kind of dirt planted alone is found, counted and graded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from funnelsim.calibration.auditing.audit import Audit, audit
from funnelsim.calibration.auditing.clockwork import shifted_hours
from funnelsim.calibration.auditing.findings import KINDS, TEXTS, USES, Finding, Severity
from funnelsim.calibration.auditing.grades import graded
from funnelsim.calibration.cleaning.ledger import REPAIRS
from funnelsim.calibration.raw import RAW_SCHEMA, RawFile, RawHistory, RawMetadata
from funnelsim.calibration.raw_example import RAW, STAGES, raw_table
from funnelsim.calibration.readers.notes import Note
from funnelsim.errors import DataError
from funnelsim.events.tables import cast

START = pd.Timestamp("2023-01-02", tz="UTC")
DAYS = 400
N = 800


def sound(n: int = N, seed: int = 4) -> RawHistory:
    """A history with nothing wrong: New → Offer → won or lost, in working hours."""
    rng = np.random.default_rng(seed)
    created = START + pd.to_timedelta(np.sort(rng.integers(0, DAYS, n)), unit="D")
    until = START + pd.Timedelta(days=DAYS)
    rows = []
    for deal, day in enumerate(created):
        at = day + pd.Timedelta(minutes=int(rng.integers(540, 1080)))
        stages = ["New", "Offer", "Won" if rng.random() < 0.4 else "Lost"]
        if rng.random() < 0.3:
            stages = ["New", "Lost"]
        for stage in stages:
            if at > until:
                break
            rows.append((str(deal), at, stage))
            wait = pd.Timedelta(days=int(1 + rng.exponential(8)))
            at = at.normalize() + wait + pd.Timedelta(minutes=int(rng.integers(540, 1080)))
    moves = table("moves", pd.DataFrame(rows, columns=["deal_id", "at", "stage"]))
    last = moves.drop_duplicates("deal_id", keep="last").set_index("deal_id")
    deals = moves.drop_duplicates("deal_id")[["deal_id", "at"]].reset_index(drop=True)
    deals = deals.rename(columns={"at": "created_at"})
    deals["stage"] = deals["deal_id"].map(last["stage"])
    over = deals["stage"].isin(["Won", "Lost"])
    deals["status"] = deals["stage"].str.lower().where(over, "open")
    deals["stage_since"] = deals["deal_id"].map(last["at"])
    deals["closed_at"] = deals["stage_since"].where(over)
    deals["value"] = rng.integers(1000, 100_000, n)
    deals["customer_id"] = [f"c{deal}" for deal in range(n)]
    return RawHistory(
        deals=table("deals", deals),
        moves=moves,
        efforts=raw_table("efforts", []),
        marks=raw_table("marks", []),
        meta=RawMetadata(
            format="pipedrive",
            files=(RawFile("deals.csv", "ab", n, until.to_pydatetime()),),
            history="full",
            currency="EUR",
            stages=STAGES,
            obtain_history="Ask the CRM for its change log.",
        ),
    )


def table(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A raw table with every column."""
    columns = {}
    for column, dtype in RAW_SCHEMA[name].items():
        blank = range(2, len(frame) + 2) if column == "row" else 0 if column == "file" else None
        values = frame[column] if column in frame else pd.Series(blank, index=frame.index)
        columns[column] = cast(values, dtype)
    return pd.DataFrame(columns)


CLEAN = sound()


def finding(found: Audit, kind: str) -> Finding:
    mine = [each for each in found.findings if each.kind == kind]
    assert len(mine) == 1, [each.kind for each in found.findings]
    return mine[0]


def with_deals(**columns) -> RawHistory:
    return replace(CLEAN, deals=CLEAN.deals.assign(**columns))


def with_moves(frame: pd.DataFrame) -> RawHistory:
    return replace(CLEAN, moves=frame.reset_index(drop=True))


def test_a_sound_history_has_no_findings_and_good_grades():
    found = audit(CLEAN)
    assert found.findings == ()
    assert found.clean
    assert found.grades == {"conversion": "A", "delays": "A", "staffing": "E", "forecast": "A"}
    assert found.evidence["staffing"] == 0
    assert found.sentence() == (
        "800 deals; conversion A, delays A, staffing E, forecast A; nothing calls for caution."
    )


def test_every_kind_has_its_words_and_limits():
    assert set(KINDS) == set(TEXTS)
    assert set(REPAIRS) <= set(KINDS)
    for kind, (found, done) in TEXTS.items():
        assert found
        assert "{" not in found + done + KINDS[kind].fix
        assert done.endswith(".")


def test_the_list_is_sorted_and_a_table():
    found = audit(replace(CLEAN, moves=pd.concat([CLEAN.moves] * 2, ignore_index=True)))
    scores = [each.score for each in found.findings]
    assert scores == sorted(scores, reverse=True)
    assert found.table["kind"].tolist() == [each.kind for each in found.findings]
    assert found.table["share"].between(0, 1).all()


def test_duplicates():
    found = audit(replace(CLEAN, deals=pd.concat([CLEAN.deals, CLEAN.deals.head(40)])))
    twice = finding(found, "duplicate_deals")
    assert (twice.count, twice.of, twice.severity) == (40, N + 40, "info")
    assert len(twice.examples) == 5
    assert twice.examples[0] == "0 (deals.csv:2)"
    twins = CLEAN.deals.head(60).assign(deal_id=[f"t{n}" for n in range(60)])
    found = audit(replace(CLEAN, deals=pd.concat([CLEAN.deals, twins], ignore_index=True)))
    assert finding(found, "possible_duplicates").count == 60
    assert finding(found, "possible_duplicates").severity == "caution"


def test_skipped_backward_and_reopened_moves():
    moves = CLEAN.moves
    skipping = moves[~((moves["stage"] == "Offer") & (moves["deal_id"].astype(int) % 2 == 0))]
    found = finding(audit(with_moves(skipping)), "skipped_stages")
    won = moves.loc[moves["stage"] == "Won", "deal_id"].astype(int)
    assert found.count == (won % 2 == 0).sum()
    assert found.severity == "caution"
    offers = moves[(moves["stage"] == "Won")].head(50)
    back = pd.concat(
        [
            moves[~moves.index.isin(offers.index)],
            offers.assign(stage="New"),
        ]
    ).sort_values(["deal_id", "at"], kind="stable")
    assert finding(audit(with_moves(back)), "backward_moves").count == 50
    again = moves[moves["stage"] == "Lost"].head(30)
    later = again.assign(stage="Offer", at=again["at"] + pd.Timedelta(hours=5))
    assert finding(audit(with_moves(pd.concat([moves, later]))), "reopened").count == 30


def test_renamed_stages_name_both_and_the_day():
    day = pd.Timestamp("2023-08-01", tz="UTC")
    old = (CLEAN.moves["stage"] == "Offer") & (CLEAN.moves["at"] < day)
    stage = CLEAN.moves["stage"].mask(old, "Proposal")
    found = finding(audit(with_moves(CLEAN.moves.assign(stage=stage))), "renamed_stages")
    assert found.count == 1
    assert "Proposal → Offer, 2023-08-0" in found.details
    assert found.severity == "caution"


def test_a_stage_that_nothing_enters_any_more():
    day = pd.Timestamp("2023-08-01", tz="UTC")
    gone = (CLEAN.moves["stage"] == "Offer") & (CLEAN.moves["at"] >= day)
    deals = CLEAN.deals.assign(stage=CLEAN.deals["stage"].replace("Offer", "New"))
    found = audit(replace(with_moves(CLEAN.moves[~gone]), deals=deals))
    assert "Offer, 2023-07" in finding(found, "stopped_stages").details


def test_a_shift_of_the_clock_is_dated():
    day = pd.Timestamp("2023-08-01", tz="UTC")
    later = CLEAN.moves["at"] + pd.Timedelta(hours=3)
    moves = CLEAN.moves.assign(at=CLEAN.moves["at"].where(CLEAN.moves["at"] < day, later))
    found = finding(audit(with_moves(moves)), "time_zone_jump")
    assert found.details == "2023-08 – 2024-01, +3 h"
    assert found.numbers == {"from": "2023-08", "to": "2024-01", "hours": 3}


def test_a_small_file_has_no_shift():
    assert shifted_hours(pd.Series(pd.date_range("2024-01-01", periods=50, tz="UTC"))) is None


def test_bulk_edits():
    lost = CLEAN.moves[CLEAN.moves["stage"] == "Lost"].tail(120).index
    swept = pd.Timestamp("2024-02-05T09:30:10Z")
    at = CLEAN.moves["at"].mask(CLEAN.moves.index.isin(lost), swept)
    found = finding(audit(with_moves(CLEAN.moves.assign(at=at))), "bulk_edits")
    assert found.count >= 120
    assert "2024-02-05 09:30" in found.details


def test_stale_deals_and_those_older_than_any_closed_one():
    forgotten = CLEAN.deals["deal_id"].head(30)
    keep = ~(CLEAN.moves["deal_id"].isin(forgotten) & CLEAN.moves["stage"].isin(["Won", "Lost"]))
    mine = CLEAN.deals["deal_id"].isin(forgotten)
    deals = CLEAN.deals.assign(
        status=CLEAN.deals["status"].mask(mine, "open"),
        stage=CLEAN.deals["stage"].mask(mine, "Offer"),
        closed_at=CLEAN.deals["closed_at"].mask(mine),
        stage_since=CLEAN.deals["stage_since"].mask(mine),
    )
    found = audit(replace(CLEAN, deals=deals, moves=CLEAN.moves[keep].reset_index(drop=True)))
    assert finding(found, "stale_open").count == 30
    assert finding(found, "stale_open").severity == "red"
    assert finding(found, "ageless_open").count == 30
    assert finding(found, "ageless_open").of == len(deals)
    assert found.grades["forecast"] > audit(CLEAN).grades["forecast"]


def test_missing_losses():
    lost = CLEAN.deals["status"] == "lost"
    gone = set(CLEAN.deals.loc[lost, "deal_id"])
    found = audit(
        replace(
            CLEAN,
            deals=CLEAN.deals[~lost].reset_index(drop=True),
            moves=CLEAN.moves[~CLEAN.moves["deal_id"].isin(gone)].reset_index(drop=True),
        )
    )
    none = finding(found, "missing_losses")
    assert (none.count, none.severity) == (0, "red")
    assert found.grades["conversion"] == "E"


GRAVE_AND_LESS: tuple[tuple[str, Severity, int], ...] = (
    ("stale_open", "red", 100),
    ("ageless_open", "caution", 2000),
)


def test_a_board_of_zombies_costs_the_forecast_more_than_the_conversion():
    """A few of all deals, though most of the open ones: their like hardly weigh on conversion."""
    findings = [
        Finding(kind, severity, 60, of, "", "", "", uses=KINDS[kind].uses)
        for kind, severity, of in GRAVE_AND_LESS
    ]
    many = dict.fromkeys(USES, 500)
    grades = {each.use: each.grade for each in graded(findings, many, "full")}
    assert grades == {"conversion": "B", "delays": "C", "staffing": "A", "forecast": "C"}


def test_what_follows_from_a_lack_of_history_costs_no_grade_twice():
    since = Finding("unknown_since", "caution", 9, 9, "", "", "", uses=KINDS["unknown_since"].uses)
    stale = Finding("stale_open", "red", 9, 9, "", "", "", uses=KINDS["stale_open"].uses)
    many = dict.fromkeys(USES, 500)
    grades = {each.use: each.grade for each in graded([since, stale], many, "snapshot")}
    assert grades["forecast"] == "C"


def test_summer_time_read_as_utc_is_no_jump():
    at = CLEAN.moves["at"]
    summer = at.between(pd.Timestamp("2023-03-26", tz="UTC"), pd.Timestamp("2023-10-29", tz="UTC"))
    moves = CLEAN.moves.assign(at=at - pd.to_timedelta(summer.astype(int), unit="h"))
    kinds = {each.kind: each.severity for each in audit(with_moves(moves)).findings}
    assert "time_zone_jump" not in kinds
    assert kinds["summer_time"] == "info"


def test_dates_after_today_are_told():
    later = pd.Timedelta(days=80 * 365)
    times = ("created_at", "stage_since", "closed_at")
    deals = CLEAN.deals.assign(**{name: CLEAN.deals[name] + later for name in times})
    moves = CLEAN.moves.assign(at=CLEAN.moves["at"] + later)
    meta = replace(CLEAN.meta, files=(RawFile("deals.csv", "ab", N),))
    found = audit(replace(CLEAN, deals=deals, moves=moves, meta=meta))
    assert finding(found, "after_today").severity == "red"
    assert "after_today" not in {each.kind for each in audit(CLEAN).findings}


def test_a_log_that_names_no_outcome_asks_for_a_mapping():
    raw = replace(
        CLEAN,
        deals=CLEAN.deals.assign(status=None, stage="New", closed_at=None),
        moves=CLEAN.moves[CLEAN.moves["stage"] == "New"],
        meta=replace(CLEAN.meta, format="process_log", stages=()),
    )
    assert "mapping" in finding(audit(raw), "no_outcomes").fix


def test_left_truncation():
    began = pd.Timestamp("2023-06-01", tz="UTC")
    found = finding(audit(with_moves(CLEAN.moves[CLEAN.moves["at"] >= began])), "left_truncation")
    assert found.count > 20


def test_a_change_of_conversion_is_a_finding():
    rng = np.random.default_rng(1)
    day = pd.Timestamp("2023-08-01", tz="UTC")
    fails = (CLEAN.moves["stage"] == "Won") & (CLEAN.moves["at"] > day)
    fails &= rng.random(len(CLEAN.moves)) < 0.8
    raw = with_moves(CLEAN.moves.assign(stage=CLEAN.moves["stage"].mask(fails, "Lost")))
    deals = set(CLEAN.moves.loc[fails, "deal_id"])
    mine = CLEAN.deals["deal_id"].isin(deals)
    raw = replace(
        raw,
        deals=CLEAN.deals.assign(
            stage=CLEAN.deals["stage"].mask(mine, "Lost"),
            status=CLEAN.deals["status"].mask(mine, "lost"),
        ),
    )
    found = finding(audit(raw), "changes")
    assert "offer (conversion), 2023-0" in found.details


def test_dates_without_times():
    moves = CLEAN.moves.assign(at=CLEAN.moves["at"].dt.normalize())
    deals = CLEAN.deals.assign(created_at=CLEAN.deals["created_at"].dt.normalize())
    found = audit(replace(CLEAN, deals=deals, moves=moves))
    assert finding(found, "dates_only").severity == "caution"
    assert "rushed_moves" not in [each.kind for each in found.findings]


def test_silent_weeks():
    quiet = CLEAN.deals["created_at"].between(
        pd.Timestamp("2023-05-01", tz="UTC"), pd.Timestamp("2023-06-15", tz="UTC")
    )
    gone = set(CLEAN.deals.loc[quiet, "deal_id"])
    raw = replace(
        CLEAN,
        deals=CLEAN.deals[~quiet].reset_index(drop=True),
        moves=CLEAN.moves[~CLEAN.moves["deal_id"].isin(gone)].reset_index(drop=True),
    )
    found = finding(audit(raw), "silences")
    assert found.count >= 5
    assert "2023-05-" in found.details


def test_mixed_pipelines_and_currencies_are_found_where_the_log_is_refused():
    half = np.where(np.arange(N) < N // 4, "Retail", "B2B")
    money = np.where(np.arange(N) < 10, "USD", "EUR")
    raw = with_deals(funnel=pd.Series(half, dtype="str"), currency=pd.Series(money, dtype="str"))
    found = audit(raw)
    assert finding(found, "mixed_pipelines").details == "B2B (600), Retail (200)"
    assert finding(found, "mixed_currencies").count == 10
    assert set(found.grades.values()) == {"E"}
    with pytest.raises(DataError):
        raw.events()


def test_a_snapshot_says_how_to_obtain_the_history():
    raw = replace(CLEAN, meta=replace(CLEAN.meta, history="snapshot"))
    found = audit(raw)
    assert finding(found, "no_history").fix == "Ask the CRM for its change log."
    assert (found.grades["conversion"], found.grades["delays"]) == ("C", "E")


def test_notes_of_the_reader_are_findings():
    raw = replace(CLEAN, meta=replace(CLEAN.meta, notes=(Note("amounts", 3, "Odd amounts"),)))
    assert finding(audit(raw), "amounts").severity == "info"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (replace(CLEAN, deals=CLEAN.deals.head(1), moves=CLEAN.moves.head(0)), "few_deals"),
        (with_deals(value=pd.Series(0, index=range(N), dtype="Int64")), "no_value"),
        (
            replace(
                CLEAN,
                deals=CLEAN.deals.assign(status="open", stage="New", closed_at=None),
                moves=CLEAN.moves[CLEAN.moves["stage"] == "New"],
            ),
            "no_closings",
        ),
        (
            replace(
                CLEAN,
                deals=CLEAN.deals.assign(status="lost", stage="Lost"),
                moves=CLEAN.moves[CLEAN.moves["stage"] == "New"],
            ),
            "no_wins",
        ),
        (with_moves(CLEAN.moves.assign(at=START)), "equal_times"),
        (
            with_deals(created_at=CLEAN.deals["created_at"] + pd.Timedelta(days=3000)),
            "future_deals",
        ),
    ],
    ids=["one deal", "no values", "all open", "all lost", "equal times", "in the future"],
)
def test_poor_histories_are_audited_all_the_same(raw, kind):
    found = audit(raw)
    assert finding(found, kind).severity in ("caution", "red")


def test_nothing_at_all_is_audited_too():
    empty = replace(CLEAN, deals=CLEAN.deals.head(0), moves=CLEAN.moves.head(0))
    found = audit(empty)
    assert set(found.grades.values()) == {"E"}
    assert finding(found, "few_deals").count == 0


def test_what_the_example_shows():
    assert audit(RAW).grades["conversion"] == "E"


@pytest.mark.parametrize(
    ("severities", "grade"),
    [
        ([], "A"),
        (["info"] * 9, "A"),
        (["caution"], "B"),
        (["caution"] * 3, "C"),
        (["red"], "C"),
        (["caution"] * 4, "D"),
        (["red", "caution"], "D"),
        (["red"] * 2, "D"),
        (["red"] * 3, "E"),
    ],
)
def test_the_rule_of_grades(severities, grade):
    findings = [
        Finding("stale_open", each, 1, 1, "", "", "", uses=("conversion",)) for each in severities
    ]
    results = graded(findings, dict.fromkeys(USES, 500), "full")
    assert [each.grade for each in results] == [grade, "A", "A", "A"]


@pytest.mark.parametrize(("n", "grade"), [(300, "A"), (299, "B"), (99, "C"), (29, "D"), (9, "E")])
def test_grades_need_evidence(n, grade):
    results = graded([], dict.fromkeys(USES, n), "full")
    assert {each.grade for each in results} == {grade}
