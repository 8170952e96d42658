// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the blob's own machine code, which verifies the kernel and was compiled with other
 * options than the same source in this program. Functions are found by the symbols of the
 * ELF file that the blob is made from.
 */
#include "check.h"
#include "digest_impls.h"

#include "purgatory/blob.h"
#include "seed_mix.h"
#include "traces.h"

#include "setup_data.h"
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ELF_FILE "purgatory/purgatory.elf" /* in the build folder, where tests run */
#define ELF_MAX	 (1 << 20)

struct code {
	uint8_t *memory; /* the blob, as if it were loaded here */
	size_t size;
	uint8_t *elf;
	size_t elf_size;
};

static void read_elf(struct code *code)
{
	FILE *f = fopen(ELF_FILE, "rb");

	if (!f)
		fail_msg("no %s in the working directory", ELF_FILE);
	code->elf = malloc(ELF_MAX);
	assert_non_null(code->elf);
	code->elf_size = fread(code->elf, 1, ELF_MAX, f);
	fclose(f);
	assert_in_range(code->elf_size, sizeof(Elf64_Ehdr), ELF_MAX - 1);
}

static const void *at(const struct code *code, uint64_t offset, uint64_t size)
{
	assert_true(offset <= code->elf_size && size <= code->elf_size - offset);
	return code->elf + offset;
}

/* The blob is linked at 0, so a symbol's value is its offset. */
static void *function(const struct code *code, const char *name)
{
	const Elf64_Ehdr *e = at(code, 0, sizeof(*e));
	const Elf64_Shdr *sections = at(code, e->e_shoff, e->e_shnum * sizeof(*sections));

	for (size_t i = 0; i < e->e_shnum; i++) {
		const Elf64_Shdr *s = &sections[i];
		const Elf64_Sym *symbols;
		const char *names;

		if (s->sh_type != SHT_SYMTAB)
			continue;
		assert_true(s->sh_link < e->e_shnum);
		symbols = at(code, s->sh_offset, s->sh_size);
		names = at(code, sections[s->sh_link].sh_offset,
			   sections[s->sh_link].sh_size);
		for (size_t k = 0; k < s->sh_size / sizeof(*symbols); k++)
			if (!strcmp(names + symbols[k].st_name, name))
				return code->memory + symbols[k].st_value;
	}
	fail_msg("the blob has no %s", name);
	return NULL;
}

