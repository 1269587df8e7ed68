"""The numbers of a run as one picture (SVG)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot

_COLOUR, _OTHERS = "#2f6f8f", "#b9c4cb"


def draw(detail: Mapping[str, Any], path: Path) -> Path:
    """Draw the panels that the letters of this run fill, and return the path."""
    pyplot.switch_backend("svg")
    # Names inside the file are hashed with this instead of a random one: the same numbers give the same file.
    pyplot.rcParams["svg.hashsalt"] = "colloquy"
    panels = [panel for panel in (_engines, _slowest, _histories, _days) if panel.__name__[1:] in _filled(detail)]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(5 * len(panels), 3.6), squeeze=False)
    for axis, panel in zip(axes[0], panels, strict=True):
        panel(axis, detail)
        # From the edge of the axis: a centred title would run into the names of the panel next to it.
        axis.set_title((panel.__doc__ or "").rstrip("."), loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def is_drawable(detail: Mapping[str, Any]) -> bool:
    """Whether a letter with something to draw has run."""
    return bool(_filled(detail))


def _filled(detail: Mapping[str, Any]) -> set[str]:
    panels = {"b": {"engines", "slowest"}, "c": {"histories"}, "d": {"days"}}
    return {panel for letter in detail for panel in panels.get(letter, set())}


def _engines(axis: Any, detail: Mapping[str, Any]) -> None:
    """Full refresh, same answers elsewhere, CPU s."""
    found = {"the warehouse": detail["b"]["warehouse, CPU s"], **detail["b"]["engines, CPU s"]}
    _bars(axis, found, {"the warehouse"})


def _slowest(axis: Any, detail: Mapping[str, Any]) -> None:
    """Slowest models of a full refresh, CPU s."""
    _bars(axis, detail["b"]["slowest models, CPU s"], set())


def _histories(axis: Any, detail: Mapping[str, Any]) -> None:
    """One day of events, by events of history, CPU s."""
    _bars(axis, detail["c"]["SQL of one day, CPU s, by events of history"], set())


def _days(axis: Any, detail: Mapping[str, Any]) -> None:
    """Day after day, CPU s."""
    seconds = detail["d"]["SQL of each day, CPU s"]
    axis.plot(range(1, len(seconds) + 1), seconds, color=_COLOUR)
    axis.set_ylim(0, 1.2 * max(seconds))
    axis.xaxis.get_major_locator().set_params(integer=True)


def _bars(axis: Any, found: Mapping[str, float], marked: set[str]) -> None:
    names = list(found)[::-1]
    colours = [_COLOUR if not marked or name in marked else _OTHERS for name in names]
    bars = axis.barh(names, [found[name] for name in names], color=colours)
    axis.bar_label(bars, fmt="%.2f", padding=3)
    # Space for the number next to the longest bar.
    axis.margins(x=0.15)
