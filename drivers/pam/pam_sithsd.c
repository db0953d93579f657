/* A PAM module: whoever holds the card that belongs to an account, and knows its PIN, is let in. README.md tells how it
 * is set up. Any failure to be sure is a refusal by name; which one is decided in the files beside this one. */
#define _GNU_SOURCE
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "door.h"

#define EXPORTED __attribute__((visibility("default")))

static uid_t daemon_of(struct door *door)
{
	const struct passwd *found = pam_modutil_getpwnam(door->pamh, door->options.daemon_user);

	return found != NULL ? found->pw_uid : 0;
}

static int read_user(struct door *door)
{
	const void *user = NULL;
	int result = pam_get_item(door->pamh, PAM_USER, &user);

	if (result != PAM_SUCCESS)
		return result;
	door->named = user != NULL && *(const char *)user != '\0';
	if (!door->named)
		return PAM_SUCCESS;
	if (strlen(user) >= sizeof door->user)
		return PAM_USER_UNKNOWN;
	strcpy(door->user, user);
	/* An account that no card opens is asked for nothing and told nothing. */
	return accounts_know(&door->accounts, door->user) ? PAM_SUCCESS : PAM_USER_UNKNOWN;
}

static int read_accounts(struct door *door)
{
	const char *why = NULL;

	door->accounts.named_by_hsa_id = door->options.map_hsa_id;
	if (door->options.map_hsa_id)
		return PAM_SUCCESS;
	if (!accounts_read(&door->accounts, door->options.accounts, &why)) {
		pam_syslog(door->pamh, LOG_ERR, "%s: %s", door->options.accounts, why);
		return PAM_AUTHINFO_UNAVAIL;
	}
	if (door->accounts.odd_line != 0)
		pam_syslog(door->pamh, LOG_WARNING, "%s, line %zu: not an account and an identity", door->options.accounts,
			door->accounts.odd_line);
	return PAM_SUCCESS;
}

/* For other programs of the session: which card it was begun with. */
static int tell_session(struct door *door)
{
	char text[TEXT_SIZE + 32], serial[TEXT_SIZE];
	int result = PAM_SUCCESS;

	harmless(door->card.serial, serial, sizeof serial);
	snprintf(text, sizeof text, "SITHSD_CARD_SERIAL=%s", serial);
	if (!door->named)
		result = pam_set_item(door->pamh, PAM_USER, door->user);
	return result == PAM_SUCCESS ? pam_putenv(door->pamh, text) : result;
}

EXPORTED int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct door door = {.pamh = pamh, .silent = (flags & PAM_SILENT) != 0};
	const char *odd = NULL;
	int result;

	if (!options_read(&door.options, argc, argv, &odd)) {
		pam_syslog(pamh, LOG_ERR, "option not understood: %s", odd);
		return PAM_AUTHINFO_UNAVAIL;
	}
	door.daemon = daemon_of(&door);
	door.deadline = moment() + 1000 * (int64_t)door.options.timeout;
	result = read_accounts(&door);
	if (result == PAM_SUCCESS)
		result = read_user(&door);
	if (result == PAM_SUCCESS)
		result = find_card(&door);
	if (result == PAM_SUCCESS)
		result = prove(&door);
	if (result == PAM_SUCCESS)
		result = tell_session(&door);
	accounts_free(&door.accounts);
	return result;
}

/* Nothing to do; but a stack in which no module says success fails. */
EXPORTED int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_SUCCESS;
}

/* Whether the account itself may be used is for others to say. */
EXPORTED int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}
