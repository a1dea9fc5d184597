"""Written amounts of money → whole minor units: ``$22,700.00``, ``22 700,00``, ``1.234,5 €``."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import pandas as pd

__all__ = ["amounts", "currency_code", "minor_units", "numbers", "precision"]

# sign or word → ISO 4217; a word counts at the beginning of what is not digits
SIGNS = {
    "$": "USD",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₽": "RUB",
    "руб": "RUB",
    "р.": "RUB",
    "₴": "UAH",
    "грн": "UAH",
    "₸": "KZT",
    "тг": "KZT",
    "тенге": "KZT",
    "zł": "PLN",
    "zl": "PLN",
    "₺": "TRY",
    "₪": "ILS",
    "₹": "INR",
    "bel": "BYN",
    "сум": "UZS",
}
NAMES = {
    "us dollar": "USD",
    "u.s. dollar": "USD",
    "euro": "EUR",
    "pound sterling": "GBP",
    "российский рубль": "RUB",
    "рубль": "RUB",
    "гривня": "UAH",
    "гривна": "UAH",
}
BLANKS = re.compile(r"[\s\u00a0\u202f\u2009'’`_]")
WHOLE = re.compile(r"-?(?:\d+|\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3})")
ENDING = re.compile(r"([.,])(\d+)$")


def amounts(text: pd.Series, currency: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return written amounts in minor units.

    Parameters
    ----------
    text : pandas.Series
        As written; may be empty.
    currency : pandas.Series
        ISO code per amount, or missing: then two decimals.

    Returns
    -------
    tuple of pandas.Series and pandas.Series
        Whole minor units (``Int64``), and whether a text is there that is no amount.

    Examples
    --------
    >>> text = pd.Series(["$22,700.00", "1 200", "soon", None], dtype="str")
    >>> value, broken = amounts(text, pd.Series(["USD"] * 4))
    >>> value.tolist(), broken.tolist()
    ([2270000, 120000, <NA>, <NA>], [False, False, True, False])
    """
    read = numbers(text)
    values = minor_units(read, currency)
    return values, text.notna() & text.str.strip().ne("") & values.isna()


def minor_units(read: pd.Series, currency: pd.Series) -> pd.Series:
    """Return numbers as whole minor units; beyond 9 quadrillion they are missing.

    Parameters
    ----------
    read : pandas.Series
        ``Decimal`` or missing.
    currency : pandas.Series
        ISO code per number, or missing.

    Returns
    -------
    pandas.Series
        ``Int64``.

    Examples
    --------
    >>> minor_units(pd.Series([Decimal("12.345")]), pd.Series(["EUR"])).tolist()
    [1234]
    """
    digits = {code: precision(code) for code in currency.dropna().unique()}
    places = currency.map(digits).fillna(2)
    whole = [
        None if not isinstance(number, Decimal) else _whole(number, int(place))
        for number, place in zip(read, places, strict=True)
    ]
    return pd.Series(whole, index=read.index, dtype="Int64")


def numbers(text: pd.Series) -> pd.Series:
    """Return written numbers; what separates thousands is told by the whole column.

    Parameters
    ----------
    text : pandas.Series
        As written, with signs of currencies and blanks.

    Returns
    -------
    pandas.Series
        ``Decimal``, or None where there is no number.

    Examples
    --------
    >>> numbers(pd.Series(["1.234", "22,50", "(7)"])).tolist()
    [Decimal('1234'), Decimal('22.50'), Decimal('-7')]
    >>> numbers(pd.Series(["1.234", "22.50"])).tolist()
    [Decimal('1.234'), Decimal('22.50')]
    """
    words = [str(word) for word in text.dropna().unique()]
    bare = {word: _bare(word) for word in words}
    decimal = _decimal_mark([form for form in bare.values() if form])
    read = {word: _number(form, decimal) for word, form in bare.items()}
    values = [read.get(word) if isinstance(word, str) else None for word in text]
    return pd.Series(values, index=text.index, dtype="object")


def currency_code(text: object) -> str | None:
    """Return the currency that a text names, by code, sign or word.

    Parameters
    ----------
    text : object
        A code, a name, or an amount with a sign.

    Returns
    -------
    str or None
        ISO 4217.

    Examples
    --------
    >>> [currency_code(text) for text in ("$22,700.00", "uah", "1 200 руб.", "42")]
    ['USD', 'UAH', 'RUB', None]
    """
    if not isinstance(text, str):
        return None
    word = re.sub(r"[\d\s\u00a0\u202f()+−-]|[.,](?=\d)", "", text).casefold()
    if not word.strip(".,"):
        return None
    if re.fullmatch(r"[a-z]{3}", word):
        return word.upper()
    named = next((code for name, code in NAMES.items() if name in text.casefold()), None)
    return named or next((code for sign, code in SIGNS.items() if word.startswith(sign)), None)


def precision(currency: str) -> int:
    """Return how many decimals a currency has; 2 if it is not known.

    Examples
    --------
    >>> precision("JPY"), precision("EUR"), precision("")
    (0, 2, 2)
    """
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(currency)) if currency else 2


def _whole(number: Decimal, places: int) -> int | None:
    """Return whole minor units; None if there is no such number of cents."""
    try:
        minor = int(number.scaleb(places).to_integral_value(ROUND_HALF_EVEN))
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return minor if abs(minor) < 2**62 else None


def _bare(word: str) -> str:
    """Return digits and marks only, with a minus in front of what is negative; empty if none."""
    text = BLANKS.sub("", word).replace("−", "-")
    found = re.search(r"\d[\d.,]*", text)
    if not found or len(re.findall(r"\d[\d.,]*", text)) > 1:
        return ""
    rest = text[: found.start()] + " " + text[found.end() :]
    letters = re.sub(r"[^\w%=@/:]", "", rest)
    if letters and currency_code(rest) is None:
        return ""
    minus = "-" if "-" in rest or ("(" in rest and ")" in rest) else ""
    return minus + found.group().rstrip(".,")


def _decimal_mark(forms: list[str]) -> str:
    """Return the mark before decimals: the last of two, or one not followed by three digits."""
    for form in forms:
        marks = [mark for mark in ".," if mark in form]
        if len(marks) == 2:  # noqa: PLR2004
            return max(marks, key=form.rfind)
    for form in forms:
        ending = ENDING.search(form)
        if ending and (len(ending[2]) != 3 or form.lstrip("-").startswith("0")):  # noqa: PLR2004
            return ending[1] if form.count(ending[1]) == 1 else ",."[ending[1] == ","]
    return ""


def _number(form: str, decimal: str) -> Decimal | None:
    """Return the number that digits and marks stand for; groups of thousands end in three."""
    whole, mark, cents = form.partition(decimal) if decimal else (form, "", "")
    if not WHOLE.fullmatch(whole) or (mark and not cents.isdigit()):
        return None
    return Decimal(re.sub(r"[.,]", "", whole) + (f".{cents}" if mark else ""))
