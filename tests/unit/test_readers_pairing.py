"""Pairing the events of work, against a version that anyone can follow."""

from __future__ import annotations

from collections import deque

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from funnelsim.calibration.readers.pairing import paired, pieces_of_work

GROUPS = st.lists(st.lists(st.sampled_from("qse"), max_size=12), max_size=4)
WORDS = {"q": "queued", "s": "started", "e": "ended"}


def slowly_paired(groups: list[list[str]], opens: str, closes: str) -> list[int]:
    partner, row = [], 0
    for events in groups:
        waiting: deque[int] = deque()
        for event in events:
            partner.append(-1)
            if event == opens:
                waiting.append(row)
            elif event == closes and waiting:
                first = waiting.popleft()
                partner[row], partner[first] = first, row
            row += 1
    return partner


def as_arrays(groups: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    group = np.repeat(np.arange(len(groups)), [len(events) for events in groups])
    events = np.array([event for events in groups for event in events], dtype=object)
    return group, events


@given(GROUPS)
def test_pairs_are_first_come_first_served(groups):
    group, events = as_arrays(groups)
    found = paired(group, events == "q", events == "s")
    assert found.tolist() == slowly_paired(groups, "q", "s")


@given(GROUPS)
def test_every_event_belongs_to_at_most_one_piece_and_in_time(groups):
    group, events = as_arrays(groups)
    phases = np.array([WORDS[event] for event in events], dtype=object)
    pieces = pieces_of_work(group, phases)
    for name in ("queued", "started", "ended"):
        rows = pieces[name][pieces[name] >= 0]
        assert rows.is_unique
        assert (phases[rows] == name).all()
    assert (pieces["queued"] >= 0).sum() == (phases == "queued").sum()
    assert (pieces["started"] >= 0).sum() == (phases == "started").sum()
    last = pieces["ended"]
    both = (pieces["started"] >= 0) & (last >= 0)
    assert (pieces["started"][both] < last[both]).all()
    assert (pieces["queued"][last >= 0] < last[last >= 0]).all()
