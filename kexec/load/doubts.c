// SPDX-License-Identifier: GPL-2.0-only
#include "load/doubts.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "image/initrd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void examine_initrd(const char *path, struct notes *notes)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t start[INITRD_START_MAX];
	struct error doubt;
	struct stat st;
	size_t used;

	/* they were opened before: what cannot be read now is no concern of ours */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    file_read_at(fd, 0, start, sizeof(start), &used))
		return;
	if (initrd_doubt((struct bytes){ start, used }, (uint64_t)st.st_size, &doubt))
		notes_add(notes, "%s %s", path, doubt.text);
}

void load_note_doubts(struct load *l)
{
	struct bytes rest = text_from(l->request->initrd ? l->request->initrd : ""), line;

	while (!l->own_initrd && text_cut(&rest, '\n', &line)) {
		_cleanup_free_ char *path = strndup((const char *)line.data, line.size);

		if (path)
			examine_initrd(path, &l->io->notes);
	}
	if (!*l->cmdline)
		notes_add(&l->io->notes,
			  "the command line is empty: --append= or --reuse-cmdline gives "
			  "one");
}
