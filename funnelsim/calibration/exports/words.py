"""Made-up names of companies, people and owners, and what a CRM calls things."""

from __future__ import annotations

from collections.abc import Mapping

from funnelsim.events import Metadata
from funnelsim.streams import hash_id

__all__ = ["WORDS", "company", "contact", "label", "named", "owner", "reason"]

Text = Mapping[str, str]

WORDS: Mapping[str, Text] = {
    "deal": {"en": "Deal", "ru": "Сделка", "uk": "Угода"},
    "funnel": {"en": "Sales", "ru": "Воронка", "uk": "Воронка"},
    "contact": {"en": "Contact", "ru": "Контакт", "uk": "Контакт"},
}
_FIRST: Mapping[str, tuple[str, ...]] = {
    "en": ("Green", "Blue", "Quiet", "Bright", "Northern", "Amber", "Round", "Swift"),
    "ru": ("Зелёный", "Синий", "Тихий", "Ясный", "Северный", "Янтарный", "Круглый", "Быстрый"),
    "uk": ("Зелений", "Синій", "Тихий", "Ясний", "Північний", "Бурштиновий", "Круглий", "Швидкий"),
}
_SECOND: Mapping[str, tuple[str, ...]] = {
    "en": ("Bridge", "Garden", "Harbour", "Meadow", "Lantern", "Maple", "Kite"),
    "ru": ("мост", "сад", "причал", "луг", "фонарь", "клён", "змей"),
    "uk": ("міст", "сад", "причал", "луг", "ліхтар", "клен", "змій"),
}
_PEOPLE: Mapping[str, tuple[str, ...]] = {
    "en": ("Ada Reed", "Ben Moss", "Cora Vale", "Dan Frost", "Eve Hill", "Finn Lake", "Gwen Ash"),
    "ru": ("Анна Лугова", "Борис Мостов", "Вера Садова", "Глеб Клёнов", "Дина Ясная", "Егор Полев"),
    "uk": ("Ганна Лугова", "Богдан Міст", "Віра Садова", "Гліб Кленів", "Дана Ясна", "Юрій Поле"),
}


def label(labels: Text, key: str, language: str) -> str:
    """Return a thing's name in a language; in English, or its id, where it has none.

    Examples
    --------
    >>> label({"en": "Demo"}, "demo", "uk"), label({}, "demo", "uk")
    ('Demo', 'demo')
    """
    return labels.get(language) or labels.get("en") or key


def named(meta: Metadata, kind: str, key: object, language: str) -> str | None:
    """Return the name of a source or an effort by its id; None stays None.

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> named(LOG.meta, "sources", "web", "en")
    'web'
    """
    if not isinstance(key, str):
        return None
    return label(meta.labels.get(f"{kind}.{key}", {}), key, language)


def reason(meta: Metadata, key: object, language: str) -> str | None:
    """Return why a deal was closed, in words.

    Examples
    --------
    >>> from funnelsim.events.example import LOG
    >>> reason(LOG.meta, "too dear", "en")
    'too dear'
    """
    return named(meta, "reasons", key, language) if key else None


def company(number: int, language: str) -> str:
    """Return the made-up name of the nth customer; no two are alike.

    Examples
    --------
    >>> company(1, "en"), company(58, "en")
    ('Green Bridge 1', 'Blue Garden 58')
    """
    first, second = _FIRST[language], _SECOND[language]
    return f"{first[(number - 1) % len(first)]} {second[(number - 1) % len(second)]} {number}"


def contact(number: int, language: str) -> str:
    """Return the made-up name of the nth customer's contact.

    Examples
    --------
    >>> contact(7, "uk")
    'Контакт 7'
    """
    return f"{WORDS['contact'][language]} {number}"


def owner(key: str, count: int, language: str) -> str:
    """Return who owns a deal: always the same for the same deal.

    Examples
    --------
    >>> owner("web-1", 3, "en") == owner("web-1", 3, "en")
    True
    """
    people = _PEOPLE[language][:count]
    return people[hash_id(f"owner/{key}") % len(people)]
