"""Who is served next, and which timer comes due next, in compiled code."""

from __future__ import annotations

from funnelsim.engine.jit import compiled
from funnelsim.engine.layout import CHILD, KEY, PLACE, PRIORITY, SIBLING, SINCE

__all__ = ["merged", "sift_down", "sift_up", "without_first"]


@compiled
def _before(requests, one, other):
    """Whether a request is served before another."""
    if requests[one, PRIORITY] != requests[other, PRIORITY]:
        return requests[one, PRIORITY] < requests[other, PRIORITY]
    if requests[one, SINCE] != requests[other, SINCE]:
        return requests[one, SINCE] < requests[other, SINCE]
    if requests[one, KEY] != requests[other, KEY]:
        return requests[one, KEY] < requests[other, KEY]
    return requests[one, PLACE] < requests[other, PLACE]


@compiled
def merged(requests, one, other):
    """Two queues (pairing heaps) as one; -1 is an empty queue."""
    if one < 0:
        return other
    if other < 0:
        return one
    if _before(requests, other, one):
        one, other = other, one
    requests[other, SIBLING] = requests[one, CHILD]
    requests[one, CHILD] = other
    return one


@compiled
def without_first(requests, first):
    """A queue without its first request: pairs from left to right, then all together."""
    pairs = -1
    at = requests[first, CHILD]
    while at >= 0:
        following = requests[at, SIBLING]
        requests[at, SIBLING] = -1
        if following >= 0:
            after = requests[following, SIBLING]
            requests[following, SIBLING] = -1
            at = merged(requests, at, following)
        else:
            after = -1
        requests[at, SIBLING] = pairs
        pairs = at
        at = after
    queue = -1
    while pairs >= 0:
        following = requests[pairs, SIBLING]
        requests[pairs, SIBLING] = -1
        queue = merged(requests, queue, pairs)
        pairs = following
    return queue


@compiled
def sift_up(near, n):
    """Put the last of ``n`` timers near at hand in its place."""
    i = n - 1
    when, row = near[i, 0], near[i, 1]
    while i > 0:
        above = (i - 1) >> 1
        if near[above, 0] <= when:
            break
        near[i, 0], near[i, 1] = near[above, 0], near[above, 1]
        i = above
    near[i, 0], near[i, 1] = when, row


@compiled
def sift_down(near, n):
    """Take out the first of ``n`` timers near at hand."""
    when, row = near[n - 1, 0], near[n - 1, 1]
    n -= 1
    i = 0
    while True:
        below = 2 * i + 1
        if below >= n:
            break
        if below + 1 < n and near[below + 1, 0] < near[below, 0]:
            below += 1
        if near[below, 0] >= when:
            break
        near[i, 0], near[i, 1] = near[below, 0], near[below, 1]
        i = below
    near[i, 0], near[i, 1] = when, row
