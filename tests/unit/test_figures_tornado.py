"""The tornado: whole, legible, and honest about what one cannot tell."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from funnelsim.figures.style import QUIET
from funnelsim.figures.tornado import COLOURS, tornado

NAN = float("nan")


def table(n, unit="minor"):
    """Levers of all kinds, the last ones not to be told from chance."""
    kinds = list(COLOURS)
    size = {"minor": 1e8, "deals": 60.0, "s": 9000.0, "share": 0.02}[unit]
    return pd.DataFrame(
        {
            "lever": [f"{kinds[i % 4]}.s{i}" for i in range(n)],
            "kind": [kinds[i % 4] for i in range(n)],
            "unit": unit,
            "uplift": [size / (i + 1) for i in range(n)],
            "lo": [size / (i + 1) - size / 8 for i in range(n)],
            "hi": [size / (i + 1) + size / 8 for i in range(n)],
            "verdict": ["better" if i < 7 else "cannot tell" for i in range(n)],
            "level": 0.95,
        }
    )


@pytest.mark.parametrize("lang", ["en", "uk", "nl"])
@pytest.mark.parametrize("unit", ["minor", "deals", "s", "share"])
@pytest.mark.parametrize("n", [1, 5, 30])
def test_every_text_lies_on_the_page(n, unit, lang):
    frame = table(n, unit)
    labels = {lever: f"один день швидше: Відправлено пропозицію {lever}" for lever in frame.lever}
    picture = tornado(frame, name="deals", currency="UAH", labels=labels, lang=lang)
    figure = picture.figure
    figure.canvas.draw()  # a letter that the font lacks is a warning, hence an error
    box = figure.bbox
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text() and text.get_visible():
            extent = text.get_window_extent()
            assert extent.x0 >= box.x0 - 1, text.get_text()
            assert extent.x1 <= box.x1 + 1, text.get_text()
            assert extent.y0 >= box.y0 - 1, text.get_text()
            assert extent.y1 <= box.y1 + 1, text.get_text()
    assert picture.svg() == picture.svg()


def test_bars_are_as_long_as_the_uplift_and_pale_where_one_cannot_tell():
    frame = table(9, "deals")
    bars = tornado(frame, name="deals").figure.axes[0].patches
    widths = [bar.get_width() for bar in bars]  # type: ignore[attr-defined]
    assert widths == pytest.approx(frame["uplift"].tolist())
    colours = [to_hex(bar.get_facecolor()) for bar in bars]
    assert colours[:4] == [COLOURS[kind].lower() for kind in frame.kind[:4]]
    assert colours[7:] == [QUIET, QUIET]


def test_words_say_what_one_cannot_tell_and_what_does_nothing():
    frame = table(9, "deals")
    frame.loc[8, ["verdict", "uplift", "lo", "hi"]] = ["same", 0.0, 0.0, 0.0]
    alt = tornado(frame, name="deals won").alt
    assert alt.startswith("What each step changes in deals won. conversion.s0: 60 (")
    assert "delay.s7" not in alt
    assert "demand.s7: 7.5 (cannot tell: 0 to 15)" in alt
    assert alt.endswith("conversion.s8: 0 (no difference).")


def test_one_run_has_no_interval():
    frame = table(2, "deals").assign(lo=NAN, hi=NAN, verdict="cannot tell")
    assert len(tornado(frame, name="deals").figure.axes[0].lines) == 1
    assert tornado(table(0, "deals"), name="deals").alt
