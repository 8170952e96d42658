// SPDX-License-Identifier: GPL-2.0-only
#include "load/remedy.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/run_dir.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONF_SIZE_MAX	 65536
#define CONTEXT_SIZE_MAX 4096 /* a page, as proc(5) gives */

static const struct loader {
	const char *paths[3]; /* of its program or unit; one is enough */
	const char *reload;
	const char *options;
	/* the setting with which it loads nothing, as kdump-tools has it by default */
	const char *conf;
	const char *off;
} loaders[] = {
	{ .paths = { "/usr/sbin/kdump-config" },
	  .reload = "kdump-config reload",
	  .options = "KDUMP_KEXEC_ARGS in /etc/default/kdump-tools",
	  .conf = "/etc/default/kdump-tools",
	  .off = "USE_KDUMP=0" },
	{ .paths = { "/usr/bin/kdumpctl", "/usr/sbin/kdumpctl" },
	  .reload = "kdumpctl reload",
	  .options = "KEXEC_ARGS in /etc/sysconfig/kdump" },
	{ .paths = { "/usr/lib/systemd/system/kdump.service",
		     "/lib/systemd/system/kdump.service",
		     "/etc/systemd/system/kdump.service" },
	  .reload = "systemctl restart kdump.service",
	  .options = "KEXEC_OPTIONS in /etc/sysconfig/kdump" },
	{ .reload = "kexec -p", .options = "the options of kexec -p" },
};

#define NR_LOADERS (sizeof(loaders) / sizeof(loaders[0]))

static const char *const daemon_units[] = {
	"/usr/lib/systemd/system/kexec-seed.service",
	"/lib/systemd/system/kexec-seed.service",
	"/etc/systemd/system/kexec-seed.service",
};

static bool find_one(const char *root, const char *const *paths, size_t count)
{
	char path[4096];

	for (size_t i = 0; i < count && paths[i]; i++) {
		int n = snprintf(path, sizeof(path), "%s%s", root, paths[i]);

		if (n > 0 && (size_t)n < sizeof(path) && !access(path, F_OK))
			return true;
	}
	return false;
}

/* True if a line of its configuration says so; a missing or odd file says nothing. */
static bool is_off(const char *root, const struct loader *l)
{
	_cleanup_free_ char *text = NULL;
	struct bytes rest, line;
	size_t size;

	if (!l->conf || file_slurp_in(root, l->conf, CONF_SIZE_MAX, &text, &size))
		return false;
	rest = (struct bytes){ (const uint8_t *)text, size };
	while (text_cut(&rest, '\n', &line))
		if (text_equals(text_trim(line), l->off))
			return true;
	return false;
}

static const struct loader *find_loader(const char *root)
{
	const struct loader *l = loaders;

	while (l < &loaders[NR_LOADERS - 1] &&
	       (!find_one(root, l->paths, sizeof(l->paths) / sizeof(l->paths[0])) ||
		is_off(root, l)))
		l++;
	return l;
}

const char *remedy_reload(const char *root)
{
	return find_loader(root)->reload;
}

const char *remedy_options(const char *root)
{
	return find_loader(root)->options;
}

const char *remedy_daemon(const char *root)
{
	size_t count = sizeof(daemon_units) / sizeof(daemon_units[0]);

	return find_one(root, daemon_units, count)
		       ? "systemctl enable --now kexec-seed.service"
		       : "kexec-seed daemon";
}

/*
 * The third part of "user:role:type[:range]", proc_pid_attr(5). Another security module's
 * text has no two colons.
 */
static bool find_type(struct bytes context, struct bytes *type)
{
	struct bytes user, role;

	return text_cut(&context, ':', &user) && text_cut(&context, ':', &role) &&
	       text_cut(&context, ':', type) && role.size && type->size;
}

void remedy_denied(const char *root, int code, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct bytes type;
	size_t size;

	if (code != -EACCES ||
	    file_slurp_in(root, "/proc/self/attr/current", CONTEXT_SIZE_MAX, &text,
			  &size) ||
	    !find_type(text_trim((struct bytes){ (const uint8_t *)text, size }), &type))
		return;
	error_set(err, EACCES,
		  "%s: SELinux denies it to %.*s: install kexec-seed-selinux, then load "
		  "again with %s",
		  RUN_DIR, (int)type.size, (const char *)type.data, remedy_reload(root));
}
