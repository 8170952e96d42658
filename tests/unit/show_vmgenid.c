// SPDX-License-Identifier: GPL-2.0-only
/*
 * show_vmgenid DIR - prints "STATE ADDRESS WHY" of the VM generation ID below DIR, then
 * lines "hypervisor NAME", "from WORDS", and "word ADDRESS=BYTES" for the memory that was
 * read. STATE is a number of enum vmgenid_state.
 */
#include "machine/machine.h"

#include <stdio.h>

static void print(const struct vmgenid *v)
{
	char text[PHYS_WORD_TEXT];

	printf("%d %#llx %s\n", v->state, (unsigned long long)v->addr, v->why);
	printf("hypervisor %s\nfrom %s\n", v->hypervisor, v->from);
	for (size_t i = 0; i < v->nr_words; i++)
		printf("word %s\n", phys_word_text(&v->words[i], text));
}

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
	print(&m.vmgenid);
	machine_free(&m);
	return 0;
}
