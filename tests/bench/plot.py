# SPDX-License-Identifier: GPL-2.0-only
"""Loads and refreshes as an SVG: time and memory by size of the initrd, log-log."""

import math
from html import escape

from digests import BASELINE
from loaders import OURS, SECOND

WIDTH, ROW_HEIGHT, FOOT = 880, 380, 28
PANEL_WIDTH, PANEL_HEIGHT, TOP = 310, 240, 94
LEFTS = [76, 500]
COLOURS = {OURS: "#0b6e4f", BASELINE: "#b3402a", SECOND: "#3b5b92"}
DASHES = {OURS: "", BASELINE: "", SECOND: ' stroke-dasharray="6 4"'}
LEAST = 0.001  # lower bound, since a log axis has no zero

STYLE = ("text{font:12px sans-serif;fill:#333}.title{font-size:16px;font-weight:bold}"
         ".panel{font-size:13px;font-weight:bold}.grid{stroke:#e2e2e2}"
         ".axis{stroke:#888;fill:none}")


def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>'
            f"{escape(words)}</text>")


def number(value: float) -> str:
    """Two significant figures, without an exponent."""
    digits = max(0, 1 - math.floor(math.log10(value)))
    return f"{value:.{digits}f}"


class Panel:
    """One pair of axes; the value axis runs over whole powers of ten."""

    def __init__(self, left: float, top: float, sizes: list, values: list):
        self.left = left
        self.top = top
        self.sizes = sizes
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)

    def x(self, size: float) -> float:
        first, last = math.log2(self.sizes[0]), math.log2(self.sizes[-1])
        share = (math.log2(size) - first) / ((last - first) or 1)
        return self.left + PANEL_WIDTH * (0.08 + 0.84 * share)

    def y(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.top + PANEL_HEIGHT * (1 - share)

    def axes(self, title: str, unit: str) -> list:
        out = [text(self.left, self.top - 14, title, "start", ' class="panel"')]
        for power in range(self.low, self.high + 1):
            y = self.y(10.0**power)
            out.append(f'<line class="grid" x1="{self.left}" x2="{self.left + PANEL_WIDTH}" '
                       f'y1="{y:.1f}" y2="{y:.1f}"/>')
            out.append(text(self.left - 8, y + 4, f"{10.0**power:g}", "end"))
        for size in self.sizes:
            out.append(text(self.x(size), self.top + PANEL_HEIGHT + 18, f"{size}"))
        out.append(f'<path class="axis" d="M{self.left} {self.top}v{PANEL_HEIGHT}'
                   f'h{PANEL_WIDTH}"/>')
        out.append(text(self.left + PANEL_WIDTH / 2, self.top + PANEL_HEIGHT + 38,
                        "initrd, MiB (log)"))
        middle = self.top + PANEL_HEIGHT / 2
        out.append(text(self.left - 50, middle, f"{unit} (log)", "middle",
                        f' transform="rotate(-90 {self.left - 50} {middle})"'))
        return out

    def line(self, name: str, values: list, above: bool) -> list:
        colour = COLOURS[name]
        spots = [(self.x(size), self.y(value)) for size, value in zip(self.sizes, values)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        if name == SECOND:  # close to the first line: no numbers
            return [f'<polyline points="{path}" fill="none" stroke="{colour}" '
                    f'stroke-width="2"{DASHES[name]}/>']
        out = [f'<polyline points="{path}" fill="none" stroke="{colour}" '
               'stroke-width="2"/>']
        for (x, y), value in zip(spots, values):
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
            low = y + 20 > self.top + PANEL_HEIGHT  # no room below it
            out.append(text(x, y + (-9 if above or low else 18), number(value)))
        return out


def legend(names: list, top: float) -> list:
    out = []
    for i, name in enumerate(names):
        x = LEFTS[0] + 130 * i
        out.append(f'<line x1="{x}" x2="{x + 22}" y1="{top - 42}" y2="{top - 42}" '
                   f'stroke="{COLOURS[name]}" stroke-width="3"{DASHES[name]}/>')
        out.append(text(x + 28, top - 38, name, "start"))
    return out


def panel(left: float, top: float, title: str, unit: str, key: str, sizes: list) -> list:
    values = {name: [max(one[name][key], LEAST) for one in sizes]
              for name in COLOURS if name in sizes[0]}
    axes = Panel(left, top, [one["initrd_mib"] for one in sizes], sum(values.values(), []))
    out = axes.axes(title, unit)
    for name, several in values.items():
        out += axes.line(name, several, name != OURS)
    return out


def row(number_of: int, title: str, sizes: list, panels: list) -> list:
    """A title, a legend, two panels: (title, unit, key of the values)."""
    top = TOP + ROW_HEIGHT * number_of
    names = [name for name in COLOURS if name in sizes[0]]
    out = [text(LEFTS[0], top - 66, title, "start", ' class="title"'), *legend(names, top)]
    for left, (name, unit, key) in zip(LEFTS, panels):
        out += panel(left, top, name, unit, key, sizes)
    return out


def draw(result: dict) -> str:
    """The whole SVG file, from the measurements: at least the loads."""
    it = result["machine"]
    rows = row(0, "Cost of kexec -l", result["loader"]["sizes"],
               [("Processor time", "seconds", "cpu_s"),
                ("Private memory", "MiB", "memory_mib")])
    if result["refresh"]:
        rows += row(1, "A fresh seed: refresh against reload", result["refresh"]["sizes"],
                    [("The whole command", "milliseconds", "command_ms"),
                     ("No crash kernel is loaded", "milliseconds", "window_ms")])
    height = ROW_HEIGHT * (2 if result["refresh"] else 1) + FOOT
    foot = (f"{it['processor']}, {it['processors']} processors, {it['date']}; "
            f"{result['loader']['kexec_tools']}; median of {result['rounds']}")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">', f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *rows,
        text(LEFTS[0], height - 12, foot, "start"), "</svg>"]) + "\n"
