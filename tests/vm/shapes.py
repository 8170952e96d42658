# SPDX-License-Identifier: GPL-2.0-only
"""What a secret looks like in memory, for those who search RAM for it."""

import struct

HALF = 16


def shapes(seed: bytes) -> list[bytes]:
    """Its halves as they lie in memory, and as SHA-256 reads them: of a copy that is
    partly overwritten, one may be left."""
    words = len(seed) // 4
    swapped = struct.pack(f">{words}I", *struct.unpack_from(f"<{words}I", seed))
    return [half for s in (seed, swapped) for half in (s[:HALF], s[HALF:2 * HALF])]
