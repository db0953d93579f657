/* The card for the account. The daemon's word is enough to choose what a person is asked for; what is believed in the
 * end is seen to in prove.c. */
#define _GNU_SOURCE
#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#include "door.h"

enum { MOST_READERS = 16, MOST_CERTIFICATES = 32, MOST_CHANGES = 1000, READING_MS = 10 * 1000 };

/* What the readers hold as a whole; of several the one that is nearest to a card. */
enum state { NOTHING, EMPTY, UNSUPPORTED_CARD, UNREADABLE, BUSY, READY, READING, SERVICE_GONE };

static const struct { const char *name; enum state state; } states[] = {
	{"empty", EMPTY}, {"reading", READING}, {"ready", READY}, {"busy", BUSY},
	{"unsupported", UNSUPPORTED_CARD}, {"unreadable", UNREADABLE}, {"mute", UNREADABLE},
};

static enum state state_of(struct json_object *reader)
{
	const char *name = text_of(reader, "state");

	for (size_t i = 0; name != NULL && i < sizeof states / sizeof *states; i++)
		if (strcmp(states[i].name, name) == 0)
			return states[i].state;
	return UNREADABLE;
}

static enum state whole(struct json_object *picture)
{
	struct json_object *readers = field(picture, "readers", json_type_array);
	enum state found = NOTHING;

	if (!is_true(picture, "service"))
		return SERVICE_GONE;
	for (size_t i = 0; i < count_of(readers, MOST_READERS); i++) {
		enum state state = state_of(json_object_array_get_idx(readers, i));
		if (state > found)
			found = state;
	}
	return found;
}

static int refuse_state(struct door *door, enum state state)
{
	static const enum word why[] = {
		[NOTHING] = NO_READER, [EMPTY] = NO_CARD, [UNSUPPORTED_CARD] = CARD_UNSUPPORTED, [UNREADABLE] = CARD_UNREADABLE,
		[BUSY] = CARD_BUSY, [READY] = CARD_GONE, [READING] = STILL_READING, [SERVICE_GONE] = NO_PCSC,
	};

	return refuse(door, PAM_AUTHINFO_UNAVAIL, why[state]);
}

/* Follow the stream while a card is read, and for as long as the options say while there is none. `reply` is the last
 * picture, or an error. */
static enum heard follow(struct door *door, struct wire *wire, struct json_object **reply)
{
	int64_t begun = moment(), insert_by = begun + 1000 * (int64_t)door->options.wait, read_by = insert_by + READING_MS;
	bool said = false;
	enum heard heard = wire_hear(wire, reply, door->deadline);

	for (int change = 0; heard == HEARD && code_of(*reply) == NULL && change < MOST_CHANGES; change++) {
		enum state state = whole(field(*reply, "parameters", json_type_object));
		struct json_object *next = NULL;
		if (state != READING && (state != EMPTY || door->options.wait == 0))
			break;
		if (state == EMPTY && !said) {
			say(door, PAM_TEXT_INFO, INSERT_CARD);
			said = true;
		}
		heard = wire_hear(wire, &next, state == READING ? read_by : insert_by);
		if (heard == TOO_LATE)
			return HEARD;
		if (heard == HEARD) {
			json_object_put(*reply);
			*reply = next;
		}
	}
	return heard;
}

static int look_at_readers(struct door *door, struct json_object **reply)
{
	int64_t begun = moment();
	struct wire wire;
	enum heard heard = wire_open(&wire, door->options.runtime_dir, "io.sithsd.Cards", door->daemon, door->deadline);

	if (heard != HEARD)
		return failed(door, heard);
	heard = wire_ask(&wire, "io.sithsd.Cards.Monitor", NULL, true, NULL, door->deadline);
	if (heard == HEARD)
		heard = follow(door, &wire, reply);
	wire_close(&wire);
	door->deadline += moment() - begun;
	if (heard != HEARD)
		return failed(door, heard);
	return code_of(*reply) != NULL ? refused(door, *reply) : PAM_SUCCESS;
}

/* Copy a text that has to be there, and to be short. */
static bool keep(char copy[TEXT_SIZE], const char *text)
{
	if (text == NULL || strlen(text) >= TEXT_SIZE)
		return false;
	strcpy(copy, text);
	return true;
}

/* Reader, serial number and holder. A holder whose identity is protected has no name here. */
static bool read_card(struct card *card, struct json_object *reader)
{
	struct json_object *told = field(reader, "card", json_type_object);
	struct json_object *holder = field(told, "holder", json_type_object);
	const char *name = text_of(holder, "displayName");

	*card = (struct card){.tries = TRIES_NOT_KNOWN};
	harmless(name != NULL ? name : "", card->holder, sizeof card->holder / 2);
	return keep(card->reader, text_of(reader, "name")) && keep(card->serial, text_of(told, "serial"));
}

