/* What stands behind the module's name in a file of pam.d. */
#pragma once
#include <stdbool.h>

enum last_try { REFUSE, ASK, USE };

struct options {
	const char *runtime_dir, *daemon_user, *accounts, *environment, *anchors;
	bool map_hsa_id, accept_unchecked, use_first_pass, try_first_pass, no_pin_pad, swedish;
	enum last_try last_try;
	int tries, timeout, wait;
};

/* False: `argument` is the one that is not understood. */
bool options_read(struct options *options, int count, const char **given, const char **argument);
