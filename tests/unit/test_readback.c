// SPDX-License-Identifier: GPL-2.0-only
/* The loaded image compared with its recipe: what each wrong byte leads to. */
#include "check.h"
#include "recipe_scene.h"

#include "digest.h"
#include "load/digests.h"
#include "load/readback.h"

#include <errno.h>
#include <pthread.h>

#define MEMORY (32 * MIB)

/* The memory of the crash region, from its start. */
static struct {
	uint8_t *bytes;
	uint64_t bad;	 /* address that cannot be read */
	uint64_t last;	 /* address of the last read */
	uint64_t before; /* and of the one before */
	pthread_t reader;
	bool many; /* more than one reader */
} memory;

static const struct kcore kcore;

/* Replaces that of machine/kcore.c. */
int kcore_read(const struct kcore *k, uint64_t addr, void *buf, size_t size,
	       struct error *err)
{
	assert_ptr_equal(k, &kcore);
	if (!pthread_equal(memory.reader, pthread_self()))
		memory.many = true;
	memory.before = memory.last;
	memory.last = addr;
	if (addr <= memory.bad && memory.bad < addr + size)
		return error_set(err, ENXIO, "no such memory");
	assert_in_range(addr, SCENE_REGION, SCENE_REGION + MEMORY - size);
	memcpy(buf, memory.bytes + (addr - SCENE_REGION), size);
	return 0;
}

/* A decoded recipe; the memory it describes is above. */
struct loaded {
	struct recipe recipe;
	uint8_t seed[4096];
	struct error err;
};

static void put(const struct plan *p)
{
	for (size_t i = 0; i < p->nr_segments; i++)
		memcpy(memory.bytes + (p->segments[i].addr - SCENE_REGION),
		       p->segments[i].content.data, p->segments[i].content.size);
}

/* Loads the image of scene_load(), with correct digests. */
static void load(struct loaded *m, bool hotplug, bool checks)
{
	uint8_t *files = calloc(1, SCENE_KERNEL), *data = NULL;
	struct recipe r;
	size_t size = 0;

	assert_non_null(files);
	memset(m->seed, 0x5e, sizeof(m->seed));
	scene_load(&r, m->seed);
	r.plan.hotplug = hotplug;
	plan_segment(&r.plan, SEGMENT_KERNEL)->content.data = files;
	plan_segment(&r.plan, SEGMENT_INITRD)->content.data = files;
	if (!checks)
		((struct purgatory_params *)r.plan.purgatory_block)->nr_checks = 0;
	assert_int_equal(digests_fill(&r.plan, NULL, 0, &m->err), 0);
	digests_finish(&r.plan);
	r.guard.addr = plan_find(&r.plan, SEGMENT_KERNEL)->addr;
	r.guard.size = 8192;
	digest_range(DIGEST_PORTABLE, files, 8192, r.guard.digest);
	put(&r.plan);
	assert_int_equal(recipe_encode(&r, &data, &size, &m->err), 0);
	assert_int_equal(recipe_decode((struct bytes){ data, size }, &m->recipe, &m->err),
			 0);
	recipe_free(&r);
	free(data);
	free(files);
}

static int setup(void **state)
{
	struct loaded *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	memory.bytes = calloc(1, MEMORY);
	assert_non_null(memory.bytes);
	memory.bad = 0;
	memory.reader = pthread_self();
	memory.many = false;
	load(m, true, true);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct loaded *m = *state;

	recipe_free(&m->recipe);
	free(m);
	free(memory.bytes);
	return 0;
}

static const struct segment *find(const struct loaded *m, enum segment_kind kind)
{
	return plan_find(&m->recipe.plan, kind);
}

static uint8_t *byte_of(const struct loaded *m, enum segment_kind kind, size_t offset)
{
	return memory.bytes + (find(m, kind)->addr - SCENE_REGION) + offset;
}

