// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decodes any bytes as a recipe, after correcting total size and checksum, so that the code
 * behind those checks is reached. A recipe that is accepted must encode to the same bytes,
 * unless it is outdated.
 *
 * With FUZZ_RECIPE_SEEDS=FOLDER it first writes two good recipes there, for the corpus.
 */
#define KS_CHECK_H /* only the scene is needed, not cmocka */
#define assert_non_null(x)                                                               \
	do {                                                                             \
		if (!(x))                                                                \
			abort();                                                         \
	} while (0)
#define fail_msg(...) abort()
#include "tests/unit/recipe_scene.h"

#include <endian.h>
#include <stdio.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_seed(const char *folder, const char *name, const struct recipe *r)
{
	struct error err;
	char path[4096];
	uint8_t *data;
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f || recipe_encode(r, &data, &size, &err) ||
	    fwrite(data, 1, size, f) != size)
		abort();
	fclose(f);
	free(data);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t page[4096];
	const char *folder = getenv("FUZZ_RECIPE_SEEDS");
	struct recipe r;

	(void)argc;
	(void)argv;
	if (!folder)
		return 0;
	scene_load(&r, page);
	write_seed(folder, "kexec_load", &r);
	recipe_free(&r);
	scene_file_load(&r);
	write_seed(folder, "kexec_file_load", &r);
	recipe_free(&r);
	return 0;
}

/* Checks what the callers rely on. */
static void check_recipe(const struct recipe *r)
{
	for (size_t i = 0; i < r->plan.nr_segments; i++) {
		const struct segment *s = &r->plan.segments[i];
		uint64_t end;

		if (__builtin_add_overflow(s->addr, s->mem_size, &end) ||
		    s->addr < r->region.start || end > r->region.end ||
		    s->content.size > s->mem_size)
			abort();
		if (s->content.data) /* every byte can be read */
			sha256(s->content.data, s->content.size,
			       (uint8_t[SHA256_SIZE]){ 0 });
	}
	if (r->plan.nr_segments && !strlen(plan_command_line(&r->plan)) && !r->plan.entry)
		abort();
	if (r->request.kernel[0] != '/')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t total = htole64(size);
	struct recipe r;
	struct error err;
	uint8_t *copy = malloc(size ? size : 1), *again;
	size_t length;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (size >= 24 + SHA256_SIZE) {
		memcpy(copy + 16, &total, sizeof(total));
		sha256(copy, size - SHA256_SIZE, copy + size - SHA256_SIZE);
	}
	if (recipe_decode((struct bytes){ copy, size }, &r, &err) == 0) {
		int ret;

		check_recipe(&r);
		ret = recipe_encode(&r, &again, &length, &err);
		/* the plan of an older version cannot be written; all else is as read */
		if (r.outdated ? ret && r.method == RECIPE_KEXEC_FILE_LOAD
			       : ret || length != size || memcmp(again, copy, size))
			abort();
		if (!ret)
			free(again);
		recipe_free(&r);
	}
	free(copy);
	return 0;
}