static int setup(void **state)
{
	static struct code code;
	struct bytes blob = purgatory_blob();
	const struct purgatory_params *p = (const void *)blob.data;

	read_elf(&code);
	code.size = p->mem_size;
	code.memory = mmap(NULL, code.size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(code.memory != MAP_FAILED);
	memcpy(code.memory, blob.data, blob.size);
	assert_int_equal(mprotect(code.memory, code.size, PROT_READ | PROT_EXEC), 0);
	*state = &code;
	return 0;
}

static int teardown(void **state)
{
	struct code *code = *state;

	munmap(code->memory, code->size);
	free(code->elf);
	return 0;
}

typedef void digest_function(enum digest_impl, const void *, size_t, uint8_t *);
typedef void mix_function(const struct seed_inputs *, uint8_t *);

#define LARGEST (5 * DIGEST_CHUNK)
#define ROUNDS	2000

/* Each implementation in the blob against the loader's portable one. */
static void test_digests(void **state)
{
	digest_function *range = function(*state, "digest_range");
	uint8_t *data = malloc(LARGEST), a[SHA256_SIZE], b[SHA256_SIZE];

	assert_non_null(data);
	srandom(3);
	for (size_t i = 0; i < LARGEST; i++)
		data[i] = (uint8_t)random();
	FOR_EACH_IMPL(impl)
	{
		for (int round = 0; round < ROUNDS; round++) {
			/* mostly short: padding has its corner cases there */
			size_t size = (size_t)random() % (round % 8 ? 4096 : LARGEST);
			size_t start = (size_t)random() % (LARGEST - size);

			data[start + size / 2] ^= (uint8_t)random();
			digest_range(DIGEST_PORTABLE, data + start, size, a);
			range(impl, data + start, size, b);
			if (memcmp(a, b, sizeof(a)))
				fail_msg("%s: %zu bytes", impl_name(impl), size);
		}
	}
	free(data);
}

typedef void chunk_function(enum digest_impl, const void *, size_t,
			    uint8_t (*)[SHA256_SIZE]);
typedef void sha256_function(const void *, size_t, uint8_t *);

static size_t from_hex(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(sscanf(text + 2 * i, "%2hhx", &out[i]), 1);
	return n;
}

static void assert_digest(const uint8_t digest[SHA256_SIZE], const char *expected)
{
	uint8_t want[SHA256_SIZE];

	assert_int_equal(from_hex(expected, want), SHA256_SIZE);
	assert_memory_equal(digest, want, SHA256_SIZE);
}

static const struct {
	const char *message, *digest;
} short_messages[] = {
#include "data/sha256/short_messages.inc"
};

static const struct {
	size_t size;
	const char *digest;
} long_messages[] = {
#include "data/sha256/long_messages.inc"
};

static const char *const monte_carlo[] = {
#include "data/sha256/monte_carlo.inc"
};

/* Hashes a message with @impl of the blob. One chunk's digest is SHA-256 itself. */
static void hash(const struct code *code, enum digest_impl impl, const void *data,
		 size_t size, uint8_t digest[SHA256_SIZE])
{
	if (size)
		((chunk_function *)function(code, "digest_chunk_run"))(
			impl, data, size, (uint8_t(*)[SHA256_SIZE])digest);
	else
		((sha256_function *)function(code, "sha256"))(data, size, digest);
}

/* The vectors of test_sha256.c, on the code that runs between two kernels. */
static void test_vectors(void **state)
{
	uint8_t message[6400], last[3][SHA256_SIZE], digest[SHA256_SIZE];

	FOR_EACH_IMPL(impl)
	{
		chunk_function *run = function(*state, "digest_chunk_run");

		for (size_t i = 0; i < COUNT(short_messages); i++) {
			size_t size = from_hex(short_messages[i].message, message);

			hash(*state, impl, message, size, digest);
			assert_digest(digest, short_messages[i].digest);
		}
		for (size_t n = 0; n < COUNT(long_messages); n++) {
			size_t size = long_messages[n].size;

			assert_true(size <= sizeof(message));
			for (size_t i = 0; i < size; i++)
				message[i] = (uint8_t)((i * i + size) >> 3);
			hash(*state, impl, message, size, digest);
			assert_digest(digest, long_messages[n].digest);
		}
		from_hex(monte_carlo[0], digest);
		for (size_t i = 1; i < COUNT(monte_carlo); i++) {
			for (int k = 0; k < 3; k++)
				memcpy(last[k], digest, SHA256_SIZE);
			for (int k = 0; k < 1000; k++) {
				run(impl, last, sizeof(last), &digest);
				memmove(last[0], last[1], 2 * SHA256_SIZE);
				memcpy(last[2], digest, SHA256_SIZE);
			}
			assert_digest(digest, monte_carlo[i]);
		}
	}
}

static void test_seeds(void **state)
{
	mix_function *mix = function(*state, "seed_mix");
	uint8_t a[SEED_SIZE], b[SEED_SIZE];
	struct seed_inputs in;

	srandom(4);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(in); i++)
			((uint8_t *)&in)[i] = (uint8_t)random();
		in.nr_words %= SEED_HW_WORDS + 1;
		seed_mix(&in, a);
		mix(&in, b);
		assert_memory_equal(a, b, sizeof(a));
	}
}

/* The portable code uses no vector registers (SSE may be off), the other zeroes them. */
static void test_vector_registers(void **state)
{
	static const struct vector_registers zero;
	static uint8_t data[3 * DIGEST_CHUNK + 5];
	digest_function *range = function(*state, "digest_range");
	struct vector_registers before, after;
	uint8_t digest[SHA256_SIZE];

	memset(data, 0x5a, sizeof(data));
	__asm__ volatile("pcmpeqd %%xmm7, %%xmm7" : : : "xmm7");
	traces_take_registers(&before);
	range(DIGEST_PORTABLE, data, sizeof(data), digest);
	traces_take_registers(&after);
	assert_memory_equal(&before, &after, sizeof(after));
	if (digest_best_impl() != DIGEST_CPU_SHA)
		skip();
	range(DIGEST_CPU_SHA, data, sizeof(data), digest);
	traces_take_registers(&after);
	assert_memory_equal(&after, &zero, sizeof(after));
}

/*
 * Exceptions of this program, handed to the blob as the CPU does: a frame on the stack,
 * and the stub of the vector.
 */
#define UNDEFINED     6
#define PAGE_FAULT    14
#define MACHINE_CHECK 18

static const uint8_t *stubs;
static const void *poison; /* reading this page is a machine check */
static int acknowledged;   /* WRMSR, which the blob may execute for that only */

