/* A PAM client without libpam: the module's own code in a program that sanitizers can watch, and whose memory can be
 * searched afterwards. `drive RUNS OPTION...` logs in so often, with the PIN from standard input; a line a run tells
 * PAM's value, the last one how often the PIN is found in the memory of this process when all is over. RUNS below 0: no
 * log-in, and the PIN is kept. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 64, MASK = 0x5A };
/* The PIN, so that this copy is not found. */
static unsigned char masked[MOST];
static size_t length;

int pam_get_item(const pam_handle_t *pamh, int type, const void **item)
{
	(void)pamh;
	*item = type == PAM_USER ? "tolvan" : type == PAM_SERVICE ? "drive" : NULL;
	return PAM_SUCCESS;
}

int pam_set_item(pam_handle_t *pamh, int type, const void *item)
{
	(void)pamh, (void)type, (void)item;
	return PAM_SUCCESS;
}

int pam_putenv(pam_handle_t *pamh, const char *text)
{
	(void)pamh;
	return strncmp(text, "SITHSD_CARD_SERIAL=", 19) == 0 ? PAM_SUCCESS : PAM_ABORT;
}

void pam_syslog(const pam_handle_t *pamh, int level, const char *form, ...)
{
	char text[4096];
	va_list given;

	(void)pamh, (void)level;
	va_start(given, form);
	vsnprintf(text, sizeof text, form, given);
	va_end(given);
}

struct passwd *pam_modutil_getpwnam(pam_handle_t *pamh, const char *name)
{
	(void)pamh;
	return getpwnam(name);
}

int pam_prompt(pam_handle_t *pamh, int style, char **answer, const char *form, ...)
{
	char text[4096];
	va_list given;

	(void)pamh;
	va_start(given, form);
	vsnprintf(text, sizeof text, form, given);
	va_end(given);
	if (style != PAM_PROMPT_ECHO_OFF)
		return PAM_SUCCESS;
	*answer = malloc(length + 1);
	for (size_t i = 0; *answer != NULL && i < length; i++)
		(*answer)[i] = (char)(masked[i] ^ MASK);
	if (*answer != NULL)
		(*answer)[length] = '\0';
	return *answer != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

#ifndef __SANITIZE_ADDRESS__
/* The PIN's second half: where memory is given back, its beginning becomes the allocator's. */
static size_t found_in(const unsigned char *from, size_t size)
{
	const unsigned char *half = masked + length / 2;
	size_t half_length = length - length / 2, count = 0;

	for (size_t i = 0; i + half_length <= size; i++) {
		size_t same = 0;
		while (same < half_length && from[i + same] == (half[same] ^ MASK))
			same++;
		count += same == half_length;
	}
	return count;
}

/* Everything that this process can write: heap, stack, data. What is read lands in a buffer that is searched alone. */
static size_t search(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	static unsigned char piece[1 << 16];
	unsigned long from, to;
	size_t count = 0;
	char line[512], mode[8];

	if (maps == NULL || memory < 0 || length == 0)
		abort();
	while (fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[1] != 'w')
			continue;
		for (unsigned long at = from; at < to; at += sizeof piece - MOST) {
			size_t size = to - at < sizeof piece ? to - at : sizeof piece;
			ssize_t got;
			/* Not the buffer itself. */
			if (at <= (unsigned long)piece + sizeof piece && at + size >= (unsigned long)piece)
				continue;
			got = pread(memory, piece, size, (off_t)at);
			count += got > 0 ? found_in(piece, (size_t)got) : 0;
			explicit_bzero(piece, sizeof piece);
		}
	}
	fclose(maps);
	close(memory);
	return count;
}
#endif

int main(int argc, const char **argv)
{
	int runs = argc > 1 ? atoi(argv[1]) : 0;
	unsigned char byte, nothing = 0;
	pam_handle_t *handle = (pam_handle_t *)&nothing;
	char *kept = NULL;

	while (length < MOST && read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		masked[length++] = byte ^ MASK;
	explicit_bzero(&byte, 1);
	for (int run = 0; run < runs; run++)
		printf("%d\n", pam_sm_authenticate(handle, 0, argc - 2, argv + 2));
	/* That what is there is found. */
	if (runs < 0)
		(void)pam_prompt(handle, PAM_PROMPT_ECHO_OFF, &kept, "%s", "");
#ifndef __SANITIZE_ADDRESS__ /* whose own memory has no end */
	printf("%zu\n", search());
#endif
	free(kept);
	return 0;
}
