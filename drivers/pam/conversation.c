#define _GNU_SOURCE
#include <security/pam_ext.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "door.h"

enum { SENTENCE_SIZE = 2 * TEXT_SIZE };

/* Places of the sentences take texts that are harmless (see words.h) and shorter than TEXT_SIZE. */
static void compose(const struct door *door, char *text, enum word word, va_list given)
{
	vsnprintf(text, SENTENCE_SIZE, words(word, door->options.swedish), given);
}

static void tell(struct door *door, int style, const char *text)
{
	if (!door->silent)
		(void)pam_prompt(door->pamh, style, NULL, "%s", text);
}

void say(struct door *door, int style, enum word word, ...)
{
	char text[SENTENCE_SIZE];
	va_list given;

	va_start(given, word);
	compose(door, text, word, given);
	va_end(given);
	tell(door, style, text);
}

int refuse(struct door *door, int result, enum word word, ...)
{
	char text[SENTENCE_SIZE];
	va_list given;

	va_start(given, word);
	compose(door, text, word, given);
	va_end(given);
	tell(door, PAM_ERROR_MSG, text);
	return result;
}

int ask(struct door *door, int style, char **answer, enum word word, ...)
{
	char text[SENTENCE_SIZE];
	int64_t begun = moment();
	va_list given;
	int result;

	va_start(given, word);
	compose(door, text, word, given);
	va_end(given);
	*answer = NULL;
	result = pam_prompt(door->pamh, style, answer, "%s", text);
	door->deadline += moment() - begun;
	if (result == PAM_SUCCESS && *answer != NULL)
		return PAM_SUCCESS;
	forget(*answer);
	*answer = NULL;
	return result == PAM_BUF_ERR ? PAM_BUF_ERR : PAM_CONV_ERR;
}

void forget(char *answer)
{
	if (answer != NULL)
		explicit_bzero(answer, strlen(answer));
	free(answer);
}

const char *tries_in_words(const struct door *door, char *text, size_t size)
{
	bool swedish = door->options.swedish;

	if (door->card.tries < 0)
		return words(door->card.not_last ? SOME_TRIES : TRIES_UNKNOWN, swedish);
	if (door->card.tries == 1)
		return words(ONE_TRY, swedish);
	snprintf(text, size, words(TRIES, swedish), door->card.tries);
	return text;
}
