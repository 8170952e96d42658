#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The address of the VM generation ID for ACPI tables compiled from source.

Each case is compiled with iasl and evaluated twice: by show_vmgenid, in a folder with the
tables and the memory that they refer to, and by ACPICA's acpiexec. Both must give the
case's address, or show_vmgenid must refuse, and say why. The cases are those of
tests/unit/acpi/shapes (index.json), and those below: variations, near misses, and
what has to be refused by name.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2])).resolve()
SHOW = Path(os.environ.get("SHOW_VMGENID", "tests/unit/show_vmgenid")).resolve()
SHAPES = TOP / "tests/unit/acpi/shapes"
MACHINE = TOP / "tests/machines/bios-1g"
AT_ONCE = 16  # acpiexec sleeps for a second before it ends
LIMIT = 30 * float(os.environ.get("KEXEC_TEST_SLOW", "1"))  # seconds
ABSENT, FOUND, UNKNOWN, BAD, HIDDEN, UNREADABLE = range(6)  # enum vmgenid_state
GOOD = 0xfc0d7018


class Case(NamedTuple):
    name: str
    sources: list[str]  # one for each table
    want: int | None  # None: refused
    why: str = ""  # what the reason must contain
    mem: dict[int, int] = {}  # address -> 32-bit word
    fields: dict[str, int] = {}  # for acpiexec
    path: str = "\\_SB.GENC"
    state: int | None = None
    hypervisor: str | None = None
    origin: str | None = None
    acpiexec: bool = True  # compare with it
    patch: tuple[bytes, bytes] = (b"", b"")  # AML that iasl does not emit: old, new


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(x) for x in command], capture_output=True, text=True,
                          timeout=LIMIT, check=False)


def compile_tables(case: Case, folder: Path) -> list[Path]:
    tables = []
    for number, source in enumerate(case.sources):
        name = folder / ("DSDT" if number == 0 else f"SSDT{number}")
        name.with_suffix(".asl").write_text(source)
        # -f: second definitions and the like are wanted here; -of: nothing is folded
        done = run("iasl", "-f", "-of", "-ve", "-p", name, name.with_suffix(".asl"))
        if not name.with_suffix(".aml").exists():
            raise AssertionError(f"iasl: {done.stdout}{done.stderr}")
        tables.append(name.with_suffix(".aml"))
    old, new = case.patch
    if old:
        table = bytearray(tables[0].read_bytes())
        if table.count(old) != 1 or len(old) != len(new):
            raise AssertionError(f"{table.count(old)} times {old!r}")
        table = table.replace(old, new)
        table[9] = (table[9] - sum(table)) & 0xff  # the checksum
        tables[0].write_bytes(table)
    return tables


def make_machine(case: Case, tables: list[Path], folder: Path) -> None:
    shutil.copytree(MACHINE, folder)
    target = folder / "sys/firmware/acpi/tables"
    target.mkdir(parents=True, exist_ok=True)
    for table in tables:
        shutil.copyfile(table, target / table.stem)
    (folder / "dev").mkdir()
    with open(folder / "dev/mem", "wb") as file:
        for addr, value in case.mem.items():
            file.seek(addr)
            file.write(struct.pack("<I", value))
        file.truncate(file.tell() + 64 if case.mem else 0)


def show(folder: Path) -> tuple[int, int, str, dict[str, str]]:
    done = run(SHOW, folder)
    if done.returncode:
        raise AssertionError(f"show_vmgenid: {done.returncode} {done.stderr}")
    first, *rest = done.stdout.splitlines()
    state, addr, why = first.split(" ", 2)
    more = dict(line.split(" ", 1) for line in rest)
    return int(state), int(addr, 16), why, more


def reference(case: Case, tables: list[Path], folder: Path) -> int | None:
    """The address as ACPICA evaluates it; None if it gives no package of two integers."""
    command: list[object] = ["acpiexec", "-di", "-b", f"evaluate {case.path}.ADDR"]
    if case.fields:
        init = folder / "fields"
        init.write_text("".join(f"{k} 0x{v:x}\n" for k, v in case.fields.items()))
        command[1:1] = ["-fi", init]
    text = run(*command, *tables).stdout
    text = text[text.rfind("Evaluating"):]
    found = re.search(r"\[Package\] Contains 2 Elements:\s+\[Integer\] = ([0-9A-F]+)\s+"
                      r"\[Integer\] = ([0-9A-F]+)", text)
    if not found:
        return None
    return int(found[1], 16) | int(found[2], 16) << 32


def check(case: Case) -> str | None:
    """Returns the failure, if there is one."""
    with tempfile.TemporaryDirectory(prefix="asl") as name:
        folder = Path(name)
        tables = compile_tables(case, folder)
        make_machine(case, tables, folder / "machine")
        state, addr, why, more = show(folder / "machine")
        theirs = reference(case, tables, folder) if case.acpiexec else case.want
    said = f"state {state}, {addr:#x}, '{why}', {more}"
    if case.want is None:
        if state == FOUND or addr or case.why not in why:
            return f"{said}; wanted a refusal with '{case.why}'"
    elif state != FOUND or addr != case.want or why:
        return f"{said}; wanted {case.want:#x}"
    elif theirs != case.want:
        return f"acpiexec: {theirs}; wanted {case.want:#x}"
    if case.state is not None and state != case.state:
        return f"{said}; wanted state {case.state}"
    if case.hypervisor is not None and more["hypervisor"] != case.hypervisor:
        return f"{said}; wanted hypervisor {case.hypervisor}"
    if case.origin is not None and more["from"] != case.origin:
        return f"{said}; wanted '{case.origin}'"
    return None


