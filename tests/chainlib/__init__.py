# SPDX-License-Identifier: GPL-2.0-only
"""tests/chain: a guest that jumps from kernel to kernel, watched from outside.

    cli.py       the command line and the order of it all; start reading here
    chain.py     the hops               clones.py   the clones
    watch.py     stops the guest at both ends of the purgatory, through gdb.py; image.py
                 knows the kernel's struct kimage, nodes.py boot_params and setup_data
    search.py    seeds in all of RAM
    records.py   what was seen, and which promises that breaks; pure, as all below
    words.py     records in words, for table.py, files.py (JUnit, JSON), page.py and
                 drawing.py (HTML, SVG), progress.py (terminals)
"""
