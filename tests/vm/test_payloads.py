# SPDX-License-Identifier: GPL-2.0-only
"""Kernels with each payload compression, one that runs only at its link address, and a 32-bit
one: loaded, started, and seeded from time zero.

Cached kernels are used where they fit. $KEXEC_PAYLOADS=all builds small ones for the rest,
once (see build_kernel.py).
"""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from build_kernel import COMPRESSIONS, FIXED, I386, built_kernel, missing_tools
from cache import cache_dir, i386_kernel, kernel_image
from guest import Guest
from initrd import build_initrd
from places import kexec
from test_jump import TIME_ZERO_SEED, node_types

LOADER = "6.1"
CACHED = ["6.1", "6.1-generic", "6.12", "7.3"]
ALL = os.environ.get("KEXEC_PAYLOADS") == "all"
# Magic bytes of a payload, for the kernel's own decompressors (lib/decompress.c).
MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "lzma": b"\x5d\0\0",
         "xz": b"\xfd7zXZ\0", "lzo": b"\x89LZO", "lz4": b"\x02\x21\x4c\x18",
         "zstd": b"\x28\xb5\x2f\xfd"}
# The header of a bzImage (the kernel's Documentation/x86/boot.rst).
SETUP_SECTS, RELOCATABLE, XLOADFLAGS, PAYLOAD_OFFSET = 0x1f1, 0x234, 0x236, 0x248
XLF_KERNEL_64 = 1
CMDLINE = "console=ttyS0,115200 panic=-1 from=kexec"
SETUP_RNG_SEED = 9
HELLO = "hello from a 32-bit program"
# Init of a 32-bit kernel, without a libc. It prints a line and sleeps: exit(2) would
# panic.
INIT_32 = """
static int call(int number, int a, const void *b, int c)
{
	int ret;

	asm volatile("int $0x80" : "=a"(ret) : "0"(number), "b"(a), "c"(b), "d"(c)
		     : "memory");
	return ret;
}

void _start(void)
{
	static const char text[] = "%s\\n";

	call(4, 1, text, sizeof(text) - 1);
	for (;;)
		call(29, 0, 0, 0);
}
"""


def payload(image: bytes) -> bytes:
    start = (image[SETUP_SECTS] + 1) * 512
    return image[start + struct.unpack_from("<I", image, PAYLOAD_OFFSET)[0]:]


def cached(compression: str) -> Path | None:
    """A cached kernel with this compression."""
    for slot in CACHED:
        config = cache_dir() / "kernels" / slot / "config"
        if f"CONFIG_KERNEL_{compression.upper()}=y" in config.read_text().splitlines():
            return kernel_image(slot)
    return None


def small_kernel(name: str) -> Path:
    if not ALL:
        pytest.skip(f"{name}: no kernel of the archive; `make check-long` builds one "
                    "(KEXEC_PAYLOADS=all)")
    if packages := missing_tools():
        pytest.skip(f"{name}: to build kernels, install {' '.join(packages)}")
    return built_kernel(name)


def boot(build, image: Path, initrd: Path, memory: str = "1G") -> Guest:
    """No RDRAND: a generator that is ready at time zero has used a seed."""
    return Guest(kernel=LOADER, cpu="qemu64", memory=memory, initrd=build_initrd(
        programs=[kexec(build)], files={"/boot/kernel": image}, next_initrd=initrd))


def jump(guest: Guest, cmdline: str = CMDLINE) -> int:
    """Returns where the next kernel's console starts."""
    guest.check("kexec -c -l /boot/kernel --initrd=/boot/initrd --seed=require"
                f" --command-line='{cmdline}'")
    start = len(guest.console)
    guest.send_and_jump("kexec -e")
    return start


def check_boots(build, image: Path) -> None:
    with boot(build, image, build_initrd(name="next")) as guest:
        guest.wait_ready()
        start = jump(guest)
        guest.wait_ready()
        assert guest.check("cat /proc/cmdline").strip() == CMDLINE
        assert node_types(guest) == [SETUP_RNG_SEED]
        assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compression(build, compression):
    image = cached(compression) or small_kernel(compression)
    assert payload(image.read_bytes()).startswith(MAGIC[compression])
    check_boots(build, image)


def test_kernel_that_cannot_be_moved(build):
    image = small_kernel(FIXED)
    assert image.read_bytes()[RELOCATABLE] == 0
    check_boots(build, image)


def init_32(folder: Path) -> Path:
    if not shutil.which("gcc"):
        pytest.skip("gcc not found")
    source, program = folder / "init.c", folder / "init"
    source.write_text(INIT_32 % HELLO)
    subprocess.run(["gcc", "-m32", "-O1", "-nostdlib", "-static", "-ffreestanding",
                    "-fno-stack-protector", "-fno-pie", "-no-pie", "-o", program, source],
                   check=True, timeout=60)
    return program


# Debian's maps 896 MiB directly and has to lie in them, with what it unpacks. The small one
# is not relocatable.
@pytest.mark.parametrize("image, memory", [("Debian", "1G"), ("Debian", "3G"),
                                           ("small", "1G")])
def test_kernel_for_32_bit_processors(build, tmp_path, image, memory):
    image = i386_kernel() if image == "Debian" else small_kernel(I386)
    [flags] = struct.unpack_from("<H", image.read_bytes(), XLOADFLAGS)
    assert not flags & XLF_KERNEL_64
    cmdline = f"{CMDLINE} rdinit=/sbin/hello"
    initrd = build_initrd(files={"/sbin/hello": init_32(tmp_path)}, name="next-32")
    with boot(build, image, initrd, memory) as guest:
        guest.wait_ready()
        start = jump(guest, cmdline)
        guest.wait_console(HELLO, 60, start)
        text = guest.console[start:]
        assert re.search(TIME_ZERO_SEED, text, re.MULTILINE)
        assert f"ommand line: {cmdline}\n" in text
