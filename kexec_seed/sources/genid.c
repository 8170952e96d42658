// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM generation ID itself, for kernels without a driver: the hypervisor changes its
 * 16 bytes of memory. It must be polled, so it is used only if no other source is active.
 */
#include "kexec_seed/sources/source.h"

#include "base/units.h"
#include "machine/machine.h"
#include "machine/phys_mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct genid {
	uint64_t addr;
	uint8_t id[VMGENID_SIZE];
};

static int look(const struct source *s, uint8_t id[VMGENID_SIZE])
{
	const struct genid *g = s->data;

	return phys_mem_fetch(s->fd, g->addr, id, VMGENID_SIZE);
}

static void on_timer(void *context)
{
	char text[2 * VMGENID_SIZE + 1];
	struct source *s = context;
	struct genid *g = s->data;
	uint8_t id[VMGENID_SIZE];
	int ret = look(s, id);

	if (ret) {
		source_fail(s, errno_text(-ret));
		return;
	}
	if (memcmp(id, g->id, sizeof(id)) != 0) {
		memcpy(g->id, id, sizeof(id));
		source_hex(id, sizeof(id), text);
		s->host->fork(s->host->context, s->kind, text);
	}
	source_wait(s);
}

/* Physical address of the ID; 0: unknown, with the reason set in @s. */
static uint64_t find(struct source *s)
{
	const struct source_options *o = s->host->options;
	struct machine m;
	struct error err;
	uint64_t addr = 0;

	if (o->vmgenid_addr)
		return o->vmgenid_addr;
	if (machine_read(o->root, &m, &err)) {
		source_set(s, SOURCE_INACTIVE, "%s", err.text);
		return 0;
	}
	addr = m.vmgenid.addr;
	source_set(s, SOURCE_INACTIVE, "%s", m.vmgenid.why);
	machine_free(&m);
	return addr;
}

static int start(struct source *s, uint64_t addr)
{
	struct genid *g = calloc(1, sizeof(*g));
	int ret;

	s->data = g;
	if (!g)
		return -ENOMEM;
	g->addr = addr;
	ret = source_open_file(s, "/dev/mem");
	if (ret)
		return ret;
	ret = look(s, g->id);
	return ret ? ret : source_add_timer(s, on_timer);
}

/* EPERM of a page that a driver has claimed: CONFIG_IO_STRICT_DEVMEM. */
static void set_unreadable(struct source *s, int ret)
{
	const char *reason = "";

	if (ret == -EPERM && machine_has_genid_driver(s->host->options->root))
		reason = ": the kernel's driver has the ID, and logs forks (source kmsg)";
	else if (ret == -EFAULT)
		reason = ": no memory at the ID's address";
	source_set(s, SOURCE_INACTIVE, "/dev/mem: %s%s", errno_text(-ret), reason);
}

static void open_genid(struct source *s, bool heard)
{
	uint64_t addr;
	int ret;

	if (heard)
		return source_not_needed(s);
	addr = find(s);
	if (!addr)
		return;
	if (addr > INT64_MAX - VMGENID_SIZE - page_size())
		return source_set(s, SOURCE_INACTIVE, "its address cannot be right");
	ret = start(s, addr);
	if (ret)
		return set_unreadable(s, ret);
	s->level = SOURCE_ACTIVE;
}

static void close_genid(struct source *s)
{
	free(s->data);
}

const struct source_kind source_genid = {
	.id = SOURCE_genid,
	.open = open_genid,
	.close = close_genid,
};
