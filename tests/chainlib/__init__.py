# SPDX-License-Identifier: GPL-2.0-only
"""tests/chain: a guest jumps from kernel to kernel, observed from outside.

    cli.py       command line and main sequence; start reading here
    chain.py     hops                   clones.py   clones
    arch.py      what differs by architecture
    watch.py     stops the guest at both ends of the purgatory, through gdb.py; image.py
                 parses struct kimage, nodes.py setup_data and device trees
    search.py    finds seeds in all of RAM
    records.py   observations and the promises they break; pure, like all below
    words.py     records as text, for table.py, files.py (JUnit, JSON), page.py and
                 drawing.py (HTML, SVG), progress.py (terminals)
"""
