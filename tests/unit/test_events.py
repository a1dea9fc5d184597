from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from funnelsim.errors import EventLogError, HistoryError, ParameterError
from funnelsim.events import EventLog, Metadata, Staffed, StageInfo, TeamInfo
from funnelsim.events.example import LOG


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 2, day, hour, tzinfo=UTC)


META = Metadata(
    observed_from=at(1),
    observed_until=at(20),
    time_zone="Europe/Kyiv",
    stages=(
        StageInfo(id="demo", position=0, advance="offer"),
        StageInfo(id="offer", position=1),
        StageInfo(id="won", position=2, terminal=True, outcome="won"),
    ),
    teams=(TeamInfo(id="sellers"),),
)


def tables() -> dict[str, pd.DataFrame]:
    """Return a valid log of two leads whose rows the tests then break."""
    leads = pd.DataFrame({"lead_id": ["a", "b"], "arrived_at": [at(2), at(3)]})
    visits = pd.DataFrame(
        {
            "lead_id": ["a", "a", "b"],
            "visit": [1, 2, 1],
            "stage": ["demo", "won", "demo"],
            "entered_at": [at(2), at(5), at(3)],
            "ready_at": [at(3), at(5), None],
            "left_at": [at(5), at(5), None],
            "exit": ["moved", "ended", "open"],
            "next_stage": ["won", None, None],
        }
    )
    efforts = pd.DataFrame(
        {
            "lead_id": ["a", "b"],
            "visit": pd.array([1, None], dtype="Int64"),
            "effort": ["show", "call"],
            "team": ["sellers", "sellers"],
            "queued_at": [at(3), at(4)],
            "started_at": [at(4), None],
            "ended_at": [at(5), None],
        }
    )
    marks = pd.DataFrame(
        {
            "lead_id": ["a", "b"],
            "visit": pd.array([2, None], dtype="Int64"),
            "at": [at(5), at(4)],
            "kind": ["won", "qualified"],
            "value": pd.array([100, None], dtype="Int64"),
            "currency": ["EUR", None],
        }
    )
    return {"leads": leads, "visits": visits, "efforts": efforts, "marks": marks}


def problems(given: dict[str, pd.DataFrame], meta: Metadata = META) -> list[str]:
    with pytest.raises(EventLogError) as caught:
        EventLog(**given, meta=meta)
    return [str(problem) for problem in caught.value.problems]


def test_the_unbroken_log_is_valid():
    assert len(EventLog(**tables(), meta=META).visits) == 3


RULES = [
    ("leads", "lead_id", {0: ""}, "lead_id is empty (1 row"),
    ("leads", "lead_id", {0: "b"}, "a lead occurs more than once"),
    ("leads", "arrived_at", {0: None}, "arrived_at is empty"),
    ("leads", "arrived_at", {0: at(21)}, "arrived_at is after observed_until"),
    ("visits", "lead_id", {2: "x"}, "the lead is not in the table of leads (1 row: lead_id x"),
    ("visits", "stage", {0: None}, "stage is empty"),
    ("visits", "stage", {0: "dmeo"}, 'stage dmeo). Did you mean "demo"?'),
    ("visits", "entered_at", {0: at(1)}, "a visit is entered before its lead arrived"),
    ("visits", "ready_at", {0: at(1)}, "a visit is ready before it is entered"),
    ("visits", "left_at", {0: at(1)}, "a visit is left before it is entered"),
    ("visits", "ready_at", {0: at(6)}, "a visit is left before it is ready"),
    ("visits", "left_at", {1: at(21)}, "left_at is after observed_until"),
    ("visits", "exit", {0: "gone"}, "exit is none of moved, timed_out, reneged, ended, open"),
    ("visits", "left_at", {2: at(4)}, "an open visit has left_at"),
    ("visits", "left_at", {0: None}, "a visit has an exit but no left_at"),
    ("visits", "next_stage", {2: "won"}, "an open or ended visit has next_stage"),
    ("visits", "visit", {1: 1}, "a visit of a lead occurs more than once"),
    ("visits", "visit", {1: 3}, "visits of a lead are not numbered 1, 2, 3"),
    ("visits", "visit", {2: 0}, "visits of a lead are not numbered 1, 2, 3"),
    ("visits", "left_at", {0: at(6)}, "a visit is left after the lead's next visit is entered"),
    ("visits", "left_at", {0: at(4)}, "a visit is left before the lead's next visit is entered"),
    ("visits", "exit", {0: "ended"}, "an open or ended visit is followed by another"),
    ("visits", "next_stage", {0: "offer"}, "next_stage is not the stage of the lead's next visit"),
    ("visits", "next_stage", {0: None}, "next_stage is not the stage of the lead's next visit"),
    ("visits", "exit", {1: "moved"}, "a lead's last visit leads on, but no visit follows"),
    ("efforts", "lead_id", {0: "x"}, "the lead is not in the table of leads"),
    ("efforts", "visit", {0: 3}, "the lead has no such visit (1 row: lead_id a, visit 3)"),
    ("efforts", "visit", {0: -5}, "the lead has no such visit"),
    ("efforts", "visit", {0: 2}, "it happens before its visit is entered"),
    ("efforts", "started_at", {0: at(2)}, "work starts before it is queued"),
    ("efforts", "ended_at", {1: at(3)}, "work ends before it is queued"),
    ("efforts", "ended_at", {0: at(3)}, "work ends before it starts"),
    ("efforts", "queued_at", {1: None}, "work has neither queued_at nor started_at"),
    ("efforts", "team", {0: "seller"}, 'team seller). Did you mean "sellers"?'),
    ("marks", "visit", {1: 2}, "the lead has no such visit"),
    ("marks", "at", {0: at(4)}, "it happens before its visit is entered"),
    ("marks", "at", {1: at(1)}, "a mark is set before its lead arrived"),
    ("marks", "kind", {0: ""}, "kind is empty"),
    ("marks", "currency", {0: None}, "value or cost has no currency"),
]


