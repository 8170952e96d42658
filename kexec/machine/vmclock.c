// SPDX-License-Identifier: GPL-2.0-only
#include "machine/vmclock.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* <linux/vmclock-abi.h>: offsets and values, little-endian. */
#define AT_MAGIC      0
#define AT_SIZE	      4
#define AT_VERSION    8
#define AT_SEQ_COUNT  12
#define AT_FLAGS      24
#define AT_GENERATION 104
#define END	      112

#define MAGIC	     0x4b4c4356 /* "VCLK" */
#define VERSION	     1
#define SEQ_BUSY     1 /* low bit of seq_count: an update is in progress */
#define FLAG_COUNTED ((uint64_t)1 << 8)
#define FLAG_NOTIFY  ((uint64_t)1 << 9)

#define TRIES	 1000
#define PAUSE_NS 10000

static uint32_t get32(const uint8_t *page, size_t at)
{
	uint32_t v;

	memcpy(&v, page + at, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *page, size_t at)
{
	uint64_t v;

	memcpy(&v, page + at, sizeof(v));
	return le64toh(v);
}

int vmclock_read_copy(struct bytes copy, struct vmclock_state *out, struct error *err)
{
	const uint8_t *p = copy.data;

	if (copy.size < END)
		return error_set(err, EBADMSG, "too short");
	if (get32(p, AT_MAGIC) != MAGIC)
		return error_set(err, EBADMSG, "not a VMClock");
	if (p[AT_VERSION] != VERSION || p[AT_VERSION + 1])
		return error_set(err, EBADMSG, "it is not of version %d", VERSION);
	/* hypervisors before the generation counter */
	if (get32(p, AT_SIZE) < END) {
		*out = (struct vmclock_state){ .counted = false };
		return 0;
	}
	if (get32(p, AT_SEQ_COUNT) & SEQ_BUSY)
		return error_set(err, EAGAIN, "the hypervisor is updating it");
	*out = (struct vmclock_state){
		.counted = get64(p, AT_FLAGS) & FLAG_COUNTED,
		.notifies = get64(p, AT_FLAGS) & FLAG_NOTIFY,
		.generation = get64(p, AT_GENERATION),
	};
	return 0;
}

static uint32_t seq_count(const volatile void *page)
{
	const volatile uint8_t *p = page;

	return le32toh(
		*(const volatile uint32_t *)(const volatile void *)(p + AT_SEQ_COUNT));
}

/* Copies the page once; false if the hypervisor was updating it. */
static bool copy_page(const volatile void *page, uint64_t copy[END / 8])
{
	const volatile uint64_t *from = page;
	uint32_t before = seq_count(page);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (size_t i = 0; i < END / 8; i++)
		copy[i] = from[i];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !(before & SEQ_BUSY) && seq_count(page) == before;
}

int vmclock_read_page(const volatile void *page, struct vmclock_state *out,
		      struct error *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t copy[END / 8];

	for (int i = 0; i < TRIES; i++) {
		if (copy_page(page, copy))
			return vmclock_read_copy(
				(struct bytes){ (const uint8_t *)copy, END }, out, err);
		if (i)
			nanosleep(&pause, NULL);
	}
	return error_set(err, EAGAIN, "the hypervisor is updating it");
}
