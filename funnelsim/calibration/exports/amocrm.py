"""amoCRM (Kommo): one CSV of deals with the present stage, nothing of the past."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from funnelsim.calibration.exports.book import State
from funnelsim.calibration.exports.cells import day_of, stage_names
from funnelsim.calibration.exports.holding import CrmFormat, Holds
from funnelsim.calibration.exports.written import csv_bytes, money, stamps

__all__ = ["AMOCRM"]

HEADER = (
    "ID|Название сделки|Бюджет|Ответственный|Дата создания сделки|Кем создана сделка|"
    "Дата редактирования|Кем редактирована|Дата закрытия|Теги|Примечание|Примечание 2|"
    "Примечание 3|Примечание 4|Примечание 5|Этап сделки|Воронка|Полное имя контакта|"
    "Компания контакта|Ответственный за контакт|Компания|Рабочий телефон|"
    "Рабочий прямой телефон|Мобильный телефон|Факс|Домашний телефон|Другой телефон|"
    "Рабочий email|Личный email|Другой email|Источник|Товар|Сегмент|Причина отказа|"
    "utm_source|utm_medium|utm_campaign|utm_term|utm_content|utm_referrer|_ym_uid|"
    "_ym_counter|roistat|referrer|openstat_service|openstat_campaign|openstat_ad|"
    "openstat_source|from|gclientid|gclid|yclid|fbclid"
)
CLOSED = {"won": "Успешно реализовано", "lost": "Закрыто и не реализовано"}
"""The two statuses that every account has (142 and 143); a lost deal loses its stage."""
TIMES = "%d.%m.%Y %H:%M:%S"


def write(state: State) -> Mapping[str, bytes]:
    """Return the file."""
    deals, zone = state.deals, state.book.time_zone
    changed = deals["stage_since"].fillna(deals["shown_created_at"])
    odd = deals["odd_dates"]
    columns = {
        "ID": deals["deal_id"],
        "Название сделки": deals["title"],
        "Бюджет": money(deals["value"], state.book.currency, places=False),
        "Ответственный": deals["owner"],
        "Дата создания сделки": stamps(deals["shown_created_at"], TIMES, zone, odd=odd),
        "Кем создана сделка": deals["owner"],
        "Дата редактирования": stamps(changed, TIMES, zone, odd=odd),
        "Кем редактирована": deals["owner"],
        "Дата закрытия": stamps(deals["closed_at"], TIMES, zone, odd=odd, missing="не закрыта"),
        "Этап сделки": stage_names(state, deals["stage"]),
        "Воронка": deals["funnel"],
        "Полное имя контакта": deals["contact"],
        "Компания контакта": deals["customer"],
        "Компания": deals["customer"],
        "Источник": deals["source"],
        "Товар": deals["product"],
        "Сегмент": deals["segment"],
        "Причина отказа": deals["reason"].where(deals["status"] == "lost"),
    }
    frame = pd.DataFrame(columns, index=deals.index).reindex(columns=HEADER.split("|"))
    return {f"amocrm_export_leads_{day_of(state)}.csv": csv_bytes(frame)}


AMOCRM = CrmFormat(
    id="amocrm",
    label="amoCRM",
    holds=Holds(
        history="snapshot",
        times="seconds",
        closed="seconds",
        closing_stages="one",
        currencies=False,
    ),
    deal_id=lambda number: str(27_000_000 + 17 * number),
    closed=CLOSED,
    write=write,
)
