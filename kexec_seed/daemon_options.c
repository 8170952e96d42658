// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon_options.h"

#include "base/cleanup.h"
#include "kexec_seed/conf.h"
#include "kexec_seed/daemon_state.h"
#include "kexec_seed/words.h"
#include "machine/text.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define DAY 86400u

struct setting {
	const char *key;
	int (*set)(struct daemon_options *o, const struct setting *s, const char *value,
		   struct error *err);
	size_t at; /* of a number in struct daemon_options, and its limits */
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

static int set_sources(struct daemon_options *o, const struct setting *s,
		       const char *value, struct error *err)
{
	static const char *const names[] = { "uevent", "kmsg", "vmclock", "genid" };
	struct bytes rest = text_from(value), name;
	unsigned int sources = 0;

	if (text_equals(rest, "none"))
		rest.size = 0;
	else if (!rest.size)
		return error_set(err, EINVAL, "%s: no name; 'none' for none", s->key);
	while (text_cut(&rest, ',', &name)) {
		unsigned int i = 0;

		name = text_trim(name);
		while (i < sizeof(names) / sizeof(names[0]) &&
		       !text_equals(name, names[i]))
			i++;
		if (i == sizeof(names) / sizeof(names[0]))
			return error_set(err, EINVAL,
					 "%s: there is no '%.*s', only uevent, vmclock, "
					 "kmsg, genid",
					 s->key, (int)name.size, name.data);
		sources |= 1u << i; /* SOURCE_UEVENT ... */
	}
	o->sources = sources;
	return 0;
}

static int set_reload(struct daemon_options *o, const struct setting *s,
		      const char *value, struct error *err)
{
	char **words;
	int ret = words_split(value, &words, err);

	if (ret) {
		error_prefix(err, "%s", s->key);
		return ret;
	}
	words_free(o->reload);
	o->reload = words;
	if (!words[0]) { /* an empty command takes an earlier one back */
		words_free(words);
		o->reload = NULL;
	}
	return 0;
}

static int set_addr(struct daemon_options *o, const struct setting *s, const char *value,
		    struct error *err)
{
	uint64_t addr;

	if (!text_hex(text_from(value), &addr) || addr % 8)
		return error_set(err, EINVAL,
				 "%s: '%s' is not a hexadecimal address, a multiple of 8",
				 s->key, value);
	o->vmgenid_addr = addr;
	return 0;
}

#define NUMBER(field) set_number, offsetof(struct daemon_options, field)

static const struct setting settings[] = {
	{ "sources", set_sources, 0, 0, 0, "LIST",
	  "which may be used: uevent,vmclock,kmsg,genid (all)" },
	{ "every", NUMBER(every), 0, 365 * DAY, "SECONDS",
	  "refresh without a reason, too (0: never)" },
	{ "window-ms", NUMBER(window_ms), 1, 10000, "MS",
	  "events this close together are one (100)" },
	{ "poll-ms", NUMBER(poll_ms), 10, 3600000, "MS",
	  "how often to look at what must be polled (1000)" },
	{ "reload-command", set_reload, 0, 0, 0, "COMMAND",
	  "for a crash kernel that is not ours; no shell" },
	{ "reload-timeout", NUMBER(reload_timeout), 1, DAY, "SECONDS",
	  "how long it may take (120)" },
	{ "vmgenid-addr", set_addr, 0, 0, 0, "ADDRESS",
	  "of the VM generation ID, if the tables do not tell" },
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

int daemon_options_set(void *options, const char *key, const char *value,
		       struct error *err)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (!strcmp(key, settings[i].key))
			return settings[i].set(options, &settings[i], value, err);
	return error_set(err, EINVAL, "there is no key '%s'", key);
}

/* What is no setting of the file. */
enum { OPTION_HELP = 'h', OPTION_CONFIG = 1000, OPTION_ROOT, OPTION_RUN };

static int take_option(struct daemon_options *o, int option, struct error *err)
{
	switch (option) {
	case OPTION_HELP:
		o->help = true;
		return 0;
	case OPTION_CONFIG:
		o->conf = optarg;
		return 0;
	case OPTION_ROOT:
		o->root = optarg;
		return 0;
	case OPTION_RUN:
		o->run = optarg;
		return 0;
	case ':':
		return error_set(err, EINVAL, "%s: its value is missing",
				 o->argv[optind - 1]);
	default:
		return error_set(err, EINVAL, "daemon: unknown option '%s'",
				 o->argv[optind - 1]);
	}
}

/* Once for where the file is, and after the file for the @settings. */
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
					    (int)i };
	optind = 0; /* start anew: getopt_long(3) */
	opterr = 0;
	while (!ret &&
	       (option = getopt_long(o->argc, o->argv, "+:h", table, NULL)) != -1) {
		if (option < 0 || option >= (int)SETTINGS)
			ret = take_option(o, option, err);
		else if (with_settings)
			ret = settings[option].set(o, &settings[option], optarg, err);
	}
	if (!ret && optind < o->argc)
		return error_set(err, EINVAL, "daemon: '%s' is no option",
				 o->argv[optind]);
	return ret;
}

/* The usual file need not be there; of one that was named, it or its drop-ins have to. */
static int read_conf(struct daemon_options *o, struct error *err)
{
	_cleanup_free_ char *dir = NULL;

	if (asprintf(&dir, "%s.d", o->conf) < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (strcmp(o->conf, DAEMON_CONF) != 0 && access(dir, F_OK) < 0 &&
	    access(o->conf, F_OK) < 0)
		return error_set(err, EINVAL, "--config=%s: %s", o->conf,
				 strerror(errno));
	return conf_read(o->conf, daemon_options_set, o, err);
}

int daemon_options_parse(int argc, char **argv, struct daemon_options *out,
			 struct error *err)
{
	int ret;

	*out = (struct daemon_options){
		.sources = SOURCE_ALL,
		.window_ms = 100,
		.poll_ms = 1000,
		.reload_timeout = 120,
		.conf = DAEMON_CONF,
		.root = "",
		.run = DAEMON_RUN,
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
	words_free(o->reload);
	o->reload = NULL;
}

void daemon_options_print(FILE *to)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s=%s", settings[i].key,
			 settings[i].argument);
		fprintf(to, "  %-26s %s\n", name, settings[i].help);
	}
	fprintf(to, "  %-26s %s\n", "--config=FILE",
		"instead of " DAEMON_CONF " (and FILE.d/*.conf)");
}
