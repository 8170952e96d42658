// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND_US UINT64_C(1000000)

static void forget(struct child *c)
{
	loop_watch_destroy(&c->end);
	loop_timer_close(&c->timer);
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

static void on_end(void *context, uint32_t events)
{
	struct child *c = context;
	struct error err = { "" };
	siginfo_t si = { 0 };
	int ret;

	(void)events;
	if (waitid(P_PID, (id_t)c->pid, &si, WEXITED) < 0)
		ret = error_set(&err, errno, "the reload command: waitid: %s",
				errno_text(errno));
	else
		ret = judge(c, &si, &err);
	if (c->late) /* kill processes left in its group */
		kill(-c->pid, SIGKILL);
	forget(c);
	c->done(c->context, ret, &err);
}

static void on_late(void *context)
{
	struct child *c = context;

	kill(-c->pid, c->late ? SIGKILL : SIGTERM);
	if (c->late)
		return;
	c->late = true;
	loop_timer_set_in(&c->timer, CHILD_GRACE_US);
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

/* pidfd_open(2): Linux 5.3 and later. */
static int watch_end(struct child *c, struct loop *loop)
{
	int ret, fd = (int)syscall(SYS_pidfd_open, c->pid, 0);

	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	ret = loop_watch_open(&c->end, loop, fd, on_end, c);
	if (ret)
		close(fd);
	return ret;
}

int child_start(struct child *c, struct loop *loop, char *const *words,
		unsigned int seconds, struct error *err)
{
	int ret = spawn(&c->pid, words);

	c->late = false;
	if (ret) {
		c->pid = 0;
		return error_set(err, ret, "%s: %s", words[0], errno_text(ret));
	}
	ret = watch_end(c, loop);
	if (!ret)
		ret = loop_timer_open(&c->timer, loop, CLOCK_MONOTONIC, on_late, c);
	if (!ret)
		ret = loop_timer_set_in(&c->timer, seconds * SECOND_US);
	if (!ret)
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
