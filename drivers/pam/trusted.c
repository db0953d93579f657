/* What a link leads to is judged, not the link: configuration tools put links into /etc. */
#define _GNU_SOURCE
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *unfit(const struct stat *facts, size_t most)
{
	if (!S_ISREG(facts->st_mode))
		return "is not a file";
	if (facts->st_uid != 0 || facts->st_mode & (S_IWGRP | S_IWOTH))
		return "has to be root's, writable by root alone";
	if ((unsigned long long)facts->st_size > most)
		return "is too large";
	return NULL;
}

/* One byte more than `most` is asked for: a file may grow while it is read. */
static char *content(int file, size_t most, size_t *length, const char **why)
{
	char *text = malloc(most + 2);
	size_t used = 0;

	if (text == NULL) {
		*why = strerror(ENOMEM);
		return NULL;
	}
	while (used <= most) {
		ssize_t more = read(file, text + used, most + 1 - used);
		if (more == 0) {
			text[used] = '\0';
			*length = used;
			return text;
		}
		if (more < 0 && errno != EINTR) {
			*why = strerror(errno);
			free(text);
			return NULL;
		}
		used += more > 0 ? (size_t)more : 0;
	}
	*why = "is too large";
	free(text);
	return NULL;
}

char *trusted_read(const char *path, size_t most, size_t *length, const char **why)
{
	/* A named pipe that nobody writes must not hold up a log-in. */
	int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat facts;
	char *text = NULL;

	if (file < 0) {
		*why = strerror(errno);
		return NULL;
	}
	if (fstat(file, &facts) != 0)
		*why = strerror(errno);
	else if ((*why = unfit(&facts, most)) == NULL)
		text = content(file, most, length, why);
	close(file);
	return text;
}
