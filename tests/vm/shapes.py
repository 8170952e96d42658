# SPDX-License-Identifier: GPL-2.0-only
"""Byte patterns of a secret in memory, for searches of RAM."""

import struct

HALF = 16


def shapes(seed: bytes) -> list[bytes]:
    """Its halves, in memory order and as SHA-256 reads them: a half may survive of a partly
    overwritten copy."""
    words = len(seed) // 4
    swapped = struct.pack(f">{words}I", *struct.unpack_from(f"<{words}I", seed))
    return [half for s in (seed, swapped) for half in (s[:HALF], s[HALF:2 * HALF])]
