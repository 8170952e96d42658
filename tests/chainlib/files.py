# SPDX-License-Identifier: GPL-2.0-only
"""Reports for programs: JUnit XML and JSON."""

import dataclasses
import json
import re
import xml.etree.ElementTree as ET

from . import words
from .records import Run, clone_problems, distinct, hop_problems, problems

FORMAT = 1
# Characters that XML 1.0 does not allow in text.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(run: Run) -> str:
    """A test case for each requested hop and clone, reached or not."""
    cases = [("hop", h.name, h.times.total(), hop_problems(h)) for h in run.hops]
    cases += [("hop", f"hop {n}", 0, ["not reached"])
              for n in range(len(run.hops) + 1, run.depth + 1)]
    cases += [("clone", c.name, c.seconds, clone_problems(c)) for c in run.clones]
    cases += [("clone", f"clone {n}", 0, ["not reached"])
              for n in range(len(run.clones) + 1, run.forks + 1)]
    if run.error:
        cases.append(("run", "the run", 0, [run.error]))
    suite = ET.Element("testsuite", name="chain", tests=str(len(cases)), errors="0",
                       skipped="0", failures=str(sum(bool(c[3]) for c in cases)),
                       time=f"{run.seconds:.3f}")
    for kind, name, seconds, bad in cases:
        case = ET.SubElement(suite, "testcase", classname=f"chain.{kind}",
                             name=NOT_XML.sub("?", name), time=f"{seconds:.3f}")
        if bad:
            text = NOT_XML.sub("?", "; ".join(bad))
            ET.SubElement(case, "failure", message=text).text = text
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + \
        ET.tostring(root, encoding="unicode") + "\n"


def as_json(run: Run) -> str:
    """All records, and the values derived from them."""
    value = dataclasses.asdict(run)
    for hop, known in zip(run.hops, value["hops"]):
        known |= {"passed_by": hop.passed_by, "wiped": hop.wiped,
                  "method": words.method(hop), "problems": hop_problems(hop)}
        known["times"]["total"] = hop.times.total()
    for clone, known in zip(run.clones, value["clones"]):
        known["problems"] = clone_problems(clone)
    seeds, different = distinct(run)
    bad = problems(run)
    value = {"format": FORMAT, "held": not bad, "problems": bad, "seeds": seeds,
             "distinct_seeds": different, **value}
    return json.dumps(value, indent=2) + "\n"
