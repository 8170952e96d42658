#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which libraries both programs map, and what they do without one (kexec/base/library.h).

The dynamic linker itself tells which it loads (LD_DEBUG). A missing library is one that
fake_machine.so does not let dlopen(3) find ($FAKE_HIDE).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_machine import (FAKE, KEXEC, KEXEC_SEED, LIMIT, MACHINES, Machine,  # noqa: E402
                          no_fake_here)
from small_images import make_images  # noqa: E402

READELF = os.environ.get("READELF", "readelf")
SKIPPED = 77
# The C library; before glibc 2.34 it came in three files.
LIBC = re.compile(r"(lib(c|dl|pthread)\.so\.\d|libc\.so|ld-.*\.so\.\d|libc\.musl-.*)$")
NOTE = re.compile(rb"\[{.*?}\]")
# soname without version -> what needs it: a format of small_images.py, or an option
FORMATS = {"libz": "bzImage.gz", "liblzma": "bzImage.xz", "libzstd": "bzImage.zst",
           "libelf": "vmlinux"}
JSON = "libjson-c"


def notes(program: str) -> dict[str, dict]:
    """The entries of the program's dlopen notes, by soname without version."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["objcopy", "-O", "binary", "--only-section=.note.dlopen", program,
                        out.name], check=True)
        text = Path(out.name).read_bytes()
    entries = [json.loads(x)[0] for x in NOTE.findall(text)]
    return {x["soname"][0].split(".so")[0]: x for x in entries}


def mapped(m: Machine, *argv: str) -> set[str]:
    """Libraries that the program has loaded in the end, without the C library and the fake."""
    with tempfile.TemporaryDirectory() as folder:
        done = m.run(*argv, LD_DEBUG="files", LD_DEBUG_OUTPUT=f"{folder}/said")
        said = "".join(x.read_text(errors="replace") for x in Path(folder).iterdir())
    assert done.returncode == 0, done
    # a line for each: "PID: file=NAME [0];  generating link map"
    names = {os.path.basename(x) for x in re.findall(r"file=(\S+) \[0\];  generating", said)}
    assert os.path.basename(FAKE) in names, said[:2000]
    return {x.split(".so")[0] for x in names
            if not LIBC.match(x) and x != os.path.basename(FAKE)}


def load_crash(m: Machine, *more: str) -> list[str]:
    return [KEXEC, "-p", m.kernel, f"--initrd={m.initrd}", "--append=quiet", *more]


def image(m: Machine, name: str) -> str:
    """A kernel of small_images.py; "" where it cannot be made."""
    path = m.images / name
    if name == "bzImage.zst" and not path.exists() and shutil.which("zstd"):
        subprocess.run(["zstd", "-q", m.kernel, "-o", path], check=True)
    return str(path) if path.exists() else ""


# --- tests -------------------------------------------------------------------------------


def test_linked(_: object) -> None:
    for program in (KEXEC, KEXEC_SEED):
        said = subprocess.run([READELF, "-dW", program], capture_output=True, text=True,
                              check=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", said)
        assert needed and all(LIBC.match(x) for x in needed), (program, needed)


def test_notes(m: Machine) -> None:
    """Packagers are told what is opened: each soname belongs to a library of this build."""
    for program in (KEXEC, KEXEC_SEED):
        found = notes(program)
        assert set(found) == {*FORMATS, JSON}, found
        for entry in found.values():
            assert set(entry) == {"feature", "description", "priority", "soname"}, entry
            assert entry["priority"] == "recommended", entry
            done = m.run(KEXEC, "--version", FAKE_HIDE=entry["soname"][0])
            assert f"({entry['description']})" in done.stdout, (entry, done.stdout)


def test_maps_libc_alone(m: Machine) -> None:
    """No other library next to the seed: a load, a refresh, and what looks after it."""
    assert mapped(m, KEXEC, "-l", m.kernel, f"--initrd={m.initrd}", "--append=quiet") == set()
    assert mapped(m, *load_crash(m)) == set()
    assert mapped(m, KEXEC_SEED, "refresh") == set()
    assert m.calls() == ["kexec_load"]
    assert mapped(m, KEXEC_SEED, "refresh", "--full") == set()
    assert mapped(m, KEXEC_SEED, "verify") == set()
    assert mapped(m, KEXEC_SEED, "status") == set()
    assert mapped(m, KEXEC, "-e") == set()


def test_maps_what_it_needs(m: Machine) -> None:
    """That the test before would see a library: each is there where it is needed."""
    m.run(*load_crash(m))
    for library, name in FORMATS.items():
        path = image(m, name)
        if path:
            assert library in mapped(m, KEXEC, "-p", path, "--append=quiet"), name
    assert mapped(m, KEXEC_SEED, "refresh", "--json") == {JSON}


def test_without(m: Machine) -> None:
    """A missing library is one line with the package; the loaded crash kernel stays."""
    m.run(*load_crash(m))
    entries = notes(KEXEC)
    cases = [(x, [KEXEC, "-p", image(m, y), "--append=quiet"]) for x, y in FORMATS.items()
             if image(m, y)]
    cases += [(JSON, argv) for argv in (
        [KEXEC_SEED, "refresh", "--json"], [KEXEC_SEED, "refresh", "--full", "--json"],
        [KEXEC_SEED, "verify", "--json"], [KEXEC_SEED, "status", "--json"],
        [KEXEC, "--dry-run", "--json", m.kernel, "--append=quiet"])]
    for library, argv in cases:
        soname, purpose = entries[library]["soname"][0], entries[library]["description"]
        before = m.memory(0x2F000000, 16 << 20)
        done = m.run(*argv, FAKE_HIDE=soname)
        assert done.returncode == 1 and done.stdout == "", (argv, done)
        assert re.fullmatch(rf"kexec\S*: .*cannot open a library for {re.escape(purpose)}: "
                            rf"hidden-{re.escape(soname)}: .*; install it \(Debian: \S+\)\n",
                            done.stderr), done.stderr
        assert m.lines() == [] and m.is_loaded(), (argv, m.lines())
        assert m.memory(0x2F000000, 16 << 20) == before, argv
        assert m.run(*argv).returncode == 0, argv


def test_without_any(m: Machine) -> None:
    """What needs none does without."""
    assert m.run(*load_crash(m), FAKE_HIDE="lib").returncode == 0
    for argv in (["refresh"], ["refresh", "--full"], ["verify"], ["status"]):
        done = m.run(KEXEC_SEED, *argv, FAKE_HIDE="lib")
        assert done.returncode == 0, done


def test_version(m: Machine) -> None:
    """It tells what is available now."""
    done = m.run(KEXEC, "--version")
    assert "not installed" not in done.stdout and "zstd" in done.stdout, done
    done = m.run(KEXEC, "--version", FAKE_HIDE="libzstd.so")
    assert "opens bzImage, UKI, ELF vmlinux; gzip, xz\n" in done.stdout, done
    assert "not installed: libzstd1 (kernels in zstd files)\n" in done.stdout, done
    done = m.run(KEXEC, "--version", FAKE_HIDE="lib")
    assert "\nopens bzImage, UKI\n" in done.stdout, done
    for program in (KEXEC, KEXEC_SEED):
        done = m.run(program, "--version", FAKE_HIDE="lib")
        line = done.stdout.splitlines()[-1]
        assert line.startswith("not installed: "), done
        for package in ("zlib1g", "liblzma5", "libzstd1", "libelf1", "libjson-c5"):
            assert f"{package} (" in line, line


# --- device trees: plans of arm64 or riscv64 machines -----------------------------------------------


def plan(folder: Path, **more: str) -> subprocess.CompletedProcess:
    version = subprocess.run([KEXEC, "--version"], capture_output=True, text=True, timeout=LIMIT,
                             check=True).stdout
    arch = "riscv64" if "\nfor riscv64\n" in version else "arm64"
    make_images(folder, arch)
    machine = MACHINES / arch / {"arm64": "virt", "riscv64": "virt-rv"}[arch]
    return subprocess.run(
        [KEXEC, "--dry-run", f"--facts={machine}", str(folder / "Image"),
         "--append=quiet"], env=os.environ | more | {"LD_PRELOAD": FAKE}, capture_output=True,
        text=True, timeout=LIMIT, check=False)


def arm64_linked(folder: Path) -> None:
    test_linked(folder)
    assert "libfdt" in notes(KEXEC) and "libfdt" in notes(KEXEC_SEED)
    done = plan(folder)
    assert done.returncode == 0 and "kexec_load: the default" in done.stdout, done


def arm64_without(folder: Path) -> None:
    """kexec_file_load(2) needs no device tree from us; the reason is told."""
    done = plan(folder, FAKE_HIDE="libfdt.so")
    assert done.returncode == 0 and "kexec: using kexec_file_load: " in done.stderr, done
    assert "cannot open a library for device trees" in done.stderr, done
    assert "install it (Debian: libfdt1)" in done.stderr, done


def lacking() -> str:
    config = Path("config.h").read_text(encoding="ascii")
    if "#define LIBRARIES_LINKED 1" in config:
        return "the libraries are linked in"
    names = [x for x in ("ZLIB", "LZMA", "ZSTD", "ELF", "JSONC") if f"#undef HAVE_{x} " in config]
    return f"built without {', '.join(names)}" if names else ""


def main() -> int:
    config = Path("config.h").read_text(encoding="ascii")
    arm64 = "libfdt" in config
    reason = "a build with sanitizers" if "#define WITH_SANITIZERS 1" in config else lacking()
    if not arm64:
        reason = no_fake_here() or reason
    if reason:
        print(f"SKIPPED: {reason}")
        return SKIPPED
    failed = 0
    prefix = "arm64_" if arm64 else "test_"
    tests = [(x, y) for x, y in globals().items() if x.startswith(prefix)]
    for name, test in tests:
        with tempfile.TemporaryDirectory(prefix="libraries.") as folder:
            try:
                test(Path(folder) if arm64 else Machine(Path(folder)))
            except Exception:  # pylint: disable=broad-except # the others shall run, too
                failed += 1
                print(f"FAILED: {name}")
                traceback.print_exc(file=sys.stdout)
    print(f"{len(tests)} tests, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
