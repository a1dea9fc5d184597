"""Open deals that are over by chance, though nobody closed them: missing in some of the runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from funnelsim.engine.snapshot import Snapshot
from funnelsim.scenarios.sampling import doubts
from funnelsim.streams import Stream, hash_id

__all__ = ["Doubted"]

Flags = NDArray[np.bool_]


class Doubted:
    """The open deals of a moment, and of each the chance to be over.

    Parameters
    ----------
    start : Snapshot
    world : Scenario or ScenarioSampler
        May know such chances, as a fit's sampler does.

    Examples
    --------
    >>> from funnelsim.engine.snapshot import snapshot
    >>> from funnelsim.events.example import LOG
    >>> class Careful:
    ...     over = {"b": 0.9}
    >>> known = Doubted(snapshot(LOG), Careful())
    >>> sum(len(known.drawn(1, replication)) for replication in range(100))
    11
    >>> len(known.likely())
    0
    """

    def __init__(self, start: Snapshot, world: object) -> None:
        self._start = start
        self._ids = np.sort(start.deals["lead_id"].to_numpy(dtype=object))
        chances = doubts(world)
        self._chance = np.array([chances.get(lead, 0.0) for lead in self._ids], dtype=float)

    def there(self, seed: int, replication: int) -> Flags:
        """Which deals are still open in a replication, by id.

        Each deal has luck of its own: what becomes of one changes no other's.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        stream, open_ = Stream(seed, replication), np.ones(len(self._ids), dtype=bool)
        for deal in np.flatnonzero(self._chance > 0):
            luck = stream.uniforms(hash_id(f"{self._ids[deal]}/over"), 0, 0)[0]
            open_[deal] = luck >= self._chance[deal]
        return open_

    def drawn(self, seed: int, replication: int) -> Snapshot:
        """The deals that are still open in a replication."""
        return self.kept(self.there(seed, replication))

    def likely(self) -> Snapshot:
        """The deals that are rather open than over."""
        return self.kept(self._chance < 0.5)  # noqa: PLR2004 - as likely as not

    def kept(self, there: Flags) -> Snapshot:
        """The deals of `there`."""
        return self._start if there.all() else self._start.filter(self._ids[there])
