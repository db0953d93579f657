/* Good, bad, unknown: three answers, as PAM_SUCCESS, PAM_AUTH_ERR and PAM_AUTHINFO_UNAVAIL. */
#define _GNU_SOURCE
#include <string.h>

#include "door.h"

enum { MOST_REASONS = 32, REASON_SIZE = 64 };

static const struct { const char *reason; enum word word; } known[] = {
	{"date.expired", EXPIRED},
	{"date.notYetValid", NOT_YET_VALID},
	{"environment.notConfigured", OTHER_WORLD},
	{"environment.conflict", OTHER_WORLD},
};

static const char *reason_at(struct json_object *reasons, size_t place)
{
	struct json_object *reason = place < count_of(reasons, MOST_REASONS) ? json_object_array_get_idx(reasons, place) : NULL;

	return json_object_is_type(reason, json_type_string) ? json_object_get_string(reason) : "";
}

static bool is(const char *text, const char *wanted)
{
	return text != NULL && strcmp(text, wanted) == 0;
}

/* Whether revocation, and nothing else, is what nobody has looked at: nobody was asked, or nobody answered. An answer that
 * is too old, or proves nothing, is another matter. */
static bool only_unchecked(struct json_object *reasons)
{
	size_t count = count_of(reasons, MOST_REASONS + 1);

	for (size_t i = 0; i < count; i++)
		if (!is(reason_at(reasons, i), "revocation.notChecked") && !is(reason_at(reasons, i), "revocation.unreachable"))
			return false;
	return count > 0;
}

/* Whether it is told that the certificate's key is not on the card, or that it is not known how the card signs. */
static bool can_not_sign(struct json_object *certificate)
{
	struct json_object *told = field(certificate, "canSign", json_type_boolean);

	return told != NULL && !json_object_get_boolean(told);
}

int refuse_bad(struct door *door, struct json_object *reasons)
{
	const char *most_serious = reason_at(reasons, 0);
	char text[REASON_SIZE];

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i].reason, most_serious) == 0)
			return refuse(door, PAM_AUTH_ERR, known[i].word);
	if (strncmp(most_serious, "revocation.", strlen("revocation.")) == 0)
		return refuse(door, PAM_AUTH_ERR, REVOKED);
	harmless(most_serious, text, sizeof text);
	return refuse(door, PAM_AUTH_ERR, BAD, text);
}

bool is_accepted(const struct door *door, struct json_object *certificate)
{
	struct json_object *verdict = field(certificate, "verdict", json_type_object);
	const char *status = text_of(verdict, "status");

	if (can_not_sign(certificate) || !is(text_of(certificate, "environment"), door->options.environment))
		return false;
	if (is(status, "good"))
		return true;
	return is(status, "unknown") && door->options.accept_unchecked &&
		only_unchecked(field(verdict, "reasons", json_type_array));
}

int accept_verdict(struct door *door, struct json_object *certificate)
{
	struct json_object *verdict = field(certificate, "verdict", json_type_object);
	struct json_object *reasons = field(verdict, "reasons", json_type_array);
	char text[REASON_SIZE];

	if (is_accepted(door, certificate))
		return PAM_SUCCESS;
	if (is(text_of(verdict, "status"), "bad"))
		return refuse_bad(door, reasons);
	if (!is(text_of(certificate, "environment"), door->options.environment))
		return refuse(door, PAM_AUTH_ERR, OTHER_WORLD);
	if (can_not_sign(certificate))
		return refuse(door, PAM_AUTHINFO_UNAVAIL, CARD_UNSUPPORTED);
	if (only_unchecked(reasons))
		return refuse(door, PAM_AUTHINFO_UNAVAIL, UNCHECKED);
	harmless(reason_at(reasons, 0), text, sizeof text);
	return refuse(door, PAM_AUTHINFO_UNAVAIL, UNKNOWN, text);
}