static void to_stub(int number, siginfo_t *si, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	/* the compiler may keep data in 128 bytes below the stack of this program */
	uint64_t *sp = (uint64_t *)(((uint64_t)r[REG_RSP] - 128) & ~15ull);
	uint64_t vector = number == SIGILL ? UNDEFINED : PAGE_FAULT;
	const uint8_t *code = (const uint8_t *)r[REG_RIP];

	if (code[0] == 0x0f && code[1] == 0x30) {
		acknowledged++;
		r[REG_RIP] += 2;
		return;
	}
	if (poison && ((uintptr_t)si->si_addr & ~4095ull) == (uintptr_t)poison)
		vector = MACHINE_CHECK;
	*--sp = 0; /* ss */
	*--sp = (uint64_t)r[REG_RSP];
	*--sp = (uint64_t)r[REG_EFL];
	*--sp = 0; /* cs */
	*--sp = (uint64_t)r[REG_RIP];
	if (vector == PAGE_FAULT)
		*--sp = (uint64_t)r[REG_ERR];
	r[REG_RSP] = (greg_t)sp;
	r[REG_RIP] = (greg_t)(stubs + 16 * vector);
}

typedef int try_function(void (*run)(void *context), void *context);

struct tries {
	try_function *try;
	int runs, inner;
};

static void no_fault(void *context)
{
	((struct tries *)context)->runs++;
}

static void undefined(void *context)
{
	no_fault(context);
	/* values that the caller expects to get back */
	__asm__ volatile("movq $1, %%rbx; movq $2, %%r12; movq $3, %%r15; ud2"
			 :
			 :
			 : "rbx", "r12", "r15");
}

static void page_fault(void *context)
{
	no_fault(context);
	__asm__ volatile("movb $1, (%0)" : : "r"((uint64_t)0) : "memory");
}

static void undefined_within(void *context)
{
	struct tries *t = context;

	t->inner = t->try(undefined, t);
	no_fault(context);
}

static void undefined_afterwards(void *context)
{
	undefined_within(context);
	__asm__ volatile("ud2");
}