struct damage_case {
	enum segment_kind kind;
	size_t offset;
	int ret;
	const char *words;
};

static void assert_all(struct loaded *m, const struct damage_case *cases, size_t count)
{
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), 0);
	for (size_t i = 0; i < count; i++) {
		uint8_t *byte = byte_of(m, cases[i].kind, cases[i].offset);
		int ret;

		*byte ^= 1;
		m->err.text[0] = '\0';
		ret = image_matches(&kcore, &m->recipe, &m->err);
		*byte ^= 1;
		if (ret != cases[i].ret || !strstr(m->err.text, cases[i].words))
			fail_msg("case %zu: %d, '%s'", i, ret, m->err.text);
	}
}

static void test_matches(void **state)
{
	static const struct damage_case cases[] = {
		{ SEGMENT_IMAGE_ID, 0, -ENODATA,
		  "another crash image is loaded: the tag" },
		{ SEGMENT_IMAGE_ID, 31, -ENODATA, "tag" },
		{ SEGMENT_IMAGE_ID, 32, 0, "" },
		{ SEGMENT_BOOT_DATA, 0, -EBADMSG, "damaged: boot_params" },
		{ SEGMENT_BOOT_DATA, SCENE_PARAMS - 1, -EBADMSG, "boot_params" },
		{ SEGMENT_PURGATORY, 0, -EBADMSG, "damaged: purgatory" },
		{ SEGMENT_PURGATORY, sizeof(struct purgatory_params), -EBADMSG,
		  "damaged: purgatory" },
		/* the digests of the parameters and of the seed */
		{ SEGMENT_PURGATORY, offsetof(struct purgatory_params, self_sha256),
		  -EBADMSG, "purgatory" },
		{ SEGMENT_PURGATORY, offsetof(struct purgatory_params, checks[4].digest),
		  -EBADMSG, "purgatory" },
		/* the kernel may change the rest of these */
		{ SEGMENT_ELFCOREHDR, 3, -EBADMSG, "damaged: elfcorehdr" },
		{ SEGMENT_ELFCOREHDR, 4, 0, "" },
		/* the guard bytes */
		{ SEGMENT_KERNEL, 0, -EBADMSG, "damaged: kernel" },
		{ SEGMENT_KERNEL, 8191, -EBADMSG, "damaged: kernel" },
		{ SEGMENT_KERNEL, 8192, 0, "" },
		{ SEGMENT_INITRD, 0, 0, "" },
		{ SEGMENT_SEED, 16, 0, "" },
	};
	struct loaded *m = *state;

	assert_int_equal(find(m, SEGMENT_SEED) - m->recipe.plan.segments, 4);
	assert_all(m, cases, COUNT(cases));
}

static void test_without_hotplug(void **state)
{
	static const struct damage_case cases[] = {
		{ SEGMENT_ELFCOREHDR, 4, -EBADMSG, "damaged: elfcorehdr" },
		{ SEGMENT_ELFCOREHDR, SCENE_HEADERS - 1, -EBADMSG, "elfcorehdr" },
		{ SEGMENT_ELFCOREHDR, SCENE_HEADERS, 0, "" },
	};
	struct loaded *m = *state;

	recipe_free(&m->recipe);
	load(m, false, true);
	assert_all(m, cases, COUNT(cases));
}

/* With --no-checks the parameters have no digest of their own. */
static void test_without_checks(void **state)
{
	static const struct damage_case cases[] = {
		{ SEGMENT_PURGATORY, 0, -EBADMSG, "damaged: purgatory" },
		{ SEGMENT_PURGATORY, offsetof(struct purgatory_params, self_sha256), 0,
		  "" },
	};
	struct loaded *m = *state;

	recipe_free(&m->recipe);
	load(m, true, false);
	assert_all(m, cases, COUNT(cases));
}

