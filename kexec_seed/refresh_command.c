// SPDX-License-Identifier: GPL-2.0-only
/* kexec-seed refresh: its words, and what it tells. */
#include "kexec_seed/subcommand.h"
#include "load/recipe.h"
#include "kexec_seed/out.h"
#include "kexec_seed/refresh.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

/* How long to wait for another one that is at work, seconds. */
#define WAIT 60

static int tell(struct out *o, const struct refresh_result *r, struct error *err)
{
	out_text(o, "refresh", refresh_way_name(r->way));
	out_bool(o, "loaded", r->loaded);
	out_number(o, "refreshes", r->count);
	out_seconds(o, "seconds", r->seconds);
	out_seconds(o, "window", r->window);
	return out_close(o, err);
}

/* What a recipe can hold: kexec-seed-recipe(5). */
static bool is_source(const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i < length; i++)
		if (word[i] <= ' ' || word[i] > '~')
			return false;
	return length && length < RECIPE_SOURCE_SIZE;
}

static int parse(int argc, char **argv, struct refresh_request *req, bool *json,
		 struct error *err)
{
	static const struct option options[] = {
		{ "full", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "source", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'f')
			req->full = true;
		else if (opt == 'j')
			*json = true;
		else if (opt != 's')
			return -EINVAL;
		else if (is_source(optarg))
			req->source = optarg;
		else
			return error_set(err, EINVAL,
					 "--source=%s: must be one word of at most %d "
					 "characters",
					 optarg, RECIPE_SOURCE_SIZE - 1);
	}
	if (optind < argc)
		return error_set(err, EINVAL, "refresh: what is '%s'?", argv[optind]);
	return 0;
}

int command_refresh(int argc, char **argv, struct error *err)
{
	struct refresh_request req = { .source = "manual", .seconds = WAIT };
	struct refresh_result result;
	struct out *o = NULL;
	struct error ignored;
	bool json = false;
	int ret;

	if (parse(argc, argv, &req, &json, err))
		return EXIT_USAGE;
	if (json) { /* a build that cannot says so before anything is done */
		o = out_open(true, err);
		if (!o)
			return EXIT_FAILED;
	}
	ret = refresh_run(&req, &result, err);
	if (ret && result.lost && !strstr(err->text, "no crash kernel is loaded"))
		error_prefix(err, "no crash kernel is loaded");
	if (!ret && !o)
		o = out_open(false, err);
	if (o)
		ret = tell(o, &result, ret ? &ignored : err) || ret;
	return ret ? EXIT_FAILED : EXIT_DONE;
}
