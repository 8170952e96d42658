// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_watched.c - runs a command and prints what it cost:
 *
 *     run_watched COMMAND [ARGUMENT]...
 *
 * One line: processor time in microseconds (user and system, of all threads, wait4(2)), and the
 * most anonymous memory in KiB (RssAnon of proc(5), looked at every millisecond). The command's
 * output goes to standard error. Exit status: the command's.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long read_anonymous(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "RssAnon:", 8))
			kib = strtol(line + 8, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static double microseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int status = 0;
	long most = 0;
	pid_t pid, ended;

	if (argc < 2 || posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO))
		return 2;
	if (posix_spawnp(&pid, argv[1], &actions, NULL, argv + 1, environ))
		return 127;
	while (!(ended = wait4(pid, &status, WNOHANG, &usage))) {
		long now = read_anonymous(pid);

		most = now > most ? now : most;
		nanosleep(&pause, NULL);
	}
	if (ended != pid)
		return 127;
	printf("%.0f %ld\n", microseconds(usage.ru_utime) + microseconds(usage.ru_stime),
	       most);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
