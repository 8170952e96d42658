// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM generation ID itself, for kernels without a driver: the hypervisor changes its
 * 16 bytes of memory. It must be polled, so it is used only if no other source is active.
 */
#include "kexec_seed/sources/source.h"

#include "base/units.h"
#include "machine/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct genid {
	uint64_t addr;
	void *map; /* the page or two that hold it; NULL: use pread(2) */
	size_t map_size;
	uint8_t id[VMGENID_SIZE];
};

static int look(const struct source *s, uint8_t id[VMGENID_SIZE])
{
	const struct genid *g = s->data;
	ssize_t n;

	if (g->map) {
		const volatile uint8_t *p = g->map;

		p += g->addr - align_down(g->addr, page_size());
		for (size_t i = 0; i < VMGENID_SIZE; i++)
			id[i] = p[i];
		return 0;
	}
	n = pread(s->fd, id, VMGENID_SIZE, (off_t)g->addr);
	if (n < 0)
		return -errno;
	return n == VMGENID_SIZE ? 0 : -ENXIO;
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

/* Maps /dev/mem, which cannot shrink; a mapped regular file could, and raise SIGBUS. */
static void map(struct source *s)
{
	struct genid *g = s->data;
	uint64_t start = align_down(g->addr, page_size());
	size_t size = align_up(g->addr + VMGENID_SIZE, page_size()) - start;
	struct stat st;
	void *p;

	if (fstat(s->fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return;
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, s->fd, (off_t)start);
	if (p == MAP_FAILED)
		return;
	g->map = p;
	g->map_size = size;
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
	map(s);
	ret = look(s, g->id);
	return ret ? ret : source_add_timer(s, on_timer);
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
		return source_set(s, SOURCE_INACTIVE, "/dev/mem: %s", errno_text(-ret));
	s->level = SOURCE_ACTIVE;
}

static void close_genid(struct source *s)
{
	struct genid *g = s->data;

	if (g->map)
		munmap(g->map, g->map_size);
	free(g);
}

const struct source_kind source_genid = {
	.id = SOURCE_genid,
	.open = open_genid,
	.close = close_genid,
};
