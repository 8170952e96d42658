// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND_US UINT64_C(1000000)

static void forget(struct child *c)
{
	c->end = sd_event_source_disable_unref(c->end);
	c->timer = sd_event_source_disable_unref(c->timer);
	c->pid = 0;
}

static int judge(const struct child *c, const siginfo_t *si, struct error *err)
{
	if (c->late)
		return error_set(err, ETIMEDOUT, "the reload command took too long");
	if (si->si_code == CLD_EXITED && si->si_status == 0)
		return 0;
	return error_set(err, EIO, "the reload command %s %d",
			 si->si_code == CLD_EXITED ? "ended with status"
						   : "was killed by signal",
			 si->si_status);
}

static int on_end(sd_event_source *end, const siginfo_t *si, void *context)
{
	struct child *c = context;
	struct error err = { "" };
	int ret = judge(c, si, &err);

	(void)end;
	if (c->late) /* kill processes left in its group */
		kill(-c->pid, SIGKILL);
	forget(c);
	c->done(c->context, ret, &err);
	return 0;
}

static int on_late(sd_event_source *timer, uint64_t usec, void *context)
{
	struct child *c = context;

	(void)usec;
	kill(-c->pid, c->late ? SIGKILL : SIGTERM);
	if (c->late)
		return 0;
	c->late = true;
	sd_event_source_set_time_relative(timer, CHILD_GRACE_US);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* Returns 0 or a positive errno, as posix_spawn(3) does. */
static int spawn(pid_t *pid, char *const *words)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	ret = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
					       O_RDONLY, 0);
	if (!ret)
		ret = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
							      POSIX_SPAWN_SETSIGMASK |
							      POSIX_SPAWN_SETSIGDEF);
	if (!ret)
		ret = posix_spawnattr_setsigmask(&attr, &none);
	if (!ret)
		ret = posix_spawnattr_setsigdefault(&attr, &all);
	if (!ret)
		ret = posix_spawnp(pid, words[0], &files, &attr, words, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return ret;
}

int child_start(struct child *c, sd_event *loop, char *const *words, unsigned int seconds,
		struct error *err)
{
	int ret = spawn(&c->pid, words);

	c->late = false;
	if (ret) {
		c->pid = 0;
		return error_set(err, ret, "%s: %s", words[0], errno_text(ret));
	}
	ret = sd_event_add_child(loop, &c->end, c->pid, WEXITED, on_end, c);
	if (ret >= 0)
		ret = sd_event_add_time_relative(loop, &c->timer, CLOCK_MONOTONIC,
						 seconds * SECOND_US, 0, on_late, c);
	if (ret >= 0)
		return 0;
	child_stop(c);
	return error_set(err, -ret, "cannot watch the reload command: %s",
			 errno_text(-ret));
}

void child_stop(struct child *c)
{
	pid_t pid = c->pid;

	if (!pid)
		return;
	forget(c);
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
