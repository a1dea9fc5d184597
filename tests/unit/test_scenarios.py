"""The parts of a scenario: what may be written, and what it then means."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from pydantic import ValidationError

from funnelsim.errors import ScenarioError
from funnelsim.scenarios.calendar import Calendar, holiday_dates, weekdays
from funnelsim.scenarios.frozen import label_text
from funnelsim.scenarios.loading import from_data
from funnelsim.scenarios.quantity import AmountSpec, DurationSpec
from funnelsim.scenarios.references import references
from funnelsim.scenarios.routing import Next
from funnelsim.scenarios.run import Run
from funnelsim.scenarios.source import Source
from funnelsim.scenarios.stage import Stage
from funnelsim.scenarios.team import Team
from funnelsim.worktime import DAY, HOUR, Duration


def tiny(**changes):
    return {
        "funnelsim": 1,
        "name": "tiny",
        "run": {"start": "2026-01-05", "horizon": "4 w"},
        "sources": {"web": {"stage": "demo", "rate": "5 / d"}},
        "stages": {"demo": {"next": "won"}, "won": {"marks": "won"}},
        **changes,
    }


def refusal(model, data):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return str(caught.value)


# --- scenarios ------------------------------------------------------------------------------


def test_a_scenario_cannot_be_changed_in_place():
    scenario = from_data(tiny())
    with pytest.raises(ValidationError, match="frozen"):
        scenario.name = "other"  # type: ignore[misc]


def test_the_fingerprint_knows_content_and_no_spelling():
    scenario = from_data(tiny())
    respelt = from_data(
        tiny(stages={"demo": {"next": {"to": {"won": "100 %"}}}, "won": {"marks": ["won"]}})
    )
    faster = from_data(tiny(sources={"web": {"stage": "demo", "rate": "6 / d"}}))
    assert scenario.fingerprint() == respelt.fingerprint()
    assert scenario.fingerprint() != faster.fingerprint()


def test_plain_data_says_nothing_that_was_left_out():
    assert from_data(tiny()).plain() == {
        **tiny(),
        "stages": {"demo": {"next": "won"}, "won": {"marks": ["won"]}},
    }


def test_names_point_to_parts_that_exist():
    data = tiny(
        calendar="office",
        teams={"sales": {"seats": 1, "calendar": "night"}},
        stages={
            "demo": {
                "calendar": "x",
                "efforts": {"call": {"team": "salse", "duration": "5 min"}},
                "timeout": {"after": "3 d", "to": "gone"},
                "next": {"advance": "won", "to": {"won": 0.5, "lsot": 0.5}},
            },
            "won": {"marks": "won"},
        },
    )
    assert [reference.name for reference in references(data)] == [
        "office", "night", "demo", "x", "gone", "salse", "won", "lsot",
    ]  # fmt: skip
    with pytest.raises(ScenarioError) as caught:
        from_data(data)
    assert [problem.path for problem in caught.value.problems] == [
        "calendar",
        "teams.sales.calendar",
        "stages.demo.calendar",
        "stages.demo.timeout.to",
        "stages.demo.efforts.call.team",
        "stages.demo.next.to.lsot",
    ]
    assert 'Did you mean "sales"?' in str(caught.value)


# --- labels, shares, ids --------------------------------------------------------------------


def test_a_bare_label_is_english():
    assert Team.model_validate({"seats": 1, "label": "Advisers"}).label == {"en": "Advisers"}


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ({"uk": "Демо", "en": "Demo"}, "Демо"),
        ({"en": "Demo"}, "Demo"),
        ({"ru": "Д"}, "Д"),
        ({}, "id"),
    ],
)
def test_a_label_falls_back(label, shown):
    assert label_text(label, "uk", "id") == shown


@pytest.mark.parametrize(
    ("share", "number"), [("30 %", 0.3), ("30%", 0.3), ("12,5 %", 0.125), (0.3, 0.3), (1, 1.0)]
)
def test_shares_are_read(share, number):
    ways = Next.model_validate({"advance": "a", "to": {"a": share, "b": 1 - number}})
    assert ways.to["a"] == pytest.approx(number)


@pytest.mark.parametrize("share", ["30 percent", "", True, None, float("nan")])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValidationError):
        Next.model_validate({"advance": "a", "to": {"a": share, "b": 0.5}})


@pytest.mark.parametrize("name", ["Won", "won!", "", "перемога", "-won", "a" * 61, "a.b"])
def test_ids_are_small_latin_words(name):
    with pytest.raises(ScenarioError):
        from_data(tiny(stages={"demo": {"next": name}, name: {}}))


# --- next -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"advance": "a", "to": {"a": 0.7, "b": 0.5}}, r"sum to 1.2 \(a 0.7, b 0.5\)"),
        ({"advance": "a", "to": {"a": 1.2, "b": -0.2}}, "between 0 and 1, got a 1.2, b -0.2"),
        ({"to": {"a": 0.5, "b": 0.5}}, "which branch is progress? Add 'advance: a'"),
        ({"advance": "c", "to": {"a": 0.5, "b": 0.5}}, "advance is 'c', which is not one of a, b"),
        ({"to": {}}, "at least 1"),
    ],
)
def test_a_routing_table_must_add_up(data, message):
    with pytest.raises(ValidationError, match=message.replace("?", r"\?")):
        Next.model_validate(data)


def test_thirds_add_up():
    third = 1 / 3
    ways = Next.model_validate({"advance": "a", "to": {"a": third, "b": third, "c": third}})
    assert len(ways.to) == 3


def test_the_only_way_needs_no_table():
    assert Stage.model_validate({"next": "won"}).next == Next(advance="won", to={"won": 1.0})


# --- durations and amounts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "family"),
    [
        ("4 h", "constant"),
        ({"mean": "4 h"}, "exponential"),
        ({"median": "4 h", "p90": "9 h"}, "lognormal"),
        ({"mean": "4 h", "sd": "1 h"}, "lognormal"),
        ({"min": "1 h", "max": "2 h"}, "uniform"),
        ({"min": "1 h", "likely": "2 h", "max": "4 h"}, "triangular"),
        ({"values": ["1 h", "2 h"]}, "empirical"),
        ({"family": "gamma", "mean": "4 h", "cv": 0.5}, "gamma"),
    ],
)
def test_families_are_guessed_from_what_is_known(given, family):
    spec = DurationSpec.model_validate(given)
    named = {**({"value": given} if isinstance(given, str) else given), "family": family}
    fitted, wanted = (
        one.quantiles(lambda duration: duration.microseconds())
        for one in (spec, DurationSpec.model_validate(named))
    )
    assert fitted.mean == wanted.mean


def test_a_mixture_of_durations():
    spec = DurationSpec.model_validate(
        {"mixture": [{"share": "70 %", "of": "1 h"}, {"share": 0.3, "of": {"mean": "3 h"}}]}
    )
    assert spec.quantiles(lambda d: d.microseconds()).mean == pytest.approx(1.6 * HOUR)
    assert DurationSpec.model_validate(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"median": "3 d", "p90": "2 d"}, "median 3 d, p90 2 d: quantiles must rise"),
        ({"median": "3 d", "p90": "9 d", "p99": "20 d"}, "cannot be given by"),
        ({"mean": "3 d", "p90": "9 d"}, "lognormal cannot be given by mean and p90"),
        ({"family": "constant", "mean": "3 d"}, "constant cannot be given by mean. Give value"),
        ({"min": "3 d"}, "exponential cannot be given by min"),
        ({"mean": "3 d", "cv": -0.5}, "cv -0.5 is negative"),
        ({"median": "3 d", "p90": "9 bd"}, "elapsed and business durations cannot be mixed"),
        ({"mean": "2 mo"}, "calendar months .* can only be constant"),
        ({}, "needs numbers"),
        ({"family": "gamma"}, "gamma cannot be given by"),
        ({"min": "6 d", "max": "2 d"}, "min 6 d, max 2 d: min must be below max"),
    ],
)
def test_numbers_must_determine_a_duration(given, message):
    with pytest.raises(ValidationError, match=message):
        DurationSpec.model_validate(given)


@pytest.mark.parametrize("text", ["150 000", "150_000", "150000.0", 150000, "150\u00a0000"])
def test_amounts_of_money_are_read(text):
    assert AmountSpec.model_validate(text).value == 150_000


@pytest.mark.parametrize("text", ["150 000 UAH", "-5", -5, True, "many", float("inf")])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValidationError):
        AmountSpec.model_validate({"value": text})


# --- calendars ------------------------------------------------------------------------------


def test_hours_can_be_written_short():
    calendar = Calendar.model_validate(
        {"hours": {"mon-fri": "9-18", "sat": ["10:00-12:30", "13-15"]}}
    )
    assert calendar.shifts()[0] == ((time(9), time(18)),)
    assert calendar.shifts()[5] == ((time(10), time(12, 30)), (time(13), time(15)))
    assert 6 not in calendar.shifts()


def test_midnight_can_be_written_as_24():
    assert Calendar.model_validate({"hours": {"mon": "0-24"}}).shifts()[0] == ((time(0), time(0)),)


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({"mon-fri": "9:00"}, "not a shift"),
        ({"mon-fri": "9-25"}, "'25' is not a time of day"),
        ({"monday": "9-18"}, "'monday' is not a weekday"),
        ({"fri-mon": "9-18"}, "runs backwards"),
        ({"mon-fri": "9-18", "fri": "9-12"}, "fri stands in both 'mon-fri' and 'fri'"),
        ({"mon": []}, "no weekday has a shift"),
        ({}, "at least 1"),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours, message):
    with pytest.raises(ValidationError, match=message):
        Calendar.model_validate({"hours": hours})


def test_weekdays_are_ranges_and_lists():
    assert weekdays("Mon-Wed, sat") == (0, 1, 2, 5)


def test_holidays_are_those_of_the_country():
    assert date(2026, 7, 3) in holiday_dates("BY", 2026, 2026)
    assert holiday_dates("UA", 2026, 2026) == frozenset()  # worked under martial law
    assert holiday_dates("DE-BY", 2026, 2026) > holiday_dates("DE", 2026, 2026)
    with pytest.raises(ValueError, match="no public holidays known for 'XX'"):
        holiday_dates("XX", 2026, 2026)


def test_holidays_and_closed_dates_are_not_worked():
    scenario = from_data(
        tiny(
            time_zone="Europe/Minsk",
            calendars={
                "plain": {"hours": {"mon-sun": "9-17"}},
                "office": {"hours": {"mon-sun": "9-17"}, "holidays": "BY", "closed": "2026-01-14"},
            },
        )
    )
    _, start, end = scenario.run.instants("Europe/Minsk")
    plain, office = (
        scenario.calendars[key].work_time("Europe/Minsk", start, end).between(start, end)
        for key in ("plain", "office")
    )
    assert plain - office == 2 * 8 * HOUR  # 7 January is Christmas, the 14th is ours


@pytest.mark.parametrize(
    ("zone", "message"),
    [("Europe/Kiew", "did you mean Europe/Kyiv"), ("Nowhere", "not an IANA"), ("", "not an IANA")],
)
def test_zones_must_exist(zone, message):
    assert message in refusal(Calendar, {"hours": {"mon": "9-18"}, "zone": zone})


# --- sources --------------------------------------------------------------------------------


def test_the_rate_is_the_mean_of_a_week_whatever_the_profile():
    source = Source.model_validate(
        {
            "stage": "a",
            "rate": "70 / w",
            "by_weekday": {"mon-fri": 1, "sat": 0.5, "sun": 0},
            "by_hour": {"9-12": 3, "12-18": 1},
        }
    )
    profile = source.profile()
    assert sum(map(sum, profile)) == pytest.approx(70)
    assert profile[0][9] == pytest.approx(3 * profile[0][12])
    assert profile[5][9] == pytest.approx(profile[0][9] / 2)
    assert sum(profile[6]) == profile[0][8] == 0


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rate", 40, "40 is not a rate; write leads per h, d or w"),
        ("rate", "40 / mo", "not a rate"),
        ("rate", "-4 / d", "not a rate"),
        ("rate", "1e999 / d", "not a rate"),
        ("by_weekday", {"mon": -1}, "weights are 0 or more, got mon: -1"),
        ("by_weekday", {"mon-sun": 0}, "no lead could ever arrive"),
        ("by_weekday", {"mon": 1, "mon-tue": 1}, "named twice: mon"),
        ("by_hour", {"9-12": 1, "11-13": 1}, "named twice: 11"),
        ("by_hour", {"9": 1}, "'9' is not a window of hours"),
        ("by_hour", {"22-2": 1}, "not a window of hours"),
        ("by_hour", {"9-12": 0}, "no lead could ever arrive"),
    ],
)
def test_arrivals_that_make_no_sense_are_refused(field, value, message):
    assert message in refusal(Source, {"stage": "a", "rate": "4 / d", field: value})


# --- stages, teams, run ---------------------------------------------------------------------


@pytest.mark.parametrize("marks", ["won", ["won"], {"kind": "won"}, [{"kind": "won"}]])
def test_marks_can_be_written_short(marks):
    stage = Stage.model_validate({"marks": marks})
    assert [mark.kind for mark in stage.marks] == ["won"]
    assert stage.model_dump(mode="json", exclude_defaults=True) == {"marks": ["won"]}


@pytest.mark.parametrize("seats", [-1, 2.5, "many", True, None, 10**9])
def test_seats_are_people(seats):
    with pytest.raises(ValidationError):
        Team.model_validate({"seats": seats})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("start", "2026-02-29", "not a day such as 2026-01-05 (day is out of range for month)"),
        ("start", 20260105, "20260105 is not a day"),
        ("start", "5.1.2026", "not a day"),
        ("start", "2026-01-05T00:00:00+02:00", "has a time zone; write local time"),
        ("horizon", "0 d", "longer than nothing"),
        ("horizon", "20 bd", "is business time; use d, w or mo"),
        ("horizon", "1.5 mo", "whole numbers"),
        ("horizon", 26, "26 has no unit"),
        ("warm_up", "-3 d", "negative"),
    ],
)
def test_a_run_has_a_beginning_and_a_length(field, value, message):
    assert message in refusal(Run, {"start": "2026-01-05", "horizon": "4 w", field: value})


def test_29_february_exists_in_leap_years():
    run = Run.model_validate({"start": "2028-02-29", "horizon": "1 mo"})
    assert run.start.date() == date(2028, 2, 29)


def test_the_window_keeps_the_wall_clock():
    run = Run(start=datetime(2026, 3, 2), horizon=Duration(8, "w"), warm_up=Duration(1, "mo"))  # noqa: DTZ001
    begin, start, end = run.instants("Europe/Kyiv")
    assert end - start == 56 * DAY - HOUR  # the clocks change on 29 March
    assert start - begin == 28 * DAY
