#include "words.h"

#include <string.h>

static const struct sentence { const char *english, *swedish; } sentences[WORDS] = {
	[INSERT_CARD] = {"Insert your card.", "Sätt in ditt kort."},
	[PROMPT] = {"PIN of the card of %s (%s): ", "Legitimeringskod för kortet, %s (%s): "},
	[PROMPT_NAMELESS] = {"PIN of the card (%s): ", "Legitimeringskod för kortet (%s): "},
	[PAD] = {"Enter the PIN of the card of %s at the reader's own keys (%s).",
		"Slå in legitimeringskoden för kortet, %s, på läsarens knappar (%s)."},
	[PAD_NAMELESS] = {"Enter the PIN of the card at the reader's own keys (%s).",
		"Slå in kortets legitimeringskod på läsarens knappar (%s)."},
	[TRIES] = {"%d tries left", "%d försök kvar"},
	[ONE_TRY] = {"1 try left", "1 försök kvar"},
	[SOME_TRIES] = {"more than 1 try left", "mer än 1 försök kvar"},
	[TRIES_UNKNOWN] = {"the card does not tell how many tries are left", "kortet talar inte om hur många försök som är kvar"},
	[SPEND_LAST] = {"One try is left: after a wrong one the PIN is blocked. Type YES to use it: ",
		"Ett försök är kvar: blir det fel är koden låst. Skriv JA för att använda det: "},
	[SPEND_UNKNOWN] = {"The card does not tell how many tries are left: a wrong one may block the PIN. Type YES to go on: ",
		"Kortet talar inte om hur många försök som är kvar: blir det fel kan koden vara låst. Skriv JA för att fortsätta: "},
	[YES] = {"YES", "JA"},

	[NO_DAEMON] = {"The service for smart cards (sithsd) can't be reached.", "Tjänsten för smarta kort (sithsd) kan inte nås."},
	[NO_PCSC] = {"The service for card readers (pcscd) is not running.", "Tjänsten för kortläsare (pcscd) är inte igång."},
	[NO_READER] = {"There is no card reader.", "Det finns ingen kortläsare."},
	[NO_CARD] = {"No card is in the reader.", "Det sitter inget kort i läsaren."},
	[CARD_BUSY] = {"Another program is using the card; try again in a while.",
		"Ett annat program använder kortet; försök igen om en stund."},
	[CARD_UNREADABLE] = {"The card can't be read. Take it out, put it in again and try once more.",
		"Kortet kan inte läsas. Ta ut det, sätt in det igen och försök på nytt."},
	[CARD_UNSUPPORTED] = {"The card is none that can be used here.", "Kortet är inget som kan användas här."},
	[STILL_READING] = {"The card is still being read; try again in a while.", "Kortet läses fortfarande; försök igen om en stund."},
	[SEVERAL_CARDS] = {"Several cards for this account are in the readers: leave one.",
		"Flera kort för det här kontot sitter i läsarna: låt ett sitta kvar."},
	[WRONG_CARD] = {"The card in the reader is not for this account.", "Kortet i läsaren hör inte till det här kontot."},
	[NOBODYS_CARD] = {"The card in the reader belongs to no account here.", "Kortet i läsaren hör inte till något konto här."},
	[SEVERAL_ACCOUNTS] = {"The card opens several accounts: name one.", "Kortet öppnar flera konton: ange ett."},
	[OTHER_WORLD] = {"The card is for another environment than this computer's.", "Kortet hör till en annan miljö än den här datorns."},
	[EXPIRED] = {"The card's certificate has expired. Order a new card.", "Kortets certifikat har gått ut. Beställ ett nytt kort."},
	[NOT_YET_VALID] = {"The card's certificate is not valid yet. Is the computer's clock right?",
		"Kortets certifikat gäller inte än. Går datorns klocka rätt?"},
	[REVOKED] = {"The card's certificate has been revoked.", "Kortets certifikat är spärrat."},
	[BAD] = {"The card's certificate is not accepted (%s).", "Kortets certifikat godtas inte (%s)."},
	[UNCHECKED] = {"Whether the card's certificate has been revoked was not checked, and that is required here.",
		"Om kortets certifikat är spärrat har inte kontrollerats, och det krävs här."},
	[UNKNOWN] = {"Whether the card's certificate may be trusted is not known (%s).",
		"Om kortets certifikat går att lita på är inte känt (%s)."},
	[DENIED] = {"You may not use the card's PIN from here.", "Du får inte använda kortets kod härifrån."},
	[BLOCKED] = {"The card's PIN is blocked. Unblock it with the PUK, or at a card desk.",
		"Kortets legitimeringskod är låst. Lås upp den med PUK-koden eller vänd dig till en ID-administratör."},
	[LAST_TRY_KEPT] = {"One try is left, and it is not used here. Check your PIN where the card can be unblocked.",
		"Ett försök är kvar och används inte här. Prova koden där kortet kan låsas upp."},
	[UNKNOWN_KEPT] = {"The card does not tell how many tries are left, so none is used here.",
		"Kortet talar inte om hur många försök som är kvar, så inget används här."},
	[NOT_ACTIVATED] = {"The card has not been activated yet.", "Kortet är inte aktiverat än."},
	[UNSUPPORTED] = {"The card has no PIN for log-in.", "Kortet har ingen kod för legitimering."},
	[NO_PIN] = {"A PIN has %d to %d digits. Nothing was sent to the card.", "Koden har %d till %d siffror. Inget skickades till kortet."},
	[EMPTY_PIN] = {"No PIN was given.", "Ingen kod angavs."},

	[WRONG_PIN] = {"Wrong PIN. %d tries left.", "Fel kod. %d försök är kvar."},
	[WRONG_PIN_ONE] = {"Wrong PIN. One try left.", "Fel kod. Ett försök är kvar."},
	[WRONG_PIN_LAST] = {"Wrong PIN. It is now blocked: unblock it with the PUK, or at a card desk.",
		"Fel kod. Den är nu låst: lås upp den med PUK-koden eller vänd dig till en ID-administratör."},
	[WRONG_PIN_UNKNOWN] = {"Wrong PIN. The card does not tell how many tries are left.",
		"Fel kod. Kortet talar inte om hur många försök som är kvar."},
	[CARD_GONE] = {"The card was taken out.", "Kortet togs ut."},
	[CARD_CHANGED] = {"It is another card than before. Begin again.", "Det är ett annat kort än nyss. Börja om."},
	[TRIES_CHANGED] = {"The PIN's tries changed meanwhile. Your PIN was not used. Begin again.",
		"Antalet försök ändrades under tiden. Din kod användes inte. Börja om."},
	[TOO_MANY_WRONG] = {"Too many wrong PINs. Wait %d seconds.", "För många felaktiga koder. Vänta %d sekunder."},
	[TOO_MANY] = {"The service for smart cards has too much to do; try again in a while.",
		"Tjänsten för smarta kort har för mycket att göra; försök igen om en stund."},
	[PAD_CANCELLED] = {"Cancelled at the reader. No try was used.", "Avbrutet på läsaren. Inget försök användes."},
	[PAD_TIMEOUT] = {"Nothing was entered at the reader in time. No try was used.",
		"Inget slogs in på läsaren i tid. Inget försök användes."},
	[PAD_MALFORMED] = {"What was entered is too short or too long. No try was used.",
		"Koden som slogs in är för kort eller för lång. Inget försök användes."},
	[LOST] = {"The card's answer never came. It is not known whether a try was used.",
		"Kortets svar kom aldrig. Det är inte känt om ett försök användes."},
	[NO_PROOF] = {"The card's proof does not hold. Nobody was logged in.", "Kortets bevis håller inte. Ingen loggades in."},
	[TOO_SLOW] = {"The service for smart cards does not answer.", "Tjänsten för smarta kort svarar inte."},
	[FAILED] = {"The card could not be used (%s).", "Kortet kunde inte användas (%s)."},
};

