// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86/cpu.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* Enough for the first CPU in /proc/cpuinfo, and for all of /proc/meminfo. */
#define HEAD_SIZE 32768

/* Intel SDM volume 3A, 4.1.4: limits of MAXPHYADDR in 64-bit mode. */
#define PHYSICAL_BITS_MIN 32
#define PHYSICAL_BITS_MAX 52

/* The kernel hides features that it was told not to use (nordrand, no5lvl). */
static void take_flags(struct bytes flags, struct cpu *cpu)
{
	bool ssse3 = false, sse4_1 = false, sha_ni = false;
	const struct {
		const char *name;
		bool *flag;
	} words[] = {
		{ "la57", &cpu->la57 },	    { "pdpe1gb", &cpu->gbpages },
		{ "rdseed", &cpu->rdseed }, { "rdrand", &cpu->rdrand },
		{ "tsc", &cpu->tsc },	    { "ssse3", &ssse3 },
		{ "sse4_1", &sse4_1 },	    { "sha_ni", &sha_ni },
	};
	struct bytes flag;

	while (text_cut(&flags, ' ', &flag))
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (text_equals(flag, words[i].name))
				*words[i].flag = true;
	cpu->sha_ni = sha_ni && sse4_1 && ssse3;
}

static void take_address_sizes(struct bytes sizes, struct cpu *cpu)
{
	struct bytes number;
	uint32_t bits;

	if (text_cut(&sizes, ' ', &number) && text_decimal(number, &bits) &&
	    text_starts(sizes, "bits physical", NULL) && bits >= PHYSICAL_BITS_MIN &&
	    bits <= PHYSICAL_BITS_MAX)
		cpu->physical_bits = bits;
}

void cpu_parse_cpuinfo(struct bytes text, struct cpu *cpu)
{
	struct bytes line, key;

	*cpu = (struct cpu){ 0 };
	while (text_cut(&text, '\n', &line) && line.size) {
		if (!text_cut(&line, ':', &key))
			continue;
		key = text_trim(key);
		line = text_trim(line);
		if (text_equals(key, "flags"))
			take_flags(line, cpu);
		else if (text_equals(key, "address sizes"))
			take_address_sizes(line, cpu);
	}
}

void cpu_parse_meminfo(struct bytes text, struct cpu *cpu)
{
	struct bytes line;

	while (text_cut(&text, '\n', &line))
		if (text_starts(line, "DirectMap1G:", NULL))
			return;
	cpu->gbpages = false;
}

/* Reads the first HEAD_SIZE bytes: /proc/cpuinfo of a large machine has megabytes. */
static int read_head(const char *root, const char *name, uint8_t *buf, struct bytes *head,
		     struct error *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int ret;

	*head = (struct bytes){ .data = buf };
	if (asprintf(&path, "%s%s", root, name) < 0)
		return error_set(err, ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ret = fd < 0 ? -errno : file_read_at(fd, 0, buf, HEAD_SIZE, &head->size);
	return file_is_trouble(ret)
		       ? error_set(err, -ret, "%s: %s", path, errno_text(-ret))
		       : 0;
}

int cpu_read(const char *root, struct cpu *cpu, struct error *err)
{
	_cleanup_free_ uint8_t *buf = malloc(HEAD_SIZE);
	struct bytes head;
	int ret;

	*cpu = (struct cpu){ 0 };
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	ret = read_head(root, "/proc/cpuinfo", buf, &head, err);
	if (ret)
		return ret;
	if (head.size)
		cpu_parse_cpuinfo(head, cpu);
	ret = read_head(root, "/proc/meminfo", buf, &head, err);
	if (!ret && head.size)
		cpu_parse_meminfo(head, cpu);
	return ret;
}
