// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/ratelimit.h"

/* The first event after a quiet period does not wait. */
static void begin_period(struct ratelimit *p, uint64_t now)
{
	if (!p->busy && !p->pending && !p->doubt && now >= p->hold_until)
		p->hold = p->window;
}

void ratelimit_event(struct ratelimit *p, uint64_t now)
{
	begin_period(p, now);
	p->pending = true;
}

void ratelimit_doubt(struct ratelimit *p, uint64_t now)
{
	begin_period(p, now);
	p->doubt = true;
}

void ratelimit_hold_doubts(struct ratelimit *p, uint64_t now, bool full)
{
	p->doubt_until = now + (full ? RATELIMIT_DOUBT_FULL_US : RATELIMIT_DOUBT_US);
}

bool ratelimit_due(const struct ratelimit *p, uint64_t *at)
{
	uint64_t then = UINT64_MAX;

	if (p->busy || (!p->pending && !p->doubt && !p->retry_at))
		return false;
	*at = p->hold_until;
	if (p->pending)
		return true;
	if (p->doubt)
		then = p->doubt_until;
	if (p->retry_at && p->retry_at < then)
		then = p->retry_at;
	if (then > *at)
		*at = then;
	return true;
}

void ratelimit_begin(struct ratelimit *p)
{
	if (!p->pending && !p->doubt)
		p->hold = p->window; /* retry without a new event */
	p->busy = true;
	p->pending = p->doubt = false;
	p->retry_at = 0;
}

static uint64_t retry_delay(unsigned int failures)
{
	uint64_t delay = RATELIMIT_RETRY_MIN_US;

	while (--failures && delay < RATELIMIT_RETRY_MAX_US)
		delay *= 2;
	return delay < RATELIMIT_RETRY_MAX_US ? delay : RATELIMIT_RETRY_MAX_US;
}

void ratelimit_end(struct ratelimit *p, uint64_t now, bool well)
{
	p->busy = false;
	p->hold_until = now + p->hold;
	if (p->hold < p->window * RATELIMIT_WINDOWS_MAX)
		p->hold *= 2;
	if (well) {
		p->failures = 0;
		return;
	}
	if (p->failures < UINT32_MAX)
		p->failures++;
	p->retry_at = now + retry_delay(p->failures);
}

bool burst_is_echo(struct burst *b, enum fork_source source, uint64_t now,
		   uint64_t window)
{
	if (!b->forks || now - b->began > window)
		*b = (struct burst){ .began = now };
	b->heard[source]++;
	if (b->heard[source] <= b->forks)
		return true;
	b->forks = b->heard[source];
	return false;
}
