# SPDX-License-Identifier: GPL-2.0-only
"""The loads as an SVG: processor time and memory against the initrd's size, log-log."""

import math
from html import escape

from digests import BASELINE
from loaders import OURS

WIDTH, HEIGHT = 880, 400
PANEL_WIDTH, PANEL_HEIGHT, TOP = 310, 240, 86
LEFTS = [76, 500]
COLOURS = {OURS: "#0b6e4f", BASELINE: "#b3402a"}

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

    def __init__(self, left: float, sizes: list, values: list):
        self.left = left
        self.sizes = sizes
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)

    def x(self, size: float) -> float:
        first, last = math.log2(self.sizes[0]), math.log2(self.sizes[-1])
        share = (math.log2(size) - first) / ((last - first) or 1)
        return self.left + PANEL_WIDTH * (0.08 + 0.84 * share)

    def y(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return TOP + PANEL_HEIGHT * (1 - share)

    def axes(self, title: str, unit: str) -> list:
        out = [text(self.left, TOP - 14, title, "start", ' class="panel"')]
        for power in range(self.low, self.high + 1):
            y = self.y(10.0**power)
            out.append(f'<line class="grid" x1="{self.left}" x2="{self.left + PANEL_WIDTH}" '
                       f'y1="{y:.1f}" y2="{y:.1f}"/>')
            out.append(text(self.left - 8, y + 4, f"{10.0**power:g}", "end"))
        for size in self.sizes:
            out.append(text(self.x(size), TOP + PANEL_HEIGHT + 18, f"{size}"))
        out.append(f'<path class="axis" d="M{self.left} {TOP}v{PANEL_HEIGHT}'
                   f'h{PANEL_WIDTH}"/>')
        out.append(text(self.left + PANEL_WIDTH / 2, TOP + PANEL_HEIGHT + 38,
                        "initrd, MiB (log)"))
        middle = TOP + PANEL_HEIGHT / 2
        out.append(text(self.left - 50, middle, f"{unit} (log)", "middle",
                        f' transform="rotate(-90 {self.left - 50} {middle})"'))
        return out

    def line(self, name: str, values: list, above: bool) -> list:
        colour = COLOURS[name]
        spots = [(self.x(size), self.y(value)) for size, value in zip(self.sizes, values)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        out = [f'<polyline points="{path}" fill="none" stroke="{colour}" '
               'stroke-width="2"/>']
        for (x, y), value in zip(spots, values):
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
            out.append(text(x, y + (-9 if above else 18), number(value)))
        return out


def legend() -> list:
    out = []
    for i, name in enumerate([OURS, BASELINE]):
        x = LEFTS[0] + 130 * i
        out.append(f'<line x1="{x}" x2="{x + 22}" y1="50" y2="50" '
                   f'stroke="{COLOURS[name]}" stroke-width="3"/>')
        out.append(text(x + 28, 54, name, "start"))
    return out


def panel(left: float, title: str, unit: str, key: str, sizes: list) -> list:
    # What is too little to be measured still has a place on a logarithmic axis.
    values = {name: [max(one[name][key], 0.001) for one in sizes] for name in COLOURS}
    axes = Panel(left, [one["initrd_mib"] for one in sizes], sum(values.values(), []))
    out = axes.axes(title, unit)
    for name in COLOURS:
        out += axes.line(name, values[name], name == BASELINE)
    return out


def loads(result: dict) -> str:
    """The whole SVG file."""
    sizes = result["loader"]["sizes"]
    it = result["machine"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           f'viewBox="0 0 {WIDTH} {HEIGHT}">', f"<style>{STYLE}</style>",
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           text(LEFTS[0], 28, "What kexec -l costs", "start", ' class="title"'), *legend()]
    out += panel(LEFTS[0], "Processor time", "seconds", "cpu_s", sizes)
    out += panel(LEFTS[1], "Memory of its own", "MiB", "memory_mib", sizes)
    out.append(text(LEFTS[0], HEIGHT - 12,
                    f"{it['processor']}, {it['processors']} processors, {it['date']}; "
                    f"{result['loader']['kexec_tools']}; median of {result['rounds']}",
                    "start"))
    return "\n".join(out) + "\n</svg>\n"
