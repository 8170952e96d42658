// SPDX-License-Identifier: GPL-2.0-only
#include "base/report.h"

#include "base/library.h"

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

struct report {
	/* json: open objects, outermost first */
	struct json_object *open[DEPTH_MAX];
	int depth;
	/* text: headings not printed yet, because nothing below them was */
	const char *pending[DEPTH_MAX];
	bool json;
	bool failed; /* out of memory */
};

#define SECONDS_SIZE 32

/*
 * Microsecond resolution. In integers: the C library's printf() of floating point is code
 * that a refresh would run for nothing else.
 */
static void format_seconds(double value, char text[SECONDS_SIZE])
{
	const unsigned long long us = (unsigned long long)(value * 1e6 + 0.5);

	snprintf(text, SECONDS_SIZE, "%llu.%06llu", us / 1000000, us % 1000000);
}

#ifdef HAVE_JSONC

#define JSON_C(X)                                                                        \
	X(json_object_array_add)                                                         \
	X(json_object_is_type)                                                           \
	X(json_object_new_array)                                                         \
	X(json_object_new_boolean)                                                       \
	X(json_object_new_double_s)                                                      \
	X(json_object_new_object)                                                        \
	X(json_object_new_string)                                                        \
	X(json_object_new_uint64)                                                        \
	X(json_object_object_add)                                                        \
	X(json_object_put)                                                               \
	X(json_object_to_json_string_length)
LIBRARY_FUNCTIONS(json, JSON_C)

static int begin_json(struct report *o, struct error *err)
{
	int ret = open_json(err);

	if (ret) {
		error_prefix(err, "--json");
		return ret;
	}
	o->open[0] = libjson.json_object_new_object();
	return o->open[0] ? 0 : error_set(err, ENOMEM, "out of memory");
}

/*
 * Adds @value to the innermost open object or list; after a failure, when that may not be
 * open, nothing.
 */
static void add(struct report *o, const char *key, struct json_object *value)
{
	struct json_object *to = o->open[o->depth];
	bool list = libjson.json_object_is_type(to, json_type_array);

	if (!o->failed && (list ? libjson.json_object_array_add(to, value)
				: libjson.json_object_object_add(to, key, value)) == 0)
		return;
	libjson.json_object_put(value);
	o->failed = true;
}

static void add_value(struct report *o, const char *key, struct json_object *value)
{
	if (value)
		add(o, key, value);
	else
		o->failed = true;
}

static void enter(struct report *o, const char *key, struct json_object *value)
{
	add_value(o, key, value);
	if (value && !o->failed && o->depth + 1 < DEPTH_MAX)
		o->open[++o->depth] = value;
	else
		o->failed = true;
}

static struct json_object *new_seconds(double value)
{
	char text[SECONDS_SIZE];

	format_seconds(value, text);
	return libjson.json_object_new_double_s(value, text);
}

#define STYLE (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)

/* Length of the UTF-8 character at @p (RFC 3629); 0: invalid. */
static size_t utf8_size(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t size = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (size > 1 && (*p < 0xc2 || *p > 0xf4))
		return 0;
	if (*p == 0xe0)
		low = 0xa0;
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xed)
		high = 0x9f;
	else if (*p == 0xf4)
		high = 0x8f;
	if (size > 1 && (p[1] < low || p[1] > high))
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

/* Paths and command lines may hold any bytes. JSON may not, and json-c does not check. */
static void make_utf8(char *text)
{
	while (*text) {
		size_t size = utf8_size((const unsigned char *)text);

		if (!size)
			*text = '?';
		text += size ? size : 1;
	}
}

/*
 * json-c cuts a text short when memory runs out. It keeps its buffer, so a second pass
 * over a complete text allocates nothing and is as long.
 */
