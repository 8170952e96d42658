/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recipe_scene.h - recipes with every part that a load can write, digests included.
 */
#ifndef KS_RECIPE_SCENE_H
#define KS_RECIPE_SCENE_H

#include "check.h"

#include "arch/arch.h"
#include "base/units.h"
#include "load/recipe.h"
#include "purgatory/blob.h"

#include "setup_data.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	      4096ull
#define SCENE_REGION  0x30000000ull
#define SCENE_PARAMS  (3 * PAGE)
#define SCENE_HEADERS 5000ull
#define SCENE_KERNEL  (10 * MIB + 5)
#define SCENE_SECRET  0xa5 /* every byte that must not get into a recipe */

/* Adds a segment above the last one. */
static inline void scene_segment(struct plan *p, enum segment_kind kind, uint64_t size,
				 struct bytes content)
{
	uint64_t addr = SCENE_REGION;

	if (p->nr_segments) {
		const struct segment *last = &p->segments[p->nr_segments - 1];

		addr = last->addr + last->mem_size;
		addr = addr < p->control_reserve.end ? p->control_reserve.end : addr;
	}
	p->segments[p->nr_segments++] = (struct segment){ kind, addr, size, content };
}

static inline void scene_checks(struct plan *p)
{
	struct purgatory_params *params = (void *)p->purgatory_block;

	for (size_t i = 0; i < p->nr_segments; i++) {
		const struct segment *s = &p->segments[i];
		struct purgatory_check *c = &params->checks[params->nr_checks++];
		bool self = s->kind == SEGMENT_PURGATORY;

		*c = (struct purgatory_check){
			.addr = s->addr + (self ? sizeof(*params) : 0),
			.size = s->content.size - (self ? sizeof(*params) : 0),
			.kind = segment_code(s->kind)
		};
		memset(c->digest, 0x10 + (int)i, sizeof(c->digest));
		if (s->kind != SEGMENT_SEED)
			continue;
		c->size = s->mem_size;
		memset(c->digest, SCENE_SECRET, sizeof(c->digest));
	}
	memset(params->self_sha256, SCENE_SECRET, sizeof(params->self_sha256));
}

static inline void scene_purgatory(struct plan *p)
{
	struct bytes blob = purgatory_blob();
	struct purgatory_params *params;
	uint64_t code;

	p->purgatory_block = malloc(blob.size);
	memcpy(p->purgatory_block, blob.data, blob.size);
	params = (void *)p->purgatory_block;
	code = align_up(params->mem_size, PAGE);
	scene_segment(p, SEGMENT_PURGATORY, code + 8 * PAGE,
		      (struct bytes){ p->purgatory_block, blob.size });
	params->map_pool = plan_find(p, SEGMENT_PURGATORY)->addr + code;
	params->map_pages = 8;
	params->nr_maps = 1;
	params->maps[0] = (struct purgatory_map){ SCENE_REGION, SCENE_REGION + GIB };
	p->entry = params->map_pool - code + params->entry_offset;
}

/* The seed prefix, as the x86 setup_data header that it is. */
static inline struct setup_data *scene_seed_header(struct plan *p)
{
	return (void *)p->seed_prefix;
}

static inline void scene_seed(struct plan *p)
{
	struct setup_data *h = scene_seed_header(p);

	p->has_seed = true;
	p->seed_slot = (struct seed_slot){ SEGMENT_SEED, arch_seed_offset };
	p->seed_prefix_size = arch_seed_offset;
	h->next = p->boot_data_addr + 4096;
	h->type = SETUP_RNG_SEED;
	h->len = SEED_SIZE;
}

/*
 * @seed, a page, is the content of the seed segment. Kernel and initrd point to it, too, but
 * nobody reads them.
 */
static inline void scene_plan(struct plan *p, const uint8_t *image_id,
			      const uint8_t *seed)
{
	struct purgatory_params *params;

	p->page_size = PAGE;
	p->image_id = calloc(1, sizeof(*p->image_id));
	memcpy(p->image_id->magic, IMAGE_ID_MAGIC, sizeof(p->image_id->magic));
	memcpy(p->image_id->id, image_id, sizeof(p->image_id->id));
	p->control_reserve =
		(struct range){ SCENE_REGION + PAGE, SCENE_REGION + 0x20000 };
	scene_segment(p, SEGMENT_IMAGE_ID, PAGE,
		      (struct bytes){ (void *)p->image_id, sizeof(*p->image_id) });
	scene_purgatory(p);
	p->elfcorehdr_size = SCENE_HEADERS;
	p->elfcorehdr_block = malloc(SCENE_HEADERS);
	memset(p->elfcorehdr_block, 0x7f, SCENE_HEADERS);
	scene_segment(p, SEGMENT_ELFCOREHDR, align_up(SCENE_HEADERS, PAGE),
		      (struct bytes){ p->elfcorehdr_block, SCENE_HEADERS });
	p->boot_data_size = SCENE_PARAMS;
	p->boot_data = calloc(1, SCENE_PARAMS);
	p->cmdline_offset = 8192;
	strcpy((char *)p->boot_data + 8192, "elfcorehdr=0x30040000 ro");
	scene_segment(p, SEGMENT_BOOT_DATA, SCENE_PARAMS,
		      (struct bytes){ p->boot_data, SCENE_PARAMS });
	scene_segment(p, SEGMENT_SEED, PAGE, (struct bytes){ seed, PAGE });
	scene_segment(p, SEGMENT_KERNEL, 16 * MIB, (struct bytes){ seed, SCENE_KERNEL });
	scene_segment(p, SEGMENT_INITRD, 4 * MIB, (struct bytes){ seed, 4 * MIB - 1 });

	p->boot_data_addr = plan_find(p, SEGMENT_BOOT_DATA)->addr;
	p->kernel_entry = plan_find(p, SEGMENT_KERNEL)->addr + 0x200;
	p->hotplug = true;
	scene_seed(p);
	params = (void *)p->purgatory_block;
	params->kernel_entry = p->kernel_entry;
	params->boot_data = p->boot_data_addr;
	params->mix_target = plan_find(p, SEGMENT_SEED)->addr;
	scene_checks(p);
}

