/* The PIN goes to the card that was found, for a challenge made here; what comes back is believed only as far as it can
 * be checked here. */
#define _GNU_SOURCE
#include <errno.h>
#include <openssl/crypto.h>
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <syslog.h>

#include "door.h"
#include "trusted.h"

/* Longest time for a person at a PIN pad; readers give up before. Lengths where the card does not tell its own. */
enum { PAD_MS = 120 * 1000, MIN_LENGTH = 4, MAX_LENGTH = 12, MAX_ANCHORS_FILE = 64 * 1024, MOST_ISSUERS = 8 };
enum { BASE64_CHALLENGE = (CHALLENGE_SIZE + 2) / 3 * 4 + 1 };

/* A challenge is used once. */
struct attempt {
	unsigned char challenge[CHALLENGE_SIZE];
	struct secret pin;
	bool pad, spend;
};

static struct json_object *code_state(struct json_object *told)
{
	struct json_object *codes = field(told, "codes", json_type_array);

	for (size_t i = 0; i < count_of(codes, 16); i++) {
		struct json_object *code = json_object_array_get_idx(codes, i);
		const char *role = text_of(code, "role");
		if (role != NULL && strcmp(role, "authentication") == 0)
			return code;
	}
	return NULL;
}

static bool is_text(struct json_object *object, const char *name, const char *wanted)
{
	const char *text = text_of(object, name);

	return text != NULL && strcmp(text, wanted) == 0;
}

static int read_guidance(struct door *door, struct json_object *told)
{
	struct json_object *code = code_state(told);
	struct card *card = &door->card;
	struct json_object *activated = field(code, "activated", json_type_boolean);

	if (!is_text(told, "cardSerial", card->serial) || !is_text(told, "reader", card->reader))
		return refuse(door, PAM_AUTHINFO_UNAVAIL, CARD_CHANGED);
	if (code == NULL)
		return refuse(door, PAM_AUTHINFO_UNAVAIL, UNSUPPORTED);
	if (activated != NULL && !json_object_get_boolean(activated))
		return refuse(door, PAM_AUTHINFO_UNAVAIL, NOT_ACTIVATED);
	card->pad = is_true(told, "padVerify") && !door->options.no_pin_pad;
	if (!number_of(code, "triesLeft", &card->tries))
		card->tries = TRIES_NOT_KNOWN;
	card->not_last = is_true(code, "notLast");
	if (!number_of(code, "minLength", &card->min_length) || card->min_length < 1)
		card->min_length = MIN_LENGTH;
	if (!number_of(code, "maxLength", &card->max_length) || card->max_length >= MAX_CODE)
		card->max_length = MAX_LENGTH;
	if (is_true(code, "blocked") || card->tries == 0)
		return refuse(door, PAM_MAXTRIES, BLOCKED);
	return PAM_SUCCESS;
}

/* The counter as the card has it now, how long a PIN is, and whether the reader takes it. */
static int look_at_code(struct door *door)
{
	struct json_object *asked = json_object_new_object(), *reply = NULL;
	int result;

	json_object_object_add(asked, "reader", json_object_new_string(door->card.reader));
	result = call(door, "io.sithsd.Codes", "io.sithsd.Codes.GetGuidance", asked, &reply);
	if (result == PAM_SUCCESS)
		result = read_guidance(door, field(reply, "parameters", json_type_object));
	json_object_put(reply);
	return result;
}

