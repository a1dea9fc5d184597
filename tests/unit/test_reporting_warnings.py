"""The worst mistakes: a plain warning with this log's numbers where a reader would make them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from funnelsim.measures import stage_conversion, weakest_stage
from funnelsim.measures.example import BANK
from funnelsim.reporting import review, screen
from funnelsim.reporting.blocks import plain
from funnelsim.reporting.names import Names
from funnelsim.reporting.review import commentary
from funnelsim.reporting.review.findings import findings
from funnelsim.reporting.review.gathering import gather
from funnelsim.reporting.review.risks import risks
from funnelsim.reporting.review.tables import lasting
from funnelsim.reporting.texts import texts
from tests.logs import make_log

EN = texts("en")


def said(block):
    """The words of a paragraph."""
    return "" if block is None else plain(block.sentence)


def world(open_at_ask=3, open_at_offer=12):
    """A hundred leads, 60 came to the offer, 30 on; half as many open after it as at it."""
    paths = {f"lost{i}": "ask 0, lost 1" for i in range(40 - open_at_ask)}
    paths |= {f"ask{i}": "ask 20" for i in range(open_at_ask)}
    paths |= {f"cold{i}": "ask 0, offer 1, lost 2" for i in range(30 - open_at_offer)}
    paths |= {f"offer{i}": "ask 0, offer 20" for i in range(open_at_offer)}
    open_at_deal = open_at_offer // 2
    paths |= {f"deal{i}": "ask 0, offer 1, deal 20" for i in range(open_at_deal)}
    paths |= {f"won{i}": "ask 0, offer 1, deal 2, won 3" for i in range(30 - open_at_deal)}
    return make_log(paths, until=24)


class TestBoard:
    def test_it_says_what_the_board_reads_as_and_what_is_true(self):
        log = world()
        truth = stage_conversion(log).set_index("stage")["value"]["ask"]
        assert said(commentary.board(log, EN)).startswith(
            "Leads on the board are no conversion: 3 are open at “ask”, 12 at “offer”, which reads "
            f"as 400%; in truth {EN.share(truth)} go on."
        )

    def test_an_empty_next_stage_reads_as_nothing(self):
        shown = said(commentary.board(world(open_at_ask=10, open_at_offer=0), EN))
        assert "10 are open at “ask”, 0 at “offer”, which reads as 0%" in shown

    @pytest.mark.parametrize("numbers", [(2, 2), (4, 4)], ids=["two each", "four each"])
    def test_too_few_on_the_board_say_nothing(self, numbers):
        assert commentary.board(world(*numbers), EN) is None

    def test_a_board_that_happens_to_be_right_needs_no_warning(self):
        assert commentary.board(world(open_at_ask=10, open_at_offer=6), EN) is None

    def test_it_stands_beside_the_open_deals(self):
        lines = [screen.line(block) for block in review.load(world()).blocks]
        place = next(i for i, line in enumerate(lines) if "no conversion" in line)
        assert review.load(world()).blocks[place + 1].kind == "figure"


class TestLevers:
    @pytest.mark.parametrize("log", [BANK, world()], ids=["cannot tell", "can tell"])
    def test_ten_per_cent_is_ten_per_cent_at_any_stage(self, log):
        shown = said(commentary.weakest(log, EN))
        assert "10% more at any stage is 10% more wins" in shown
        assert "headroom, cost, delay and capacity" in shown

    def test_few_leads_name_no_worst_stage(self):
        assert weakest_stage(BANK)["stage"].tolist() == [""]
        assert "cannot be told from 5 leads: 2 stages" in said(commentary.weakest(BANK, EN))

    def test_the_advice_of_page_one_says_it_too(self):
        assert "10% more at any stage is 10% more wins" in plain(findings(BANK, EN).advice["Don't"])


class TestEmptyStart:
    PATHS = {f"lead{i}": f"ask {i}, offer {i + 10}, deal {i + 20}, won {i + 40}" for i in range(99)}

    def warnings(self, since, **meta):
        log = make_log(self.PATHS, until=200, since=since, **meta)
        names = Names.of(log, EN)
        return [plain(one) for one in risks(gather(log), names, EN, log)]

    def test_a_simulation_without_warm_up_is_named(self):
        shown = self.warnings(0, provenance={"seed": "1"})
        assert any(
            f"The simulation started empty {EN.duration(0)} before" in line for line in shown
        )
        assert any(f"takes longer than {EN.duration(40 * 3600)}" in line for line in shown)

    def test_a_warm_up_longer_than_the_wins_take_is_enough(self):
        assert not any("empty" in line for line in self.warnings(41, provenance={"seed": "1"}))

    def test_data_of_a_crm_did_not_start_empty(self):
        assert not any("empty" in line for line in self.warnings(0))


class TestOpenDeals:
    def test_closed_ones_alone_would_say_a_shorter_time(self):
        """Closed after 10 h each, 40 h for the others that are still open at 20 h."""
        paths = {f"fast{i}": "ask 0, lost 10" for i in range(60)}
        paths |= {f"slow{i}": "ask 0, lost 60" for i in range(50)}
        paths |= {f"open{i}": "ask 30" for i in range(90)}
        shown = said(commentary.cycle(make_log(paths, until=70), EN))
        assert shown == (
            f"{EN.duration(60 * 3600)}: within this time half of the leads are won or lost. Those "
            f"already closed, taken alone, would say {EN.duration(10 * 3600)}: the slow ones are "
            "still open."
        )

    def test_where_it_makes_no_difference_nothing_is_said(self):
        assert "alone" not in said(commentary.cycle(make_log({"a": "ask 0, lost 9"}, until=20), EN))

    def test_they_are_counted_in_the_answer(self):
        facts = replace(gather(BANK), open=2)
        first = plain(risks(facts, Names.of(BANK, EN), EN, BANK)[0])
        assert first.startswith("2 of 5 leads are still open")


def test_stages_passed_at_once_take_no_row():
    table = pd.DataFrame(
        {
            "stage": ["pay", "pay", "ask", "new"],
            "value": [0.0, 0.0, 5.0, float("nan")],
            "lo": [0.0, 0.0, 4.0, float("nan")],
            "hi": [0.0, 0.0, 6.0, float("nan")],
        }
    )
    assert lasting(table)["stage"].tolist() == ["ask", "new"]