static const char *json_text(struct json_object *top)
{
	size_t first = 0, second = 0;
	const char *text = libjson.json_object_to_json_string_length(top, STYLE, &first);

	text = text ? libjson.json_object_to_json_string_length(top, STYLE, &second)
		    : NULL;
	if (!text || first != second)
		return NULL;
	make_utf8((char *)text); /* @top owns the buffer */
	return text;
}

static int print_json(struct report *o)
{
	const char *text = json_text(o->open[0]);

	if (!o->failed && text)
		printf("%s\n", text);
	else
		o->failed = true;
	libjson.json_object_put(o->open[0]);
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

static int begin_json(struct report *o, struct error *err)
{
	(void)o;
	return error_set(err, ENOTSUP, "--json: this program was built without json-c");
}

static int print_json(struct report *o)
{
	(void)o;
	return -ENOTSUP;
}

#define JSON(o, call) (void)(o)

#endif

struct report *report_open(bool json, struct error *err)
{
	struct report *o = calloc(1, sizeof(*o));

	if (!o) {
		error_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	o->json = json;
	if (!json || !begin_json(o, err))
		return o;
	free(o);
	return NULL;
}

/* Prints a key with '_' as blanks, indented by @depth and padded to @width characters. */
static void print_key(const char *key, int depth, int width)
{
	char label[64];

	snprintf(label, sizeof(label), "%s", key);
	for (size_t i = 0; label[i]; i++)
		if (label[i] == '_')
			label[i] = ' ';
	printf("%*s%-*s", 2 * depth, "", width, label);
}

static void indent(struct report *o, const char *key)
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

/* Text output shows objects and lists alike: their contents are indented. */
static void begin(struct report *o, const char *key)
{
	if (o->depth < DEPTH_MAX)
		o->pending[o->depth] = key;
	o->depth++;
}

void report_object(struct report *o, const char *key)
{
	JSON(o, enter(o, key, libjson.json_object_new_object()));
	begin(o, key);
}

void report_list(struct report *o, const char *key)
{
	JSON(o, enter(o, key, libjson.json_object_new_array()));
	begin(o, key);
}

void report_end(struct report *o)
{
	if (o->depth)
		o->depth--;
	if (o->depth < DEPTH_MAX)
		o->pending[o->depth] = NULL;
}

void report_text(struct report *o, const char *key, const char *text)
{
	JSON(o, text ? add_value(o, key, libjson.json_object_new_string(text))
		     : add(o, key, NULL));
	if (!text)
		return;
	indent(o, key);
	printf("%s\n", text);
}

void report_bool(struct report *o, const char *key, bool value)
{
	JSON(o, add_value(o, key, libjson.json_object_new_boolean(value)));
	report_text(o, key, value ? "yes" : "no");
}

void report_number(struct report *o, const char *key, uint64_t value)
{
	JSON(o, add_value(o, key, libjson.json_object_new_uint64(value)));
	indent(o, key);
	printf("%llu\n", (unsigned long long)value);
}

void report_address(struct report *o, const char *key, uint64_t value)
{
	JSON(o, add_value(o, key, libjson.json_object_new_uint64(value)));
	indent(o, key);
	printf("0x%llx\n", (unsigned long long)value);
}

void report_seconds(struct report *o, const char *key, double value)
{
	char text[SECONDS_SIZE];

	JSON(o, add_value(o, key, new_seconds(value)));
	format_seconds(value, text);
	indent(o, key);
	printf("%s s\n", text);
}

void report_time(struct report *o, const char *key, struct timespec t)
{
	char text[64];
	struct tm tm;

	if (!t.tv_sec || !gmtime_r(&t.tv_sec, &tm)) {
		report_text(o, key, NULL);
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	report_text(o, key, text);
}

int report_close(struct report *o, struct error *err)
{
	int ret = o->json ? print_json(o) : 0;

	free(o);
	if (ret)
		return error_set(err, -ret, "cannot make JSON: %s", errno_text(-ret));
	if (fflush(stdout) || ferror(stdout))
		return error_set(err, errno, "cannot write: %s", errno_text(errno));
	return 0;
}
