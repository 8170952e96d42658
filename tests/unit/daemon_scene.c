// SPDX-License-Identifier: GPL-2.0-only
#include "daemon_scene.h"

#include "check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fake_refresh fake;

void put_recipe(const char *run)
{
	char path[128], next[128];
	FILE *to;

	snprintf(path, sizeof(path), "%s/crash.recipe", run);
	snprintf(next, sizeof(next), "%s/crash.recipe.next", run);
	to = fopen(next, "w");
	assert_non_null(to);
	fclose(to);
	assert_int_equal(rename(next, path), 0);
}

int count_refresh(const struct refresh_request *req, struct refresh_result *out,
		  struct error *err)
{
	struct daemon_state seen;

	fake.in_status = !daemon_state_read(req->dir, &seen, err) && seen.pid;
	fake.count++;
	fake.last = daemon_now();
	usleep(fake.takes);
	snprintf(fake.source, sizeof(fake.source), "%s", req->source);
	*out = (struct refresh_result){ .mode = fake.mode ? fake.mode : REFRESH_DYNAMIC,
					.skipped = fake.skipped,
					.blind = fake.blind && req->if_forked,
					.unloaded = fake.unloaded };
	fake.restore = req->restore;
	fake.if_forked = req->if_forked;
	fake.if_lacking = req->if_lacking;
	if (fake.writes)
		put_recipe(req->dir);
	if (fake.result)
		return error_set(err, -fake.result, "as the test demands");
	if (fake.skipped == REFRESH_NOT_SKIPPED)
		req->fresh(req->context, out->mode);
	return 0;
}

void begin(struct setup *s)
{
	memset(&fake, 0, sizeof(fake));
	memset(s, 0, sizeof(*s));
	tree_make(&s->tree);
	snprintf(s->run, sizeof(s->run), "%s/run", s->tree.root);
	s->options = (struct daemon_options){
		.source = { .poll_ms = 20, .root = s->tree.root },
		.window_ms = 100,
		.reload_timeout = 1,
		.run = s->run,
	};
}

void start(struct setup *s)
{
	struct error err;

	assert_int_equal(daemon_open(&s->d, &s->options, count_refresh, &err), 0);
}

void end(struct setup *s)
{
	daemon_close(&s->d);
	tree_remove(&s->tree, "");
}

void run(struct setup *s, uint64_t us)
{
	uint64_t stop = daemon_now() + us, now;

	while ((now = daemon_now()) < stop)
		assert_true(loop_step(&s->d.loop, (int)((stop - now) / 1000 + 1)) >= 0);
	/* On a busy machine more may be due by now. */
	while (loop_step(&s->d.loop, 0) > 0)
		;
}
