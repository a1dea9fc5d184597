"""Blocks: what a notebook shows, for the screen and for the PDF."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from funnelsim.reporting import blocks, document, screen

HOSTILE = '#panic("x") $ @ <script>alert(1)</script> **not bold**'


class Drawing:
    alt = "Two bars, the second half as long."

    def svg(self, *, outlines=False):
        return "<svg><!-- outlines --></svg>" if outlines else "<svg><text>7</text></svg>"


def every_block():
    return [
        blocks.cover(HOSTILE, lang="uk", as_of=date(2026, 1, 1), period="2025", illustrative=True),
        blocks.section(HOSTILE),
        blocks.text(blocks.sentence("**{stage}** loses most.", stage=HOSTILE)),
        blocks.kpis([blocks.kpi(HOSTILE, "24 %", "of 7,455")]),
        blocks.summary([HOSTILE], title="The answer"),
        blocks.risks([HOSTILE], title="Risks"),
        blocks.advice({"Do": HOSTILE}, title="What follows"),
        blocks.figure(Drawing(), caption=HOSTILE, key="funnel"),
        blocks.table(
            [blocks.column("Stage"), blocks.column("Leads", unit="%", numeric=True)],
            [[HOSTILE, "7"]],
            caption=HOSTILE,
            note="Note",
            total=True,
        ),
        blocks.end(),
    ]


@pytest.mark.parametrize("block", every_block(), ids=lambda block: block.kind)
def test_what_a_notebook_stores_is_read_back_the_same(block):
    bundle = block._repr_mimebundle_()
    (again,) = blocks.read([{"output_type": "execute_result", "data": bundle}])
    assert again == (block.model_copy(update={"outlines": ""}) if block.kind == "figure" else block)


@pytest.mark.parametrize("block", every_block(), ids=lambda block: block.kind)
def test_the_screen_shows_texts_and_runs_nothing(block):
    assert "<script>" not in screen.html(block)
    if block.kind not in {"end", "figure"}:
        assert "&lt;script&gt;" in screen.html(block)
        assert "<script>" in screen.line(block)


def test_the_screen_gets_outlines_and_the_pdf_gets_letters():
    bundle = blocks.figure(Drawing(), caption="Bars")._repr_mimebundle_()
    assert "<text>" in bundle[document.MIME]["svg"]
    assert "outlines" not in bundle[document.MIME]
    assert 'alt="Two bars, the second half as long."' in bundle["text/html"]


def test_only_the_template_makes_text_strong():
    runs = blocks.sentence("{a} is **{b}**", a="**bold?**", b="so {a}")
    assert [(run.text, run.strong) for run in runs] == [("**bold?** is ", False), ("so {a}", True)]


def test_a_picture_without_description_is_refused():
    drawing = Drawing()
    drawing.alt = "  "
    with pytest.raises(ValidationError, match="alt"):
        blocks.figure(drawing, caption="Bars")


def test_a_ragged_table_is_refused():
    with pytest.raises(ValidationError, match="a row of 1 cells for 2 columns"):
        blocks.table([blocks.column("a"), blocks.column("b")], [["x"]], caption="T")


def test_thirty_key_figures_are_too_many():
    with pytest.raises(ValidationError, match="at most 7"):
        blocks.kpis([blocks.kpi("x", "1")] * 30)


def test_blocks_are_frozen_and_know_their_keys():
    with pytest.raises(ValidationError, match="frozen"):
        setattr(blocks.section("Time"), "title", "Load")  # noqa: B010 - mypy knows it is frozen
    with pytest.raises(ValidationError, match="colour"):
        document.Section.model_validate({"title": "Time", "colour": "red"})


def test_other_outputs_are_passed_over():
    assert (
        blocks.read([{"output_type": "stream", "text": "x"}, {"data": {"text/plain": "1"}}]) == []
    )