def shapes() -> list[Case]:
    """Shapes of real hypervisors (r), variations (v), traps (w)."""
    hypervisors = {"r01": "QEMU", "r02": "VMGENCTR", "r03": "bhyve", "r04": "Xen",
                   "r05": "Hyper-V", "r07": "Hyper-V", "r08": "VMware", "r09": "AWS Nitro",
                   "r10": "LNRO0003"}
    origins = {"r01": "constant", "r04": "field of \\_SB.INFO at 0xfc0d6014",
               "r05": "field of \\BIOS at 0xfc0d6010",
               "r08": "field of \\_SB.EREG at 0xfc0d6408"}
    reasons = {"v21": "SystemIO", "v25": "under a condition", "v32": "GIDA, which ADDR needs, may change",
               "v39": "GILO, which ADDR needs, lies outside of its region",
               "w01": "GIDA, which ADDR needs, may change", "w04": "_STA"}
    cases = []
    for name, entry in json.loads((SHAPES / "index.json").read_text()).items():
        key = name[:3]
        sources = [(SHAPES / f"{name}.{table}.asl").read_text() for table in entry["tables"]]
        cases.append(Case(name, sources, entry["want"], reasons.get(key, ""),
                          {int(k): v for k, v in entry["mem"].items()}, entry["fields"],
                          entry["path"], hypervisor=hypervisors.get(key),
                          origin=origins.get(key)))
    return cases


def device(body: str, before: str = "", revision: int = 2, ids: str = "") -> str:
    """A DSDT with the device \\_SB.GENC."""
    ids = ids or 'Name (_HID, "TEST0001") Name (_CID, "VM_Gen_Counter")'
    return (f'DefinitionBlock ("", "DSDT", {revision}, "TEST", "DSDT", 1) {{ {before}\n'
            f"Scope (\\_SB) {{ Device (GENC) {{ {ids}\n{body} }} }} }}")


def ssdt(body: str) -> str:
    return f'DefinitionBlock ("", "SSDT", 2, "TEST", "SSDT", 1) {{ {body} }}'


def method(code: str) -> str:
    return f"Method (ADDR, 0, Serialized) {{ {code} }}"


def result(low: str, high: str = "0", first: str = "") -> str:
    """A method that gives both expressions."""
    return method(f"{first} Store (Package (2) {{}}, Local7) Store ({low}, Index (Local7, 0)) "
                  f"Store ({high}, Index (Local7, 1)) Return (Local7)")


REGION = ("OperationRegion (REGN, SystemMemory, 0xfc0d6000, 0x40) "
          "Field (REGN, DWordAcc, NoLock, Preserve) { GILO, 32, GIHI, 32 }")
WORDS = {0xfc0d6000: GOOD, 0xfc0d6004: 0x12}
FIELDS = {"\\GILO": GOOD, "\\GIHI": 0x12}
BOTH = 0x12fc0d7018
CONSTANT = "Name (ADDR, Package (2) { 0xfc0d7018, 0 })"


def expressions() -> list[Case]:
    """One expression each that gives the lower half."""
    texts = {
        "add": "Add (0xfc0d7000, 0x18)", "subtract": "Subtract (0xfc0d7028, 0x10)",
        "and": "And (0xfc0d7018, 0xfffffff8)", "or": "Or (0xfc0d7000, 0x18)",
        "xor": "XOr (0xfc0d7000, 0x18)", "shift-left": "ShiftLeft (0xfc0d701, 4, Local6)",
        "multiply": "Multiply (0x1f81ae03, 8)", "store": "Store (0xfc0d7018, Local5)",
        "not": "And (Not (0x03f28fe7), 0xffffffff)",
        "nand": "And (NAnd (0x03f28fe7, 0x03f28fe7), 0xffffffff)",
        "nor": "And (NOr (0x03f28fe7, 0), 0xffffffff)",
        "nested": "Or (ShiftLeft (Add (0xfc0c, 1), 16), ShiftRight (0x70180, 4))",
        "to-integer": "ToInteger (0xfc0d7018)",
    }
    cases = [Case(f"x-{k}", [device(result(v if k != "shift-left" else
             "Or (0x8, ShiftLeft (0xfc0d701, 4, Local6))"))], GOOD) for k, v in texts.items()]
    # the value that Linux' 32-bit and 64-bit tables disagree on
    for name, expression, wide, narrow in (
            ("carry", "Add (0xffffffff, 0xfc0d7019)", 0x1fc0d7018, GOOD),
            ("left", "ShiftLeft (0x7c0d7018, 4)", 0x7c0d70180, 0xc0d70180),
            ("left-32", "Or (ShiftLeft (1, 32), 0xfc0d7018)", 0x1fc0d7018, GOOD),
            ("constant", "And (0x12fc0d7018, Ones)", BOTH, GOOD),
            ("borrow", "Subtract (0, 0x3f28fe8)", None, GOOD)):
        cases += [Case(f"n-{name}-64", [device(result(expression))], wide,
                       acpiexec=wide is not None),
                  Case(f"n-{name}-32", [device(result(expression), revision=1)], narrow)]
    # comparisons, each with a value that only the right answer leaves alone
    for name, condition in (
            ("equal", "LEqual (BASE, 0xfc0d7000)"), ("less", "LLess (1, 2)"),
            ("greater", "LGreater (2, 1)"), ("not", "LNot (0)"),
            ("not-equal", "LNotEqual (BASE, 5)"), ("and", "LAnd (1, LEqual (3, 3))"),
            ("or", "LOr (0, 7)"), ("less-equal", "LLessEqual (BASE, 0xfc0d7000)"),
            ("greater-equal", "LGreaterEqual (3, 3)")):
        for value, want in ((condition, GOOD), (f"LNot ({condition})", 0xfc0d7010)):
            code = (f"Store (Package () {{ 0xfc0d7010, 0 }}, Local0) If ({value}) "
                    "{ Store (0xfc0d7018, Index (Local0, 0)) } Else { Noop } Return (Local0)")
            cases.append(Case(f"c-{name}-{'yes' if want == GOOD else 'no'}",
                              [device(method(code), "Name (BASE, 0xfc0d7000)")], want))
    return cases


