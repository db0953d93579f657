#define _GNU_SOURCE
#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#include "door.h"

enum { CODE_SIZE = 64 };

/* What becomes of the daemon's errors; ERRORS.md of the project describes them. Those that are not here are told by
 * their code: a newer daemon may know more. */
static const struct fault { const char *code; int result; enum word word; } faults[] = {
	{"pin.blocked", PAM_MAXTRIES, BLOCKED},
	{"pin.lastTry", PAM_MAXTRIES, LAST_TRY_KEPT},
	{"pin.triesUnknown", PAM_MAXTRIES, UNKNOWN_KEPT},
	{"pin.notActivated", PAM_AUTHINFO_UNAVAIL, NOT_ACTIVATED},
	{"pin.unsupported", PAM_AUTHINFO_UNAVAIL, UNSUPPORTED},
	{"pin.triesChanged", PAM_AUTHINFO_UNAVAIL, TRIES_CHANGED},
	{"pinpad.cancelled", PAM_AUTH_ERR, PAD_CANCELLED},
	{"pinpad.timeout", PAM_AUTH_ERR, PAD_TIMEOUT},
	{"pinpad.malformed", PAM_AUTH_ERR, PAD_MALFORMED},
	{"card.absent", PAM_AUTHINFO_UNAVAIL, CARD_GONE},
	{"card.removed", PAM_AUTHINFO_UNAVAIL, CARD_GONE},
	{"card.changed", PAM_AUTHINFO_UNAVAIL, CARD_CHANGED},
	{"card.unsupported", PAM_AUTHINFO_UNAVAIL, CARD_UNSUPPORTED},
	{"card.unreadable", PAM_AUTHINFO_UNAVAIL, CARD_UNREADABLE},
	{"card.outcomeUnknown", PAM_AUTHINFO_UNAVAIL, LOST},
	{"reader.busy", PAM_AUTHINFO_UNAVAIL, CARD_BUSY},
	{"reader.unknown", PAM_AUTHINFO_UNAVAIL, NO_READER},
	{"pcsc.unavailable", PAM_AUTHINFO_UNAVAIL, NO_PCSC},
	{"request.denied", PAM_PERM_DENIED, DENIED},
	{"request.tooMany", PAM_AUTHINFO_UNAVAIL, TOO_MANY},
	{"daemon.unavailable", PAM_AUTHINFO_UNAVAIL, NO_DAEMON},
	{"signature.invalid", PAM_AUTH_ERR, NO_PROOF},
};

int failed(struct door *door, enum heard heard)
{
	switch (heard) {
	case FORBIDDEN:
		return refuse(door, PAM_PERM_DENIED, DENIED);
	case STRANGER:
		pam_syslog(door->pamh, LOG_ALERT, "who listens in %s is neither root nor %s", door->options.runtime_dir,
			door->options.daemon_user);
		return refuse(door, PAM_AUTHINFO_UNAVAIL, NO_DAEMON);
	case TOO_LATE:
		pam_syslog(door->pamh, LOG_ERR, "sithsd did not answer in time");
		return refuse(door, PAM_AUTHINFO_UNAVAIL, TOO_SLOW);
	case GARBLED:
		pam_syslog(door->pamh, LOG_ERR, "what sithsd answered is not understood");
		return refuse(door, PAM_AUTHINFO_UNAVAIL, NO_DAEMON);
	case HEARD:
	case UNREACHABLE:
	case ENDED:
		break;
	}
	return refuse(door, PAM_AUTHINFO_UNAVAIL, NO_DAEMON);
}

const char *code_of(struct json_object *reply)
{
	const char *code = text_of(field(reply, "parameters", json_type_object), "code");
	const char *error = text_of(reply, "error");

	/* What is there and is no text is an error too. */
	if (json_object_object_get_ex(reply, "error", NULL) && error == NULL)
		return "";
	if (error == NULL)
		return NULL;
	/* varlink's own errors have no code. */
	if (code == NULL)
		return strcmp(error, "org.varlink.service.PermissionDenied") == 0 ? "request.denied" : error;
	return code;
}

int refused(struct door *door, struct json_object *reply)
{
	struct json_object *told = field(reply, "parameters", json_type_object);
	char code[CODE_SIZE];
	int seconds = 0;

	harmless(code_of(reply), code, sizeof code);
	pam_syslog(door->pamh, LOG_NOTICE, "sithsd refuses: %s", code);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (strcmp(faults[i].code, code) == 0)
			return refuse(door, faults[i].result, faults[i].word);
	if (strcmp(code, "pin.malformed") == 0)
		return refuse(door, PAM_AUTH_ERR, NO_PIN, door->card.min_length, door->card.max_length);
	if (strcmp(code, "request.tooManyWrong") == 0) {
		(void)number_of(told, "retryAfter", &seconds);
		return refuse(door, PAM_MAXTRIES, TOO_MANY_WRONG, seconds);
	}
	if (strcmp(code, "certificate.bad") == 0)
		return refuse_bad(door, field(told, "rules", json_type_array));
	return refuse(door, PAM_AUTHINFO_UNAVAIL, FAILED, code);
}

int call(struct door *door, const char *interface, const char *method, struct json_object *parameters,
	struct json_object **reply)
{
	struct wire wire;
	enum heard heard = wire_open(&wire, door->options.runtime_dir, interface, door->daemon, door->deadline);
	int result = PAM_SUCCESS;

	if (heard != HEARD) {
		json_object_put(parameters);
		return failed(door, heard);
	}
	heard = wire_ask(&wire, method, parameters, false, NULL, door->deadline);
	if (heard == HEARD)
		heard = wire_hear(&wire, reply, door->deadline);
	wire_close(&wire);
	if (heard != HEARD)
		return failed(door, heard);
	if (code_of(*reply) != NULL) {
		result = refused(door, *reply);
		json_object_put(*reply);
		*reply = NULL;
	}
	return result;
}