/* A new seed does not make it another image. */
static void test_refreshed(void **state)
{
	struct loaded *m = *state;
	struct purgatory_params *p = (void *)byte_of(m, SEGMENT_PURGATORY, 0);

	memset(p->checks[4].digest, 0x77, SHA256_SIZE);
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), 0);
	/* nor does the digest of an old seed in the plan */
	memset(((struct purgatory_params *)m->recipe.plan.purgatory_block)
		       ->checks[4]
		       .digest,
	       0x66, SHA256_SIZE);
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), 0);
	/* but any other digest counts */
	memset(p->checks[3].digest, 0x77, SHA256_SIZE);
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), -EBADMSG);
}

/* Adds the copies of the image ID that x86 does without. */
static void add_copies(struct loaded *m)
{
	struct plan *p = &m->recipe.plan;
	struct bytes id = { (const uint8_t *)p->image_id, sizeof(*p->image_id) };

	p->segments[p->nr_segments++] = (struct segment){ SEGMENT_IMAGE_ID_SECOND,
							  SCENE_REGION + PAGE, PAGE, id };
	p->segments[p->nr_segments++] =
		(struct segment){ SEGMENT_IMAGE_ID_STATIC, SCENE_REGION + 4 * PAGE, PAGE,
				  id };
	memcpy(byte_of(m, SEGMENT_IMAGE_ID_SECOND, 0), id.data, id.size);
	memcpy(byte_of(m, SEGMENT_IMAGE_ID_STATIC, 0), id.data, id.size);
}

/* As the kernel hides the segments of the last load, of @plan: all of them. */
static void hide(const struct plan *plan, bool all)
{
	for (size_t i = 0; i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];

		if (all || segment_is_refreshed(s->kind))
			memset(memory.bytes + (s->addr - SCENE_REGION), 0, s->mem_size);
	}
}

static void test_copies(void **state)
{
	static const struct damage_case cases[] = {
		{ SEGMENT_IMAGE_ID, 31, -ENODATA, "another crash image is loaded" },
		{ SEGMENT_IMAGE_ID_SECOND, 0, -ENODATA, "another crash image is loaded" },
		{ SEGMENT_IMAGE_ID_STATIC, 31, -EBADMSG, "damaged: static tag" },
		{ SEGMENT_BOOT_DATA, 0, -EBADMSG, "damaged: boot_params" },
	};
	struct loaded *m = *state;

	add_copies(m);
	assert_all(m, cases, COUNT(cases));
	assert_false(image_is_hidden(&kcore, &m->recipe.plan));
	assert_false(image_is_all_hidden(&kcore, &m->recipe.plan));
}

static void test_hidden(void **state)
{
	static const struct damage_case cases[] = {
		/* what shows is not of the last load, which was another tool's then */
		{ SEGMENT_IMAGE_ID, 0, -ENODATA, "another crash image is loaded" },
		{ SEGMENT_IMAGE_ID_SECOND, 0, -ENODATA, "another crash image is loaded" },
		{ SEGMENT_PURGATORY, 0, -ENODATA, "another crash image is loaded" },
		{ SEGMENT_BOOT_DATA, 8192, -ENODATA, "another crash image is loaded" },
		{ SEGMENT_ELFCOREHDR, 0, -ENODATA, "another crash image is loaded" },
		{ SEGMENT_IMAGE_ID_STATIC, 16, -ENODATA,
		  "another crash image is loaded" },
		{ SEGMENT_KERNEL, 0, -EBADMSG, "damaged: kernel" },
		{ SEGMENT_SEED, 0, 0, "" },
	};
	struct loaded *m = *state;

	add_copies(m);
	hide(&m->recipe.plan, false);
	assert_all(m, cases, COUNT(cases));
	assert_int_equal(image_check_id(&kcore, &m->recipe, &m->err), 0);
	assert_true(image_is_hidden(&kcore, &m->recipe.plan));
	assert_false(image_is_all_hidden(&kcore, &m->recipe.plan));
}

