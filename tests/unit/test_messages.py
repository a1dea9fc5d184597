"""Messages: English sentences that a report can say in another language."""

from __future__ import annotations

import pickle

from funnelsim.calibration.parts import Refusal
from funnelsim.messages import Message
from funnelsim.reporting.fit_review.words import method
from funnelsim.reporting.texts import texts

TOLD = Message("None of {n} visits has ended.", n=1234)


def test_a_message_is_a_string_with_its_parts():
    assert TOLD == "None of 1,234 visits has ended."
    assert str(Refusal("stages.offer", TOLD)) == "stages.offer: None of 1,234 visits has ended."
    again = pickle.loads(pickle.dumps(TOLD))  # noqa: S301 - our own
    assert (again, again.template, again.fields) == (TOLD, TOLD.template, {"n": 1234})


def test_a_message_is_said_in_another_language_with_its_numbers():
    assert texts("en").said(TOLD) == TOLD
    assert texts("uk").said(TOLD) == "Жоден із візитів не завершився, усього їх 1\xa0234."
    share = Message("{share} of visits last longer than was observed.", share=0.25)
    assert texts("ru").said(share).startswith("Дольше, чем длилось наблюдение, остаются 25")
    assert texts("uk").said("Сам текст") == "Сам текст"


def test_braces_in_a_name_are_no_fields():
    column = Message(
        'Dates in "{column}" whose day and month could be the other way round', column="{x}"
    )
    assert '"{x}"' in column
    assert "{x}" in texts("uk").said(column)
    assert Message("GET /v1/deals/{id}/flow") == "GET /v1/deals/{id}/flow"


def test_methods_are_said_part_by_part():
    t = texts("uk")
    assert method("lognormal, maximum likelihood; Student t", t) == (
        "логнормальний, максимальна правдоподібність; t Стьюдента"
    )
    assert method("moments over 12 periods; generalised Q", t) == (
        "моменти за періодами: 12; узагальнене Q"
    )
    assert method("something new", t) == "something new"
