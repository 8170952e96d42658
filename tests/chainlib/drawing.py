# SPDX-License-Identifier: GPL-2.0-only
"""SVG drawings: kernels as boxes, hops as arrows, times as bars. Colours are classes of the
page's style, so they follow light mode, dark mode and print."""

from html import escape

from .records import PARTS, Times
from .words import counted, short

# In pixels. The page's style repeats the column's width and the height of a step.
COLUMN = 220  # drawing to the left of each hop's text
BOX_HEIGHT = 46
ARROW_HEIGHT = 104
BAR_WIDTH, BAR_HEIGHT = 600, 22
NAME_MAX, RELEASE_MAX = 24, 34  # characters that fit into a box


def svg(width: int, height: int, label: str, body: str, kind: str) -> str:
    return (f'<svg class="{kind}" role="img" aria-label="{escape(label)}"'
            f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f"{body}</svg>")


def box(y: int, name: str, release: str, kind: str = "box") -> str:
    middle = COLUMN // 2
    return (f'<rect class="{kind}" x="1" y="{y + 1}" width="{COLUMN - 2}"'
            f' height="{BOX_HEIGHT - 2}" rx="7"/>'
            f'<text class="name" x="{middle}" y="{y + 20}">'
            f"{escape(short(name, NAME_MAX))}</text>"
            f'<text class="release" x="{middle}" y="{y + 36}">'
            f"{escape(short(release, RELEASE_MAX))}</text>")


def kernel(name: str, release: str) -> str:
    """A single kernel."""
    return svg(COLUMN, BOX_HEIGHT, f"Linux {name}", box(0, name, release), "kernel")


def arrow(height: int, bad: bool) -> str:
    kind = "arrow bad" if bad else "arrow"
    x = COLUMN // 2
    return (f'<path class="{kind}" d="M{x} 0V{height - 9}"/>'
            f'<path class="head {kind}" d="M{x - 6} {height - 10}h12l-6 9z"/>')


def hop(number: int, method: str, name: str, release: str, bad: bool) -> str:
    """The arrow from the kernel above and the box of the target, which has no release if it
    did not come up."""
    y = ARROW_HEIGHT // 2
    text = (f'<rect class="plate" x="{COLUMN // 2 - 70}" y="{y - 26}" width="140"'
            f' height="40" rx="4"/>'
            f'<text class="number" x="{COLUMN // 2}" y="{y - 9}">hop {number}</text>'
            f'<text class="method" x="{COLUMN // 2}" y="{y + 7}">{escape(method)}</text>')
    end = box(ARROW_HEIGHT, name, release or "not reached", "box" if release else "box bad")
    body = arrow(ARROW_HEIGHT, bad) + text + end
    return svg(COLUMN, ARROW_HEIGHT + BOX_HEIGHT, f"hop {number} by {method} to {name}",
               body, "step")


def fork(count: int) -> str:
    """Arrows from one snapshot to its clones."""
    x, height = COLUMN // 2, 64
    ways = min(count, 7)
    ends = [COLUMN * n // (ways + 1) for n in range(1, ways + 1)]
    lines = "".join(f'<path class="arrow" d="M{x} 0C{x} 38 {end} 22 {end} {height - 9}"/>'
                    f'<path class="head arrow" d="M{end - 5} {height - 10}h10l-5 9z"/>'
                    for end in ends)
    return svg(COLUMN, height, f"one snapshot, {counted(count, 'clone')}", lines, "fork")


def bar(times: Times, longest: float) -> str:
    """The parts of a hop side by side, scaled to the longest hop."""
    if not times.parts():
        return ""
    x, rects = 0.0, []
    for part, seconds in times.parts():
        width = BAR_WIDTH * seconds / longest
        rects.append(f'<rect class="part {part}" x="{x:.1f}" y="0" width="{width:.1f}"'
                     f' height="{BAR_HEIGHT}"><title>{part}: {seconds:.2f} s</title>'
                     "</rect>")
        if width > 44:
            rects.append(f'<text class="amount" x="{x + width / 2:.1f}" y="15">'
                         f"{seconds:.2f} s</text>")
        x += width
    label = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in times.parts())
    return svg(BAR_WIDTH, BAR_HEIGHT, label or "no times", "".join(rects), "bar")


def legend() -> str:
    """The meaning of the colours."""
    entries = (f'<li><svg class="swatch" aria-hidden="true" width="14" height="14">'
               f'<rect class="part {part}" width="14" height="14" rx="2"/></svg>'
               f"<b>{part}</b> {escape(what)}</li>" for part, what in PARTS.items())
    return f'<ul class="legend">{"".join(entries)}</ul>'
