# SPDX-License-Identifier: GPL-2.0-only
"""A future kernel: since Linux 6.19 kexec's files in /sys/kernel are links into
/sys/kernel/kexec, and are to be removed. Here they are removed; every other test on 6.1 and
6.12 has only the old names."""
from crash import Setup
from loaded import crash_status, load_probe, refreshable, seed_after_crash, seed_in_slot

# /sys/kernel without the links.
WITHOUT_LINKS = """
mkdir /all && mount --rbind /sys/kernel /all && mount -t tmpfs none /sys/kernel || exit 1
for from in /all/*; do
	to=/sys/kernel/${from##*/}
	[ -L $from ] && continue
	if [ -d $from ]; then mkdir $to; else : >$to; fi
	mount --rbind $from $to || exit 1
done
"""


def test_only_the_names_of_today(build):
    with refreshable(build, Setup("7.3", 2)) as guest:
        assert guest.check("ls /sys/kernel | grep -E '^kexec_|elfcorehdr'")
        guest.check(WITHOUT_LINKS)
        assert guest.check("ls /sys/kernel | grep -E '^kexec|elfcorehdr'").split() == ["kexec"]
        assert guest.check("kexec --print-ckr-size").strip() == str(256 << 20)

        guest.check("kexec -l /probe --seed=require")
        guest.check("kexec -u")
        guest.check(load_probe("-c --hotplug"))
        first = seed_in_slot(guest)
        guest.check("kexec-seed refresh && kexec-seed verify")
        told = crash_status(guest)
        assert told["loaded"] and told["proven"] and told["refreshes"] == 1, told
        fresh = seed_in_slot(guest)
        assert fresh != first
        assert seed_after_crash(guest)[0] == fresh
