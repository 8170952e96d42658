# SPDX-License-Identifier: GPL-2.0-only
"""arm64: cache maintenance of the purgatory, which emulation alone does not check: see
tests/cachecheck. Mutants of the purgatory show that each kind of mistake is seen."""

import json

import pytest

from arm64 import PLAIN, build_arm64  # noqa: F401 (a fixture)
from caches import Bench, build_plugin
from crash import Setup, running
from initrd import build_initrd
from places import kexec, some
from probe_arm64 import parse_probe, wait_for_probe

ENTRY, SLOTS, MMU = "entry.S", "seed_slots.c", "mmu.c"
LOOP = "7:	dc civac, x2\n"
OFF = "8:	msr sctlr_el2, x19\n9:	isb\n	flush_tlb x2\n	ic iallu\n	dsb sy\n	isb\n"
ON = "4:	isb\n	flush_tlb x8\n	ic iallu\n	dsb sy\n	isb\n"
# what the checker says -> file, old text, new text
MUTANTS = {
    "no-clean": ("a dirty line is left", ENTRY, LOOP, "7:\n"),
    "clean-to-unification": ("a dirty line is left", ENTRY, LOOP, "7:	dc cvau, x2\n"),
    "invalidate": ("drops a dirty line", ENTRY, LOOP, "7:	dc ivac, x2\n"),
    "set-way": ("by set and way", ENTRY, LOOP, "7:	dc cisw, x2\n"),
    "end-too-low": ("a dirty line is left", ENTRY, "	adr x3, purgatory_end\n",
                    "	adr x3, stack_top - 64\n"),
    "start-too-high": ("a dirty line is left", ENTRY, "	adr x2, purgatory_params\n	adr x3",
                       "	adr x2, stack_top\n	adr x3"),
    "every-other-line": ("a dirty line is left", ENTRY, "	lsl x4, x5, x4\n",
                         "	lsl x4, x5, x4\n	lsl x4, x4, #1\n"),
    "no-dsb-after-clean": ("before maintenance has completed", ENTRY,
                           "	b.lo 7b\n	dsb sy\n", "	b.lo 7b\n"),
    "dsb-of-loads": ("before maintenance has completed", ENTRY,
                     "	b.lo 7b\n	dsb sy\n", "	b.lo 7b\n	dsb ld\n"),
    "store-after-clean": ("a dirty line is left", ENTRY, "	b.lo 7b\n	dsb sy\n",
                          "	b.lo 7b\n	dsb sy\n	str xzr, [sp, #-16]\n"),
    "store-before-isb": ("between SCTLR and ISB", ENTRY, OFF,
                         OFF.replace("9:	isb", "9:	str xzr, [sp, #-16]\n	isb")),
    "no-isb-at-the-end": ("jump without ISB", ENTRY, OFF, OFF.replace("isb", "nop")),
    "no-dsb-at-the-end": ("jump before maintenance", ENTRY, OFF,
                          OFF.replace("dsb sy", "nop")),
    "cache-left-on": ("jump with MMU or caches on", ENTRY, "	msr sctlr_el1, x19\n	b 9f\n",
                      "	orr x19, x19, #SCTLR_C\n	msr sctlr_el1, x19\n	b 9f\n"),
    "no-tlbi": ("no tlbi", ENTRY, ON, ON.replace("flush_tlb x8", "nop")),
    "no-ic": ("older in the instruction cache", ENTRY, ON, ON.replace("ic iallu", "nop")),
    "no-dsb-before-mmu": ("before maintenance has completed", ENTRY, ON,
                          ON.replace("dsb sy", "nop")),
    "no-isb-after-mmu": ("between SCTLR and ISB", ENTRY, "	msr sctlr_el1, x8\n	isb\n",
                         "	msr sctlr_el1, x8\n"),
    "store-before-mmu": ("merges with an old copy", ENTRY, "	msr spsel, #1\n",
                         "	msr spsel, #1\n	adr x9, stack_top\n"
                         "	str xzr, [x9, #-16]\n"),
    "rng-seed-not-cleaned": ("may read old bytes", SLOTS,
                             "		clean_range(a->rng_seed, SEED_SIZE);\n", ""),
    "kaslr-seed-not-cleaned": ("may read old bytes", SLOTS,
                               "		clean_range(a->kaslr_seed, KASLR_SEED_SIZE);\n", ""),
    "base-not-cleaned": ("a dirty line is left", SLOTS,
                         "	clean_range(a->base_seed, SEED_SIZE);\n", ""),
    "range-too-short": ("may read old bytes", MMU, "addr < end; addr += line",
                        "addr + line < end; addr += line"),
    "range-from-the-middle": ("may read old bytes", MMU, "addr &= ~(line - 1)",
                              "addr = (addr + line) & ~(line - 1)"),
}
# With caches off, an old line may hide the slots.
OFF_MUTANTS = {
    "rng-seed-not-cleaned": MUTANTS["rng-seed-not-cleaned"],
    "kaslr-seed-not-cleaned": MUTANTS["kaslr-seed-not-cleaned"],
    "kernel-memory-not-cleaned": ("beneath a line that may be dirty", MMU,
                                  "		if (params->kernel_memory[i].start < "
                                  "params->kernel_memory[i].end)\n", "		if (0)\n"),
}
# At EL2 QEMU's firmware is called by SMC.
SMC = ["conduit=2", "smc_off=1"]


