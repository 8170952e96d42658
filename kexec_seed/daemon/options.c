// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/options.h"

#include "base/cleanup.h"
#include "base/option_next.h"
#include "base/run_dir.h"
#include "kexec_seed/daemon/conf.h"
#include "kexec_seed/daemon/argv_split.h"
#include "base/text.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define DAY 86400u

struct setting {
	const char *key;
	int (*set)(struct daemon_options *o, const struct setting *s, const char *value,
		   struct error *err);
	size_t at; /* offset in struct daemon_options; limits follow */
	uint32_t min;
	uint32_t max;
	const char *argument;
	const char *help;
};

static int set_number(struct daemon_options *o, const struct setting *s,
		      const char *value, struct error *err)
{
	uint32_t number;

	if (!text_decimal(text_from(value), &number) || number < s->min ||
	    number > s->max)
		return error_set(err, EINVAL, "%s: '%s' is not a number from %u to %u",
				 s->key, value, s->min, s->max);
	*(uint32_t *)((char *)o + s->at) = number;
	return 0;
}

/* Lists the sources as "uevent, kmsg or genid", for messages and --help. */
static const char *list_sources(const char *last, char buf[SOURCES * 16])
{
	size_t used = 0;

	for (unsigned int i = 0; i < SOURCES; i++)
		used += (size_t)snprintf(buf + used, SOURCES * 16 - used, "%s%s",
					 !i		    ? ""
					 : i + 1 == SOURCES ? last
							    : ", ",
					 fork_source_name(i));
	return buf;
}

static bool find_source(struct bytes name, unsigned int *source)
{
	for (*source = 0; *source < SOURCES; (*source)++)
		if (text_equals(name, fork_source_name(*source)))
			return true;
	return false;
}

static int set_sources(struct daemon_options *o, const struct setting *s,
		       const char *value, struct error *err)
{
	struct bytes rest = text_from(value), name;
	unsigned int sources = 0, source;
	char list[SOURCES * 16];

	if (text_equals(rest, "none"))
		rest.size = 0;
	else if (!rest.size)
		return error_set(err, EINVAL, "%s: no name; 'none' for none", s->key);
	while (text_cut(&rest, ',', &name)) {
		name = text_trim(name);
		if (!find_source(name, &source))
			return error_set(err, EINVAL, "%s: '%.*s' is none of %s", s->key,
					 (int)name.size, name.data,
					 list_sources(" or ", list));
		sources |= 1u << source;
	}
	o->source.enabled = sources;
	return 0;
}

static int set_reload(struct daemon_options *o, const struct setting *s,
		      const char *value, struct error *err)
{
	char **words;
	int ret = argv_split(value, &words, err);

	if (ret) {
		error_prefix(err, "%s", s->key);
		return ret;
	}
	argv_free(o->reload);
	o->reload = words;
	if (!words[0]) { /* an empty command cancels an earlier one */
		argv_free(words);
		o->reload = NULL;
	}
	return 0;
}

static int set_addr(struct daemon_options *o, const struct setting *s, const char *value,
		    struct error *err)
{
	uint64_t addr;

	if (!text_number(text_from(value), &addr))
		return error_set(err, EINVAL, "%s: '%s': " TEXT_NUMBER_RULE, s->key,
				 value);
	if (addr % 8)
		return error_set(err, EINVAL, "%s: '%s' is not a multiple of 8", s->key,
				 value);
	o->source.vmgenid_addr = addr;
	return 0;
}

#define NUMBER(field) set_number, offsetof(struct daemon_options, field)

static const struct setting settings[] = {
	{ "sources", set_sources, 0, 0, 0, "LIST", "fork sources to use (all)" },
	{ "every", NUMBER(every), 0, 365 * DAY, "SECONDS",
	  "also refresh this often (0: never)" },
	{ "window-ms", NUMBER(window_ms), 1, 10000, "MS",
	  "events this close together are one (100)" },
	{ "poll-ms", NUMBER(source.poll_ms), 10, 3600000, "MS",
	  "interval of sources that must be polled (1000)" },
	{ "reload-command", set_reload, 0, 0, 0, "COMMAND",
	  "loads a crash kernel that we cannot; no shell" },
	{ "reload-timeout", NUMBER(reload_timeout), 1, DAY, "SECONDS",
	  "how long it may take (120)" },
	{ "vmgenid-addr", set_addr, 0, 0, 0, "ADDRESS",
	  "of the VM generation ID, if ACPI does not tell" },
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

int daemon_options_set(void *options, const char *key, const char *value,
		       struct error *err)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (!strcmp(key, settings[i].key))
			return settings[i].set(options, &settings[i], value, err);
	return error_set(err, EINVAL, "unknown key '%s'", key);
}