/* Lets the blob write to its own state, and have exceptions. */
static void allow_exceptions(const struct code *code)
{
	struct sigaction act = { .sa_sigaction = to_stub, .sa_flags = SA_SIGINFO };

	assert_int_equal(
		mprotect(code->memory, code->size, PROT_READ | PROT_WRITE | PROT_EXEC),
		0);
	stubs = function(code, "purgatory_stubs");
	sigaction(SIGILL, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
}

static void end_exceptions(void)
{
	signal(SIGILL, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
}

/* A try ends with the vector of an exception, and the one around it goes on. */
static void test_tries(void **state)
{
	static const struct {
		void (*run)(void *context);
		int result, runs, inner;
	} cases[] = {
		{ no_fault, -1, 1, 0 },
		{ undefined, UNDEFINED, 1, 0 },
		{ page_fault, PAGE_FAULT, 1, 0 },
		{ undefined_within, -1, 2, UNDEFINED },
		{ undefined_afterwards, UNDEFINED, 2, UNDEFINED },
	};
	struct code *code = *state;
	uint64_t *stack = function(code, "purgatory_try_stack");

	allow_exceptions(code);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct tries t = { .try = function(code, "arch_try") };

			assert_int_equal(t.try(cases[i].run, &t), cases[i].result);
			assert_int_equal(t.runs, cases[i].runs);
			assert_int_equal(t.inner, cases[i].inner);
			assert_int_equal(*stack, 0);
		}
	end_exceptions();
}

/* How the child below has ended. */
enum end { END_FAULTED_ON = 90, END_SHUT_DOWN, END_HALTED };

#define FAULTS_MAX 20

/* A port access of this program faults, as it does in the purgatory of a guest with SEV-ES. */
static void to_stub_or_end(int number, siginfo_t *si, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint8_t *code = (const uint8_t *)r[REG_RIP];
	static int faults;

	if (code[0] == 0x0f && code[1] == 0x20) { /* MOV from CR2 */
		r[REG_RIP] += 3;
		return;
	}
	if (code[0] == 0x0f && code[1] == 0x01) /* LIDT */
		_exit(END_SHUT_DOWN);
	if (code[0] == 0xfa) /* CLI */
		_exit(END_HALTED);
	if (++faults > FAULTS_MAX)
		_exit(END_FAULTED_ON);
	to_stub(number, si, context);
}

static int end_of_ports(struct code *code, uint32_t on_corruption)
{
	struct purgatory_params *params = (void *)code->memory;
	void (*init)(const struct purgatory_params *) = function(code, "console_init");
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (!pid) {
		struct sigaction act = { .sa_sigaction = to_stub_or_end,
					 .sa_flags = SA_SIGINFO | SA_NODEFER };

		allow_exceptions(code);
		sigaction(SIGSEGV, &act, NULL);
		params->console = PURGATORY_CONSOLE_SERIAL;
		params->serial_port = 0x3f8;
		params->on_corruption = on_corruption;
		init(params);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* No port can be used: neither the report nor the reset may go round in circles. */
static void test_faulting_ports(void **state)
{
	assert_int_equal(end_of_ports(*state, PURGATORY_RESET), END_SHUT_DOWN);
	assert_int_equal(end_of_ports(*state, PURGATORY_HALT), END_HALTED);
}

typedef void mix_seed_function(const struct purgatory_params *, bool own_map);

#define AROUND 8 /* bytes before and behind the old kernel's memory */

static void mix_with(struct code *code, const uint8_t *memory, const size_t sizes[2],
		     uint8_t seed[SEED_SIZE])
{
	struct {
		uint64_t next;
		uint32_t type, len;
		uint8_t seed[SEED_SIZE];
	} node = { .type = SETUP_RNG_SEED, .len = SEED_SIZE };
	const uint64_t first = (uintptr_t)memory + AROUND;
	const struct purgatory_params params = {
		.mix_target = (uintptr_t)&node,
		.kernel_memory = { { first, first + sizes[0] },
				   { first + sizes[0] + AROUND,
				     first + sizes[0] + AROUND + sizes[1] } },
		.nr_maps = 1,
		.maps = { { first, first + 65536 } },
	};

	((mix_seed_function *)function(code, "mix_seed"))(&params, true);
	memcpy(seed, node.seed, SEED_SIZE);
}

/* Each bit of the old kernel's memory changes the seed, and none outside of it. */
static void test_kernel_memory(void **state)
{
	static const size_t cases[][2] = { { 40, 25 }, { 0, 9 }, { 1, 0 }, { 64, 128 } };
	uint8_t memory[256], before[SEED_SIZE], after[SEED_SIZE];
	struct code *code = *state;

	assert_int_equal(
		mprotect(code->memory, code->size, PROT_READ | PROT_WRITE | PROT_EXEC),
		0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t second = AROUND + cases[i][0] + AROUND, end = second + cases[i][1];

		for (size_t k = 0; k < sizeof(memory); k++)
			memory[k] = (uint8_t)(k * 7);
		mix_with(code, memory, cases[i], before);
		for (size_t bit = 0; bit < 8 * (end + AROUND); bit++) {
			size_t at = bit / 8;
			bool inside = (at >= AROUND && at < AROUND + cases[i][0]) ||
				      (at >= second && at < end);

			memory[at] ^= (uint8_t)(1 << bit % 8);
			mix_with(code, memory, cases[i], after);
			memory[at] ^= (uint8_t)(1 << bit % 8);
			if (!memcmp(before, after, SEED_SIZE) == inside)
				fail_msg("sizes %zu and %zu, bit %zu", cases[i][0],
					 cases[i][1], bit);
		}
	}
	assert_int_equal(mprotect(code->memory, code->size, PROT_READ | PROT_EXEC), 0);
}

/* Wherever it lies: across 1 GiB, above 4 GiB and above 512 GiB. */
static void test_far_kernel_memory(void **state)
{
	static const uint64_t places[] = {
#ifndef __SANITIZE_ADDRESS__ /* its own memory is there */
		6ull << 30,
		600ull << 30,
#endif
		110ull << 40,
	};
	const size_t page = 4096, sizes[] = { 2 * page - 2 * AROUND, 1 };
	uint8_t before[SEED_SIZE], after[SEED_SIZE];
	struct code *code = *state;

	allow_exceptions(code);
	for (size_t i = 0; i < COUNT(places); i++) {
		uint8_t *memory =
			mmap((void *)(places[i] - page), 3 * page, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		assert_ptr_equal(memory, (void *)(places[i] - page));
		mix_with(code, memory, sizes, before);
		memory[page] ^= 1;
		mix_with(code, memory, sizes, after);
		assert_memory_not_equal(before, after, SEED_SIZE);
		munmap(memory, 3 * page);
	}
	end_exceptions();
}

/* Memory that is bad costs the input, not the jump, and further machine checks are safe. */
static void test_bad_memory(void **state)
{
	const size_t page = 4096;
	struct code *code = *state;
	uint8_t *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t good[SEED_SIZE], bad[SEED_SIZE], none[SEED_SIZE];

	assert_true(memory != MAP_FAILED);
	allow_exceptions(code);
	acknowledged = 0;
	mix_with(code, memory, (size_t[]){ page, 10 }, good);
	mix_with(code, memory, (size_t[]){ 0, 0 }, none);
	assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
	poison = memory + page;
	mix_with(code, memory, (size_t[]){ page, 10 }, bad);
	assert_int_equal(acknowledged, 1);
	assert_memory_equal(bad, none, SEED_SIZE);
	assert_memory_not_equal(bad, good, SEED_SIZE);
	poison = NULL;
	end_exceptions();
	munmap(memory, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_processor_has_sha_ni),
		cmocka_unit_test_setup_teardown(test_digests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vectors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seeds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vector_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_far_kernel_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faulting_ports, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
