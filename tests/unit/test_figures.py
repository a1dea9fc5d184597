"""Pictures: every one, in every language, at every size, whole and legible."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable, Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axis import Axis, Tick
from matplotlib.text import Text

from funnelsim import figures
from funnelsim.errors import ParameterError
from funnelsim.figures import Picture

NAN = float("nan")
LONG = "собираю оптом возражения, спрашиваю, что удерживает от принятия решения №"
Draw = Callable[..., Picture]


def labels(n: int, lang: str) -> dict[str, str]:
    """Names of stages as planners write them, some far too long."""
    short = {"en": "Stage", "uk": "Етап №", "nl": "Kredietwaardigheidsbeoordeling", "ru": "Этап №"}
    names = {f"s{i}": f"{LONG}{i}" if i % 3 == 1 else f"{short[lang]} {i}" for i in range(n)}
    return names | {"lost": "Відмова банку", "won": "Kredyt ₴ € ₽ $5 – виграно", "desk": "Ґанок"}


def conversion_tables(n: int, leads: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Tables as stage_conversion, end_to_end_conversion and losses make them."""
    stages, reasons, whole = [], [], []
    entered = leads
    for i in range(n):
        advanced = int(entered * (0.35 + 0.6 * ((i * 7) % 10) / 10))
        lost = int((entered - advanced) * 0.8)
        share = advanced / entered if entered else NAN
        stages.append(
            {
                "stage": f"s{i}",
                "next_stage": f"s{i + 1}" if i < n - 1 else "won",
                "value": share,
                "lo": share * 0.9 if i % 2 else NAN,
                "hi": min(share * 1.1, 1) if i % 2 else NAN,
                "entered": entered,
                "advanced": advanced,
                "lost": lost,
                "other": 0,
                "open": entered - advanced - lost,
            }
        )
        whole.append({"stage": f"s{i}", "value": entered / leads if leads else NAN})
        reasons += [
            {"stage": f"s{i}", "reason": reason, "value": lost * part}
            for reason, part in (("lost", 0.7), ("", 0.3))
        ]
        entered = advanced
    whole.append({"stage": "(won)", "value": entered / leads if leads else NAN})
    ends = pd.DataFrame(whole).assign(lo=0.01, hi=0.09, open=1)
    table = pd.DataFrame(stages)
    ends["advanced"] = np.append(table["entered"].to_numpy(), entered)
    return table, ends, pd.DataFrame(reasons)


def duration_table(n: int, unit: float) -> pd.DataFrame:
    """A table as dwell_time makes it; the last P95 lies beyond the log."""
    rows = []
    for i, (p, factor) in itertools.product(
        range(n), ((0.5, 1.0), (0.8, 3.0), (0.95, 9.0), (NAN, 2.0))
    ):
        value = unit * factor * (1 + i % 7)
        beyond = i == n - 1 and p == 0.95
        rows.append(
            {
                "stage": f"s{i}",
                "quantile": p,
                "value": NAN if beyond else value,
                "lo": value * 0.8,
                "hi": NAN if beyond else value * 1.3,
            }
        )
    return pd.DataFrame(rows, columns=["stage", "quantile", "value", "lo", "hi"])