/* The last try, or one that nobody can count, takes the site's word or the person's. */
static int may_try(struct door *door, bool *spend)
{
	bool unknown = door->card.tries < 0;
	char *answer = NULL;
	int result;

	*spend = false;
	if (door->card.tries > 1 || (unknown && door->card.not_last))
		return PAM_SUCCESS;
	if (door->card.tries == 0)
		return refuse(door, PAM_MAXTRIES, BLOCKED);
	if (door->options.last_try == REFUSE)
		return refuse(door, PAM_MAXTRIES, unknown ? UNKNOWN_KEPT : LAST_TRY_KEPT);
	if (door->options.last_try == ASK) {
		result = ask(door, PAM_PROMPT_ECHO_ON, &answer, unknown ? SPEND_UNKNOWN : SPEND_LAST);
		if (result != PAM_SUCCESS)
			return result;
		*spend = strcasecmp(answer, words(YES, door->options.swedish)) == 0;
		forget(answer);
		return *spend ? PAM_SUCCESS : refuse(door, PAM_MAXTRIES, unknown ? UNKNOWN_KEPT : LAST_TRY_KEPT);
	}
	*spend = true;
	return PAM_SUCCESS;
}

/* Digits, and as many as this card's PINs have. Anything else is no PIN, and never goes to a card. */
static bool take_pin(const struct card *card, const char *text, struct secret *pin)
{
	size_t length = strnlen(text, MAX_CODE);

	if (length < (size_t)card->min_length || length > (size_t)card->max_length || length >= MAX_CODE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	memcpy(pin->digits, text, length);
	pin->length = length;
	return true;
}

/* What a module before this one asked for, if the options allow and it looks like a PIN: a password goes to no card. */
static bool take_first(struct door *door, struct secret *pin)
{
	const void *text = NULL;

	if (!door->options.use_first_pass && !door->options.try_first_pass)
		return false;
	if (pam_get_item(door->pamh, PAM_AUTHTOK, &text) != PAM_SUCCESS || text == NULL)
		return false;
	if (take_pin(&door->card, text, pin))
		return true;
	pam_syslog(door->pamh, LOG_NOTICE, "the password of the module before has not the form of a PIN: not sent to the card");
	return false;
}

static int ask_for_pin(struct door *door, struct secret *pin)
{
	const struct card *card = &door->card;
	char text[TEXT_SIZE];
	const char *left = tries_in_words(door, text, sizeof text);
	char *answer = NULL;
	bool given;
	int result = card->holder[0] != '\0' ? ask(door, PAM_PROMPT_ECHO_OFF, &answer, PROMPT, card->holder, left) :
		ask(door, PAM_PROMPT_ECHO_OFF, &answer, PROMPT_NAMELESS, left);

	if (result != PAM_SUCCESS)
		return result;
	given = *answer != '\0';
	if (take_pin(card, answer, pin))
		result = PAM_SUCCESS;
	else
		result = given ? refuse(door, PAM_AUTH_ERR, NO_PIN, card->min_length, card->max_length) :
			refuse(door, PAM_AUTH_ERR, EMPTY_PIN);
	forget(answer);
	return result;
}

static int obtain(struct door *door, struct attempt *attempt, bool first)
{
	char text[TEXT_SIZE];
	const char *left = tries_in_words(door, text, sizeof text);

	if (first && take_first(door, &attempt->pin))
		return PAM_SUCCESS;
	if (door->options.use_first_pass)
		return PAM_AUTH_ERR;
	if (!door->card.pad)
		return ask_for_pin(door, &attempt->pin);
	attempt->pad = true;
	if (door->card.holder[0] != '\0')
		say(door, PAM_TEXT_INFO, PAD, door->card.holder, left);
	else
		say(door, PAM_TEXT_INFO, PAD_NAMELESS, left);
	return PAM_SUCCESS;
}

static bool make_challenge(unsigned char challenge[CHALLENGE_SIZE])
{
	ssize_t length;

	do
		length = getrandom(challenge, CHALLENGE_SIZE, 0);
	while (length < 0 && errno == EINTR);
	return length == CHALLENGE_SIZE;
}

/* For the daemon's audit: who asked. */
static struct json_object *description(const struct door *door)
{
	const void *service = NULL;
	char text[160] = "PAM ";
	size_t used = strlen(text);

	(void)pam_get_item(door->pamh, PAM_SERVICE, &service);
	harmless(service != NULL ? service : "?", text + used, 64);
	strcat(text, ": ");
	used = strlen(text);
	harmless(door->user, text + used, 80);
	return json_object_new_string(text);
}

static struct json_object *request(const struct door *door, const struct attempt *attempt)
{
	struct json_object *asked = json_object_new_object();
	char challenge[BASE64_CHALLENGE];

	base64_text(attempt->challenge, CHALLENGE_SIZE, challenge);
	json_object_object_add(asked, "challenge", json_object_new_string(challenge));
	json_object_object_add(asked, "certificate", json_object_new_string(door->card.fingerprint));
	json_object_object_add(asked, "reader", json_object_new_string(door->card.reader));
	json_object_object_add(asked, "cardSerial", json_object_new_string(door->card.serial));
	json_object_object_add(asked, "description", description(door));
	if (door->card.tries >= 0)
		json_object_object_add(asked, "expectedTries", json_object_new_int(door->card.tries));
	if (attempt->spend)
		json_object_object_add(asked, "spendLastTry", json_object_new_boolean(true));
	if (attempt->pad)
		json_object_object_add(asked, "pinPad", json_object_new_boolean(true));
	return asked;
}

static bool leads_to_anchor(const struct door *door, const struct leaf *leaf, struct json_object *told)
{
	struct json_object *list = field(told, "issuers", json_type_array);
	const char *issuers[MOST_ISSUERS], *why = NULL;
	size_t length = 0, count = count_of(list, MOST_ISSUERS);
	char *anchors = trusted_read(door->options.anchors, MAX_ANCHORS_FILE, &length, &why);
	bool right;

	if (anchors == NULL) {
		pam_syslog(door->pamh, LOG_ERR, "%s: %s", door->options.anchors, why);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *issuer = json_object_array_get_idx(list, i);
		issuers[i] = json_object_is_type(issuer, json_type_string) ? json_object_get_string(issuer) : "";
	}
	right = leaf_chains(leaf, anchors, length, issuers, count);
	free(anchors);
	return right;
}

/* What is wrong with a proof, in a few words for the log; NULL: nothing. Each line is something that a liar on the
 * socket, an old answer or another card would give. */
static const char *flaw(const struct door *door, const struct attempt *attempt, struct json_object *told,
	const struct leaf *leaf)
{
	unsigned char challenge[CHALLENGE_SIZE];
	const char *text = text_of(told, "challenge"), *algorithm = text_of(told, "algorithm");
	const char *signature = text_of(told, "signature");

	if (text == NULL || base64_bytes(text, challenge, sizeof challenge) != CHALLENGE_SIZE ||
		CRYPTO_memcmp(challenge, attempt->challenge, CHALLENGE_SIZE) != 0)
		return "another challenge";
	if (!is_text(told, "cardSerial", door->card.serial) || !is_text(told, "reader", door->card.reader))
		return "another card";
	if (strcmp(leaf->fingerprint, door->card.fingerprint) != 0)
		return "another certificate";
	if (!accounts_grant(&door->accounts, door->user, leaf))
		return "a certificate that is not for this account";
	if (!leaf_serves_login(leaf))
		return "a certificate that is not for log-in";
	if (algorithm == NULL || signature == NULL || !leaf_signed(leaf, algorithm, attempt->challenge, signature))
		return "a signature that does not hold";
	if (door->options.anchors != NULL && !leads_to_anchor(door, leaf, told))
		return "a certificate that leads to none of the anchors";
	return NULL;
}

static int judge(struct door *door, const struct attempt *attempt, struct json_object *told)
{
	struct json_object *certificate = field(told, "certificate", json_type_object);
	const char *der = text_of(certificate, "der");
	struct leaf leaf = {0};
	const char *wrong = der != NULL && leaf_read(&leaf, der) ? flaw(door, attempt, told, &leaf) : "no certificate";
	int result = wrong != NULL ? PAM_AUTH_ERR : accept_verdict(door, certificate);
	int dates = result == PAM_SUCCESS ? leaf_dates(&leaf) : 0;

	if (wrong != NULL) {
		pam_syslog(door->pamh, LOG_ALERT, "account %s: the proof has %s", door->user, wrong);
		(void)refuse(door, result, NO_PROOF);
	}
	/* The daemon has looked at the dates; this machine's clock is asked once more. */
	if (dates != 0)
		result = refuse(door, PAM_AUTH_ERR, dates > 0 ? EXPIRED : NOT_YET_VALID);
	if (result == PAM_SUCCESS)
		pam_syslog(door->pamh, LOG_INFO, "account %s: opened by card %s, certificate sha256:%s", door->user,
			door->card.serial, leaf.fingerprint);
	leaf_free(&leaf);
	return result;
}

static int wrong_pin(struct door *door, struct json_object *told)
{
	int left;

	door->card.tries = number_of(told, "triesLeft", &left) ? left : TRIES_NOT_KNOWN;
	pam_syslog(door->pamh, LOG_NOTICE, "account %s: wrong PIN, card %s", door->user, door->card.serial);
	if (door->card.tries < 0)
		return refuse(door, PAM_AUTH_ERR, WRONG_PIN_UNKNOWN);
	if (left == 0)
		return refuse(door, PAM_MAXTRIES, WRONG_PIN_LAST);
	return left == 1 ? refuse(door, PAM_AUTH_ERR, WRONG_PIN_ONE) : refuse(door, PAM_AUTH_ERR, WRONG_PIN, left);
}

/* One call, and its answer. `wrong`: the PIN was wrong, or was none, and another one may be asked for. */
static int authenticate(struct door *door, const struct attempt *attempt, bool *wrong)
{
	int64_t deadline = door->deadline + (attempt->pad ? PAD_MS : 0);
	struct json_object *reply = NULL, *told;
	struct wire wire;
	const char *code;
	int result;
	enum heard heard = wire_open(&wire, door->options.runtime_dir, "io.sithsd.Codes", door->daemon, deadline);

	if (heard != HEARD)
		return failed(door, heard);
	heard = wire_ask(&wire, "io.sithsd.Codes.Authenticate", request(door, attempt), false,
		attempt->pad ? NULL : &attempt->pin, deadline);
	if (heard == HEARD)
		heard = wire_hear(&wire, &reply, deadline);
	wire_close(&wire);
	if (heard != HEARD) {
		pam_syslog(door->pamh, LOG_ERR, "account %s: the answer to a PIN never came, or was garbled", door->user);
		return refuse(door, PAM_AUTHINFO_UNAVAIL, LOST);
	}
	told = field(reply, "parameters", json_type_object);
	code = code_of(reply);
	*wrong = code != NULL && strcmp(code, "pin.wrong") == 0;
	result = *wrong ? wrong_pin(door, told) : code != NULL ? refused(door, reply) : judge(door, attempt, told);
	json_object_put(reply);
	return result;
}

static int try_once(struct door *door, bool first, bool *wrong)
{
	struct attempt attempt = {0};
	int result = may_try(door, &attempt.spend);

	*wrong = false;
	if (result == PAM_SUCCESS && !make_challenge(attempt.challenge))
		result = PAM_AUTHINFO_UNAVAIL;
	if (result == PAM_SUCCESS) {
		result = obtain(door, &attempt, first);
		*wrong = result == PAM_AUTH_ERR && !door->options.use_first_pass;
	}
	if (result == PAM_SUCCESS)
		result = authenticate(door, &attempt, wrong);
	secret_wipe(&attempt.pin);
	return result;
}

int prove(struct door *door)
{
	bool wrong = true;
	int result = look_at_code(door);

	for (int count = 0; (count == 0 ? result == PAM_SUCCESS : wrong) && count < door->options.tries; count++) {
		/* What was known before a wrong PIN does not hold after it, where no number tells. */
		if (count > 0 && door->card.tries < 0 && (result = look_at_code(door)) != PAM_SUCCESS)
			break;
		result = try_once(door, count == 0, &wrong);
	}
	return result;
}
