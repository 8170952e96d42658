// SPDX-License-Identifier: GPL-2.0-only
/*
 * show_vmgenid DIR - "STATE ADDRESS WHY" of the VM generation ID below DIR, for scripts.
 * The state is the number of enum vmgenid_state.
 */
#include "machine/facts.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct error err;
	struct facts f;

	if (argc != 2) {
		fputs("usage: show_vmgenid DIR\n", stderr);
		return 2;
	}
	if (facts_read(argv[1], &f, &err)) {
		fprintf(stderr, "show_vmgenid: %s\n", err.text);
		return 1;
	}
	printf("%d %#llx %s\n", f.vmgenid.state, (unsigned long long)f.vmgenid.addr,
	       f.vmgenid.why);
	facts_free(&f);
	return 0;
}