@pytest.mark.parametrize(("table", "column", "values", "message"), RULES)
def test_a_broken_rule_is_named(table, column, values, message):
    given = tables()
    for row, value in values.items():
        given[table][column] = given[table][column].astype(object)
        given[table].loc[row, column] = value
    found = problems(given)
    assert any(text.startswith(f"{table}: ") and message in text for text in found), found


def test_all_broken_rules_come_at_once_with_count_and_three_examples():
    given = tables()
    given["leads"] = pd.DataFrame({"lead_id": list("abcdef"), "arrived_at": [at(25)] * 6})
    given["marks"]["currency"] = ["UAH", None]
    found = problems(given, META.model_copy(update={"currency": "EUR"}))
    late, currency = found[0], found[-1]
    assert late == (
        "leads: arrived_at is after observed_until, 2024-02-20 00:00:00+00:00 (6 rows: "
        "lead_id a, arrived_at 2024-02-25 00:00:00+00:00; "
        "lead_id b, arrived_at 2024-02-25 00:00:00+00:00; "
        "lead_id c, arrived_at 2024-02-25 00:00:00+00:00)"
    )
    assert currency.startswith("marks: the currency is not EUR (1 row: lead_id a, kind won")
    assert len(found) > 3


def test_mixed_currencies_are_refused():
    given = tables()
    given["marks"]["value"] = pd.array([100, 200], dtype="Int64")
    given["marks"]["currency"] = ["EUR", "UAH"]
    (found,) = problems(given)
    assert "the currency is not EUR" in found
    assert "convert with dated rates" in found


@pytest.mark.parametrize("history", ["latest_entry", "snapshot"])
def test_gaps_are_refused_only_where_the_history_is_full(history):
    given = tables()
    given["visits"].loc[0, "left_at"] = at(4)
    log = EventLog(**given, meta=META.model_copy(update={"history": history}))
    assert log.meta.history == history
    with pytest.raises(HistoryError, match=f"history is {history}"):
        log.as_of(at(6))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observed_until": at(1), "observed_from": at(2)}, "meta observed_until: "),
        ({"time_zone": "Kyiv"}, 'meta time_zone: "Kyiv" is no time zone'),
        ({"stages": META.stages[1:] + META.stages[1:]}, 'meta stages: "offer" occurs more than'),
        (
            {"stages": (StageInfo(id="demo", position=0, advance="wno"), *META.stages[1:])},
            'meta stages.demo.advance: "wno" is no stage. Did you mean "won"?',
        ),
        (
            {
                "teams": (
                    TeamInfo(id="sellers", staffed=(Staffed(start=at(1), end=at(21), seats=1),)),
                )
            },
            "meta teams.sellers: staffed until",
        ),
        ({"known": {"segment": "overwritten"}}, 'meta known: "segment" is no column'),
        ({"known": {"visits.stage": "overwritten"}}, "cannot be overwritten"),
    ],
)
def test_broken_metadata(change, message):
    assert any(message in text for text in problems(tables(), META.model_copy(update=change)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["2024-02-02 10:00", "2024-02-03 10:00+02:00"],
            "a time without a zone (1 value: 2024-02-02 10:00)",
        ),
        ([datetime(2024, 2, 2), at(3)], "a time without a zone (1 value: 2024-02-02 00:00:00)"),  # noqa: DTZ001
        (pd.to_datetime(["2024-02-02", "2024-02-03"]), "a time without a zone (2 values: "),
        (["2023-02-29T10:00Z", "2024-02-03T10:00Z"], "not a time (1 value: 2023-02-29T10:00Z)"),
        (["yesterday", "2024-02-03T10:00Z"], "not a time (1 value: yesterday)"),
        ([20240202, 20240203], "not a time (2 values: 20240202, 20240203)"),
    ],
)
def test_times_that_cannot_be_read(values, message):
    given = tables()
    given["leads"]["arrived_at"] = values
    found = problems(given)
    assert message in found[0]
    assert found[0].startswith("leads arrived_at: ")


def test_29_february_of_a_leap_year_and_any_offset_are_times():
    given = tables()
    given["leads"]["arrived_at"] = pd.Series(["2024-02-01T22:30-01:00", at(3)])
    log = EventLog(**given, meta=META)
    assert log.leads["arrived_at"].tolist() == [
        pd.Timestamp("2024-02-01T23:30Z"),
        pd.Timestamp(at(3)),
    ]


