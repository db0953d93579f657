/* The sentences for people, in English and Swedish. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum word {
	/* What is asked. */
	INSERT_CARD, PROMPT, PROMPT_NAMELESS, PAD, PAD_NAMELESS, TRIES, ONE_TRY, SOME_TRIES, TRIES_UNKNOWN, SPEND_LAST,
	SPEND_UNKNOWN, YES,
	/* Why it did not come to a PIN. */
	NO_DAEMON, NO_PCSC, NO_READER, NO_CARD, CARD_BUSY, CARD_UNREADABLE, CARD_UNSUPPORTED, STILL_READING, SEVERAL_CARDS,
	WRONG_CARD, NOBODYS_CARD, SEVERAL_ACCOUNTS, OTHER_WORLD, EXPIRED, NOT_YET_VALID, REVOKED, BAD, UNCHECKED, UNKNOWN,
	DENIED, BLOCKED, LAST_TRY_KEPT, UNKNOWN_KEPT, NOT_ACTIVATED, UNSUPPORTED, NO_PIN, EMPTY_PIN,
	/* How it ended. */
	WRONG_PIN, WRONG_PIN_ONE, WRONG_PIN_LAST, WRONG_PIN_UNKNOWN, CARD_GONE, CARD_CHANGED, TRIES_CHANGED, TOO_MANY_WRONG,
	TOO_MANY, PAD_CANCELLED, PAD_TIMEOUT, PAD_MALFORMED, LOST, NO_PROOF, TOO_SLOW, FAILED,
	WORDS
};

/* The sentence; its places, where it has some, are of the same types in the same order in both languages. */
const char *words(enum word word, bool swedish);

/* Copy a text from outside so that it steers no terminal and is no longer than its room, cut between letters. */
void harmless(const char *text, char *copy, size_t size);
