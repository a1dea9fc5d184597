"""A small funnel to export, and how an export is read back."""

from __future__ import annotations

from pathlib import Path

from funnelsim.calibration.exports import HOLDS, Export
from funnelsim.calibration.raw import RawHistory
from funnelsim.calibration.readers.crm import read_crm
from funnelsim.scenarios.scenario import Scenario

ZONE = "Europe/Minsk"  # it has no summer time: no local hour occurs twice

DOORS = Scenario.model_validate(
    {
        "funnelsim": 1,
        "name": "doors",
        "currency": "EUR",
        "time_zone": ZONE,
        "illustrative": True,
        "run": {"start": "2026-02-02", "horizon": "20 w", "warm_up": "4 w"},
        "calendar": "office",
        "calendars": {"office": {"hours": {"mon-fri": "09:00-18:00"}}},
        "teams": {"sellers": {"label": {"en": "Sellers", "uk": "Менеджери"}, "seats": 2}},
        "sources": {
            "web": {
                "label": {"en": "Web site", "uk": "Сайт"},
                "stage": "contact",
                "rate": "14 / w",
                "segment": "small",
                "product": "door",
                "value": {"median": 900, "p90": 2000},
            },
            "fair": {
                "label": {"en": "Trade fair", "uk": "Виставка"},
                "stage": "demo",
                "rate": "4 / w",
                "segment": "large",
                "product": "gate",
                "value": {"median": 4000, "p90": 9000},
            },
        },
        "stages": {
            "contact": {
                "label": {"en": "1. First contact", "uk": "1. Перший контакт"},
                "efforts": {"call": {"team": "sellers", "duration": {"mean": "20 min", "cv": 0.5}}},
                "delay_after": {"median": "2 d", "p90": "6 d"},
                "next": {"advance": "demo", "to": {"demo": 0.6, "lost": 0.4}},
            },
            "demo": {
                "label": {"en": "2. Demo", "uk": "2. Показ"},
                "marks": "qualified",
                "efforts": {"show": {"team": "sellers", "duration": {"mean": "1 h", "cv": 0.3}}},
                "delay_after": {"median": "3 d", "p90": "10 d"},
                "next": {"advance": "offer", "to": {"offer": 0.6, "contact": 0.1, "lost": 0.3}},
            },
            "offer": {
                "label": {"en": "3. Offer", "uk": "3. Пропозиція"},
                "delay_after": {"median": "6 d", "p90": "20 d"},
                "next": {"advance": "won", "to": {"won": 0.5, "dear": 0.5}},
            },
            "won": {"label": {"en": "Signed", "uk": "Підписано"}, "marks": "won"},
            "lost": {
                "label": {"en": "No interest", "uk": "Немає інтересу"},
                "marks": {"kind": "lost", "reason": "no interest"},
            },
            "dear": {
                "label": {"en": "Too dear", "uk": "Задорого"},
                "marks": {"kind": "lost", "reason": "too dear"},
            },
        },
    }
)


def read_back(export: Export) -> RawHistory:
    """Read all files of an export as a user would."""
    tables = [path for path in export.files if path.suffix != ".yaml"]
    mappings: list[Path] = [path for path in export.files if path.suffix == ".yaml"]
    taken_at = export.log.meta.observed_until
    if mappings:
        return read_crm(tables, mapping=mappings[-1])
    # a format that writes UTC has no times of the zone that the firm lives in
    zone = ZONE if HOLDS[export.format].zone == "local" else None
    return read_crm(tables, time_zone=zone, currency="EUR", taken_at=taken_at)