def transition_table(n: int, leads: int) -> pd.DataFrame:
    """A table as transitions makes it: on, past, back, again and out."""
    stages, _, _ = conversion_tables(n, leads)
    rows: list[tuple[str, str, float]] = [("(arrived)", "s0", leads)]
    for i, row in enumerate(stages.to_dict("records")):
        rows += [
            (f"s{i}", str(row["next_stage"]), row["advanced"]),
            (f"s{i}", "lost", row["lost"]),
            (f"s{i}", "(open)", row["open"]),
        ]
        if i % 4 == 2:
            back = row["entered"] // 10
            rows += [(f"s{i}", f"s{i - 2}", back), (f"s{i}", f"s{i}", back)]
        if i + 2 < n and i % 3 == 0:
            rows.append((f"s{i}", f"s{i + 2}", row["entered"] // 8))
    rows += [("won", "(ended)", 1), ("lost", "(ended)", 1)]
    return pd.DataFrame(rows, columns=["stage", "next_stage", "value"])


def days(n: int) -> pd.DatetimeIndex:
    """Midnights of a bank that keeps the time of Kyiv."""
    return pd.date_range("2025-10-01", periods=n, freq="D", tz="Europe/Kyiv").tz_convert("UTC")


def flow_table(n: int, leads: int) -> pd.DataFrame:
    """A table as cumulative_flow makes it."""
    states = [*(f"s{i}" for i in range(n)), "(won)", "(lost)", "(ended)"]
    rows = [
        {"at": at, "state": state, "value": float(leads * day // 200 * (1 + place % 3))}
        for day, at in enumerate(days(200))
        for place, state in enumerate(states)
    ]
    return pd.DataFrame(rows)


def ageing_table(n: int, leads: int) -> pd.DataFrame:
    """A table as wip_ageing makes it."""
    bands = ("below p50", "p50 to p80", "p80 to p95", "above p95")
    limits = np.array([5e4, 2e5, 1e6])
    rows = []
    for i, k in itertools.product(range(n), range(min(leads, 700))):
        age = 86400.0 * 10 ** ((k % 97) / 30 - 2)
        band = bands[int((age > limits).sum())]
        p50, p80, p95 = limits if i % 5 else (5e4, NAN, NAN)
        rows.append((f"l{i}-{k}", f"s{i}", age, p50, p80, p95, band))
    columns = ["lead_id", "stage", "value", "p50", "p80", "p95", "band"]
    return pd.DataFrame(rows, columns=columns)


def team_table(n: int) -> pd.DataFrame:
    """A table as utilisation makes it; the last team has no staffing data."""
    rows = []
    for i, (day, at) in itertools.product(range(n), enumerate(days(60))):
        staffed = 0.0 if day % 7 > 4 else 40.0
        overtime = 3.0 if day % 5 == 4 else 0.0
        busy = min(staffed * (0.6 + i * 0.02), staffed) + overtime
        total = staffed + overtime
        known = i < n - 1 or n == 1
        rows.append(
            {
                "team": f"s{i}",
                "at": at,
                "value": busy / total if total and known else NAN,
                "busy_h": busy,
                "staffed_h": total if known else NAN,
                "overtime_h": overtime if known else NAN,
            }
        )
    columns = ["team", "at", "value", "busy_h", "staffed_h", "overtime_h"]
    return pd.DataFrame(rows, columns=columns)


def week_table(leads: int) -> pd.DataFrame:
    """A table as arrivals_by_hour makes it; one hour never came."""
    rows = [
        {"weekday": d, "hour": h, "value": leads * np.exp(-(((h - 11) / 3) ** 2)) / (1 + d)}
        for d, h in itertools.product(range(7), range(24))
    ]
    rows[30]["value"] = NAN
    return pd.DataFrame(rows)


def album(n: int, leads: int) -> dict[str, Callable[..., Picture]]:
    """Every picture of a funnel with ``n`` stages, ready to be drawn in some language."""
    stages, ends, reasons = conversion_tables(n, leads)
    stay, wait = duration_table(n, 4000.0), duration_table(n, 30.0)
    if not leads:
        stay = wait = stay.iloc[:0]

    def without_labels(draw: Draw) -> Draw:
        return lambda labels, **kw: draw(**kw)

    zone = "Europe/Kyiv"
    return {
        "funnel": lambda **kw: figures.funnel(stages, ends, reasons, **kw),
        "funnel alone": lambda **kw: figures.funnel(stages, **kw),
        "overview": lambda **kw: figures.overview(stages, ends, stay, wait, reasons, **kw),
        "flow": lambda **kw: figures.flow(transition_table(n, leads), goals=["won"], **kw),
        "cumulative": lambda **kw: figures.cumulative_flow(
            flow_table(n, leads), time_zone=zone, **kw
        ),
        "dwell": lambda **kw: figures.dwell_time(stay, **kw),
        "dwell, linear": lambda **kw: figures.dwell_time(stay[stay["quantile"] < 0.9], **kw),
        "split": lambda **kw: figures.time_split(stay, wait, wait, **kw),
        "ageing": lambda **kw: figures.wip_ageing(ageing_table(n, leads), **kw),
        "teams": lambda **kw: figures.utilisation(team_table(min(n, 12)), time_zone=zone, **kw),
        "week": without_labels(
            lambda **kw: figures.week(week_table(leads), unit="лідів на годину", **kw)
        ),
    }


NAMES = sorted(album(1, 1))


def texts(picture: Picture) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Every text of a picture with its left, bottom, right, top; inches."""
    figure = picture.figure
    figure.canvas.draw()  # a letter that the font lacks is a warning, hence an error
    hidden = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not _drawn(axis, tick)
    }
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            box = text.get_window_extent()
            edges = (box.x0, box.y0, box.x1, box.y1)
            yield text.get_text(), tuple(edge / figure.dpi for edge in edges)


def _drawn(axis: Axis, tick: Tick) -> bool:
    """Whether a tick lies inside its axis; matplotlib keeps the labels of those outside."""
    low, high = sorted(axis.get_view_interval())
    slack = (high - low) * 1e-6
    return bool(low - slack <= tick.get_loc() <= high + slack)


def check_legible(picture: Picture) -> None:
    """All text lies inside the picture, and none on another."""
    width, height = picture.figure.get_size_inches()
    assert width == 6.3
    assert height < 9.2
    shown = list(texts(picture))
    for words, (left, bottom, right, top) in shown:
        inside = left > -0.02 and bottom > -0.02 and right < width + 0.02 and top < height + 0.02
        assert inside, words
    for (one, a), (other, b) in itertools.combinations(shown, 2):
        wide = min(a[2], b[2]) - max(a[0], b[0])
        high = min(a[3], b[3]) - max(a[1], b[1])
        # a line's box is higher than its letters by about 0.05 in
        assert wide < 0.02 or high < 0.055, (one, other)


@pytest.mark.parametrize(
    "lang", ["uk", "nl", *(pytest.param(lang, marks=pytest.mark.slow) for lang in ("en", "ru"))]
)
@pytest.mark.parametrize("name", NAMES)
def test_text_is_whole_in_every_language(name: str, lang: str) -> None:
    check_legible(album(6, 7455)[name](labels=labels(6, lang), lang=lang))


@pytest.mark.parametrize(("n", "leads"), [(1, 12), (20, 120_000), (4, 0)])
@pytest.mark.parametrize("name", NAMES)
def test_text_is_whole_at_every_size(name: str, n: int, leads: int) -> None:
    check_legible(album(n, leads)[name](labels=labels(n, "uk"), lang="uk"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "leads"), [(1, 0), (1, 1), (2, 10**9)])
def test_tiny_and_huge_funnels_draw(name: str, n: int, leads: int) -> None:
    picture = album(n, leads)[name](labels={}, lang="en")
    assert picture.svg().startswith("<svg ")
    assert picture.alt
    assert "nan" not in picture.svg() + picture.alt


@pytest.mark.parametrize("name", NAMES)
def test_same_tables_give_the_same_bytes(name: str) -> None:
    first, again = (album(3, 500)[name](labels=labels(3, "uk"), lang="uk") for _ in range(2))
    assert first.svg() == again.svg() == first.svg()
    assert first.svg(outlines=True) == again.svg(outlines=True)
    assert first.png() == again.png()


@pytest.mark.parametrize("name", NAMES)
def test_every_word_is_translated(name: str) -> None:
    """Words of a picture come through ``text``; only P50 and the like need no translation."""
    names = {f"s{i}": f"№{i}" for i in range(6)} | {"lost": "№", "won": "№№"}
    for leads in (7455, 0):
        picture = album(6, leads)[name](labels=names, lang="uk", text=lambda words: f"§{words}")
        assert picture.alt.startswith("§")
        for written, _ in texts(picture):
            words = re.sub(r"\bP\d+\b", "", written)
            assert "§" in words or not re.search("[A-Za-z]", words), words


def test_drawing_leaves_matplotlib_alone() -> None:
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    for draw in album(3, 100).values():
        draw(labels={}, lang="nl").png()
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_numbers_and_dates_follow_the_language() -> None:
    pictures = {lang: album(6, 7455)["funnel"](labels={}, lang=lang) for lang in ("en", "uk", "nl")}
    shown = {lang: {words for words, _ in texts(p)} for lang, p in pictures.items()}
    assert "7,455" in shown["en"]
    assert "7\xa0455" in shown["uk"]
    assert "7.455" in shown["nl"]
    months = album(2, 50)["cumulative"](labels={}, lang="uk")
    assert any("груд" in words for words, _ in texts(months))


def test_text_stays_text_for_the_report_and_is_drawn_for_the_browser() -> None:
    picture = album(2, 50)["dwell"](labels={"s0": "Ґанок & <їжак>"}, lang="uk")
    assert "Ґанок &amp; &lt;їжак&gt;" in picture.svg()
    assert "'Fira Sans'" in picture.svg()
    outlined = picture._repr_mimebundle_()["image/svg+xml"]
    assert "<text" not in outlined
    assert 'aria-label="' in outlined
    assert picture._repr_mimebundle_()["text/plain"] == picture.alt


@pytest.mark.parametrize("name", ["funnel", "overview", "flow", "dwell", "split"])
def test_a_table_of_several_groups_is_refused_by_name(name: str) -> None:
    stages, ends, _ = conversion_tables(2, 10)
    twice = {
        "funnel": lambda: figures.funnel(pd.concat([stages, stages])),
        "overview": lambda: figures.overview(
            stages, pd.concat([ends, ends]), duration_table(2, 10.0)
        ),
        "flow": lambda: figures.flow(pd.concat([transition_table(2, 9)] * 2), goals=["won"]),
        "dwell": lambda: figures.dwell_time(pd.concat([duration_table(2, 10.0)] * 2)),
        "split": lambda: figures.time_split(waiting=pd.concat([duration_table(2, 10.0)] * 2)),
    }
    with pytest.raises(ParameterError, match="several rows with stage '"):
        twice[name]()


def test_many_stages_fit_below_the_answer_of_page_one() -> None:
    stages, ends, reasons = conversion_tables(18, 120_000)
    stay = duration_table(18, 4000.0)
    names = {f"s{i}": f"{i + 1}. Етап" for i in range(18)} | {"won": "Виграно"}
    picture = figures.overview(stages, ends, stay, stay, reasons, labels=names, lang="uk")
    shown = {words for words, _ in texts(picture)}
    assert set(names.values()) - {"Виграно"} <= shown
    assert picture.figure.get_size_inches()[1] < 4


def test_the_key_of_the_moves_is_never_cut() -> None:
    table = pd.DataFrame(
        {
            "stage": "ask",
            "next_stage": [f"way{i}" for i in range(9)],
            "value": [float(9 + i) for i in range(9)],
        }
    )
    names = {f"way{i}": f"Пішли до іншого банку № {i}" for i in range(9)} | {"ask": "Запит"}
    picture = figures.flow(table, goals=["won"], labels=names, lang="uk")
    assert {name for name in names.values() if name != "Запит"} <= {w for w, _ in texts(picture)}
    colours = {patch.get_facecolor() for patch in picture.figure.axes[0].patches}
    assert len(colours) >= 8
    check_legible(picture)


def test_open_leads_of_many_stages_share_a_band() -> None:
    """Of 18 stages the 7 that hold most are named, the others together; nobody gets lost."""
    frame = flow_table(18, 1000)
    picture = figures.cumulative_flow(frame, labels=labels(18, "uk"), lang="uk", time_zone="UTC")
    shown = [words for words, _ in texts(picture)]
    assert "Other stages" in shown
    assert sum(words.startswith(("Етап", LONG[:9])) for words in shown) == 7


def test_stages_beside_the_path_are_no_step_of_the_funnel() -> None:
    stages, ends, _ = conversion_tables(3, 100)
    aside = stages.iloc[[0]].assign(stage="recall", next_stage="s1")
    picture = figures.funnel(pd.concat([stages, aside]), ends)
    assert "recall" not in picture.alt


def test_real_measures_can_be_drawn() -> None:
    """The tables of a small log fit the pictures made for them."""
    from funnelsim import measures as m
    from funnelsim.measures.example import BANK

    shares, whole = m.stage_conversion(BANK), m.end_to_end_conversion(BANK)
    pictures = [
        figures.funnel(shares, whole, m.losses(BANK)),
        figures.overview(shares, whole, m.dwell_time(BANK), m.waiting_time(BANK), m.losses(BANK)),
        figures.flow(m.transitions(BANK), goals=["contract"]),
        figures.cumulative_flow(m.cumulative_flow(BANK)),
        figures.dwell_time(m.dwell_time(BANK)),
        figures.dwell_time(m.waiting_time(BANK, per="team")),
        figures.time_split(m.delay_time(BANK), m.waiting_time(BANK), m.working_time(BANK)),
        figures.wip_ageing(m.wip_ageing(BANK)),
        figures.week(m.arrivals_by_hour(BANK), unit="leads/h"),
        figures.week(m.work_by_hour(BANK), unit="people"),
        figures.utilisation(m.utilisation(BANK, every="1D")),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(picture.png() for picture in pictures)
    assert pictures[0].alt.endswith("Won so far: 2; expected in the end: 50% of all.")