/* Zeroes are no match, whether all is hidden or nothing is there. */
static void test_all_zero(void **state)
{
	struct loaded *m = *state;

	add_copies(m);
	hide(&m->recipe.plan, true);
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), -EAGAIN);
	assert_int_equal(image_check_id(&kcore, &m->recipe, &m->err), -EAGAIN);
	assert_false(image_is_hidden(&kcore, &m->recipe.plan));
	assert_true(image_is_all_hidden(&kcore, &m->recipe.plan));
	/* the kernel's own pages tell that it was a load of this layout */
	m->recipe.plan.control_reserve =
		(struct range){ SCENE_REGION + 2 * PAGE, SCENE_REGION + 4 * PAGE };
	memset(memory.bytes + 2 * PAGE, 0, 2 * PAGE);
	assert_false(image_is_laid_out(&kcore, &m->recipe.plan));
	memory.bytes[3 * PAGE + 12] = 'V';
	assert_true(image_is_laid_out(&kcore, &m->recipe.plan));
	*byte_of(m, SEGMENT_IMAGE_ID_SECOND, 0) = 1;
	assert_false(image_is_laid_out(&kcore, &m->recipe.plan));
	*byte_of(m, SEGMENT_IMAGE_ID_SECOND, 0) = 0;
	/* without copies, as on x86 */
	m->recipe.plan.nr_segments -= 2;
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), -ENODATA);
	assert_false(image_is_hidden(&kcore, &m->recipe.plan));
	assert_false(image_is_all_hidden(&kcore, &m->recipe.plan));
}

/* Memory that cannot be read is neither damaged nor another image. */
static void test_unreadable(void **state)
{
	struct loaded *m = *state;

	for (size_t i = 0; i < m->recipe.plan.nr_segments; i++) {
		const struct segment *part = &m->recipe.plan.segments[i];
		bool is_read = part->kind != SEGMENT_SEED && part->kind != SEGMENT_INITRD;

		memory.bad = part->addr;
		assert_int_equal(image_matches(&kcore, &m->recipe, &m->err),
				 is_read ? -ENXIO : 0);
	}
	memory.bad = SCENE_REGION;
	assert_int_equal(image_check_id(&kcore, &m->recipe, &m->err), -ENXIO);
	m->recipe.plan.nr_segments = 0;
	assert_int_equal(image_check_id(&kcore, &m->recipe, &m->err), -EINVAL);
}

static void test_file_load(void **state)
{
	struct loaded *m = *state;
	struct recipe r = { .method = RECIPE_KEXEC_FILE_LOAD };

	assert_int_equal(image_matches(&kcore, &r, &m->err), -ENOTSUP);
	r.boot_data = (struct known_range){ SCENE_REGION + 8192, 4096, { 0 } };
	r.guard = (struct known_range){ SCENE_REGION, 16, { 0 } };
	digest_range(DIGEST_PORTABLE, memory.bytes + 8192, 4096, r.boot_data.digest);
	digest_range(DIGEST_PORTABLE, memory.bytes, 16, r.guard.digest);
	assert_int_equal(image_matches(&kcore, &r, &m->err), 0);
	memory.bytes[15] ^= 1;
	assert_int_equal(image_matches(&kcore, &r, &m->err), -ENODATA);
	assert_non_null(strstr(m->err.text, "the elfcorehdr at 0x30000000 is not ours"));
	memory.bytes[8192 + 4095] ^= 1;
	assert_int_equal(image_matches(&kcore, &r, &m->err), -ENODATA);
	assert_non_null(strstr(m->err.text, "the boot_params at 0x30002000"));
	memory.bad = SCENE_REGION + 8192;
	assert_int_equal(image_matches(&kcore, &r, &m->err), -ENXIO);
}