/* Options that the configuration file does not have follow its settings. */
enum {
	OPTION_HELP = 'h',
	OPTION_CONFIG = OPTION_FIRST + SETTINGS,
	OPTION_ROOT,
	OPTION_RUN
};

static int take_option(struct daemon_options *o, int option, bool with_settings,
		       struct error *err)
{
	const struct setting *s;

	switch (option) {
	case OPTION_HELP:
		o->help = true;
		return 0;
	case OPTION_CONFIG:
		o->conf = optarg;
		return 0;
	case OPTION_ROOT:
		o->source.root = optarg;
		return 0;
	case OPTION_RUN:
		o->run = optarg;
		return 0;
	}
	s = &settings[option - OPTION_FIRST];
	return with_settings ? s->set(o, s, optarg, err) : 0;
}

/* Parsed twice: first for the file's path, then, after the file, @with_settings. */
static int parse_argv(struct daemon_options *o, bool with_settings, struct error *err)
{
	struct option table[SETTINGS + 5] = {
		[SETTINGS] = { "help", no_argument, NULL, OPTION_HELP },
		{ "config", required_argument, NULL, OPTION_CONFIG },
		{ "root", required_argument, NULL, OPTION_ROOT },
		{ "run", required_argument, NULL, OPTION_RUN },
	};
	int option, ret = 0;

	for (size_t i = 0; i < SETTINGS; i++)
		table[i] = (struct option){ settings[i].key, required_argument, NULL,
					    OPTION_FIRST + (int)i };
	optind = 0; /* restart parsing: getopt_long(3) */
	while (!ret && (option = option_next(o->argc, o->argv, "+:h", table, err)))
		ret = option < 0 ? option : take_option(o, option, with_settings, err);
	if (!ret && optind < o->argc)
		return error_set(err, EINVAL, "unexpected argument '%s'",
				 o->argv[optind]);
	return ret;
}

/*
 * The default file may be missing. If --config names one, it or its drop-ins must exist.
 */
static int read_conf(struct daemon_options *o, struct error *err)
{
	_cleanup_free_ char *dir = NULL;

	if (asprintf(&dir, "%s.d", o->conf) < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (strcmp(o->conf, DAEMON_CONF) != 0 && access(dir, F_OK) < 0 &&
	    access(o->conf, F_OK) < 0)
		return error_set(err, EINVAL, "--config=%s: %s", o->conf,
				 errno_text(errno));
	return conf_read(o->conf, daemon_options_set, o, err);
}

int daemon_options_parse(int argc, char **argv, struct daemon_options *out,
			 struct error *err)
{
	int ret;

	*out = (struct daemon_options){
		.source = { .enabled = SOURCE_ALL, .poll_ms = 1000, .root = "" },
		.window_ms = 100,
		.reload_timeout = 120,
		.conf = DAEMON_CONF,
		.run = RUN_DIR,
		.argc = argc,
		.argv = argv,
	};
	ret = parse_argv(out, false, err);
	if (!ret && !out->help)
		ret = read_conf(out, err);
	if (!ret)
		ret = parse_argv(out, true, err);
	if (ret)
		daemon_options_free(out);
	return ret;
}

void daemon_options_free(struct daemon_options *o)
{
	argv_free(o->reload);
	o->reload = NULL;
}

void daemon_options_print(FILE *to)
{
	char list[SOURCES * 16];

	for (size_t i = 0; i < SETTINGS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s=%s", settings[i].key,
			 settings[i].argument);
		fprintf(to, "  %-26s %s\n", name, settings[i].help);
	}
	fprintf(to, "  %-26s %s\n", "fork sources", list_sources(", ", list));
	fprintf(to, "  %-26s %s\n", "--config=FILE",
		"instead of " DAEMON_CONF " (and FILE.d/*.conf)");
}
