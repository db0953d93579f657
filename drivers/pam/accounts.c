/* A line that is not understood grants nothing; the others are followed all the same, so that one slip of the pen does
 * not keep everybody out. */
#include "accounts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "trusted.h"

enum { MAX_FILE = 1024 * 1024, MAX_GRANTS = 20000 };

/* A fingerprint in hexadecimal, with or without colons, as lower-case digits. */
static bool read_fingerprint(const char *text, char fingerprint[FINGERPRINT_SIZE])
{
	size_t length = 0;

	for (; *text != '\0'; text++) {
		if (*text == ':' && length > 0 && length % 2 == 0 && text[1] != '\0' && text[1] != ':')
			continue;
		if (!isxdigit((unsigned char)*text) || length + 1 >= FINGERPRINT_SIZE)
			return false;
		fingerprint[length++] = (char)tolower((unsigned char)*text);
	}
	fingerprint[length] = '\0';
	return length + 1 == FINGERPRINT_SIZE;
}

static bool read_identity(const char *text, struct grant *grant)
{
	if (strncasecmp(text, "sha256:", 7) == 0) {
		grant->by_fingerprint = true;
		return read_fingerprint(text + 7, grant->identity);
	}
	if (strncasecmp(text, "hsaId:", 6) != 0 || !is_hsa_id(text + 6))
		return false;
	strcpy(grant->identity, text + 6); /* is_hsa_id bounds it below the smaller HSA_ID_SIZE */
	return true;
}
_Static_assert(HSA_ID_SIZE <= FINGERPRINT_SIZE, "an HSA-id fits into a grant");

/* Two words on a line. */
static bool read_line(char *line, struct grant *grant)
{
	char *rest = NULL;
	const char *account = strtok_r(line, " \t\r", &rest);
	const char *identity = strtok_r(NULL, " \t\r", &rest);

	*grant = (struct grant){0};
	if (account == NULL || identity == NULL || strtok_r(NULL, " \t\r", &rest) != NULL)
		return false;
	if (strlen(account) >= ACCOUNT_SIZE)
		return false;
	strcpy(grant->account, account);
	return read_identity(identity, grant);
}

static bool read_lines(struct accounts *accounts, char *text)
{
	size_t number = 0;

	for (char *next = text; next != NULL;) {
		char *line = strsep(&next, "\n");
		struct grant grant;
		line[strcspn(line, "#")] = '\0';
		number++;
		if (line[strspn(line, " \t\r")] == '\0')
			continue;
		if (!read_line(line, &grant)) {
			if (accounts->odd_line == 0)
				accounts->odd_line = number;
			continue;
		}
		if (accounts->count == MAX_GRANTS)
			return false;
		/* Room is taken for 1, 2, 4, 8 ... of them. */
		if ((accounts->count & (accounts->count - 1)) == 0) {
			size_t room = accounts->count != 0 ? 2 * accounts->count : 1;
			struct grant *more = reallocarray(accounts->grants, room, sizeof grant);
			if (more == NULL)
				return false;
			accounts->grants = more;
		}
		accounts->grants[accounts->count++] = grant;
	}
	return true;
}

bool accounts_read(struct accounts *accounts, const char *path, const char **why)
{
	size_t length = 0;
	char *text = trusted_read(path, MAX_FILE, &length, why);
	bool right = false;

	if (text == NULL)
		return false;
	if (strlen(text) != length)
		*why = "is not a text";
	else if (!(right = read_lines(accounts, text)))
		*why = "has too many lines";
	free(text);
	return right;
}

void accounts_free(struct accounts *accounts)
{
	free(accounts->grants);
	*accounts = (struct accounts){0};
}

static bool opens(const struct grant *grant, const struct leaf *leaf)
{
	if (grant->by_fingerprint)
		return strcmp(grant->identity, leaf->fingerprint) == 0;
	return leaf->hsa_id[0] != '\0' && strcasecmp(grant->identity, leaf->hsa_id) == 0;
}

bool accounts_know(const struct accounts *accounts, const char *account)
{
	if (accounts->named_by_hsa_id)
		return is_hsa_id(account);
	for (size_t i = 0; i < accounts->count; i++)
		if (strcmp(accounts->grants[i].account, account) == 0)
			return true;
	return false;
}

bool accounts_grant(const struct accounts *accounts, const char *account, const struct leaf *leaf)
{
	if (accounts->named_by_hsa_id)
		return leaf->hsa_id[0] != '\0' && strcasecmp(account, leaf->hsa_id) == 0;
	for (size_t i = 0; i < accounts->count; i++)
		if (strcmp(accounts->grants[i].account, account) == 0 && opens(&accounts->grants[i], leaf))
			return true;
	return false;
}

int accounts_for(const struct accounts *accounts, const struct leaf *leaf, char account[ACCOUNT_SIZE])
{
	account[0] = '\0';
	if (accounts->named_by_hsa_id) {
		/* Accounts are written in small letters. */
		for (size_t i = 0; leaf->hsa_id[i] != '\0'; i++) {
			account[i] = (char)tolower((unsigned char)leaf->hsa_id[i]);
			account[i + 1] = '\0';
		}
		return account[0] != '\0' ? 1 : 0;
	}
	for (size_t i = 0; i < accounts->count; i++) {
		const struct grant *grant = &accounts->grants[i];
		if (!opens(grant, leaf) || strcmp(account, grant->account) == 0)
			continue;
		if (account[0] != '\0')
			return 2;
		strcpy(account, grant->account);
	}
	return account[0] != '\0' ? 1 : 0;
}
_Static_assert((int)HSA_ID_SIZE <= (int)ACCOUNT_SIZE, "an HSA-id fits into an account's name");
