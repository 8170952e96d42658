// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as the files of /sys/firmware/memmap: each line is an entry, "START END TYPE".
 * A dash as a field means that its file is missing.
 *
 * The folder is a real one, below $TMPDIR. It is kept for the next inputs, which mostly
 * need the same files.
 */
#include "arch/x86/memmap.h"
#include "arch/x86/x86.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 12

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Below the root. */
static const char *const folders[] = { "", "/sys", "/sys/firmware",
				       "/sys/firmware/memmap" };
#define NR_FOLDERS (sizeof(folders) / sizeof(folders[0]))
static const char *const names[] = { "start", "end", "type" };
/* Names that are not numbers as the kernel writes them are not entries. */
static const char *const strangers[] = { "x1", "01", "4294967296" };
static char root[256];
static int memmap = -1;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void entry_name(size_t number, char name[24])
{
	snprintf(name, 24, "%zu", number);
}

static void remove_entry(size_t number)
{
	char path[64];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%zu/%s", number, names[i]);
		unlinkat(memmap, path, 0);
	}
	entry_name(number, path);
	unlinkat(memmap, path, AT_REMOVEDIR);
}

static void clean_up(void)
{
	char path[512];

	for (size_t i = 0; i < ENTRIES_MAX; i++)
		remove_entry(i);
	for (size_t i = 0; i < 3; i++)
		unlinkat(memmap, strangers[i], AT_REMOVEDIR);
	for (size_t i = NR_FOLDERS; i--;) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		rmdir(path);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *tmp = getenv("TMPDIR");
	char path[512];

	(void)argc;
	(void)argv;
	snprintf(root, sizeof(root), "%s/memmap-XXXXXX", tmp ? tmp : "/tmp");
	require(mkdtemp(root));
	atexit(clean_up);
	for (size_t i = 1; i < NR_FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		require(mkdir(path, 0700) == 0);
	}
	memmap = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(memmap >= 0);
	for (size_t i = 0; i < 3; i++)
		require(mkdirat(memmap, strangers[i], 0700) == 0);
	return 0;
}

static void make_file(size_t number, const char *name, struct bytes content)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%zu/%s", number, name);
	if (text_equals(content, "-")) {
		unlinkat(memmap, path, 0);
		return;
	}
	fd = openat(memmap, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 &&
		write(fd, content.data, content.size) == (ssize_t)content.size);
	close(fd);
}

/* Returns the number of entries. */
static size_t make_files(struct bytes text)
{
	struct bytes line, field;
	size_t count = 0;

	while (count < ENTRIES_MAX && text_cut(&text, '\n', &line)) {
		char name[24];

		entry_name(count, name);
		require(mkdirat(memmap, name, 0700) == 0 || errno == EEXIST);
		for (size_t i = 0; i < 3; i++) {
			if (i == 2)
				field = line; /* the rest: types contain blanks */
			else if (!text_cut(&line, ' ', &field))
				field = (struct bytes){ (const uint8_t *)"-", 1 };
			make_file(count, names[i], field);
		}
		count++;
	}
	return count;
}

static void check(const struct memory_map *map, size_t count)
{
	require(map->count <= count);
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_entry *e = &map->entries[i];

		require(e->size && e->addr + e->size > e->addr);
		require(!i || map->entries[i - 1].addr <= e->addr);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t before;
	size_t count = make_files((struct bytes){ data, size });
	struct memory_map map = { 0 };
	struct error err = { "" };
	struct notes notes = { 0 };
	int ret;

	while (before > count)
		remove_entry(--before);
	before = count;
	ret = x86_memmap_read(root, &map, &notes, &err);
	notes_free(&notes);
	if (ret) {
		require(err.text[0] && !map.count && !map.entries);
		return 0;
	}
	check(&map, count);
	memory_map_merge(&map);
	x86_resolve_unknown(&map, NULL);
	check(&map, count);
	memory_map_free(&map);
	return 0;
}
