# SPDX-License-Identifier: GPL-2.0-only
"""The HTML page: a single file, without scripts or external resources."""

from html import escape

from . import drawing, words
from .records import (LATER, Clone, Hop, Run, clone_problems, copies, hop_problems,
                      problems)

# Forbids the browser to fetch anything, even if markup slips into the page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --bg: #fff; --fg: #1c2430; --soft: #5b6675;
  --line: #c9d1db; --card: #f5f7fa; --good: #17693a; --bad: #b3261e; --accent: #2b5fa8; }
@media (prefers-color-scheme: dark) { :root { --bg: #14181f; --fg: #e6eaf0;
  --soft: #9aa6b6; --line: #3a4453; --card: #1d232d; --good: #6fcf97; --bad: #ff8a80;
  --accent: #8ab4f8; } }
@media print { :root { color-scheme: light; --bg: #fff; --fg: #000; --soft: #444;
  --line: #999; --card: #fff; --good: #17693a; --bad: #b3261e; --accent: #2b5fa8; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 11px; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 28px 20px 48px; max-width: 960px; background: var(--bg);
  color: var(--fg); font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 26px; } h2 { margin: 36px 0 10px; font-size: 18px; }
p { margin: 6px 0; } code, .print { font-family: ui-monospace, monospace; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
.verdict { margin: 16px 0; padding: 10px 14px; border: 1px solid; border-left-width: 5px;
  border-radius: 6px; } .verdict ul { margin: 6px 0 0; padding-left: 20px; }
.verdict p { margin: 0; } .verdict li { color: var(--fg); }
ol.chain { list-style: none; margin: 0; padding: 0; }
ol.chain > li { display: flex; gap: 26px; align-items: flex-start; break-inside: avoid; }
/* extends the line below a box if the text is taller than the drawing */
ol.chain > li { position: relative; }
ol.chain > li:not(:last-child)::before { content: ""; position: absolute; left: 109px;
  top: 150px; bottom: 0; width: 2px; background: var(--accent); z-index: -1; }
ol.chain > li.first::before { top: 46px; }
ol.chain > li > svg { flex: none; display: block; }
.words { flex: 1; min-width: 0; margin: 10px 0; padding: 10px 14px;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.words.notes { margin: 0; padding: 8px 14px; background: none; border: 0; }
.seed { display: flex; flex-wrap: wrap; gap: 2px 18px; align-items: baseline; }
.print { font-size: 16px; font-weight: 600; color: var(--accent); }
.marks { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 2px 0 0; padding: 0;
  list-style: none; }
svg.bar { width: 100%; height: auto; display: block; margin-top: 8px; }
svg text { font: 12px system-ui, sans-serif; fill: var(--fg); text-anchor: middle; }
svg .name { font-size: 14px; font-weight: 600; } svg .release { font-size: 11px; }
svg .release { fill: var(--soft); } svg .method { font: 12px ui-monospace, monospace; }
svg .number { fill: var(--soft); font-size: 11px; }
.box { fill: var(--card); stroke: var(--accent); stroke-width: 1.5; }
.box.bad { stroke: var(--bad); stroke-dasharray: 5 4; }
.plate { fill: var(--bg); } .arrow { fill: none; stroke: var(--accent); stroke-width: 2; }
.head.arrow { fill: var(--accent); stroke: none; }
.arrow.bad { stroke: var(--bad); stroke-dasharray: 5 4; }
.head.arrow.bad { fill: var(--bad); stroke: none; }
.part { stroke: var(--bg); stroke-width: 1; } .shutdown { fill: #8db8e2; }
.purgatory { fill: #f0b04a; } .decompression { fill: #6cc3a0; } .boot { fill: #d79ec4; }
svg .amount { fill: #111; font-size: 11px; }
.legend { display: grid; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr));
  gap: 2px 18px; margin: 8px 0 22px; padding: 0; list-style: none; font-size: 13px; }
.legend svg { margin-right: 7px; vertical-align: -2px; }
ul.clones { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr));
  gap: 10px; margin: 8px 0; padding: 0; list-style: none; }
.clone { padding: 8px 12px; background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; break-inside: avoid; font-size: 13px; }
.clone .print { font-size: 14px; } .clone div { overflow-wrap: anywhere; }
@media (max-width: 640px) { ol.chain > li { flex-direction: column; gap: 0; }
  .words { width: 100%; } .words.notes { background: var(--bg); }
  .legend { grid-template-columns: 1fr; } }
"""


def mark(value: bool | None, good: str, bad: str, unknown: str) -> str:
    """A sign and text, so that colour is never the only cue."""
    kind, text = {True: ("good", f"✓ {good}"), False: ("bad", f"✗ {bad}"),
                  None: ("soft", f"? {unknown}")}[value]
    return f'<li class="{kind}">{escape(text)}</li>'


def wiped_mark(hop: Hop) -> str:
    places = copies(max(hop.copies, default=0))
    if not any(hop.copies):
        later = ", also two hops later" if len(hop.copies) > LATER else ""
        return mark(hop.wiped, f"gone from RAM{later}", "", "RAM not searched")
    return mark(hop.wiped, "gone from RAM two hops later", f"{places} in RAM",
                f"{places} in RAM, the kernel’s own")


def hop_words(hop: Hop, longest: float) -> str:
    bad = hop_problems(hop)
    ready = "" if hop.ready_at is None else f" (ready at {hop.ready_at:.6f} s)"
    marks = ""
    if words.has_seed(hop.seed):
        marks = "".join([
            mark(hop.used, "used at time zero", f"not used at time zero{ready}",
                 "use not observed"),
            mark(hop.seed.fresh, "new", "not new", "not compared"), wiped_mark(hop)])
    if marks:
        marks = f'<ul class="marks">{marks}</ul>'
    given = f"passed by {hop.passed_by}, {words.handed(hop.seed)}" if hop.seed else \
        words.handed(None)
    total = f"{hop.times.total():.2f} s" if hop.times.parts() else "no times"
    loading = "" if hop.times.load is None else f", loaded in {hop.times.load:.2f} s"
    lines = "".join(f'<p class="bad">✗ {escape(x)}</p>' for x in bad)
    return (f'<div class="words"><div class="seed"><span class="print">'
            f"{escape(words.fingerprint(hop.seed))}</span><span>{escape(given)}</span>"
            f'<span class="soft">{total}{loading}</span></div>'
            f"{marks}{drawing.bar(hop.times, longest)}{lines}</div>")


def chain(run: Run) -> str:
    first = drawing.kernel(run.kernels[0], run.first)
    items = [f'<li class="first">{first}<div class="words notes soft">booted by QEMU:'
             f" {escape(run.machine)}</div></li>"]
    longest = max((h.times.total() for h in run.hops), default=0)
    for hop in run.hops:
        picture = drawing.hop(hop.number, words.method(hop), hop.target, hop.release,
                              bool(hop_problems(hop)))
        items.append(f'<li class="hop" id="hop-{hop.number}">{picture}'
                     f"{hop_words(hop, longest)}</li>")
    if run.forks:
        items.append(f'<li class="forks">{drawing.fork(run.forks)}'
                     f'<div class="words notes soft">one snapshot,'
                     f' {words.counted(run.forks, "clone")}'
                     "</div></li>")
    return f'<ol class="chain">{"".join(items)}</ol>'


def clone_item(clone: Clone) -> str:
    bad = clone_problems(clone)
    details = [words.handed(clone.seed), f"{clone.seconds:.1f} s"]
    if clone.refreshed:
        details.append(f"daemon: {clone.refreshed}")
    if clone.used:
        details.append("used at once")
    signs = "".join(f'<div class="bad">✗ {escape(x)}</div>' for x in bad) or \
        '<div class="good">✓ new</div>'
    return (f'<li class="clone"><span class="soft">{clone.number}</span>'
            f' <span class="print">{escape(words.fingerprint(clone.seed))}</span>'
            f"<div>{escape(', '.join(details))}</div>{signs}</li>")


def clones(run: Run) -> str:
    if not run.clones:
        return ""
    daemon = "with the daemon" if run.clones[0].daemon else "without the daemon"
    items = "".join(clone_item(c) for c in run.clones)
    return (f"<h2>Clones</h2><p>Each resumes from the same snapshot, {daemon}, and"
            f" crashes into the {escape(run.crash_into)}.</p>"
            f'<ul class="clones">{items}</ul>')


def verdict(run: Run) -> str:
    bad = problems(run)
    if not bad:
        return ('<div class="verdict good"><p><strong>✓ Every promise was kept.</strong>'
                f" {escape(words.summary(run))}</p></div>")
    items = "".join(f"<li>{escape(x)}</li>" for x in bad)
    return ('<div class="verdict bad"><p><strong>✗ Some promises were broken.</strong>'
            f" {escape(words.summary(run))}</p><ul>{items}</ul></div>")


def page(run: Run) -> str:
    name = words.title(run)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kexec-seed: {escape(name)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(name[:1].upper() + name[1:])}</h1>
{verdict(run)}
{drawing.legend() if run.hops else ""}
{chain(run)}
{clones(run)}
<h2>How to read this</h2>
<p>A seed is identified by the first digits of its SHA-256; its bytes are not shown. It was
read from outside the guest at each kernel’s first instruction. “Mixed”: the purgatory
made it unique at the moment of the jump. “Unmixed”: it arrived as loaded.</p>
</body>
</html>
"""