@pytest.fixture(scope="module")
def bench(build_arm64, tmp_path_factory) -> Bench:  # noqa: F811
    return Bench(build_arm64, tmp_path_factory.mktemp("caches"))


def check_clean(run) -> None:
    assert run.mistakes == []
    assert "next kernel: el" in run.console
    assert "armed, jumped" in run.counts


@pytest.mark.parametrize("cpu, el2, settings", [
    ("max", False, []), ("max", True, ["mode=1", *SMC]), ("max", True, ["mode=0", *SMC]),
    ("cortex-a72", False, []), ("max", False, ["va_bits=48"]), ("max", False, ["caches=0"]),
    ("cortex-a72", True, ["mode=0", "caches=0", *SMC]), ("max", False, ["mix=0"]),
    ("max", False, ["checks=0"])],
    ids=lambda x: "-".join(x) if isinstance(x, list) else str(x))
def test_no_mistakes(bench, cpu, el2, settings):
    check_clean(bench.run(bench.blob, *settings, cpu=cpu, el2=el2))


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O3", "-Os"])
def test_no_mistakes_at_any_level(bench, level):
    # less to hash: at -O0 each block takes a thousand times the accesses
    check_clean(bench.run(bench.optimised(level), "kernel_memory=0"))


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_seen(bench, name):
    words, *change = MUTANTS[name]
    run = bench.run(bench.mutant(*change))
    assert any(words in x for x in run.mistakes), run


@pytest.mark.parametrize("name", OFF_MUTANTS)
def test_mutant_with_caches_off(bench, name):
    words, *change = OFF_MUTANTS[name]
    run = bench.run(bench.mutant(*change), "caches=0")
    assert any(words in x for x in run.mistakes), run


def write_ranges(path, plan: dict) -> None:
    """What kexec is about to load; what the next kernel reads first."""
    rows = []
    for segment in plan["segments"]:
        end = segment["addr"] + segment["size"]
        words = ["listed"] + {"purgatory": ["blob"], "seed": []}.get(segment["kind"], ["read"])
        rows += [f"{word} {segment['addr']:x} {end:x}\n" for word in words]
    rows.append(f"entry {plan['kernel_entry']:x}\n")
    path.write_text("".join(rows))


def test_in_a_guest(build_arm64, tmp_path):  # noqa: F811
    """After a real kernel, with the parameters and page tables of a real load."""
    ranges, out = tmp_path / "ranges", tmp_path / "out"
    initrd = build_initrd(programs=[kexec(build_arm64)], arch="arm64", files={
        "/probe": build_arm64 / "tests/probe/probe.Image", "/ramdisk": bytes(100001)})
    load = "kexec -l /probe --initrd=/ramdisk --append=x --seed=require"
    with PLAIN.start("6.1", memory="512M", initrd=initrd, extra=[
            "-plugin", f"{build_plugin(tmp_path)},ranges={ranges},out={out}"]) as guest:
        write_ranges(ranges, json.loads(guest.check(f"{load} --dry-run --json 2>/dev/null")))
        guest.check(load)
        guest.send_and_jump("kexec -e")
        assert "rng-seed" in wait_for_probe(guest, 60).tree["/chosen"]
        guest.qmp.command("quit")
        guest.wait_exit()
    check_counts(out)


def check_counts(out) -> None:
    *mistakes, counts = out.read_text().splitlines()
    assert mistakes == [] and counts.startswith("0 mistakes") and "armed, jumped" in counts
    print(counts)


@pytest.mark.parametrize("cpu, kernel", some([(1, "6.1"), (0, "6.1"), (1, "7.3")], 0))
def test_after_a_crash(build_arm64, tmp_path, cpu, kernel):  # noqa: F811
    """On the CPU that booted, and on another: segments that were loaded long before."""
    ranges, out = tmp_path / "ranges", tmp_path / "out"
    load = "kexec -p /probe --initrd=/boot/initrd --append=x --seed=require --console-serial"
    with running(build_arm64, Setup(kernel, 2, cpu="cortex-a72", arch="arm64"), extra=[
            "-plugin", f"{build_plugin(tmp_path)},ranges={ranges},out={out}"]) as guest:
        write_ranges(ranges, json.loads(guest.check(f"{load} --dry-run --json 2>/dev/null")))
        guest.check(load)
        start = len(guest.console)
        guest.send_and_jump(f"taskset -c {cpu} sh -c 'echo c >/proc/sysrq-trigger'")
        guest.wait_console(r"^PROBE END$", 60, start)
        said = guest.console[start:]
        assert f"CPU: {cpu} " in said and "rng-seed" in parse_probe(said).tree["/chosen"]
        guest.qmp.command("quit")
        guest.wait_exit()
    check_counts(out)
