#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TRIES = 3, MIN_SECONDS = 1, MAX_SECONDS = 300 };

/* The value of `name=value`, if `argument` is that. */
static const char *value_of(const char *argument, const char *name)
{
	size_t length = strlen(name);

	return strncmp(argument, name, length) == 0 && argument[length] == '=' && argument[length + 1] != '\0' ?
		argument + length + 1 : NULL;
}

static bool number(const char *text, int least, int most, int *value)
{
	char *end;
	long given = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || given < least || given > most)
		return false;
	*value = (int)given;
	return true;
}

/* Which of the words, up to NULL, `text` is. */
static bool one_of(const char *text, const char *const *words, int *place)
{
	for (*place = 0; words[*place] != NULL; ++*place)
		if (strcmp(words[*place], text) == 0)
			return true;
	return false;
}

static bool flag(struct options *options, const char *argument)
{
	const struct { const char *name; bool *value; } flags[] = {
		{"accept_unchecked", &options->accept_unchecked},
		{"use_first_pass", &options->use_first_pass},
		{"try_first_pass", &options->try_first_pass},
		{"no_pin_pad", &options->no_pin_pad},
	};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strcmp(flags[i].name, argument) == 0)
			return *flags[i].value = true;
	return false;
}

static bool path(struct options *options, const char *argument)
{
	const struct { const char *name; const char **value; } paths[] = {
		{"runtime_dir", &options->runtime_dir},
		{"accounts", &options->accounts},
		{"anchors", &options->anchors},
	};

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		const char *value = value_of(argument, paths[i].name);
		if (value != NULL && value[0] == '/') {
			*paths[i].value = value;
			return true;
		}
	}
	return false;
}

static bool choice(struct options *options, const char *argument)
{
	const char *value;
	int place;

	if ((value = value_of(argument, "environment")) != NULL) {
		options->environment = value;
		return one_of(value, (const char *const[]){"production", "test", "sim", NULL}, &place);
	}
	if ((value = value_of(argument, "last_try")) != NULL) {
		if (!one_of(value, (const char *const[]){"refuse", "ask", "use", NULL}, &place))
			return false;
		options->last_try = (enum last_try)place;
		return true;
	}
	if ((value = value_of(argument, "map")) != NULL) {
		if (!one_of(value, (const char *const[]){"file", "hsa-id", NULL}, &place))
			return false;
		options->map_hsa_id = place == 1;
		return true;
	}
	if ((value = value_of(argument, "lang")) != NULL) {
		if (!one_of(value, (const char *const[]){"en", "sv", NULL}, &place))
			return false;
		options->swedish = place == 1;
		return true;
	}
	return false;
}

static bool understood(struct options *options, const char *argument)
{
	const char *value;

	if ((value = value_of(argument, "tries")) != NULL)
		return number(value, 1, MAX_TRIES, &options->tries);
	if ((value = value_of(argument, "timeout")) != NULL)
		return number(value, MIN_SECONDS, MAX_SECONDS, &options->timeout);
	if ((value = value_of(argument, "wait")) != NULL)
		return number(value, 0, MAX_SECONDS, &options->wait);
	if ((value = value_of(argument, "daemon_user")) != NULL) {
		options->daemon_user = value;
		return true;
	}
	return flag(options, argument) || path(options, argument) || choice(options, argument);
}

/* What the program's own messages are in (setlocale(3)); only the beginning is looked at. */
static bool speaks_swedish(void)
{
	const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && *value != '\0')
			return strncmp(value, "sv", 2) == 0;
	}
	return false;
}

bool options_read(struct options *options, int count, const char **given, const char **argument)
{
	*options = (struct options){
		.runtime_dir = "/run/sithsd",
		.daemon_user = "sithsd",
		.accounts = "/etc/sithsd/accounts",
		.environment = "production",
		.swedish = speaks_swedish(),
		.tries = 1,
		.timeout = 30,
	};
	for (int i = 0; i < count; i++) {
		*argument = given[i];
		if (!understood(options, given[i]))
			return false;
	}
	return true;
}
