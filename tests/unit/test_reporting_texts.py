"""Languages: numbers, dates and money as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from funnelsim.errors import ParameterError
from funnelsim.reporting.texts import LANGUAGES, texts

START = datetime(2011, 10, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))
END = datetime(2012, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))


@pytest.mark.parametrize(
    ("lang", "number", "money", "small"),
    [
        ("en", "7,455.5", "€11.9M", "UAH\xa01,234"),
        ("uk", "7\xa0455,5", "11,9\xa0млн\xa0EUR", "1\xa0234\xa0₴"),
        ("ru", "7\xa0455,5", "11,9\xa0млн\xa0€", "1\xa0234\xa0₴"),
        ("nl", "7.455,5", "€\xa011,9\xa0mln.", "UAH\xa01.234"),
    ],
)
def test_numbers_and_money(lang, number, money, small):
    t = texts(lang)
    assert t.number(7455.5, 1) == number
    assert t.money(1_190_000_000, "EUR") == money
    assert t.money(123_400, "UAH") == small


def test_a_currency_without_cents():
    assert texts("en").money(1234, "JPY") == "JP¥1,234"


@pytest.mark.parametrize(
    ("lang", "period"),
    [("en", "1 Oct – 31 Dec 2011"), ("uk", "1 жовт. – 31 груд. 2011 р.")],
)
def test_a_period_ends_the_day_before_its_end(lang, period):
    written = texts(lang).period(START, END, "Europe/Amsterdam")
    assert " ".join(written.split()) == period


def test_a_day_is_the_local_one():
    late = datetime(2011, 12, 31, 23, 30, tzinfo=UTC)
    assert "2012" in texts("en").day(late, "Europe/Amsterdam")
    assert "2011" in texts("en").day(late, "UTC")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"uk": "Угода", "en": "Deal"}, "Угода"),
        ({"en": "Deal", "nl": "Zaak"}, "Deal"),
        ({"nl": "Zaak"}, "Zaak"),
        ({}, "deal"),
    ],
)
def test_a_label_falls_back_to_english_then_any_then_the_id(labels, expected):
    assert texts("uk").label(labels, "deal") == expected


def test_an_unknown_language_is_named_with_the_known_ones():
    with pytest.raises(ParameterError, match='unknown language "ua"') as caught:
        texts("ua")
    assert "uk" in str(caught.value)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_has_no_translation_stays_english(lang):
    assert texts(lang)._("No such sentence anywhere") == "No such sentence anywhere"