/* The kernel copies through one buffer, so a second reader would only wait. */
static void test_one_reader(void **state)
{
	uint8_t digest[SHA256_SIZE], want[SHA256_SIZE];
	struct loaded *m = *state;

	assert_int_equal(readback_digest(&kcore, SCENE_REGION, MEMORY, digest, &m->err),
			 0);
	digest_range(digest_best_impl(), memory.bytes, MEMORY, want);
	assert_memory_equal(digest, want, sizeof(want));
	assert_false(memory.many);
}

/* The damage that image_verify() found. */
struct found {
	char parts[256];
	uint64_t addr, size; /* of the last one */
};

static void damaged(void *to, const char *part, uint64_t addr, uint64_t size)
{
	struct found *f = to;

	strcat(strcat(f->parts, part), " ");
	f->addr = addr;
	f->size = size;
}

static struct found verify(struct loaded *m)
{
	struct found f = { .parts = "" };

	assert_int_equal(image_verify(&kcore, &m->recipe, damaged, &f, &m->err), 0);
	return f;
}

static void test_verify(void **state)
{
	struct loaded *m = *state;

	assert_string_equal(verify(m).parts, "");
	for (size_t i = 0; i < m->recipe.plan.nr_segments; i++) {
		const struct segment *s = &m->recipe.plan.segments[i];
		size_t size = s->content.size ? s->content.size : s->mem_size;
		uint8_t *byte = byte_of(m, s->kind, size - 1);
		struct found f;

		*byte ^= 1;
		f = verify(m);
		assert_memory_equal(f.parts, segment_name(s->kind), strlen(f.parts) - 1);
		assert_int_equal(f.addr + f.size, s->addr + size);
		*byte ^= 1;
	}
}

/* Then the recipe's digests are used. It has none of the seed. */
static void test_verify_damaged_parameters(void **state)
{
	struct loaded *m = *state;
	struct purgatory_params *p = (void *)byte_of(m, SEGMENT_PURGATORY, 0);
	struct found f;

	p->boot_data ^= 1;
	f = verify(m);
	assert_string_equal(f.parts, "parameters ");
	assert_int_equal(f.addr, find(m, SEGMENT_PURGATORY)->addr);
	assert_int_equal(f.size, sizeof(*p));
	*byte_of(m, SEGMENT_SEED, 20) ^= 1;
	*byte_of(m, SEGMENT_KERNEL, MIB) ^= 1;
	assert_string_equal(verify(m).parts, "parameters kernel ");
	p->nr_checks = PURGATORY_MAX_CHECKS; /* the last valid number */
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_null(strstr(verify(m).parts, "parameters"));
	p->nr_checks = PURGATORY_MAX_CHECKS + 1;
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_string_equal(verify(m).parts, "parameters kernel ");
}

/* Another read must overwrite the seed in the kernel's buffer. */
static void test_verify_leaves_no_seed(void **state)
{
	struct loaded *m = *state;
	struct purgatory_params *p = (void *)byte_of(m, SEGMENT_PURGATORY, 0);
	uint64_t seed = find(m, SEGMENT_SEED)->addr;

	p->nr_checks = 5; /* the last one is the seed's */
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_string_equal(verify(m).parts, "");
	assert_int_equal(memory.before, seed);
	assert_int_equal(memory.last, seed + PAGE);
	memory.bad = seed;
	assert_int_equal(image_verify(&kcore, &m->recipe, damaged, NULL, &m->err),
			 -ENXIO);
	assert_int_equal(memory.before, seed);
	assert_int_equal(memory.last, seed + PAGE);
	memory.bad = seed + PAGE;
	assert_int_equal(image_verify(&kcore, &m->recipe, damaged, NULL, &m->err),
			 -ENXIO);
}

