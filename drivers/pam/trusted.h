/* Files that decide who may log in: read only if nobody but root can write them. */
#pragma once
#include <stddef.h>

/* The content of a file of root's that nobody else can write, ended by a NUL; the caller frees it. NULL if it can't be
 * read or is not to be followed; `why` then says so in a few words. */
char *trusted_read(const char *path, size_t most, size_t *length, const char **why);
