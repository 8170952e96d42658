// SPDX-License-Identifier: GPL-2.0-only
#include "base/option_next.h"

#include <errno.h>
#include <string.h>

/* @word is a prefix of several options, or of none. */
static int refuse_long(const char *word, const struct option *table, struct error *err)
{
	const char *names[2] = { NULL, NULL };
	size_t length = strcspn(word + 2, "=");

	for (; table->name && !names[1]; table++)
		if (!strncmp(table->name, word + 2, length))
			names[names[0] != NULL] = table->name;
	if (!names[1])
		return error_set(err, EINVAL, "%s: no such option", word);
	return error_set(err, EINVAL, "%s: ambiguous: --%s or --%s?", word, names[0],
			 names[1]);
}

int option_next(int argc, char **argv, const char *letters, const struct option *table,
		struct error *err)
{
	const char *word;
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, letters, table, NULL);
	if (option == -1)
		return 0;
	word = argv[optind - 1];
	if (option == ':')
		return error_set(err, EINVAL, "%s needs a value", word);
	if (option != '?')
		return option;
	if (!optopt)
		return refuse_long(word, table, err);
	if (optopt >= OPTION_FIRST || (!strchr("+:", optopt) && strchr(letters, optopt)))
		return error_set(err, EINVAL, "%s: takes no value", word);
	return error_set(err, EINVAL, "-%c: no such option", optopt);
}