/* Makes the recipe one whose purgatory is of an older version: recipe_decode(). */
static void age(struct loaded *m)
{
	struct plan *p = &m->recipe.plan;
	const struct purgatory_params *params = plan_purgatory(p);

	m->recipe.outdated = true;
	for (uint32_t i = 0; i < params->nr_checks; i++) {
		const struct purgatory_check *c = &params->checks[i];

		if (c->kind == PURGATORY_KIND_KERNEL) {
			m->recipe.kernel =
				(struct known_range){ .addr = c->addr, .size = c->size };
			memcpy(m->recipe.kernel.digest, c->digest, SHA256_SIZE);
		}
		if (c->kind == PURGATORY_KIND_INITRD)
			memcpy(m->recipe.initrd_digest, c->digest, SHA256_SIZE);
	}
	free(p->purgatory_block);
	p->purgatory_block = NULL;
	plan_segment(p, SEGMENT_PURGATORY)->content.data = NULL;
}

/* All but purgatory and seed. */
static void test_outdated(void **state)
{
	struct loaded *m = *state;

	age(m);
	m->recipe.plan.hotplug = false;
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), 0);
	assert_string_equal(verify(m).parts, "");
	for (size_t i = 0; i < m->recipe.plan.nr_segments; i++) {
		const struct segment *s = &m->recipe.plan.segments[i];
		size_t size = s->content.size ? s->content.size : s->mem_size;
		uint8_t *byte = byte_of(m, s->kind, size - 1);
		bool known = s->kind != SEGMENT_PURGATORY && s->kind != SEGMENT_SEED;
		struct found f;

		*byte ^= 1;
		f = verify(m);
		*byte ^= 1;
		assert_int_equal(*f.parts != '\0', known);
		if (known)
			assert_memory_equal(f.parts, segment_name(s->kind),
					    strlen(f.parts) - 1);
	}
	*byte_of(m, SEGMENT_IMAGE_ID, 20) ^= 1;
	assert_int_equal(image_matches(&kcore, &m->recipe, &m->err), -ENODATA);
	/* no digest of the kernel: its first bytes are compared */
	*byte_of(m, SEGMENT_IMAGE_ID, 20) ^= 1;
	m->recipe.kernel.size = 0;
	assert_string_equal(verify(m).parts, "");
	*byte_of(m, SEGMENT_KERNEL, 8191) ^= 1;
	assert_string_equal(verify(m).parts, "kernel ");
}

static void test_verify_cannot(void **state)
{
	struct loaded *m = *state;
	struct found f = { .parts = "" };

	memory.bad = find(m, SEGMENT_PURGATORY)->addr;
	assert_int_equal(image_verify(&kcore, &m->recipe, damaged, &f, &m->err), -ENXIO);
	memory.bad = find(m, SEGMENT_KERNEL)->addr;
	assert_int_equal(image_verify(&kcore, &m->recipe, damaged, &f, &m->err), -ENXIO);
	assert_string_equal(f.parts, "");
	((struct purgatory_params *)m->recipe.plan.purgatory_block)->nr_checks = 0;
	assert_int_equal(image_verify(&kcore, &m->recipe, damaged, &f, &m->err),
			 -ENODATA);
	assert_non_null(strstr(m->err.text, "--no-checks"));
	m->recipe.method = RECIPE_KEXEC_FILE_LOAD;
	assert_int_equal(image_verify(&kcore, &m->recipe, damaged, &f, &m->err),
			 -ENODATA);
	assert_non_null(strstr(m->err.text, "kexec_file_load"));
}

int main(void)
{
#define MEMORY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		MEMORY_TEST(test_matches),
		MEMORY_TEST(test_without_hotplug),
		MEMORY_TEST(test_without_checks),
		MEMORY_TEST(test_refreshed),
		MEMORY_TEST(test_copies),
		MEMORY_TEST(test_hidden),
		MEMORY_TEST(test_all_zero),
		MEMORY_TEST(test_unreadable),
		MEMORY_TEST(test_file_load),
		MEMORY_TEST(test_one_reader),
		MEMORY_TEST(test_verify),
		MEMORY_TEST(test_verify_damaged_parameters),
		MEMORY_TEST(test_verify_leaves_no_seed),
		MEMORY_TEST(test_verify_cannot),
		MEMORY_TEST(test_outdated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
