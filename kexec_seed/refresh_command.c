// SPDX-License-Identifier: GPL-2.0-only
/* kexec-seed refresh: options and output. */
#include "base/report.h"
#include "kexec_seed/refresh.h"
#include "kexec_seed/subcommand.h"
#include "load/recipe.h"

#include <errno.h>
#include <string.h>

/* Timeout for another load or refresh to end, seconds. */
#define WAIT 60

static int tell(struct report *o, const struct refresh_result *r, struct error *err)
{
	report_text(o, "refresh", refresh_mode_name(r->mode));
	report_bool(o, "loaded", r->loaded);
	report_number(o, "refreshes", r->count);
	report_seconds(o, "seconds", r->seconds);
	report_seconds(o, "window", r->window);
	return report_close(o, err);
}

static int parse(int argc, char **argv, struct refresh_request *req, bool *json,
		 struct error *err)
{
	enum { FULL = OPTION_FIRST, JSON, SOURCE };
	static const struct option options[] = {
		{ "full", no_argument, NULL, FULL },
		{ "json", no_argument, NULL, JSON },
		{ "source", required_argument, NULL, SOURCE },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = subcommand_option(argc, argv, options, err)) > 0) {
		if (opt == FULL)
			req->full = true;
		else if (opt == JSON)
			*json = true;
		else if (*optarg && recipe_is_source(optarg))
			req->source = optarg;
		else
			return error_set(err, EINVAL,
					 "--source=%s: must be one word of at most %d "
					 "characters",
					 optarg, RECIPE_SOURCE_SIZE - 1);
	}
	return opt;
}

int command_refresh(int argc, char **argv, struct error *err)
{
	struct refresh_request req = { .source = "manual", .seconds = WAIT };
	struct refresh_result result;
	struct report *o;
	struct error ignored;
	bool json = false;
	int ret;

	if (parse(argc, argv, &req, &json, err))
		return EXIT_USAGE;
	o = report_open(json, err); /* what cannot be told is not begun */
	if (!o)
		return EXIT_FAILED;
	ret = refresh_run(&req, &result, err);
	subcommand_print_notes(&result.notes);
	if (ret && result.unloaded && !strstr(err->text, "no crash kernel is loaded"))
		error_prefix(err, "no crash kernel is loaded");
	if (ret && !json)
		report_close(o, &ignored); /* prints nothing */
	else
		ret = tell(o, &result, ret ? &ignored : err) || ret;
	return ret ? EXIT_FAILED : EXIT_DONE;
}
