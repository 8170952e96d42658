// SPDX-License-Identifier: GPL-2.0-only
/* Is what lies in memory what the recipe says? Each byte that is not, and what is made of it. */
#include "check.h"
#include "recipe_scene.h"

#include "digest.h"
#include "load/loaded.h"
#include "load/seal.h"

#include <errno.h>
#include <pthread.h>

#define MEMORY (32 * MIB)

/* The crash region's memory, from its start. */
static struct {
	uint8_t *bytes;
	uint64_t bad;	 /* what cannot be read */
	uint64_t last;	 /* address of the last read */
	uint64_t before; /* and of the one before */
	pthread_t reader;
	bool many; /* readers */
} memory;

static const struct kcore kcore;

/* In place of machine/kcore.c. */
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

/* A recipe that was read, and the memory that it describes. */
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

/* Loads what scene_load() makes, with digests that are right. */
static void load(struct loaded *m, bool hotplug, bool checks)
{
	uint8_t *files = calloc(1, SCENE_KERNEL), *data = NULL;
	struct recipe r;
	size_t size = 0;

	assert_non_null(files);
	memset(m->seed, 0x5e, sizeof(m->seed));
	scene_load(&r, m->seed);
	r.plan.hotplug = hotplug;
	plan_segment(&r.plan, PURGATORY_KIND_KERNEL)->content.data = files;
	plan_segment(&r.plan, PURGATORY_KIND_INITRD)->content.data = files;
	if (!checks)
		((struct purgatory_params *)r.plan.purgatory_block)->nr_checks = 0;
	assert_int_equal(seal_contents(&r.plan, NULL, 0, &m->err), 0);
	seal_finish(&r.plan);
	r.neighbour.addr = plan_find(&r.plan, PURGATORY_KIND_KERNEL)->addr;
	r.neighbour.size = 8192;
	digest_range(DIGEST_PORTABLE, files, 8192, r.neighbour.digest);
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

static const struct segment *find(const struct loaded *m, enum purgatory_kind kind)
{
	return plan_find(&m->recipe.plan, kind);
}

static uint8_t *byte_of(const struct loaded *m, enum purgatory_kind kind, size_t offset)
{
	return memory.bytes + (find(m, kind)->addr - SCENE_REGION) + offset;
}

struct spoiled {
	enum purgatory_kind kind;
	size_t offset;
	int ret;
	const char *words;
};

static void assert_all(struct loaded *m, const struct spoiled *cases, size_t count)
{
	assert_int_equal(loaded_prove(&kcore, &m->recipe, &m->err), 0);
	for (size_t i = 0; i < count; i++) {
		uint8_t *byte = byte_of(m, cases[i].kind, cases[i].offset);
		int ret;

		*byte ^= 1;
		m->err.text[0] = '\0';
		ret = loaded_prove(&kcore, &m->recipe, &m->err);
		*byte ^= 1;
		if (ret != cases[i].ret || !strstr(m->err.text, cases[i].words))
			fail_msg("case %zu: %d, '%s'", i, ret, m->err.text);
	}
}

static void test_prove(void **state)
{
	static const struct spoiled cases[] = {
		{ PURGATORY_KIND_IMAGE_ID, 0, -ENODATA,
		  "another crash image is loaded: the tag" },
		{ PURGATORY_KIND_IMAGE_ID, 31, -ENODATA, "tag" },
		{ PURGATORY_KIND_IMAGE_ID, 32, 0, "" },
		{ PURGATORY_KIND_BOOT_DATA, 0, -EBADMSG, "damaged: boot_params" },
		{ PURGATORY_KIND_BOOT_DATA, SCENE_PARAMS - 1, -EBADMSG, "boot_params" },
		{ PURGATORY_KIND_PURGATORY, 0, -EBADMSG, "damaged: purgatory" },
		{ PURGATORY_KIND_PURGATORY, sizeof(struct purgatory_params), -EBADMSG,
		  "damaged: purgatory" },
		/* the digest of the parameters, which hold that of the seed */
		{ PURGATORY_KIND_PURGATORY,
		  offsetof(struct purgatory_params, self_sha256), -EBADMSG, "purgatory" },
		{ PURGATORY_KIND_PURGATORY,
		  offsetof(struct purgatory_params, checks[4].digest), -EBADMSG,
		  "purgatory" },
		/* which the kernel may have changed */
		{ PURGATORY_KIND_ELFCOREHDR, 3, -EBADMSG, "damaged: elfcorehdr" },
		{ PURGATORY_KIND_ELFCOREHDR, 4, 0, "" },
		/* the neighbour */
		{ PURGATORY_KIND_KERNEL, 0, -EBADMSG, "damaged: kernel" },
		{ PURGATORY_KIND_KERNEL, 8191, -EBADMSG, "damaged: kernel" },
		{ PURGATORY_KIND_KERNEL, 8192, 0, "" },
		{ PURGATORY_KIND_INITRD, 0, 0, "" },
		{ PURGATORY_KIND_SEED, 16, 0, "" },
	};
	struct loaded *m = *state;

	assert_int_equal(find(m, PURGATORY_KIND_SEED) - m->recipe.plan.segments, 4);
	assert_all(m, cases, COUNT(cases));
}

static void test_without_hotplug(void **state)
{
	static const struct spoiled cases[] = {
		{ PURGATORY_KIND_ELFCOREHDR, 4, -EBADMSG, "damaged: elfcorehdr" },
		{ PURGATORY_KIND_ELFCOREHDR, SCENE_HEADERS - 1, -EBADMSG, "elfcorehdr" },
		{ PURGATORY_KIND_ELFCOREHDR, SCENE_HEADERS, 0, "" },
	};
	struct loaded *m = *state;

	recipe_free(&m->recipe);
	load(m, false, true);
	assert_all(m, cases, COUNT(cases));
}

/* --no-checks: the parameters have no digest that could be wrong. */
static void test_without_checks(void **state)
{
	static const struct spoiled cases[] = {
		{ PURGATORY_KIND_PURGATORY, 0, -EBADMSG, "damaged: purgatory" },
		{ PURGATORY_KIND_PURGATORY,
		  offsetof(struct purgatory_params, self_sha256), 0, "" },
	};
	struct loaded *m = *state;

	recipe_free(&m->recipe);
	load(m, true, false);
	assert_all(m, cases, COUNT(cases));
}

/* Another seed, as after a refresh, is still the same image. */
static void test_refreshed(void **state)
{
	struct loaded *m = *state;
	struct purgatory_params *p = (void *)byte_of(m, PURGATORY_KIND_PURGATORY, 0);

	memset(p->checks[4].digest, 0x77, SHA256_SIZE);
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_int_equal(loaded_prove(&kcore, &m->recipe, &m->err), 0);
	/* also for who has loaded it and knows a digest of another */
	memset(((struct purgatory_params *)m->recipe.plan.purgatory_block)
		       ->checks[4]
		       .digest,
	       0x66, SHA256_SIZE);
	assert_int_equal(loaded_prove(&kcore, &m->recipe, &m->err), 0);
	/* but no other number */
	memset(p->checks[3].digest, 0x77, SHA256_SIZE);
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_int_equal(loaded_prove(&kcore, &m->recipe, &m->err), -EBADMSG);
}

/* What cannot be read is neither damaged nor another's. */
static void test_unreadable(void **state)
{
	struct loaded *m = *state;

	for (size_t i = 0; i < m->recipe.plan.nr_segments; i++) {
		const struct segment *part = &m->recipe.plan.segments[i];
		bool is_read = part->kind != PURGATORY_KIND_SEED &&
			       part->kind != PURGATORY_KIND_INITRD;

		memory.bad = part->addr;
		assert_int_equal(loaded_prove(&kcore, &m->recipe, &m->err),
				 is_read ? -ENXIO : 0);
	}
	memory.bad = SCENE_REGION;
	assert_int_equal(loaded_check_tag(&kcore, &m->recipe, &m->err), -ENXIO);
	m->recipe.plan.nr_segments = 0;
	assert_int_equal(loaded_check_tag(&kcore, &m->recipe, &m->err), -EINVAL);
}

static void test_file_load(void **state)
{
	struct loaded *m = *state;
	struct recipe r = { .method = RECIPE_KEXEC_FILE_LOAD };

	assert_int_equal(loaded_prove(&kcore, &r, &m->err), -ENOTSUP);
	r.boot_params = (struct recipe_check){ SCENE_REGION + 8192, 4096, { 0 } };
	r.neighbour = (struct recipe_check){ SCENE_REGION, 16, { 0 } };
	digest_range(DIGEST_PORTABLE, memory.bytes + 8192, 4096, r.boot_params.digest);
	digest_range(DIGEST_PORTABLE, memory.bytes, 16, r.neighbour.digest);
	assert_int_equal(loaded_prove(&kcore, &r, &m->err), 0);
	memory.bytes[15] ^= 1;
	assert_int_equal(loaded_prove(&kcore, &r, &m->err), -ENODATA);
	assert_non_null(strstr(m->err.text, "the elfcorehdr at 0x30000000 is not ours"));
	memory.bytes[8192 + 4095] ^= 1;
	assert_int_equal(loaded_prove(&kcore, &r, &m->err), -ENODATA);
	assert_non_null(strstr(m->err.text, "the boot_params at 0x30002000"));
	memory.bad = SCENE_REGION + 8192;
	assert_int_equal(loaded_prove(&kcore, &r, &m->err), -ENXIO);
}

/* The kernel copies through one buffer: two readers would only wait for each other. */
static void test_one_reader(void **state)
{
	uint8_t digest[SHA256_SIZE], want[SHA256_SIZE];
	struct loaded *m = *state;

	assert_int_equal(loaded_digest(&kcore, SCENE_REGION, MEMORY, digest, &m->err), 0);
	digest_range(digest_best_impl(), memory.bytes, MEMORY, want);
	assert_memory_equal(digest, want, sizeof(want));
	assert_false(memory.many);
}

/* What loaded_verify() found. */
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

	assert_int_equal(loaded_verify(&kcore, &m->recipe, damaged, &f, &m->err), 0);
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

/* Then the recipe tells what the rest has to be; nobody knows what the seed has to be. */
static void test_verify_damaged_parameters(void **state)
{
	struct loaded *m = *state;
	struct purgatory_params *p = (void *)byte_of(m, PURGATORY_KIND_PURGATORY, 0);
	struct found f;

	p->boot_data ^= 1;
	f = verify(m);
	assert_string_equal(f.parts, "parameters ");
	assert_int_equal(f.addr, find(m, PURGATORY_KIND_PURGATORY)->addr);
	assert_int_equal(f.size, sizeof(*p));
	*byte_of(m, PURGATORY_KIND_SEED, 20) ^= 1;
	*byte_of(m, PURGATORY_KIND_KERNEL, MIB) ^= 1;
	assert_string_equal(verify(m).parts, "parameters kernel ");
	p->nr_checks = PURGATORY_MAX_CHECKS; /* can be, if these are */
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_null(strstr(verify(m).parts, "parameters"));
	p->nr_checks = PURGATORY_MAX_CHECKS + 1;
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_string_equal(verify(m).parts, "parameters kernel ");
}

/* The page with the seed must not stay in the buffer that the kernel has copied it to. */
static void test_verify_leaves_no_seed(void **state)
{
	struct loaded *m = *state;
	struct purgatory_params *p = (void *)byte_of(m, PURGATORY_KIND_PURGATORY, 0);
	uint64_t seed = find(m, PURGATORY_KIND_SEED)->addr;

	p->nr_checks = 5; /* the seed's is the last */
	sha256(p, offsetof(struct purgatory_params, self_sha256), p->self_sha256);
	assert_string_equal(verify(m).parts, "");
	assert_int_equal(memory.before, seed);
	assert_int_equal(memory.last, seed + PAGE);
	memory.bad = seed;
	assert_int_equal(loaded_verify(&kcore, &m->recipe, damaged, NULL, &m->err),
			 -ENXIO);
	assert_int_equal(memory.before, seed);
	assert_int_equal(memory.last, seed + PAGE);
	memory.bad = seed + PAGE;
	assert_int_equal(loaded_verify(&kcore, &m->recipe, damaged, NULL, &m->err),
			 -ENXIO);
}

static void test_verify_cannot(void **state)
{
	struct loaded *m = *state;
	struct found f = { .parts = "" };

	memory.bad = find(m, PURGATORY_KIND_PURGATORY)->addr;
	assert_int_equal(loaded_verify(&kcore, &m->recipe, damaged, &f, &m->err), -ENXIO);
	memory.bad = find(m, PURGATORY_KIND_KERNEL)->addr;
	assert_int_equal(loaded_verify(&kcore, &m->recipe, damaged, &f, &m->err), -ENXIO);
	assert_string_equal(f.parts, "");
	((struct purgatory_params *)m->recipe.plan.purgatory_block)->nr_checks = 0;
	assert_int_equal(loaded_verify(&kcore, &m->recipe, damaged, &f, &m->err),
			 -ENODATA);
	assert_non_null(strstr(m->err.text, "--no-checks"));
	m->recipe.method = RECIPE_KEXEC_FILE_LOAD;
	assert_int_equal(loaded_verify(&kcore, &m->recipe, damaged, &f, &m->err),
			 -ENODATA);
	assert_non_null(strstr(m->err.text, "kexec_file_load"));
}

int main(void)
{
#define MEMORY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		MEMORY_TEST(test_prove),
		MEMORY_TEST(test_without_hotplug),
		MEMORY_TEST(test_without_checks),
		MEMORY_TEST(test_refreshed),
		MEMORY_TEST(test_unreadable),
		MEMORY_TEST(test_file_load),
		MEMORY_TEST(test_one_reader),
		MEMORY_TEST(test_verify),
		MEMORY_TEST(test_verify_damaged_parameters),
		MEMORY_TEST(test_verify_leaves_no_seed),
		MEMORY_TEST(test_verify_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
