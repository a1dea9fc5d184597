"""Sliders for a scenario's own what-ifs, with the answer beneath.

The runs are made in the background, under the same luck for every place of the sliders:
what moves in the picture is moved by the lever. A picture comes as soon as there are a few
runs and is renewed when all are there; moving a slider drops what is under way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from html import escape
from typing import TYPE_CHECKING, Any, Final

from funnelsim.documents import did_you_mean
from funnelsim.errors import InputError, ParameterError, Problem
from funnelsim.reporting.blocks import text
from funnelsim.reporting.screen import html
from funnelsim.reporting.texts import Texts, texts
from funnelsim.workbench.knobs import Knob, Position, knob, turned

if TYPE_CHECKING:
    from funnelsim.experiments import Comparison, Replications
    from funnelsim.experiments.execution import Observation
    from funnelsim.scenarios.scenario import Scenario
    from funnelsim.workbench.panel import Panel

__all__ = ["Bench", "what_if"]

RUNS: Final = 20
FIRST: Final = 5  # runs before the first picture
PATIENCE: Final = 0.4  # seconds for all runs; if it takes longer, there is a first picture
LEVEL: Final = 0.95


def what_if(
    scenario: Scenario,
    what_ifs: Sequence[str] | None = None,
    *,
    seed: int = 1,
    lang: str = "en",
    n: int = RUNS,
    live: bool = True,
) -> Bench | None:
    """Show a slider for each what-if, one picture, and a sentence.

    Parameters
    ----------
    scenario : Scenario
        Lists what-ifs.
    what_ifs : sequence of str, optional
        Some of them; left out: all.
    seed : int
        Of the luck that all places of the sliders share.
    lang : {"en", "uk", "ru", "nl"}
    n : int
        Replications, from 2 on.
    live : bool
        False where nobody can move a slider: in a report. Then nothing is made.

    Returns
    -------
    Bench or None
        Shows itself in JupyterLab.

    Raises
    ------
    ParameterError
        There is no such what-if, or none at all.

    Examples
    --------
    >>> from funnelsim.scenarios.scenario import _TINY, Scenario
    >>> asking = {**_TINY, "what_ifs": {"more": {"set": {"sources.web.rate": "9 / d"}}}}
    >>> bench = what_if(Scenario.model_validate(asking), n=5)
    >>> bench.move(more=1)
    'web: leads 9 per day: deals won up by ... in 4 weeks.'
    """
    if not live:
        return None
    return Bench(scenario, what_ifs, seed=seed, texts=texts(lang), n=n)


class Bench:
    """Sliders, a picture and a sentence; shows itself in JupyterLab.

    Parameters
    ----------
    scenario : Scenario
    what_ifs : sequence of str or None
    seed, n : int
    texts : Texts

    Attributes
    ----------
    widget : ipywidgets.VBox
        All of it.
    sliders : dict of str to ipywidgets.SelectionSlider
        By what-if; a value is a `Position`.
    told : str
        What the sentence says.
    seconds : float
        From the last move to its final picture.
    """

    def __init__(
        self,
        scenario: Scenario,
        what_ifs: Sequence[str] | None,
        *,
        seed: int,
        texts: Texts,
        n: int,
    ) -> None:
        self.scenario, self.seed, self.n, self.t = scenario, seed, max(n, 2), texts
        names = _names(scenario, what_ifs)
        self.knobs = {name: knob(scenario, name, texts) for name in names}
        self.told, self.seconds = "", 0.0
        self._base: list[Observation] = []
        self._panel: Panel | None = None
        self._turn, self._moved = 0, time.perf_counter()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._build()
        self._start()

    def move(self, **shares: float) -> str:
        """Move sliders and wait for the answer.

        Parameters
        ----------
        **shares : float
            What-if → share of the change: 0 as things are, 1 as in the what-if; the nearest
            place there is.

        Returns
        -------
        str
            The sentence, without its markup.
        """
        for name, share in shares.items():
            places = self.knobs[name].positions
            self.sliders[name].value = min(places, key=lambda place: abs(place.share - share))
        self.wait()
        return self.told

    def wait(self, timeout: float = 600.0) -> None:
        """Wait until the picture shows what the sliders say."""
        while (thread := self._thread) is not None and thread.is_alive():
            thread.join(timeout)
            if thread.is_alive():
                raise TimeoutError(f"no picture after {timeout} s")

    def _repr_mimebundle_(self, **options: object) -> Mapping[str, Any] | None:
        """What JupyterLab shows."""
        bundle: Mapping[str, Any] | None = self.widget._repr_mimebundle_(**options)
        return bundle

    # --- widgets --------------------------------------------------------------------------------

    def _build(self) -> None:
        import ipywidgets as w

        self.sliders = {name: self._slider(each) for name, each in self.knobs.items()}
        self.picture = w.Image(format="png", layout=w.Layout(width="760px", min_height="420px"))
        self.sentence = w.HTML(layout=w.Layout(width="760px"))
        self.state = w.HTML()
        reset = w.Button(description=self.t._("As things are"), icon="undo")
        reset.on_click(self._reset)
        rows = [
            w.HBox(
                [
                    w.HTML(
                        f"<div style='line-height:1.25'><b>{escape(each.label)}</b><br>"
                        f"<small>{escape(each.what)}</small></div>",
                        layout=w.Layout(width="400px"),
                    ),
                    self.sliders[name],
                ],
                layout=w.Layout(align_items="center"),
            )
            for name, each in self.knobs.items()
        ]
        foot = w.HBox([reset, self.state], layout=w.Layout(align_items="center"))
        self.widget = w.VBox([*rows, foot, self.picture, self.sentence])

    def _slider(self, each: Knob) -> Any:  # noqa: ANN401 - ipywidgets has no types
        import ipywidgets as w

        slider = w.SelectionSlider(
            options=[(place.text, place) for place in each.positions],
            value=each.today,
            continuous_update=False,
            tooltip=f"{each.label} {each.what}",
            layout=w.Layout(width="360px"),
        )
        slider.observe(self._on_move, "value")
        return slider

    def _reset(self, _: object) -> None:
        for name, slider in self.sliders.items():
            slider.value = self.knobs[name].today

    def _on_move(self, _: object) -> None:
        self._start()

    # --- work in the background -----------------------------------------------------------------

    def _start(self) -> None:
        """Ask for the picture of where the sliders are now."""
        with self._lock:
            self._turn += 1
            self._moved = time.perf_counter()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, daemon=True, name="what-if")
                self._thread.start()

    def _work(self) -> None:
        """Until the picture shows the last move."""
        while True:
            turn = self._turn
            try:
                self._show(turn)
            except InputError as wrong:
                self._tell(text(str(wrong)), "")
            with self._lock:
                if turn == self._turn:
                    self._thread = None
                    return

    def _show(self, turn: int) -> None:
        """Simulate where the sliders are; draw on the way and at the end."""
        places = {self.knobs[name]: slider.value for name, slider in self.sliders.items()}
        waiting = self.t._("simulating …")
        self.state.value = f"<small>{escape(waiting)}</small>"
        moved = {each: place for each, place in places.items() if place.overrides}
        if not self._base:
            self._base = self._runs(self.scenario, None, {})
        if not moved:
            self._draw(self._base, {})
        elif self._runs(turned(self.scenario, moved), turn, moved) == []:
            return
        if turn == self._turn:
            self.seconds = time.perf_counter() - self._moved

    def _runs(
        self, scenario: Scenario, turn: int | None, moved: Mapping[Knob, Position]
    ) -> list[Observation]:
        """All replications of a scenario; none if the sliders have moved on meanwhile."""
        from funnelsim.experiments.execution import Settings, Worlds, observations

        settings = Settings(self.seed)
        worlds = Worlds({"": scenario}, settings)
        self._measures = worlds.measures[0]
        found: list[Observation] = []
        started = time.perf_counter()
        with closing(observations(worlds, self.n, settings)) as runs:
            for (run,) in runs:
                if turn is not None and turn != self._turn:
                    return []
                found.append(run)
                whole = (time.perf_counter() - started) * self.n / len(found)
                if turn is not None and len(found) == FIRST and whole > PATIENCE:
                    self._draw(found, moved)
        if turn is not None:
            self._draw(found, moved)
        return found

    def _draw(self, found: Sequence[Observation], moved: Mapping[Knob, Position]) -> None:
        """Move the marks of the picture, say it in a sentence."""
        from funnelsim.workbench.panel import Panel

        changed = self._replications(found)
        base = self._replications(self._base[: len(found)])
        comparison = self._compared(base, changed, moved)
        if self._panel is None:
            self._panel = Panel(self._replications(self._base), self.t)
        self.picture.value = self._panel.png(comparison)
        self._tell(text(self._sentence(comparison, moved)), self._progress(len(found)))

    def _replications(self, found: Sequence[Observation]) -> Replications:
        from funnelsim.experiments.replication import Replications, columns

        values = columns(found)
        return Replications(
            self.scenario, self._measures, *values, self.seed, LEVEL, {}, precise=True
        )

    def _compared(
        self, base: Replications, changed: Replications, moved: Mapping[Knob, Position]
    ) -> Comparison:
        from funnelsim.experiments import Comparison

        name = "; ".join(f"{each.what} {place.text}" for each, place in moved.items())
        labels = {"now": {self.t.lang: name}}
        return Comparison(base, {"now": changed}, labels, LEVEL, {}, precise=True)

    def _sentence(self, comparison: Comparison, moved: Mapping[Knob, Position]) -> Any:  # noqa: ANN401
        """What the change does, or how to begin."""
        from funnelsim.reporting.experiment import headline
        from funnelsim.reporting.what_ifs.findings import told

        if not moved:
            return self.t._("Things as they are. Move a slider: only what it causes will move.")
        return told(comparison, "now", headline(comparison.measures), self.t)

    def _progress(self, done: int) -> str:
        """How many runs the picture stands on."""
        return self.t._("{done} of {n} runs").format(
            done=self.t.number(done), n=self.t.number(self.n)
        )

    def _tell(self, block: Any, state: str) -> None:  # noqa: ANN401 - a text block
        from funnelsim.reporting.screen import line

        self.told = line(block)
        self.sentence.value = f"<div style='font-size:15px;line-height:1.4'>{html(block)}</div>"
        self.state.value = f"<small>{escape(state)}</small>"


def _names(scenario: Scenario, what_ifs: Sequence[str] | None) -> list[str]:
    """Those asked for; every one that there is not, at once."""
    names = list(what_ifs or scenario.what_ifs)
    if not names:
        problem = Problem("lists no what-ifs", scenario.name, "what_ifs", "Write some questions.")
        raise ParameterError(problem)
    wrong = [
        Problem(f'there is no what-if "{name}"', fix=did_you_mean(name, scenario.what_ifs))
        for name in names
        if name not in scenario.what_ifs
    ]
    if wrong:
        raise ParameterError(wrong)
    return names
