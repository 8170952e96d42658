// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "base/json_text.h"
#include "plan/names.h"
#include "plan/plan.h"
#include "seed_mix.h"

#include <errno.h>

#ifdef HAVE_JSONC
#include <json.h>

/*
 * Each of these is false when memory ran out. json-c owns a value from the moment it is
 * in an object; until then it is released here.
 */
static bool put(struct json_object *o, const char *key, struct json_object *value)
{
	if (!value)
		return false;
	if (json_object_object_add(o, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool put_number(struct json_object *o, const char *key, uint64_t value)
{
	return put(o, key, json_object_new_uint64(value));
}

static bool put_string(struct json_object *o, const char *key, const char *value)
{
	return put(o, key, json_object_new_string(value));
}

/* Appends @item, which it then owns, to @list. */
static bool append(struct json_object *list, struct json_object *item, bool complete)
{
	if (item && complete && json_object_array_add(list, item) == 0)
		return true;
	json_object_put(item);
	return false;
}

static bool put_segments(struct json_object *o, const struct plan *plan)
{
	struct json_object *list = json_object_new_array();
	bool ok = put(o, "segments", list);

	for (size_t i = 0; ok && i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];
		struct json_object *item = json_object_new_object();

		ok = append(list, item,
			    item && put_string(item, "kind", segment_name(s->kind)) &&
				    put_number(item, "addr", s->addr) &&
				    put_number(item, "size", s->mem_size) &&
				    put_number(item, "content", s->content.size));
	}
	return ok;
}

static bool put_nodes(struct json_object *o, const struct plan *plan)
{
	struct json_object *list = json_object_new_array();
	bool ok = put(o, "setup_data", list);

	for (size_t i = 0; ok && i < plan->nr_nodes; i++) {
		const struct setup_node *n = &plan->nodes[i];
		struct json_object *item = json_object_new_object();

		ok = append(list, item,
			    item && put_number(item, "type", n->type) &&
				    put_string(item, "name", setup_type_name(n->type)) &&
				    put_number(item, "addr", n->addr) &&
				    put_number(item, "len", n->len));
	}
	return ok;
}

static bool put_e820(struct json_object *o, const struct e820_map *map)
{
	struct json_object *list = json_object_new_array();
	bool ok = put(o, "e820", list);

	for (size_t i = 0; ok && i < map->count; i++) {
		const struct boot_e820_entry *e = &map->entries[i];
		struct json_object *item = json_object_new_object();

		ok = append(list, item,
			    item && put_number(item, "addr", e->addr) &&
				    put_number(item, "size", e->size) &&
				    put_number(item, "type", e->type) &&
				    put_string(item, "name", e820_type_name(e->type)));
	}
	return ok;
}

/* What the purgatory mixes into the seed; null when it hands the base over as it is. */
static bool put_mix(struct json_object *o, const struct purgatory_params *p)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} inputs[] = { { SEED_INPUT_RDSEED, "RDSEED" },
		       { SEED_INPUT_RDRAND, "RDRAND" },
		       { SEED_INPUT_TSC, "TSC" } };
	struct json_object *mix, *list;
	bool ok;

	if (!p->mix_target)
		return json_object_object_add(o, "seed_mix", NULL) == 0;
	mix = json_object_new_object();
	ok = put(o, "seed_mix", mix);
	list = ok ? json_object_new_array() : NULL;
	ok = ok && put(mix, "inputs", list);
	for (size_t i = 0; ok && i < sizeof(inputs) / sizeof(inputs[0]); i++)
		if (p->mix_inputs & inputs[i].flag)
			ok = append(list, json_object_new_string(inputs[i].name), true);
	if (ok && !p->generation_id)
		return json_object_object_add(mix, "generation_id", NULL) == 0;
	return ok && put_number(mix, "generation_id", p->generation_id);
}

int plan_print_json(FILE *to, const struct plan *plan, struct error *err)
{
	struct json_object *o = json_object_new_object();
	const char *text = NULL;
	bool done;

	if (o && put_segments(o, plan) && put_number(o, "entry", plan->entry) &&
	    put_number(o, "kernel_entry", plan->kernel_entry) &&
	    put_number(o, "entry_bits",
		       plan_purgatory(plan)->entry_mode == PURGATORY_ENTRY_32 ? 32
									      : 64) &&
	    put_number(o, "boot_params", plan->boot_params_addr) &&
	    put_string(o, "command_line", plan_command_line(plan)) &&
	    put_nodes(o, plan) && put_mix(o, plan_purgatory(plan)) &&
	    put_e820(o, &plan->e820))
		text = json_text(o);
	done = text;
	if (done)
		fprintf(to, "%s\n", text);
	json_object_put(o);
	return done ? 0 : error_set(err, ENOMEM, "out of memory");
}

#else

int plan_print_json(FILE *to, const struct plan *plan, struct error *err)
{
	(void)to, (void)plan;
	return error_set(err, ENOTSUP, "--json: this kexec was built without json-c");
}

#endif
