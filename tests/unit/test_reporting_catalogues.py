"""Translations: every sentence, no placeholder and no emphasis lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from funnelsim.calibration.auditing.findings import KINDS, TEXTS
from funnelsim.calibration.readers import (
    activities,
    deal_mapping,
    process_log,
    rows,
    salesforce_log,
)
from funnelsim.calibration.readers.registry import READERS
from funnelsim.forecasting import remarks
from funnelsim.forecasting.sentences import NAMES

PACKAGE = Path(__file__).resolve().parents[2] / "funnelsim"
LOCALES = PACKAGE / "reporting" / "locales"
LANGUAGES = ["uk", "ru"]
PLACEHOLDER = re.compile(r"\{\w*\}|\*\*")


def sources():
    """Every English sentence that a report can show; plurals as pairs."""
    found = set()
    for folder, keywords in (
        ("reporting", {"_": None, "n_": (1, 2), "Message": None}),
        ("figures", {"text": None}),
        ("experiments", {"text": None}),
        ("forecasting", {"text": None}),
        ("workbench", {"_": None}),
        ("calibration", {"Message": None}),
        ("cli", {"_": None}),
        ("scheduling", {"_": None, "n_": (1, 2), "Message": None}),
    ):
        messages = extract_from_dir(
            PACKAGE / folder, method_map=[("**.py", "python")], keywords=keywords
        )
        found |= {message for _, _, message, _, _ in messages}
    found |= {reader.obtain_history for reader in READERS if reader.obtain_history}
    found.add(deal_mapping.OBTAIN)
    for sentences in (one.SENTENCES for one in (activities, process_log, rows, salesforce_log)):
        found |= {part for pair in sentences.values() for part in pair if part}
    found |= {part for pair in TEXTS.values() for part in pair if part}
    found |= {kind.fix for kind in KINDS.values() if kind.fix}
    found |= {*remarks.SENTENCES.values(), *NAMES.values()}
    return found


def catalogue(lang):
    with (LOCALES / f"{lang}.po").open("rb") as file:
        return read_po(file, locale=lang, abort_invalid=True)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_is_translated(lang):
    translated = {message.id for message in catalogue(lang) if message.id and all(forms(message))}
    assert sources() - translated == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_placeholder_or_emphasis_is_lost_or_invented(lang):
    wrong = {
        form: sorted(PLACEHOLDER.findall(source))
        for message in catalogue(lang)
        if message.id
        for source in [message.id if isinstance(message.id, str) else message.id[1]]
        for form in forms(message)
        if sorted(PLACEHOLDER.findall(form)) != sorted(PLACEHOLDER.findall(source))
    }
    assert wrong == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_plurals_have_all_forms_of_the_language(lang):
    plurals = [message for message in catalogue(lang) if not isinstance(message.id, str)]
    assert plurals
    assert {len(forms(message)) for message in plurals} == {3}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_translated_that_nobody_says(lang):
    code = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    known = sources()
    stale = {
        message.id
        for message in catalogue(lang)
        if message.id and message.id not in known and f'"{message.id}"' not in code
    }
    assert stale == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_cyrillic_words_have_no_latin_letters_in_them(lang):
    mixed = re.compile(r"[a-zA-Z][а-яіїєґё]|[а-яіїєґё][a-zA-Z]", re.IGNORECASE)
    texts = " ".join(form for message in catalogue(lang) for form in forms(message))
    assert mixed.findall(PLACEHOLDER.sub("", texts)) == []


def forms(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)
