// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_timed.c - runs a command and prints its wall-clock time in microseconds:
 *
 *     run_timed COMMAND [ARGUMENT]...
 *
 * The guest's shell measures only hundredths of a second. The command's output goes to standard
 * error. Exit status: the command's.
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	double start;
	int status;
	pid_t pid;

	if (argc < 2 || posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO))
		return 2;
	start = now();
	if (posix_spawnp(&pid, argv[1], &actions, NULL, argv + 1, environ) ||
	    waitpid(pid, &status, 0) != pid)
		return 127;
	printf("%.1f\n", now() - start);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
