/* One log-in: who is to be let in, by which card, and how long it may still take. */
#pragma once
#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdint.h>

#include "accounts.h"
#include "options.h"
#include "wire.h"
#include "words.h"

enum { TEXT_SIZE = 256, TRIES_NOT_KNOWN = -1 };

/* The card that is to open the door, as the daemon tells of it. */
struct card {
	char reader[TEXT_SIZE], serial[TEXT_SIZE], holder[TEXT_SIZE]; /* `holder` is for people, and may be empty */
	char fingerprint[FINGERPRINT_SIZE];                          /* of the certificate for this account */
	int tries, min_length, max_length;
	bool not_last; /* known, though the number of tries may not be */
	bool pad;
};

struct door {
	pam_handle_t *pamh;
	struct options options;
	struct accounts accounts;
	char user[ACCOUNT_SIZE]; /* empty where the card is to tell */
	bool named;              /* the program had named the account */
	bool silent;
	uid_t daemon;            /* who may listen on the sockets, besides root */
	int64_t deadline;        /* a `moment`; what a person takes is added */
	struct card card;
};

/* All functions below that return an int return PAM's values. */

/* conversation.c: to the person, in the person's language. `refuse` says why and returns `result`. */
void say(struct door *door, int style, enum word word, ...);
int refuse(struct door *door, int result, enum word word, ...);
/* `answer` is to be wiped and freed (`forget`). */
int ask(struct door *door, int style, char **answer, enum word word, ...);
void forget(char *answer);
/* How many tries are left, in words. */
const char *tries_in_words(const struct door *door, char *text, size_t size);

/* faults.c: what the daemon refuses, or how the connection failed, told to the person. */
int failed(struct door *door, enum heard heard);
int refused(struct door *door, struct json_object *reply);
/* The stable code of an error reply, NULL if the reply is none. */
const char *code_of(struct json_object *reply);
/* One call on a connection of its own. On PAM_SUCCESS `reply` is to be put. */
int call(struct door *door, const char *interface, const char *method, struct json_object *parameters,
	struct json_object **reply);

/* verdict.c: the daemon's judgement of a certificate, and what is made of it here. The last two say why it is refused. */
bool is_accepted(const struct door *door, struct json_object *certificate);
int accept_verdict(struct door *door, struct json_object *certificate);
int refuse_bad(struct door *door, struct json_object *reasons);

/* find.c: the card for the account, or the account for the card. */
int find_card(struct door *door);

/* prove.c: the PIN, and the card's proof with it. */
int prove(struct door *door);
