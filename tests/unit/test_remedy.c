// SPDX-License-Identifier: GPL-2.0-only
/* The command that loads a crash kernel here: by what is installed and configured. */
#include "load/remedy.h"

#include "check.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>

#define CONF "/etc/default/kdump-tools"

static const struct {
	const char *path;
	const char *text;
	const char *reload;
	const char *options;
} cases[] = {
	/* each adds a file to the ones before it */
	{ "/etc/fstab", "", "kexec -p", "the options of kexec -p" },
	{ "/etc/systemd/system/kdump.service", "", "systemctl restart kdump.service",
	  "KEXEC_OPTIONS in /etc/sysconfig/kdump" },
	{ "/usr/bin/kdumpctl", "", "kdumpctl reload",
	  "KEXEC_ARGS in /etc/sysconfig/kdump" },
	{ "/usr/sbin/kdump-config", "", "kdump-config reload",
	  "KDUMP_KEXEC_ARGS in /etc/default/kdump-tools" },
	{ CONF, "# USE_KDUMP=0\nUSE_KDUMP=1\n", "kdump-config reload",
	  "KDUMP_KEXEC_ARGS in /etc/default/kdump-tools" },
	/* it loads nothing: the next one does */
	{ CONF, "# x\n USE_KDUMP=0 \n", "kdumpctl reload",
	  "KEXEC_ARGS in /etc/sysconfig/kdump" },
	{ CONF, "USE_KDUMP=0", "kdumpctl reload", "KEXEC_ARGS in /etc/sysconfig/kdump" },
};

static void test_loaders(void **state)
{
	struct tree t;

	(void)state;
	tree_make(&t);
	for (size_t i = 0; i < COUNT(cases); i++) {
		tree_put(&t, cases[i].path, cases[i].text);
		assert_string_equal(remedy_reload(t.root), cases[i].reload);
		assert_string_equal(remedy_options(t.root), cases[i].options);
	}
	tree_remove(&t, "");
}

static void test_units(void **state)
{
	static const char *const folders[] = { "/usr/lib", "/lib", "/etc" };

	(void)state;
	for (size_t i = 0; i < COUNT(folders); i++) {
		struct tree t;
		char path[64];

		tree_make(&t);
		assert_string_equal(remedy_reload(t.root), "kexec -p");
		assert_string_equal(remedy_daemon(t.root), "kexec-seed daemon");
		snprintf(path, sizeof(path), "%s/systemd/system/kdump.service",
			 folders[i]);
		tree_put(&t, path, "");
		assert_string_equal(remedy_reload(t.root),
				    "systemctl restart kdump.service");
		snprintf(path, sizeof(path), "%s/systemd/system/kexec-seed.service",
			 folders[i]);
		tree_put(&t, path, "");
		assert_string_equal(remedy_daemon(t.root),
				    "systemctl enable --now kexec-seed.service");
		tree_remove(&t, "");
	}
}

#define CONTEXT "/proc/self/attr/current"

/* What a refusal becomes, by who confines this process. */
static void test_denied(void **state)
{
	static const struct {
		const char *context;
		int code;
		const char *says; /* NULL: what it said before */
	} denials[] = {
		{ "system_u:system_r:kdump_t:s0\n", -EACCES,
		  "/run/kexec-seed: SELinux denies it to kdump_t: install "
		  "kexec-seed-selinux, then load again with kdumpctl reload" },
		{ "u:r:my_t", -EACCES,
		  "/run/kexec-seed: SELinux denies it to my_t: install "
		  "kexec-seed-selinux, then load again with kdumpctl reload" },
		{ "system_u:system_r:kdump_t:s0", -EROFS, NULL },
		{ "/usr/sbin/kexec (enforce)\n", -EACCES, NULL },
		{ "unconfined\n", -EACCES, NULL },
		{ "::", -EACCES, NULL },
		{ "", -EACCES, NULL },
	};
	struct error err;
	struct tree t;

	(void)state;
	tree_make(&t);
	tree_put(&t, "/usr/bin/kdumpctl", "");
	error_set(&err, EACCES, "before");
	remedy_denied(t.root, -EACCES, &err); /* no such file: no security module */
	assert_string_equal(err.text, "before");
	for (size_t i = 0; i < COUNT(denials); i++) {
		tree_put(&t, CONTEXT, denials[i].context);
		error_set(&err, EACCES, "before");
		remedy_denied(t.root, denials[i].code, &err);
		assert_string_equal(err.text,
				    denials[i].says ? denials[i].says : "before");
	}
	tree_remove(&t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loaders),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
