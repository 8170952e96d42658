// SPDX-License-Identifier: GPL-2.0-only
/*
 * show_vmgenid DIR - prints "STATE ADDRESS WHY" of the VM generation ID below DIR.
 * STATE is a number of enum vmgenid_state.
 */
#include "machine/machine.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct error err;
	struct machine m;

	if (argc != 2) {
		fputs("usage: show_vmgenid DIR\n", stderr);
		return 2;
	}
	if (machine_read(argv[1], &m, &err)) {
		fprintf(stderr, "show_vmgenid: %s\n", err.text);
		return 1;
	}
	printf("%d %#llx %s\n", m.vmgenid.state, (unsigned long long)m.vmgenid.addr,
	       m.vmgenid.why);
	machine_free(&m);
	return 0;
}
