/* Which card is whose account here: by a file, or because the account is named as the HSA-id. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "proof.h"

enum { ACCOUNT_SIZE = 128 };

/* One line of the file: an account, and an HSA-id or a certificate's SHA-256 fingerprint. */
struct grant {
	char account[ACCOUNT_SIZE];
	bool by_fingerprint;
	char identity[FINGERPRINT_SIZE];
};

struct accounts {
	bool named_by_hsa_id; /* there is no file then */
	struct grant *grants;
	size_t count;
	size_t odd_line; /* the first line that is not understood and grants nothing; 0: none */
};

/* Read the file. False, with the reason in `why`, where it can't be followed. */
bool accounts_read(struct accounts *accounts, const char *path, const char **why);
void accounts_free(struct accounts *accounts);

/* Whether any card at all may open this account. */
bool accounts_know(const struct accounts *accounts, const char *account);

/* Whether this certificate may. */
bool accounts_grant(const struct accounts *accounts, const char *account, const struct leaf *leaf);

/* How many accounts this certificate opens: 0, 1 or, for more, 2; and the first of them. */
int accounts_for(const struct accounts *accounts, const struct leaf *leaf, char account[ACCOUNT_SIZE]);