def test_columns_that_are_missing_unknown_or_twice():
    given = tables()
    given["leads"] = given["leads"].rename(columns={"arrived_at": "arrived"})
    given["visits"]["stgae"] = "red"
    given["marks"].columns = ["lead_id", "visit", "at", "kind", "kind", "currency"]
    assert problems(given) == [
        'leads: the column arrived_at is missing. Did you mean "arrived"?',
        'visits: unknown column "stgae". Did you mean "stage"?',
        "marks: the column kind occurs twice",
    ]


def test_numbers_become_ids_and_whole_numbers_stay_whole():
    given = tables()
    given["efforts"]["worker"] = [112.0, None]
    given["marks"]["value"] = [1.0, None]
    log = EventLog(**given, meta=META)
    assert log.efforts["worker"].iloc[0] == "112"
    assert log.marks["value"].dtype == "Int64"
    given["marks"]["value"] = [1.5, None]
    assert problems(given) == ["marks value: not a whole number (1 value: 1.5)"]


def test_attributes_of_leads_are_kept():
    given = tables()
    given["leads"]["amount"] = [5, 6]
    given["leads"]["branch"] = ["Київ", None]
    log = EventLog(**given, meta=META)
    assert log.leads["amount"].dtype == "Int64"
    assert log.filter(branch="Київ").leads["lead_id"].tolist() == ["a"]


def test_filter_says_what_does_not_exist():
    log = EventLog(**tables(), meta=META)
    with pytest.raises(ParameterError) as caught:
        log.filter(["a", "zz"], sourc="web")
    assert [str(problem) for problem in caught.value.problems] == [
        "there is no lead zz",
        'leads have no column "sourc". Did you mean "source"?',
    ]
    with pytest.raises(ParameterError, match="3 truth values were given for 2 leads"):
        log.filter(pd.Series([True, False, True]))


def test_as_of_reopens_what_closed_later():
    log = EventLog(**tables(), meta=META)
    past = log.as_of("2024-02-04T10:00")
    assert past.meta.observed_until == datetime(2024, 2, 4, 8, tzinfo=UTC)  # Kyiv is UTC+2
    assert past.visits["exit"].tolist() == ["open", "open"]
    assert past.visits["next_stage"].isna().all()
    work = past.efforts.set_index("lead_id")
    assert work.loc["a", "started_at"] == pd.Timestamp(at(4))
    assert work["ended_at"].isna().all()
    assert past.marks["kind"].tolist() == ["qualified"]


@pytest.mark.parametrize("moment", ["2024-01-01", at(21), "29 February", "2023-02-29"])
def test_as_of_outside_the_log_or_no_time(moment):
    with pytest.raises(ParameterError):
        EventLog(**tables(), meta=META).as_of(moment)


def test_outcomes_follow_the_first_closing_mark():
    given = tables()
    more = pd.DataFrame(
        {
            "lead_id": ["a", "b", "b"],
            "at": [at(6), at(7), at(7)],
            "kind": ["lost", "lost", "won"],
            "reason": ["returned", "price", None],
        }
    )
    given["marks"] = pd.concat([given["marks"], more])
    outcomes = EventLog(**given, meta=META).outcomes().set_index("lead_id")
    assert outcomes["outcome"].tolist() == ["won", "won"]
    assert outcomes.loc["a", "closed_at"] == pd.Timestamp(at(5))


def test_a_terminal_stage_without_a_mark_is_ended():
    given = tables()
    given["marks"] = given["marks"].iloc[1:]
    outcomes = EventLog(**given, meta=META).outcomes()
    assert outcomes["outcome"].tolist() == ["ended", "open"]
    assert outcomes["closed_at"].tolist() == [pd.Timestamp(at(5)), pd.NaT]


def test_concat_refuses_what_contradicts():
    log = EventLog(**tables(), meta=META)
    with pytest.raises(EventLogError, match="a lead occurs more than once"):
        EventLog.concat([log, log])
    other = EventLog(**tables(), meta=META.model_copy(update={"currency": "EUR"}))
    cut = log.as_of(at(10))
    with pytest.raises(EventLogError) as caught:
        EventLog.concat([log, other, cut], prefixes=["1/", "2/", "3/"])
    assert [problem.path for problem in caught.value.problems] == ["observed_until", "currency"]
    stages = tuple(stage.model_copy(update={"position": 9}) for stage in META.stages[:1])
    renamed = EventLog.trusted(log.tables(), META.model_copy(update={"stages": stages}))
    with pytest.raises(EventLogError, match='describe "demo" differently'):
        EventLog.concat([log, renamed], prefixes=["1/", "2/"])
    with pytest.raises(EventLogError, match="no logs"):
        EventLog.concat([])


def test_logs_are_frozen_and_say_what_they_are():
    assert "leads=2" in repr(LOG)
    with pytest.raises(AttributeError):
        LOG.leads = None  # type: ignore[misc, assignment]