const char *words(enum word word, bool swedish)
{
	return swedish ? sentences[word].swedish : sentences[word].english;
}

/* How many bytes the UTF-8 letter has that begins here; 0 if none does. The text was found to be UTF-8 when it came. */
static size_t letter(const unsigned char *text)
{
	size_t length = *text < 0x80 ? 1 : *text < 0xC2 ? 0 : *text < 0xE0 ? 2 : *text < 0xF0 ? 3 : *text < 0xF5 ? 4 : 0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xC0) != 0x80)
			return 0;
	return length;
}

/* Controls, and what turns the direction of a line (U+200E, 200F, 202A to 202E, 2066 to 2069) or breaks it. */
static bool steers(const unsigned char *text, size_t length)
{
	if (length == 1)
		return *text < 0x20 || *text == 0x7F;
	if (length == 2)
		return text[0] == 0xC2 && text[1] < 0xA0;
	return length == 3 && text[0] == 0xE2 && ((text[1] == 0x80 && text[2] >= 0x8B && text[2] <= 0x8F) ||
		(text[1] == 0x80 && text[2] >= 0xA8 && text[2] <= 0xAE) || (text[1] == 0x81 && text[2] >= 0xA0 && text[2] <= 0xAF));
}

void harmless(const char *text, char *copy, size_t size)
{
	const unsigned char *from = (const unsigned char *)text;
	size_t used = 0;

	while (*from != '\0') {
		size_t length = letter(from);
		if (length == 0 || steers(from, length)) {
			if (used + 1 >= size)
				break;
			copy[used++] = '?';
			from += length != 0 ? length : 1;
			continue;
		}
		if (used + length >= size)
			break;
		memcpy(copy + used, from, length);
		used += length;
		from += length;
	}
	copy[used] = '\0';
}