static inline void scene_common(struct recipe *r)
{
	memset(r->boot_id, 0xb0, sizeof(r->boot_id));
	r->region = (struct range){ SCENE_REGION, SCENE_REGION + GIB };
	r->loaded = (struct timespec){ 1800000000, 999999999 };
	r->refreshed = (struct timespec){ 1800000001, 5 };
	r->refreshes = 1000;
	r->generation = (struct generation){ 0x7ff0028, true, true, { 7, 8 }, 9 };
	strcpy(r->source, "kmsg");
	memset(r->kernel_digest, 0x21, sizeof(r->kernel_digest));
	memset(r->initrd_digest, 0x22, sizeof(r->initrd_digest));
	r->strings[0] = strdup("/boot/vmlinuz");
	r->strings[1] = strdup("/boot/initrd.img");
	r->strings[2] = strdup("ro console=ttyS0");
	r->request = (struct load_request){ .target = KEXEC_TARGET_CRASH,
					    .kernel = r->strings[0],
					    .initrd = r->strings[1],
					    .cmdline = r->strings[2],
					    .mem_min = MIB,
					    .mem_max = 4 * GIB,
					    .noefi = true,
					    .hotplug = true,
					    .memmap_cmdline = true,
					    .on_corruption = PURGATORY_HALT,
					    .seed = SEED_REQUIRE,
					    .mix_off = true,
					    .vmgenid_given = true,
					    .vmgenid_addr = 0x7ff0028,
					    .seed_timeout = 3600,
					    .console_vga = true,
					    .console_serial = true,
					    .entry_32bit = true,
					    .serial_port = 0x2f8,
					    .serial_baud = 9600,
					    .root = "" };
	r->guard = (struct known_range){ SCENE_REGION + 32 * MIB, 65536, { 1, 2 } };
}

static inline void scene_load(struct recipe *r, const uint8_t *seed)
{
	*r = (struct recipe){ .method = RECIPE_KEXEC_LOAD };
	scene_common(r);
	memset(r->image_id, 0x1d, sizeof(r->image_id));
	r->request.method = METHOD_LOAD;
	scene_plan(&r->plan, r->image_id, seed);
}

static inline void scene_file_load(struct recipe *r)
{
	*r = (struct recipe){ .method = RECIPE_KEXEC_FILE_LOAD };
	scene_common(r);
	r->request.method = METHOD_FILE;
	r->boot_data = (struct known_range){ SCENE_REGION, 4096, { 3, 4 } };
	r->seed_node = SCENE_REGION + 0x5000;
}

/* Corrects total size and checksum of @data. */
static inline void scene_seal(uint8_t *data, size_t size)
{
	uint64_t total = htole64(size);

	memcpy(data + 16, &total, sizeof(total));
	sha256(data, size - SHA256_SIZE, data + size - SHA256_SIZE);
}

/* Offset of the purgatory's content in an encoded recipe. */
static inline size_t scene_find_purgatory(const uint8_t *data, size_t size)
{
	static const uint64_t magic = PURGATORY_MAGIC;
	const uint8_t *found = memmem(data, size, &magic, sizeof(magic));

	return found ? (size_t)(found - data) : 0;
}

/* Both recipes, one of them encoded, and the page that stands for the seed. */
struct scene {
	uint8_t seed[4096];
	struct recipe load;
	struct recipe file;
	uint8_t *data; /* of load */
	size_t size;
	struct recipe out;
	struct error err;
};

static inline int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	memset(s->seed, SCENE_SECRET, sizeof(s->seed));
	scene_load(&s->load, s->seed);
	scene_file_load(&s->file);
	if (recipe_encode(&s->load, &s->data, &s->size, &s->err))
		fail_msg("%s", s->err.text);
	*state = s;
	return 0;
}

static inline int scene_teardown(void **state)
{
	struct scene *s = *state;

	recipe_free(&s->load);
	recipe_free(&s->file);
	recipe_free(&s->out);
	free(s->data);
	free(s);
	return 0;
}

static inline int decode(struct scene *s, const void *data, size_t size)
{
	/* an allocation of this size, so that a sanitizer sees its end */
	uint8_t *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, data, size);
	recipe_free(&s->out);
	ret = recipe_decode((struct bytes){ copy, size }, &s->out, &s->err);
	free(copy);
	return ret;
}

#endif
