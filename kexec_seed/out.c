// SPDX-License-Identifier: GPL-2.0-only
#include "config.h"

#include "kexec_seed/out.h"

#include "base/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_JSONC
#include <json.h>
#else
struct json_object;
#endif

#define DEPTH_MAX 6

struct out {
	/* json: the objects that are open, the outermost first */
	struct json_object *open[DEPTH_MAX];
	int depth;
	/* people: headings that are printed once there is something below them */
	const char *pending[DEPTH_MAX];
	bool json;
	bool failed; /* memory ran out */
};

#ifdef HAVE_JSONC

static bool begin_json(struct out *o)
{
	o->open[0] = json_object_new_object();
	return o->open[0];
}

/* @value belongs to what is open from here on. */
static void add(struct out *o, const char *key, struct json_object *value)
{
	struct json_object *to = o->open[o->depth];
	int ret = json_object_is_type(to, json_type_array)
			  ? json_object_array_add(to, value)
			  : json_object_object_add(to, key, value);

	if (ret == 0)
		return;
	json_object_put(value);
	o->failed = true;
}

static void add_value(struct out *o, const char *key, struct json_object *value)
{
	if (value)
		add(o, key, value);
	else
		o->failed = true;
}

static void enter(struct out *o, const char *key, struct json_object *value)
{
	add_value(o, key, value);
	if (value && !o->failed && o->depth + 1 < DEPTH_MAX)
		o->open[++o->depth] = value;
	else
		o->failed = true;
}

/* Microseconds are enough. */
static struct json_object *new_seconds(double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6f", value);
	return json_object_new_double_s(value, text);
}

static int print_json(struct out *o)
{
	const char *text = json_text(o->open[0]);

	if (!o->failed && text)
		printf("%s\n", text);
	else
		o->failed = true;
	json_object_put(o->open[0]);
	return o->failed ? -ENOMEM : 0;
}

#define JSON(o, call)                                                                    \
	do {                                                                             \
		if ((o)->json) {                                                         \
			call;                                                            \
			return;                                                          \
		}                                                                        \
	} while (0)

#else

static bool begin_json(struct out *o)
{
	(void)o;
	return false;
}

static int print_json(struct out *o)
{
	(void)o;
	return -ENOTSUP;
}

#define JSON(o, call) (void)(o)

#endif

struct out *out_open(bool json, struct error *err)
{
	struct out *o = calloc(1, sizeof(*o));

	if (o)
		o->json = json;
	if (o && (!json || begin_json(o)))
		return o;
	free(o);
#ifdef HAVE_JSONC
	error_set(err, ENOMEM, "out of memory");
#else
	error_set(err, ENOTSUP, "--json: this kexec-seed was built without json-c");
#endif
	return NULL;
}

/* A key as people write it, @width characters wide, where the depth says. */
static void print_key(const char *key, int depth, int width)
{
	char label[64];

	snprintf(label, sizeof(label), "%s", key);
	for (size_t i = 0; label[i]; i++)
		if (label[i] == '_')
			label[i] = ' ';
	printf("%*s%-*s", 2 * depth, "", width, label);
}

static void indent(struct out *o, const char *key)
{
	for (int i = 0; i < o->depth && i < DEPTH_MAX; i++) {
		if (!o->pending[i])
			continue;
		print_key(o->pending[i], i, 0);
		putchar('\n');
		o->pending[i] = NULL;
	}
	print_key(key, o->depth, 20 - 2 * o->depth);
	putchar(' ');
}

/* For people an object and a list are the same: what is in them is moved to the right. */
static void begin(struct out *o, const char *key)
{
	if (o->depth < DEPTH_MAX)
		o->pending[o->depth] = key;
	o->depth++;
}

void out_object(struct out *o, const char *key)
{
	JSON(o, enter(o, key, json_object_new_object()));
	begin(o, key);
}

void out_list(struct out *o, const char *key)
{
	JSON(o, enter(o, key, json_object_new_array()));
	begin(o, key);
}

void out_end(struct out *o)
{
	if (o->depth)
		o->depth--;
	if (o->depth < DEPTH_MAX)
		o->pending[o->depth] = NULL;
}

void out_text(struct out *o, const char *key, const char *text)
{
	JSON(o,
	     text ? add_value(o, key, json_object_new_string(text)) : add(o, key, NULL));
	if (!text)
		return;
	indent(o, key);
	printf("%s\n", text);
}

void out_bool(struct out *o, const char *key, bool value)
{
	JSON(o, add_value(o, key, json_object_new_boolean(value)));
	out_text(o, key, value ? "yes" : "no");
}

void out_number(struct out *o, const char *key, uint64_t value)
{
	JSON(o, add_value(o, key, json_object_new_uint64(value)));
	indent(o, key);
	printf("%llu\n", (unsigned long long)value);
}

void out_address(struct out *o, const char *key, uint64_t value)
{
	JSON(o, add_value(o, key, json_object_new_uint64(value)));
	indent(o, key);
	printf("0x%llx\n", (unsigned long long)value);
}

void out_seconds(struct out *o, const char *key, double value)
{
	JSON(o, add_value(o, key, new_seconds(value)));
	indent(o, key);
	printf("%.6f s\n", value);
}

void out_time(struct out *o, const char *key, struct timespec t)
{
	char text[64];
	struct tm tm;

	if (!t.tv_sec || !gmtime_r(&t.tv_sec, &tm)) {
		out_text(o, key, NULL);
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	out_text(o, key, text);
}

int out_close(struct out *o, struct error *err)
{
	int ret = o->json ? print_json(o) : 0;

	free(o);
	if (ret)
		return error_set(err, -ret, "cannot make JSON: %s", strerror(-ret));
	if (fflush(stdout))
		return error_set(err, errno, "cannot write: %s", strerror(errno));
	return 0;
}
