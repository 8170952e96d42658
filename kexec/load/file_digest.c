// SPDX-License-Identifier: GPL-2.0-only
#include "load/file_digest.h"

#include "base/cleanup.h"
#include "digest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* Bytes read and hashed per step: small enough for the CPU's cache. */
#define STEP_CHUNKS DIGEST_LANES
#define STEP	    ((size_t)STEP_CHUNKS * DIGEST_CHUNK)

/*
 * Starting a thread costs less than hashing this much, in bytes; beyond a few threads,
 * memory bandwidth is the limit.
 */
#define BYTES_FOR_A_THREAD (16u << 20)
#define MAX_THREADS	   4u

/* Shared by the threads: the work, and the next step not yet taken. */
struct shared {
	const struct digest_source *source;
	uint64_t offset;
	uint64_t size;
	uint8_t (*chunks)[SHA256_SIZE];
	enum digest_impl way;
	atomic_uint_fast64_t next_step;
	atomic_bool stop;
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	int ret;
	struct error err;
};

static int do_step(struct worker *w, uint64_t start, uint8_t *buf)
{
	struct shared *s = w->shared;
	size_t size = s->size - start < STEP ? (size_t)(s->size - start) : STEP;
	int ret = s->source->read(s->source->from, s->offset + start, buf, size, &w->err);

	if (ret)
		return ret;
	digest_chunk_run(s->way, buf, size, s->chunks + start / DIGEST_CHUNK);
	progress_add(s->source->progress, size);
	return 0;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->shared;
	uint8_t *buf = malloc(STEP);

	if (!buf)
		w->ret = error_set(&w->err, ENOMEM, "out of memory");
	while (!w->ret && !s->stop) {
		uint64_t start = s->next_step++ * STEP;

		if (start >= s->size)
			break;
		w->ret = do_step(w, start, buf);
	}
	if (w->ret)
		s->stop = true;
	free(buf);
	return NULL;
}

static unsigned int count_threads(const struct shared *s)
{
	uint64_t pays = s->size / BYTES_FOR_A_THREAD;
	unsigned int may = 1;
	cpu_set_t cpus;

	if (!s->source->alone && sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		may = (unsigned int)CPU_COUNT(&cpus);
	may = may < MAX_THREADS ? may : MAX_THREADS;
	may = may ? may : 1;
	return pays < may ? (unsigned int)(pays ? pays : 1) : may;
}

/*
 * Runs the workers, one of them in this thread. Continues with fewer if a thread cannot
 * be created.
 */
static int run_workers(struct shared *s, struct error *err)
{
	struct worker workers[MAX_THREADS] = { 0 };
	unsigned int wanted = count_threads(s), running = 1;
	int ret = 0;

	for (unsigned int i = 0; i < wanted; i++)
		workers[i].shared = s;
	while (running < wanted && pthread_create(&workers[running].thread, NULL, work,
						  &workers[running]) == 0)
		running++;
	work(&workers[0]);
	for (unsigned int i = 0; i < running; i++) {
		if (i)
			pthread_join(workers[i].thread, NULL);
		if (workers[i].ret && !ret) {
			ret = workers[i].ret;
			*err = workers[i].err;
		}
	}
	return ret;
}

int source_digest(const struct digest_source *source, uint64_t offset, uint64_t size,
		  uint8_t out[SHA256_SIZE], struct error *err)
{
	struct shared s = { .source = source,
			    .offset = offset,
			    .size = size,
			    .way = digest_best_impl() };
	_cleanup_free_ void *chunks = calloc(digest_chunks(size) + 1, SHA256_SIZE);
	int ret;

	if (!chunks)
		return error_set(err, ENOMEM, "out of memory");
	s.chunks = chunks;
	ret = run_workers(&s, err);
	if (!ret)
		sha256(chunks, digest_chunks(size) * SHA256_SIZE, out);
	return ret;
}

static int read_file(const void *from, uint64_t offset, void *buf, size_t size,
		     struct error *err)
{
	return file_read(from, offset, buf, size, err);
}

int file_digest(const struct file *f, uint64_t offset, uint64_t size,
		uint8_t out[SHA256_SIZE], struct error *err)
{
	struct digest_source source = { .read = read_file,
					.from = f,
					.progress = f->progress };
	int ret;

	progress_begin(f->progress, "reading", f->path, size);
	ret = source_digest(&source, offset, size, out, err);
	progress_end(f->progress);
	return ret;
}
