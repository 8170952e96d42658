# SPDX-License-Identifier: GPL-2.0-only
"""For the tests of kexec and kexec-seed over a fake kernel (test_programs*.py): loads, refreshes and
what is said of them; and the run of a module's tests. With arguments, only those whose names
contain one of them.
"""

import os
import re
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fake_machine import KEXEC, KEXEC_SEED, Machine, Segment, no_fake_here

SKIPPED = 77
FILE_NO_INITRAMFS, FILE_ON_CRASH, FILE_UNLOAD = 4, 2, 1
REFRESHED = ["id", "purgatory", "elfcorehdr", "boot data", "seed"]  # in this order
ALL = [*REFRESHED, "kernel", "initrd"]


def load_crash(m: Machine, *argv: str, **more: str) -> dict[str, Segment]:
    """Loads a crash kernel; returns its segments by name."""
    done = m.run(KEXEC, "-p", m.kernel, f"--initrd={m.initrd}", "--append=quiet", *argv, **more)
    assert (done.returncode, done.stdout) == (0, ""), done
    return dict(zip(ALL, m.segments())) if m.calls() == ["kexec_load"] else {}


def refused(m: Machine, words: str, *argv: str, **more: str) -> None:
    """Status 1 and one line on stderr."""
    done = m.run(*argv, **more)
    assert done.returncode == 1, done
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr, done.stderr


def refresh(m: Machine, *argv: str, **more: str) -> str:
    """Refreshes; returns the mode and the number of refreshes. Notes may come with it."""
    done = m.run(KEXEC_SEED, "refresh", *argv, **more)
    assert done.returncode == 0, done
    found = dict(x.split(maxsplit=1) for x in done.stdout.splitlines())
    assert found["loaded"] == "yes", done.stdout
    return f"{found['refresh']} {found['refreshes']}"


def status(m: Machine) -> dict[str, str]:
    done = m.run(KEXEC_SEED, "status")
    assert (done.returncode, done.stderr) == (0, ""), done
    return {x[:18].strip(): x[18:].strip() for x in done.stdout.splitlines()}


def is_good(m: Machine) -> bool:
    done = m.run(KEXEC_SEED, "verify")
    assert done.returncode == (0 if not done.stderr else 1), done
    return done.returncode == 0


def hide_iomem(m: Machine) -> None:
    m.put("proc/iomem", re.sub(r"^( *)[0-9a-f]+-[0-9a-f]+", r"\g<1>00000000-00000000",
                               (m.root / "proc/iomem").read_text(), flags=re.M))


def run_one(test) -> str:
    """The trace of its failure; "": it passes."""
    with tempfile.TemporaryDirectory(prefix="programs.") as folder:
        try:
            test(Machine(Path(folder)))
        except Exception:  # pylint: disable=broad-exception-caught
            return f"FAILED: {test.__name__}\n{traceback.format_exc()}"
    return ""


def main(tests: dict) -> int:
    """Runs those of a module's globals()."""
    why = no_fake_here()
    if why:
        print(f"SKIPPED: {why}")
        return SKIPPED
    chosen = [f for name, f in tests.items() if name.startswith("test_")
              and (not sys.argv[1:] or any(x in name for x in sys.argv[1:]))]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        failures = [x for x in pool.map(run_one, chosen) if x]
    print(*failures, f"{len(chosen)} tests, {len(failures)} failed", sep="\n")
    return bool(failures)
