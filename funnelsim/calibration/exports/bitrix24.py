"""Bitrix24: deals as an HTML table that calls itself .xls, with the present stage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.exports.cells import closing_dates, day_of, stage_names
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import html_bytes, money, stamps

__all__ = ["BITRIX24"]

CLOSED = {"won": "Сделка успешна", "lost": "Сделка провалена"}
TIMES = "%d.%m.%Y %H:%M:%S"


def write(state: State) -> Mapping[str, bytes]:
    """Return the file; for a closed deal the expected day of closing is the real one."""
    deals, zone = state.deals, state.book.time_zone
    odd = deals["odd_dates"]
    changed = deals["stage_since"].fillna(deals["shown_created_at"])
    columns = {
        "ID": deals["deal_id"],
        "Тип": deals["segment"],
        "Группа": "",
        "Стадия сделки": stage_names(state, deals["stage"]),
        "Название сделки": deals["title"],
        "Сумма": money(deals["value"], state.book.currency),
        "Валюта": deals["currency"],
        "Ответственный": deals["owner"],
        "Дата создания": stamps(deals["shown_created_at"], TIMES, zone, odd=odd),
        "Дата изменения": stamps(changed, TIMES, zone, odd=odd),
        "Дата начала": stamps(deals["shown_created_at"], "%d.%m.%Y", zone),
        "Предполагаемая дата закрытия": closing_dates(state, "%d.%m.%Y"),
        "Товар": deals["product"],
        "Компания: Название компании": deals["customer"],
        "Воронка": deals["funnel"],
        "Источник": deals["source"],
        "Причина провала": deals["reason"].where(deals["status"] == "lost"),
    }
    content = html_bytes(pd.DataFrame(columns, index=deals.index))
    mark = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return {f"DEAL_{day_of(state).replace('-', '')}_{mark[:12]}.xls": content}


BITRIX24 = CrmFormat(
    id="bitrix24",
    label="Bitrix24",
    holds=Holds(history="snapshot", times="seconds", closed="days", closing_stages="one"),
    deal_id=lambda number: str(1000 + 2 * number),
    closed=CLOSED,
    write=write,
)