def good() -> list[Case]:
    """Further shapes that must give the address."""
    return [
        Case("g-names-in-package", [device("Name (ADDR, Package () { LOW_, \\HIGH })",
             "Name (LOW, 0xfc0d7018) Name (HIGH, 0x12)")], BOTH),
        Case("g-fields-in-package", [device(method("Return (Package () { GILO, GIHI })"),
             REGION)], BOTH, mem=WORDS, fields=FIELDS),
        Case("g-wide-element", [device("Name (ADDR, Package () { 0x12fc0d7018, 0 })")], BOTH),
        Case("g-wide-and-high", [device("Name (ADDR, Package () { 0x12fc0d7018, 0x40 })")],
             0x52fc0d7018),
        Case("g-var-package", [device(method(
             "Store (2, Local1) Store (Package (Local1) {}, Local0) Store (GILO, Index (Local0, 0)) "
             "Store (GIHI, Index (Local0, 1)) Return (Local0)"), REGION)], BOTH, mem=WORDS,
             fields=FIELDS),
        Case("g-copy-of-package", [device(method(
             "Store (PKG, Local0) Store (7, Index (Local0, 0)) Return (PKG)") +
             "Name (PKG, Package () { 0xfc0d7018, 0 })")], GOOD),
        Case("g-deref", [device(method(
             "Store (Package () { 0xfc0d7018, 0, 5 }, Local0) "
             "Return (Package (2) { }) ") .replace("Return (Package (2) { })",
             "Store (Package (2) { 0, 0 }, Local1) "
             "Store (DerefOf (Index (Local0, 0)), Index (Local1, 0)) Return (Local1)"))], GOOD),
        Case("g-increment", [device(result("Local0", first="Store (0xfc0d7017, Local0) "
             "Increment (Local0) Increment (NUMB) Decrement (NUMB)"), "Name (NUMB, 3)")], GOOD),
        Case("g-else", [device(method("If (LEqual (KIND, 1)) { Return (Package () { 0, 0 }) } "
             "ElseIf (LEqual (KIND, 2)) { Return (Package () { 0xfc0d7018, 0 }) } Else "
             "{ Return (Package () { 8, 0 }) }"), "Name (KIND, 2)")], GOOD),
        Case("g-local-name", [device(method("Name (BASE, 0xfc0d7000) Name (PKG, Package () { 0, 0 }) "
             "Add (BASE, 0x18, BASE) Store (BASE, Index (PKG, 0)) Return (PKG)"),
             "Name (BASE, 5)")], GOOD),
        Case("g-local-region", [device(method(
             "OperationRegion (REGN, SystemMemory, 0xfc0d6000, 0x40) "
             "Field (REGN, DWordAcc, NoLock, Preserve) { GILO, 32, GIHI, 32 } "
             "Name (PKG, Package () { 0, 0 }) Store (GILO, Index (PKG, 0)) "
             "Store (GIHI, Index (PKG, 1)) Return (PKG)"))], BOTH, mem=WORDS, acpiexec=False),
        Case("g-upwards", [device("Device (BELO) { Name (_HID, \"TEST0002\") } " +
             result("^BASE"), "Name (\\_SB.BASE, 0xfc0d7018) Name (BASE, 7)")
             .replace("^BASE", "^^BASE")], GOOD),
        Case("g-nearest", [device("Name (BASE, 0xfc0d7018) " + result("BASE"),
             "Name (BASE, 7)")], GOOD),
        Case("g-alias", [device(result("\\BASE"), "Name (BASE, 0xfc0d7018) Alias (BASE, OTH1) "
             "Alias (OTH1, OTH2) Method (OTHR) { Add (OTH2, 1, Local0) Return (OTH1) }")], GOOD),
        Case("g-alias-of-device", [device("Name (BASE, 0xfc0d7018) " + result("\\_SB.OTHD.BASE")),
             ssdt("External (\\_SB.GENC, DeviceObj) Scope (\\_SB) { Alias (GENC, OTHD) }")], GOOD),
        Case("g-root", [device("Name (BASE, 7) " + result("\\BASE"),
             "Name (BASE, 0xfc0d7018)")], GOOD),
        Case("g-relative-path", [device(result("^BUS0.BASE"),
             "Device (BUS0) { Name (BASE, 7) }").replace('Name (_HID, "TEST0001")',
             'Name (_HID, "TEST0001") Device (BUS0) { Name (_ADR, 0) Name (BASE, 0xfc0d7018) }')],
             GOOD),
        Case("g-read-by-others", [device("Name (BASE, 0xfc0d7018) " + result("BASE"),
             "External (ELSW, MethodObj) Name (COPY, 0) Method (READ, 1) { Return (Arg0) } "
             "Scope (\\_GPE) { Method (_E01) { Store (\\_SB.GENC.BASE, COPY) "
             "If (LEqual (\\_SB.GENC.BASE, Zero)) { READ (\\_SB.GENC.BASE) } "
             "Add (\\_SB.GENC.BASE, 5, Local0) } }")], GOOD),
        Case("g-package-read-by-others", [device("Name (PKG, Package () { 0xfc0d7018, 0 }) "
             "Method (LOOK) { Store (DerefOf (Index (PKG, 0)), Local0) Store (SizeOf (PKG), Local1)"
             " Return (PKG) } " + method("Return (PKG)"))], GOOD),
        Case("g-store-by-sta", [device("Name (BASE, 7) Method (_STA) { Store (0xfc0d7018, BASE) "
             "Return (0xf) } " + result("BASE"))], GOOD, acpiexec=False),
        Case("g-sta-unknown", [device("Method (_STA) { Return (OTHR ()) } Method (OTHR) "
             "{ Return (0) } " + CONSTANT)], GOOD),
        Case("g-sta-if", [device("If (_OSI (\"Linux\")) { Method (_STA) { Return (0) } } " +
             CONSTANT)], GOOD, acpiexec=False),
        Case("g-sta-name", [device("Name (_STA, 0xf) " + CONSTANT)], GOOD),
        Case("g-hid-number", [device(CONSTANT, ids='Name (_HID, EisaId ("PNP0C02")) '
             'Name (_CID, Package () { EisaId ("PNP0C01"), "vM_gEN_cOUNTER" })')], GOOD,
             hypervisor="PNP0C02"),
        Case("g-xen-number", [device(CONSTANT, ids='Name (_HID, EisaId ("XEN0000")) '
             'Name (_CID, "VM_GEN_COUNTER")')], GOOD, hypervisor="Xen"),
        Case("g-cid-method", [device(CONSTANT, ids='Method (_CID) { Return ("VMGENCTR") }')],
             GOOD, hypervisor=""),
        Case("g-cid-name", [device(CONSTANT, 'Name (IDNT, "VM_Gen_Counter")', ids="Name (_HID, "
             '"TEST0001") Method (_CID) { Return (IDNT) }')], GOOD),
        Case("g-bits", [device(result("GIDA"), "OperationRegion (REGN, SystemMemory, 0xfc0d6000, 16) "
             "Field (REGN, ByteAcc, NoLock, Preserve) { , 13, GIDA, 33 }")], 0x1fc0d7018 - 0x0,
             mem={0xfc0d6000: (0x1fc0d7018 << 13) & 0xffffffff,
                  0xfc0d6004: (0x1fc0d7018 << 13) >> 32}, fields={"\\GIDA": 0x1fc0d7018}),
        Case("g-nine-bytes", [device(result("And (GIDA, 0xffffffff)", "ShiftRight (GIDA, 32)"),
             "OperationRegion (REGN, SystemMemory, 0xfc0d6001, 16) "
             "Field (REGN, ByteAcc, NoLock, Preserve) { , 4, GIDA, 64 }")], BOTH,
             mem={0xfc0d6000: (BOTH << 12) & 0xffffffff,
                  0xfc0d6004: (BOTH << 12) >> 32 & 0xffffffff}, fields={"\\GIDA": BOTH}),
        Case("g-region-sum", [device(result("GILO"), "Name (RBAS, 0xfc0d0000) "
             "OperationRegion (REGN, SystemMemory, Add (RBAS, 0x6000), Add (3, 1)) "
             "Field (REGN, DWordAcc, NoLock, Preserve) { GILO, 32 }")], GOOD,
             mem=WORDS, fields={"\\GILO": GOOD}),
        Case("g-two-ssdts", ['DefinitionBlock ("", "DSDT", 2, "T", "T", 1) { Device (\\_SB.BUS0) { } }',
             ssdt("External (\\_SB.BUS0, DeviceObj) External (\\_SB.BUS0.BASE, IntObj) "
                  "Scope (\\_SB.BUS0) { Device (GENC) { Name (_CID, \"VMGENCTR\") " +
                  result("BASE") + " } }"),
             ssdt("External (\\_SB.BUS0, DeviceObj) External (\\_SB.BUS0.GENC, DeviceObj) "
                  "Scope (\\_SB.BUS0) { Name (BASE, 0xfc0d7018) }")], GOOD,
             path="\\_SB.BUS0.GENC", acpiexec=False),
        Case("g-unresolved-elsewhere", [device(CONSTANT, "External (ELSW, MethodObj) "
             "Method (OTHR) { ELSW (1, 2) }")], GOOD),
    ]


