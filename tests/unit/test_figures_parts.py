"""What pictures are made of: fonts, colours, words, fitted text, the course of a flow."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.ft2font import FT2Font

from funnelsim.errors import ParameterError
from funnelsim.figures import FONT_FOLDER, Wording, style
from funnelsim.figures.axis import duration_scale, time_axis
from funnelsim.figures.course import course
from funnelsim.figures.lettering import fit, spread, text_width

LETTERS = (
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяАБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯёъыэЁЪЫЭ"
    "éëïöüÉËÏÖÜß€₽₴%−–—→≥≤≈×·…«»„“”’№\u00a0"
)
# Viénot, Brettel & Mollon (1999) as tabulated by Machado et al. (2009), severity 1, linear RGB.
BLINDNESS = {
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def linear(colour: str) -> np.ndarray:
    """Linear RGB of a colour."""
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB, white D65."""
    xyz = np.array(TO_XYZ) @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str = "#ffffff") -> float:
    """Contrast ratio of WCAG 2.1."""
    bright, dark = sorted((float(linear(c) @ TO_XYZ[1]) for c in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", sorted(FONT_FOLDER.glob("*.ttf")), ids=lambda path: path.stem)
def test_fonts_hold_every_letter_we_write(path) -> None:
    font = FT2Font(str(path))
    assert [letter for letter in LETTERS if not font.get_char_index(ord(letter))] == []


def test_fonts_are_small_and_carry_their_licence() -> None:
    fonts = list(FONT_FOLDER.glob("*.ttf"))
    assert len(fonts) == 5
    assert sum(font.stat().st_size for font in fonts) < 3e6
    assert "SIL OPEN FONT LICENSE" in (FONT_FOLDER / "OFL.txt").read_text("utf-8")


@pytest.mark.parametrize("blindness", ["none", *BLINDNESS])
def test_good_bad_and_neutral_stay_apart_for_everybody(blindness: str) -> None:
    """Distance in L*a*b* of at least 15; about 2.3 can just be told apart (Mahy et al. 1994)."""
    from funnelsim.figures.funnel import LOST

    matrix = np.array(BLINDNESS.get(blindness, np.eye(3)))
    groups = [
        (style.GOOD, style.BAD, style.QUIET),
        (style.GOOD, LOST, style.QUIET),
        (style.GOOD, style.AMBER, style.BAD),
        style.PALETTE[:4],
    ]
    for one, other in (pair for group in groups for pair in combinations(group, 2)):
        apart = np.linalg.norm(lab(matrix @ linear(one)) - lab(matrix @ linear(other)))
        assert apart > 15, (one, other)


@pytest.mark.parametrize("colour", [style.INK, style.MUTED, style.NAVY, style.GOOD, "#a94a00"])
def test_text_can_be_read_on_white(colour: str) -> None:
    assert contrast(colour) >= 4.5


@pytest.mark.parametrize(
    ("lang", "number", "share", "span", "day"),
    [
        ("en", "−1,234.5", "3.5%", "1.5\xa0d", "3 October 2011"),
        ("uk", "−1\xa0234,5", "3,5%", "1,5\xa0d", "3 жовтня 2011"),
        ("ru", "−1\xa0234,5", "3,5\xa0%", "1,5\xa0d", "3 октября 2011"),
        ("nl", "−1.234,5", "3,5%", "1,5\xa0d", "3 oktober 2011"),
    ],
)
def test_wording(lang: str, number: str, share: str, span: str, day: str) -> None:
    from datetime import date

    wording = Wording(lang=lang)
    assert wording.number(-1234.5, 1) == number
    assert wording.share(0.0345) == share
    assert wording.duration(1.5 * 86400, "d") == span
    assert wording.day(date(2011, 10, 3)) == day


def test_shares_never_round_a_few_to_none_or_nearly_all_to_all() -> None:
    write = Wording().share
    assert [write(x) for x in (0, 1e-5, 0.012, 0.5, 0.9962, 0.99999, 1, float("nan"))] == [
        *("0%", "<0.1%", "1.2%", "50%", "99.6%", ">99.9%", "100%", "–"),
    ]


def test_an_unknown_language_is_refused_with_its_value() -> None:
    with pytest.raises(ParameterError, match="lang='xx-klingon' is no language"):
        Wording(lang="xx-klingon").number(1)


def test_intervals_share_their_unit() -> None:
    assert Wording(lang="uk").shares(0.0345, 0.123) == "3,5–12%"
    assert Wording().durations(3 * 3600, 30 * 3600) == "3–30\xa0h"
    assert Wording().shares(float("nan"), 0.5) == ""


WORDS = st.text("абвгґдїєж WMil-", min_size=1, max_size=80).map(str.strip).filter(bool)


@given(WORDS, st.floats(0.4, 3.0), st.integers(1, 3))
def test_fitted_text_fits(text: str, width: float, lines: int) -> None:
    fitted = fit(text, width, lines=lines).split("\n")
    assert len(fitted) <= lines
    assert max(text_width(line) for line in fitted) <= width + 1e-9
    if text_width(text) <= width:
        assert fitted == [" ".join(text.split(" "))]


@given(st.lists(st.floats(0, 10), max_size=12), st.floats(0.01, 1.0), st.floats(5, 10))
def test_spread_labels_keep_order_distance_and_room(
    centres: list[float], gap: float, high: float
) -> None:
    placed = spread(centres, gap, 0.0, high)
    kept = min(gap, high / max(len(centres) - 1, 1))
    order = np.argsort(centres, kind="stable")
    steps = np.diff(np.array(placed)[order])
    assert len(placed) == len(centres)
    assert (steps >= kept - 1e-9).all()
    assert all(-1e-9 <= place <= high + 1e-9 for place in placed)


STAGES = [f"s{i}" for i in range(6)]
FLOWS = st.dictionaries(
    st.tuples(st.sampled_from(STAGES), st.sampled_from([*STAGES, "won", "lost", "(open)"])),
    st.integers(0, 1000),
    max_size=25,
)


@given(FLOWS)
def test_a_flow_loses_nobody_and_stays_within_its_stages(
    counts: dict[tuple[str, str], int],
) -> None:
    laid = course(counts, goals=["won"])
    drawn = [(b.source, b.target, b.size) for b in laid.bands]
    drawn += [(d.source, d.target, d.size) for d in laid.drops]
    drawn += [(a.source, a.target, a.size) for a in laid.arcs]
    assert sorted(drawn) == sorted((*pair, float(n)) for pair, n in counts.items() if n)
    nodes = {node.stage: node for node in laid.nodes}
    for band in laid.bands:
        columns = [column for column, _ in band.places]
        assert columns == list(range(nodes[band.source].column, nodes[band.target].column + 1))
        for stage, (_, depth) in ((band.source, band.places[0]), (band.target, band.places[-1])):
            node = nodes[stage]
            assert node.top - 1e-6 <= depth <= node.top + node.size - band.size + 1e-6
        for column, depth in band.places[1:-1]:
            passed = next(node for node in laid.nodes if node.column == column)
            assert depth + band.size <= passed.top + 1e-6


@given(st.floats(1, 1e8), st.floats(1, 1e6), st.sampled_from(["en", "uk", "ru", "nl"]))
def test_duration_axes_have_few_ticks_all_of_them_told(low: float, ratio: float, lang: str) -> None:
    axes = style.panel(style.page(2.0), (1.6, 0.3, 2.4, 1.6))
    duration_scale(axes, low, low * ratio, Wording(lang=lang))
    inside = [
        tick for tick in axes.get_xticks() if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]
    ]
    assert 1 <= len(inside) <= 9
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert all(names)


@given(st.datetimes(), st.floats(0, 20_000))
def test_time_axes_have_few_ticks_and_tell_the_year(start, days: float) -> None:
    from datetime import datetime, timedelta

    start = start.replace(year=1990 + start.year % 40)
    axes = style.panel(style.page(2.0))
    time_axis(axes, start, start + timedelta(days=days), Wording(lang="uk"))
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert 1 <= len(names) <= 10
    assert "\n" in names[0]
    assert isinstance(start, datetime)


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_process() -> None:
    script = (
        "from funnelsim import figures as f, measures as m\n"
        "from funnelsim.measures.example import BANK\n"
        "print(f.funnel(m.stage_conversion(BANK), m.end_to_end_conversion(BANK)).svg())\n"
        "print(f.flow(m.transitions(BANK), goals=['contract'], lang='uk').svg(outlines=True))\n"
    )
    prints = {
        hashlib.sha256(
            subprocess.run(
                [sys.executable, "-c", script],
                env=os.environ | {"PYTHONHASHSEED": seed},
                check=True,
                capture_output=True,
            ).stdout
        ).hexdigest()
        for seed in ("1", "2")
    }
    assert len(prints) == 1