/* A certificate whose bytes are not for this user is known by the fingerprint that the daemon tells. */
static bool read_claim(struct leaf *leaf, struct json_object *certificate)
{
	const char *der = text_of(certificate, "der"), *fingerprint = text_of(certificate, "fingerprint");

	if (der != NULL)
		return leaf_read(leaf, der);
	*leaf = (struct leaf){0};
	if (fingerprint == NULL || strlen(fingerprint) + 1 != FINGERPRINT_SIZE)
		return false;
	strcpy(leaf->fingerprint, fingerprint);
	return true;
}

/* What was found so far. */
struct search {
	struct card card;
	struct json_object *certificate; /* for the account; NULL: none */
	char account[ACCOUNT_SIZE];
	bool several_cards, several_accounts;
};

/* Of a card's certificates for one account the first that is accepted counts, else the first. */
static void add(struct door *door, struct search *search, const struct card *card, struct json_object *certificate,
	const char *fingerprint, const char *account)
{
	bool other = search->certificate != NULL;

	search->several_accounts |= other && strcmp(search->account, account) != 0;
	search->several_cards |= other && strcmp(search->card.reader, card->reader) != 0;
	if (other && (is_accepted(door, search->certificate) || !is_accepted(door, certificate)))
		return;
	json_object_put(search->certificate);
	search->certificate = json_object_get(certificate);
	search->card = *card;
	strcpy(search->card.fingerprint, fingerprint);
	strcpy(search->account, account);
}

static void consider(struct door *door, struct search *search, const struct card *card, struct json_object *certificate)
{
	const char *purpose = text_of(certificate, "purpose");
	char account[ACCOUNT_SIZE] = "";
	struct leaf leaf;
	int accounts;

	if (purpose == NULL || strcmp(purpose, "authentication") != 0 || !read_claim(&leaf, certificate))
		return;
	if (door->named) {
		strcpy(account, door->user);
		accounts = accounts_grant(&door->accounts, account, &leaf);
	} else {
		accounts = accounts_for(&door->accounts, &leaf, account);
	}
	search->several_accounts |= accounts > 1;
	if (accounts == 1)
		add(door, search, card, certificate, leaf.fingerprint, account);
	leaf_free(&leaf);
}

static int ask_about(struct door *door, const char *method, const struct card *card, struct json_object **reply)
{
	struct json_object *asked = json_object_new_object();

	json_object_object_add(asked, "reader", json_object_new_string(card->reader));
	return call(door, "io.sithsd.Cards", method, asked, reply);
}

static int search_card(struct door *door, struct search *search, struct json_object *reader)
{
	struct json_object *reply = NULL, *told, *certificates;
	const char *serial;
	struct card card;
	int result;

	if (!read_card(&card, reader))
		return PAM_SUCCESS;
	/* The daemon asks whether they are revoked, where it does not know, and takes some seconds for it. What it learns is
	 * in the verdicts that come with the certificates' bytes. */
	result = ask_about(door, "io.sithsd.Cards.GetValidity", &card, &reply);
	json_object_put(reply);
	reply = NULL;
	if (result == PAM_SUCCESS)
		result = ask_about(door, "io.sithsd.Cards.GetCertificates", &card, &reply);
	if (result != PAM_SUCCESS)
		return result;
	told = field(reply, "parameters", json_type_object);
	certificates = field(told, "certificates", json_type_array);
	serial = text_of(told, "cardSerial");
	if (serial == NULL || strcmp(serial, card.serial) != 0)
		result = refuse(door, PAM_AUTHINFO_UNAVAIL, CARD_CHANGED);
	for (size_t i = 0; result == PAM_SUCCESS && i < count_of(certificates, MOST_CERTIFICATES); i++)
		consider(door, search, &card, json_object_array_get_idx(certificates, i));
	json_object_put(reply);
	return result;
}

static int conclude(struct door *door, const struct search *search)
{
	if (search->certificate == NULL && !search->several_accounts)
		return door->named ? refuse(door, PAM_AUTH_ERR, WRONG_CARD) : refuse(door, PAM_USER_UNKNOWN, NOBODYS_CARD);
	if (search->several_accounts)
		return refuse(door, PAM_USER_UNKNOWN, SEVERAL_ACCOUNTS);
	if (search->several_cards)
		return refuse(door, PAM_AUTHINFO_UNAVAIL, SEVERAL_CARDS);
	strcpy(door->user, search->account);
	door->card = search->card;
	return accept_verdict(door, search->certificate);
}

int find_card(struct door *door)
{
	struct json_object *reply = NULL, *picture, *readers;
	struct search search = {0};
	int cards = 0;
	int result = look_at_readers(door, &reply);

	if (result == PAM_SUCCESS) {
		picture = field(reply, "parameters", json_type_object);
		readers = field(picture, "readers", json_type_array);
		for (size_t i = 0; result == PAM_SUCCESS && i < count_of(readers, MOST_READERS); i++) {
			struct json_object *reader = json_object_array_get_idx(readers, i);
			if (is_true(picture, "service") && state_of(reader) == READY) {
				result = search_card(door, &search, reader);
				cards++;
			}
		}
		if (result == PAM_SUCCESS)
			result = cards > 0 ? conclude(door, &search) : refuse_state(door, whole(picture));
	}
	json_object_put(search.certificate);
	json_object_put(reply);
	return result;
}