def nested(depth: int) -> str:
    """@depth regions; the base of each is a field of the next."""
    text = "OperationRegion (REG0, SystemMemory, 0xfc0d6000, 8) Field (REG0, DWordAcc, NoLock, " \
           "Preserve) { FLD0, 32 } "
    for i in range(1, depth):
        text += f"OperationRegion (REG{i}, SystemMemory, FLD{i - 1}, 8) Field (REG{i}, DWordAcc, " \
                f"NoLock, Preserve) {{ FLD{i}, 32 }} "
    return text


def chain(depth: int) -> dict[int, int]:
    return {0xfc0d6000 + 0x100 * i: 0xfc0d6100 + 0x100 * i for i in range(depth - 1)} | {
        0xfc0d6000 + 0x100 * (depth - 1): GOOD}


def deep(depth: int, want: int | None, why: str = "") -> Case:
    return Case(f"f-nested-{depth}", [device(result(f"FLD{depth - 1}"), nested(depth))], want, why,
                mem=chain(depth), acpiexec=False)


def refused() -> list[Case]:
    """Everything that must be refused, each for its own reason."""
    base = "Name (BASE, 0xfc0d7018) "
    use = result("\\BASE")

    def stored(name: str, code: str, why: str = "BASE, which ADDR needs, may change") -> Case:
        return Case(f"s-{name}", [device(use, base + code)], None, why)

    def package(name: str, code: str) -> Case:
        return Case(f"s-{name}", [device(method("Return (\\PKG)"),
                    "Name (PKG, Package () { 0xfc0d7018, 0 }) " + code)], None,
                    "PKG_, which ADDR needs, may change")

    def space(name: str, word: str) -> Case:
        return Case(f"o-{name}", [device(result("GILO"), REGION.replace("SystemMemory", word))],
                    None, f"GILO, which ADDR needs, is in {word}")

    def uses(name: str, code: str, why: str, before: str = "") -> Case:
        return Case(f"u-{name}", [device(method(code), before)], None, why)

    def else_(name: str, code: str) -> Case:
        """The If that stores 0x33 becomes an Else."""
        return uses(f"else-{name}", code + tail, "its ADDR has no If before an Else")._replace(
            patch=(b"\xa0\x06\x01\x70\x0a\x33\x60", b"\xa1\x06\xa3\x70\x0a\x33\x60"))

    def written(name: str, code: str, old: bytes, new: bytes, before: str = "") -> Case:
        return uses(f"write-{name}", code + tail, "its ADDR uses a constant as an object",
                    before)._replace(patch=(old, new))

    tail = " Return (Package () { 0xfc0d7018, 0 })"
    return [
        stored("store", "Method (OTHR) { Store (1, BASE) }"),
        stored("ini", "Scope (\\_SB) { Method (_INI) { Store (1, BASE) } }"),
        stored("add", "Method (OTHR) { Add (1, 2, BASE) }"),
        stored("copy", "Method (OTHR) { CopyObject (1, BASE) }"),
        stored("divide", "Method (OTHR) { Divide (9, 2, Local0, BASE) }"),
        stored("increment", "Method (OTHR) { Increment (BASE) }"),
        stored("decrement", "Method (OTHR) { If (One) { Decrement (\\BASE) } }"),
        stored("ref-of", "Method (OTHR) { Store (RefOf (BASE), Local0) }"),
        stored("cond-ref-of", "Method (OTHR) { If (CondRefOf (BASE, Local0)) { } }"),
        stored("nested-method", "Device (OTHD) { Method (DEEP) { While (One) { If (Zero) { } "
               "Else { Or (1, 2, ^^BASE) } } } }"),
        stored("module-level", "Store (1, BASE)"),
        stored("module-level-if", "If (LEqual (BASE, 3)) { Store (1, BASE) }"),
        stored("alias", "Alias (BASE, OTHN) Method (OTHR) { Store (1, OTHN) }"),
        stored("alias-of-alias", "Alias (BASE, OTH1) Alias (OTH1, OTH2) "
               "Method (OTHR) { Store (1, OTH2) }"),
        stored("alias-of-later", "Method (OTHR) { Store (1, OTHN) } Alias (BASE, OTHN)"),
        Case("s-alias-of-device", [device("Name (BASE, 0xfc0d7018) " + result("BASE")), ssdt(
             "External (\\_SB.GENC, DeviceObj) Scope (\\_SB) { Alias (GENC, OTHD) "
             "Method (OTHR) { Store (1, \\_SB.OTHD.BASE) } }")], None,
             "BASE, which ADDR needs, may change"),
        stored("alias-nearer-later", "Device (OTHD) { Alias (BASE, OTHN) Name (BASE, 5) "
               "Method (OTHR) { Store (1, OTHN) } }"),
        Case("s-alias-of-either", [device(result("BASE"), "Name (BASE, 5)"), ssdt(
             "External (\\_SB.GENC, DeviceObj) External (\\BASE, IntObj) Scope (\\_SB.GENC) "
             "{ Method (OTHR) { Store (1, OTHN) } Alias (BASE, OTHN) }"), ssdt(
             "External (\\_SB.GENC, DeviceObj) Scope (\\_SB.GENC) { Name (BASE, 0xfc0d7018) }")],
             None, "BASE, which ADDR needs, may change"),
        stored("unknown-call", "External (ELSW, UnknownObj) Method (OTHR) { ELSX (BASE) }".replace(
               "ELSX (BASE)", "Store (ELSW, Local0) Store (1, BASE)")),
        package("index", "Method (OTHR) { Store (1, Index (PKG, 0)) }"),
        package("index-reference", "Method (OTHR) { Store (Index (PKG, 0), Local0) }"),
        package("deref-target", "Method (OTHR) { Store (1, DerefOf (Index (PKG, 0))) }"),
        package("argument", "Method (CALL, 1) { Store (1, Index (Arg0, 0)) } "
                "Method (OTHR) { CALL (PKG) }"),
        package("in-package", "Name (BIGP, Package () { PKG })"),
        package("of-method", "Method (CALL) { Return (PKG) } "
                "Method (OTHR) { Store (1, Index (CALL (), 0)) }"),
        package("handed-on", "Method (CALL, 1) { Store (1, Index (Arg0, 0)) } "
                "Method (GETP) { Return (PKG) } Method (OTHR) { CALL (GETP ()) }"),
        package("argument-of-alias", "Method (CALL, 1) { Store (1, Index (Arg0, 0)) } "
                "Alias (CALL, CAL2) Method (OTHR) { CAL2 (PKG) }"),
        Case("s-other-table", [device(use, base), ssdt("External (BASE, IntObj) "
             "Method (OTHR) { Store (1, BASE) }")], None, "may change"),
        Case("s-sta-outside", [device("Method (_STA) { Store (1, \\BASE) Return (OTHR ()) } "
             "Method (OTHR) { Return (0xf) } " + use, base)], None, "may change"),
        Case("s-each-time", [device(base + method("Add (BASE, 8, BASE) "
             "Return (Package () { 0, 0 })").replace("Return (Package () { 0, 0 })",
             "Store (Package (2) { 0, 0 }, Local0) Store (BASE, Index (Local0, 0)) "
             "Return (Local0)"))], None, "another value each time"),
        Case("s-element-changed", [device("Name (BASE, 0xfc0d7010) "
             "Name (PKG, Package () { BASE, 0 }) " +
             method("Store (0xfc0d7018, BASE) Return (PKG)"))], None,
             "BASE, which ADDR needs, may change"),
        Case("s-element-later", [device("Name (BASE, 0xfc0d7010) "
             "Name (PKG, Package () { BASE, 0 }) " +
             method("Store (PKG, Local0) Store (0xfc0d7018, BASE) Return (PKG)"))], None,
             "BASE, which ADDR needs, may change"),
        Case("s-region-changed", [device(result("GILO", first="Store (0xfc0d6100, \\RBAS)"),
             "Name (RBAS, 0xfc0d6000) " + REGION.replace("0xfc0d6000", "RBAS"))], None,
             "RBAS, which ADDR needs, may change"),
        space("io", "SystemIO"), space("pci", "PCI_Config"), space("ec", "EmbeddedControl"),
        space("cmos", "SystemCMOS"), space("smbus", "SMBus"),
        Case("o-vendor", [device(result("GILO"), REGION.replace("SystemMemory", "0x80"))], None,
             "an unknown space"),
        Case("f-index-field", [device(result("DATA"), REGION +
             "IndexField (GILO, GIHI, DWordAcc, NoLock, Preserve) { DATA, 32 }")], None,
             "DATA, which ADDR needs, is declared by IndexField"),
        Case("f-bank-field", [device(result("DATA"), REGION +
             "BankField (REGN, GIHI, 0, DWordAcc, NoLock, Preserve) { DATA, 32 }")], None,
             "DATA, which ADDR needs, is declared by BankField"),
        Case("f-create-field", [device(result("DATA"), "Name (BUFF, Buffer (8) { 0x18, 0x70, 0x0d, "
             "0xfc }) CreateDWordField (BUFF, 0, DATA)")], None,
             "DATA, which ADDR needs, is declared by CreateDWordField"),
        Case("f-self", [device(result("GILO"), REGION.replace("0xfc0d6000", "GILO"))], None,
             "REGN, which ADDR needs, depends on itself"),
        Case("f-outside-by-a-bit", [device(result("GILO"), "OperationRegion (REGN, SystemMemory, "
             "0xfc0d6000, 4) Field (REGN, DWordAcc, NoLock, Preserve) { , 1, GILO, 32 }")], None,
             "lies outside of its region"),
        Case("f-wide", [device(result("GIDA"), "OperationRegion (REGN, SystemMemory, "
             "0xfc0d6000, 32) Field (REGN, DWordAcc, NoLock, Preserve) { GIDA, 65 }")], None,
             "wider than an integer"),
        Case("f-wide-32", [device(result("GIDA"), "OperationRegion (REGN, SystemMemory, "
             "0xfc0d6000, 32) Field (REGN, DWordAcc, NoLock, Preserve) { GIDA, 33 }", 1)], None,
             "wider than an integer"),
        Case("f-in-ram", [device(result("GILO"), REGION.replace("0xfc0d6000", "0x100000"))], None,
             "in memory that the kernel uses", state=UNREADABLE),
        Case("f-end-of-file", [device(result("GILO"), REGION.replace("0xfc0d6000", "0xfd000000"))],
             None, "the file ends before", state=UNREADABLE, mem=WORDS),
        Case("f-unset-region", [device(result("GILO"), REGION.replace("0xfc0d6000", "0"))], None,
             "REGN, which ADDR needs, has an impossible address"),
        Case("f-write", [device(result("GILO", first="Store (1, GILO)"), REGION)], None,
             "GILO, which ADDR needs, would be written", mem=WORDS),
        deep(5, GOOD), deep(6, None, "nested too deeply"),
        Case("z-field-zero", [device(result("GILO", "GIHI"), REGION)], None,
             "has not been filled in", mem={0xfc0d6000: 0, 0xfc0d6004: 0}, state=BAD),
        Case("z-field-ones", [device(result("GILO", "GIHI"), REGION)], None,
             "has not been filled in", mem={0xfc0d6000: 0xffffffff, 0xfc0d6004: 0xffffffff},
             state=BAD),
        Case("z-masked-ones", [device(result("And (GILO, 0xfffffff0)", "GIHI"), REGION)], None,
             "has not been filled in", mem={0xfc0d6000: 0xffffffff, 0xfc0d6004: 0}, state=BAD),
        Case("z-zero-plus", [device(result("Add (BASE, 0x28)"), "Name (BASE, 0)")], None,
             "BASE, which ADDR needs, has not been filled in", state=BAD),
        Case("z-zero-plus-local", [device(result("Add (Local0, 0x28)", first="Store (BASE, Local0)"),
             "Name (BASE, 0)")], None, "BASE, which ADDR needs, has not been filled in", state=BAD),
        Case("z-ones-plus", [device(result("Add (BASE, 0x29)"), "Name (BASE, 0xffffffff)")], None,
             "BASE, which ADDR needs, has not been filled in", state=BAD),
        uses("while", "While (One) { Break }" + tail, "its ADDR uses While"),
        uses("call", "OTHR ()" + tail, "OTHR, which ADDR needs, is another method",
             "Method (OTHR) { Return (5) }"),
        uses("osi", "If (_OSI (\"Windows 2015\")) { }" + tail, "_OSI, which ADDR needs, is another "),
        uses("argument", "Store (Arg0, Local0)" + tail, "its ADDR uses Arg0"),
        uses("concatenate", "Store (Concatenate (BASE, \"B\"), Local0)" + tail,
             "its ADDR uses Concatenate", base),
        uses("ref-of", "Store (RefOf (BASE), Local0)" + tail, "its ADDR uses RefOf", base),
        uses("create", "Name (BUFF, Buffer (8) {}) CreateByteField (BUFF, 0, BYTE)" + tail,
             "its ADDR uses CreateByteField"),
        uses("sleep", "Sleep (1)" + tail, "its ADDR uses Sleep"),
        uses("steps", "Store (0, Local0) " + "Increment (Local0) " * 260 + tail,
             "its ADDR takes too many steps"),
        uses("no-return", "Store (1, Local0)", "its ADDR returns nothing"),
        uses("unset-local", "Return (Local3)", "its ADDR has no value for Local3"),
        uses("integer", "Return (0xfc0d7018)", "its ADDR is not a package of two"),
        uses("three", "Return (Package () { 0xfc0d7018, 0, 0 })", "not a package of two"),
        uses("element", "Return (Package (2) { 0xfc0d7018 })",
             "its ADDR needs an element that has no value"),
        uses("text", "Return (Package (2) { \"a\", 0 })", "not a package of two integers"),
        uses("high-too-wide", "Return (Package (2) { 0xfc0d7018, 0x100000000 })",
             "not a package of two integers"),
        uses("outside-package", "Store (Package (2) {}, Local0) Store (1, Index (Local0, 2))" + tail,
             "its ADDR needs an element that is not there"),
        uses("add-text", "Store (\"5\", Local1) Add (Local1, 1, Local0)" + tail, "its ADDR has no integers for Add"),
        uses("kind", "Store (Package (2) {}, BASE)" + tail,
             "its ADDR stores a value of another kind", base),
        # ACPICA runs each Else whose last If, somewhere before, was not taken
        else_("stray", "If (Zero) { } Noop If (One) { Store (0x33, Local0) }"),
        else_("alone", "If (One) { Store (0x33, Local0) }"),
        else_("second", "If (Zero) { } Else { Noop } If (One) { Store (0x33, Local0) }"),
        # ACPICA ignores the first three, and fails for DerefOf of what is no reference
        written("constant", "Store (5, Local1)", b"\x70\x0a\x05\x61", b"\x70\x0a\x05\x01"),
        written("sum-constant", "Add (5, 4, Local1)", b"\x72\x0a\x05\x0a\x04\x61",
                b"\x72\x0a\x05\x0a\x04\x01"),
        written("zero-byte", "Store (5, LOCA)", b"\x70\x0a\x05LOCA",
                b"\x70\x0a\x05\x0a\x00\xa3\xa3", "Name (LOCA, 5)"),
        uses("deref-local", "Store (5, Local0) Store (DerefOf (Local0), Local1)" + tail,
             "its ADDR uses DerefOf of what is no element"),
        uses("deref-name", "Store (DerefOf (BASE), Local0)" + tail,
             "its ADDR uses DerefOf of what is no element", base),
        uses("alias", "Return (Package () { OTHN, 0 })", "OTHN, which ADDR needs, is declared by Alias",
             base + "Alias (BASE, OTHN)"),
        uses("buffer", "Store (BUFF, Local0)" + tail, "BUFF, which ADDR needs, is neither number",
             "Name (BUFF, Buffer (4) {})"),
        uses("external", "Return (Package () { ELSW, 0 })", "ELSW, which ADDR needs, is in no table",
             "External (ELSW, IntObj)"),
        Case("d-sta-name", [device("Name (_STA, 0) " + CONSTANT)], None, "_STA", state=ABSENT),
        Case("d-sta-qemu", [device("Method (_STA) { If (LEqual (BASE, Zero)) { Return (Zero) } "
             "Return (0xf) } " + use, "Name (BASE, 0)")], None, "_STA", state=ABSENT),
        Case("d-twice", [device(CONSTANT), ssdt(
             "Device (\\_SB.GEN2) { Name (_CID, \"VMGENCTR\") " + CONSTANT + "}")], None,
             "more than once"),
        Case("d-same-twice", [device(CONSTANT), ssdt(
             "Device (\\_SB.GENC) { Name (_CID, \"VMGENCTR\") }")], None, "more than once"),
        Case("d-no-addr", [device("")], None, "it has no ADDR"),
        Case("d-addr-elsewhere", [device("", CONSTANT)], None, "it has no ADDR"),
        Case("d-constant-twice", [device(use, base), ssdt("Name (BASE, 5)")], None,
             "BASE, which ADDR needs, is there more than once"),
        Case("d-constant-if", [device(use, "If (_OSI (\"Linux\")) { " + base + "} ")], None,
             "BASE, which ADDR needs, is declared under a condition"),
        Case("d-scope-if", ['DefinitionBlock ("", "DSDT", 2, "T", "T", 1) { If (_OSI ("Linux")) { '
             'Scope (\\_SB) { Device (GENC) { Name (_CID, "VMGENCTR") ' + CONSTANT + " } } } }"],
             None, "it is declared under a condition"),
        Case("d-addr-if", [device("If (_OSI (\"Linux\")) { " + use + " }", base)], None,
             "it is declared under a condition"),
        Case("d-cid-if", [device(CONSTANT, ids='Name (_HID, "TEST0001") If (_OSI ("Linux")) '
             '{ Name (_CID, "VMGENCTR") }')], None, "it is declared under a condition"),
        Case("d-no-scope", ['DefinitionBlock ("", "DSDT", 2, "T", "T", 1) { }', ssdt(
             "External (\\_SB.ELSW, DeviceObj) Scope (\\_SB.ELSW) { Device (GENC) "
             "{ Name (_CID, \"VMGENCTR\") " + CONSTANT + "} }")], None, "its parent is in no table"),
        Case("d-cid-cycle", [device(CONSTANT, "Name (PKG1, Package () { PKG2 }) Name (PKG2, Package () "
             "{ PKG1 })", ids='Name (_HID, "TEST0001") Name (_CID, Package () { "VMGENCTR", PKG1 })')],
             None, "not as a device's ID", acpiexec=False),
        # Linux takes no ID of a _CID with such an element
        Case("d-cid-element-method", [device(CONSTANT, "Method (OTHR) { Return (5) }",
             ids='Name (_HID, "TEST0001") Name (_CID, Package () { "VMGENCTR", OTHR })')],
             None, "not as a device's ID"),
        Case("d-cid-element-nowhere", [device(CONSTANT, "External (ELSW, IntObj)",
             ids='Name (_HID, "TEST0001") Name (_CID, Package () { "VMGENCTR", ELSW })')],
             None, "not as a device's ID"),
        Case("d-text", [device(CONSTANT, ids='Name (_HID, "TEST0001") '
             'Name (_DDN, "VM_Gen_Counter")')], None, "not as a device's ID"),
    ]


def every_case() -> list[Case]:
    return shapes() + expressions() + good() + refused()


def main() -> int:
    for tool in ("iasl", "acpiexec"):
        if not shutil.which(tool):
            print(f"test_asl: {tool} not found (Debian: acpica-tools)", file=sys.stderr)
            return 1
    cases = [x for x in every_case() if not sys.argv[1:] or x.name in sys.argv[1:]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(check, cases))
    failed = [(case.name, result) for case, result in zip(cases, results) if result]
    for name, result in failed:
        print(f"{name}: {result}")
    print(f"{len(cases) - len(failed)} of {len(cases)} cases")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
