# Svenska meningar för sithsctl. Nycklar som bygger på namn i gränssnittet har "-" för varje "." (pin.wrong: error-pin-wrong).
# En kod är låst, ett certifikat är spärrat: två ord som aldrig byter plats.

## Fel: vad som är fel och vad man kan göra.

# $role: authentication, signature, puk eller none. $triesLeft: ett tal, eller "unknown".
code-name = { $role ->
    [authentication] legitimeringskoden
    [signature] underskriftskoden
    [puk] PUK-koden
   *[none] koden
}
Code-name = { $role ->
    [authentication] Legitimeringskod
    [signature] Underskriftskod
    [puk] PUK-kod
   *[none] Kod
}
code-indefinite = { $role ->
    [authentication] legitimeringskod
    [signature] underskriftskod
    [puk] PUK-kod
   *[none] kod
}
tries-sentence = { $triesLeft ->
    [unknown] Kortet talar inte om hur många försök som är kvar.
    [0] Inga försök är kvar.
    [one] Ett försök är kvar.
   *[other] { $triesLeft } försök är kvar.
}
error-pin-wrong = { $triesLeft ->
    [0] Fel { code-indefinite }. Den är nu låst: lås upp den med PUK-koden.
   *[other] Fel { code-indefinite }. { tries-sentence }
}
error-pin-wrong-advised = { $triesLeft ->
    [0] Fel { code-indefinite }. Den är nu låst.
   *[other] Fel { code-indefinite }. { tries-sentence }
}
error-pin-blocked = Det går inte att använda { code-name }: den är låst. Lås upp den med PUK-koden (sithsctl unblock) eller vänd dig till en ID-administratör.
error-pin-blocked-advised = Det går inte att använda { code-name }: den är låst.
error-pin-lastTry = Det är sista försöket för { code-name }, så inget skickades till kortet. Använd --spend-last-try om du är säker på koden; är den fel blir koden låst.
error-pin-triesUnknown = Kortet talar inte om hur många försök { code-name } har kvar, så inget skickades till kortet. Använd --spend-last-try om du är säker på koden.
error-pin-malformed = Formen på { code-name } stämmer inte: bara siffror, och rätt antal. Inget skickades till kortet och inget försök gick åt.
error-pin-notActivated = Ingen { code-indefinite } är vald ännu. Kortet måste först aktiveras (sithsctl activate) hos en ID-administratör.
error-pin-unsupported = Kortet har ingen { code-indefinite }, eller så går den inte att använda så här. Se vad kortet har med: sithsctl codes
error-puk-wrong = { $triesLeft ->
    [0] Fel PUK-kod, och inga försök är kvar. Kortet går inte att låsa upp: beställ ett nytt.
    [unknown] Fel PUK-kod. Efter för många fel blir kortet obrukbart: se efter i kodbrevet innan du försöker igen.
    [one] Fel PUK-kod. Ett försök är kvar; är också det fel blir kortet obrukbart för alltid. Vänd dig till en ID-administratör.
   *[other] Fel PUK-kod. { $triesLeft } försök är kvar; därefter är kortet obrukbart. Se efter i kodbrevet innan du försöker igen.
}
error-puk-wrong-advised = { $triesLeft ->
    [0] Fel PUK-kod, och inga försök är kvar. Kortet går inte att låsa upp.
    [unknown] Fel PUK-kod. Efter för många fel blir kortet obrukbart: var säker innan du försöker igen.
    [one] Fel PUK-kod. Ett försök är kvar; är också det fel blir kortet obrukbart för alltid.
   *[other] Fel PUK-kod. { $triesLeft } försök är kvar; därefter är kortet obrukbart. Var säker innan du försöker igen.
}
error-puk-blocked = PUK-kodens försök är slut. Kortet går inte att låsa upp: beställ ett nytt.
error-puk-blocked-advised = PUK-kodens försök är slut. Kortet går inte att låsa upp.
error-puk-lastTry = Det är sista försöket för PUK-koden, så inget skickades till kortet. En felaktig PUK-kod gör nu kortet obrukbart för alltid: använd --spend-last-try bara om du är säker.
error-puk-triesUnknown = Kortet talar inte om hur många försök PUK-koden har kvar, så inget skickades till kortet. För många fel gör kortet obrukbart för alltid: använd --spend-last-try bara om du är säker.
error-card-absent = Det finns inget kort i läsaren. Sätt i kortet med chippet först och försök igen.
error-card-removed = Kortet togs ut innan det var klart. Sätt i det igen och försök en gång till.
error-card-changed = Det är inte samma kort som nyss, så inget skickades till det. Se efter vems kort det är och försök igen.
error-card-unsupported = Det här är inte ett kort som sithsd arbetar med. Se efter att det är ett SITHS-kort.
error-card-unreadable = Kortet svarar inte som det ska. Ta ut det, torka av chippet och sätt i det igen; hjälper inte det kan kortet vara trasigt.
error-card-refused = Kortet vägrade utföra kommandot. Ta ut kortet och sätt i det igen; hjälper inte det, vänd dig till en ID-administratör.
error-reader-busy = Ett annat program använder kortet. Vänta en stund och försök igen.
error-reader-busy-oneHolds = Ett annat program använder kortet, kanske något av de här: { $holder }. Vänta en stund, eller stäng dem, och försök igen.
error-reader-busy-held = Ett annat program använder kortet, kanske { $holder }. Vänta en stund, eller stäng det, och försök igen.
error-reader-unknown = Det finns ingen sådan läsare. Se vad läsarna heter med: sithsctl status
error-reader-ambiguous = Det sitter kort i fler än en läsare. Välj en av dem med --reader; sithsctl status visar dem.
error-certificate-absent = Inget certifikat på kortet stämmer. Se vad som finns med: sithsctl certificates
error-certificate-ambiguous = Flera certifikat på kortet stämmer, och inget valdes åt dig. Välj med --identity, eller efter fingeravtryck med --certificate.
error-certificate-bad = Certifikatet är inte att lita på, så kortet användes inte. sithsctl validity säger mer.
error-certificate-notGoodEnough = Det är inte känt att certifikatet är så bra som det måste vara, så det blir inget av det. Se --require och: sithsctl validity
error-certificate-notGoodEnough-notChecked = Ingen har tillfrågats om certifikatet är spärrat, så det blir inget av det. Starta programmet som frågar: sudo systemctl start sithsd-fetch.socket. Försök sedan igen; eller, om det inte behöver vara känt: --require goodOrRevocationUnchecked
error-certificate-notGoodEnough-unreachable = Ingen svarade om certifikatet är spärrat, så det blir inget av det. Anslut datorn till nätet och försök igen; sithsctl doctor säger vad som hindrar. Eller, om det inte behöver vara känt: --require goodOrRevocationUnchecked
error-signature-invalid = Kortet gav en underskrift som inte är dess certifikats. Lita inte på kortet; visa det för en ID-administratör.
error-signature-unsupported = Det här kortet kan inte skriva under på det sättet, såvitt sithsd vet. Inget försök användes.
error-choice = { $identity }: { $subject }, giltigt till { $notAfter }, fingeravtryck { $fingerprint }
error-pcsc-unavailable = Kortläsartjänsten (pcscd) svarar inte. Starta den med: systemctl start pcscd.socket
error-request-denied = Du får inte göra det här. Be att få bli medlem i gruppen sithsd-desk, eller arbeta vid datorns egen skärm.
error-request-invalid = Kommandot är inte rätt skrivet. Se: sithsctl --help
error-request-tooMany = För många frågor på en gång. Vänta en stund och försök igen.
error-daemon-unavailable = Korttjänsten (sithsd) svarar inte. Starta den med: systemctl start sithsd
error-fetch-failed = Det gick inte att hämta från nätet. Är datorn ansluten, och når sithsd-fetch fram? Försök igen senare.
error-internal = Något gick fel inuti sithsd. Försök igen; loggen (journalctl -u sithsd) säger mer.
error-pin-triesChanged = Någon annan har under tiden använt ett försök för { code-name }. Det som skrevs kastades och inget skickades till kortet. Se efter hur många försök som är kvar och ange koden igen.
error-pin-refused = Den kod som valdes som ny { code-indefinite } bryter mot en regel. Välj en annan; inget skickades till kortet.
error-puk-triesChanged = Någon annan har under tiden använt ett försök för PUK-koden. Det som skrevs kastades och inget skickades till kortet. Se efter hur många försök som är kvar och ange koden igen.
error-puk-belowFloor = PUK-koden har få försök kvar, så inget skickades till kortet. För många fel gör kortet obrukbart för alltid: se efter i kodbrevet och använd --risk-card bara om du är säker.
error-pinpad-absent = Läsaren har ingen knappsats som klarar det här, eller så får den inte användas på den här datorn. Ange koden på tangentbordet, utan --pin-pad.
error-pinpad-cancelled = Det avbröts på läsarens knappsats. Inget skickades till kortet och inget försök gick åt.
error-pinpad-timeout = Inget angavs i tid på läsarens knappsats. Inget försök gick åt: försök igen.
error-pinpad-mismatch = Den nya koden angavs inte lika båda gångerna på läsarens knappsats. Inget ändrades och inget försök gick åt: försök igen.
error-pinpad-malformed = Koden som angavs på läsarens knappsats är för kort eller för lång. Inget försök gick åt: försök igen.
error-unblock-deskOnly = Ett kort av det här slaget låses bara upp av en ID-administratör. Inget skickades till kortet.
error-unblock-notByModule = Kortets egen programvara (dess PKCS#11-modul) kan inte låsa upp en kod. Inget ändrades; vänd dig till en ID-administratör eller använd programvaran som hör till kortet.
error-activation-checklist = Checklistan är inte uppfylld, så kortet kan inte aktiveras nu. Inget skickades till det.
error-activation-notNeeded = Koderna på det här kortet är redan valda, så inget skickades till det. Vill du välja en annan kod, använd sithsctl change.
error-card-outcomeUnknown = En kod skickades, men svaret kom aldrig: ingen vet om det blev gjort. Sätt i kortet igen: då jämförs dess försök, och det talas om hur det gick. Se: sithsctl codes
error-module-failed = Kortets egen programvara (dess PKCS#11-modul) slutade fungera innan någon kod användes. Försök igen; hjälper inte det behöver den som sköter datorn installera om den.
error-module-timeout = Kortets egen programvara (dess PKCS#11-modul) svarade inte i tid och avslutades. Ingen kod användes: försök igen.
error-request-tooManyWrong = För många felaktiga koder på kort tid, från dig eller för det här kortet. Ta reda på rätt kod innan du försöker igen; inget skickades till kortet.
error-audit-unavailable = Granskningsloggen går inte att skriva (disken kan vara full), så inget skickades till kortet. Säg till den som sköter datorn.
error-lost = Förbindelsen bröts innan svaret kom, så ett försök kan ha gått åt. Se efter innan du försöker igen, med: sithsctl codes
error-unknown = Korttjänsten svarade med ett fel som det här programmet inte känner till.
error-name = Fel: { $name }
error-readers = Läsare: { $readers }
error-rule = Regel: { $rule }.
error-done = Gjort dessförinnan: { code-name }.
error-retry-seconds = { $count ->
    [one] Försök igen om 1 sekund.
   *[other] Försök igen om { $count } sekunder.
}
error-retry-minutes = { $count ->
    [one] Försök igen om 1 minut.
   *[other] Försök igen om { $count } minuter.
}
advice-unblock-withPuk = Lås upp den med PUK-koden i kodbrevet: sithsctl unblock. Är brevet borta, beställ ett nytt.
advice-unblock-atDesk = Gå till en ID-administratör med kortet och en fysisk ID-handling: kortet låses upp där, eller så beställs ett PUK-brev.
advice-unblock-withPukOrAtDesk = Har du PUK-koden, lås upp den med: sithsctl unblock. Vänd dig annars till en ID-administratör.
advice-letter-reorder = PUK-koden står i kodbrevet. Är brevet borta, beställ ett nytt.
advice-card-orderNew = Beställ ett nytt kort och låt spärra certifikaten på det här.
advice-reserve-withPuk = Har du reservkortets PUK-kod, lås upp den med: sithsctl unblock. Reservkortets koder går inte att beställa på nytt: utan PUK-koden, gå till en ID-administratör för ett nytt reservkort.
advice-reserve-newCard = Reservkortets koder går inte att beställa på nytt: gå till en ID-administratör för ett nytt reservkort.
rule-digits = bara siffror
rule-length = rätt antal siffror
rule-length-of = { $length } siffror
rule-sameAsOld = inte samma som den gamla
rule-allSame = inte en och samma siffra hela vägen
rule-ascending = ingen stigande följd (123456)
rule-descending = ingen fallande följd (654321)
rule-personalNumber = ingen del av innehavarens personnummer
rule-birthDate = inte innehavarens födelsedatum
rule-sameAsOther = inte samma som den andra koden
rule-advised = { $rule } (rekommenderas)
warning-rule = Klart, men mot rekommendationen: { $rule }.
interrupted = Avbrutet.
nothing-sent = Avbrutet. Inget skickades till kortet.

## Kommandoraden

usage-prefix = Användning:
usage-options = {"[FLAGGOR]"}
usage-commands = {"KOMMANDO [...]"}
usage-error = { $sentence } Se: { $command } --help
usage-no-such-option = Det finns ingen sådan flagga.
usage-no-such-option-named = Det finns ingen flagga { $option }.
usage-no-such-command = Det finns inget sådant kommando.
usage-missing = { $option } saknas.
usage-bad-value = Värdet på { $option } passar inte.
usage-bad-choice = Värdet på { $option } ska vara ett av: { $choices }.
usage-option-arguments = { $option } tar ett annat antal värden.
usage-extra = Det är för många ord på kommandoraden. (En kod skrivs aldrig där.)
usage-bad-descriptor = Det går inte att läsa från filbeskrivaren i --code-fd.
usage-no-terminal = Det finns ingen terminal att fråga efter koden på. Ge koden med --code-fd.
usage-two-places = Koderna ges på ett ställe: --code-fd eller --pin-pad, inte båda.
usage-bad-answer = Ett --answer skrivs ID=SVAR; svaret är ja, nej eller ett datum (2026-11-24).
usage-bad-answers = Filen i --answers går inte att använda. Den är ett JSON-objekt av id med true, false eller ett datum ("2026-11-24").
usage-unknown-answer = Checklistan har ingen punkt med ett sådant id. Den har:
usage-what-to-sign = Ange en fil att skriva under, eller en hash med --digest; ett av dem.
usage-no-description = Med --digest behövs --description: loggen måste säga vad som skrivs under.
usage-no-out = Med --digest behövs --out (eller --json): underskriften måste ta vägen någonstans.
usage-bad-file = Filen att skriva under går inte att läsa, eller är ingen vanlig fil. Kortet användes inte.
usage-bad-challenge = Utmaningen går inte att läsa, eller har inte 16 till 32768 byte. Kortet användes inte.
usage-bad-out = Filen för underskriften går inte att skriva, eller finns redan (--force skriver över den).
help-options = Flaggor
help-commands = Kommandon
help-required = krävs
help-help = Visa den här texten och sluta.
help-version = Visa versionen och sluta.
help-program = Se SITHS-korten i datorns läsare och använd deras koder.
help-status = Visa läsarna och kortet i var och en. Vems det är, dess koder, dess certifikat.
help-monitor = Visa varje ändring när den sker, tills Ctrl-C.
help-lock-on-removal = Lås skärmen när kortet tas ut. Pågår tills Ctrl-C.
help-certificates = Visa ett korts certifikat, eller skriv dem som PEM.
help-validity = Säg om certifikaten går att lita på. Och annars varför inte, och när ett nytt kort behövs.
help-option-fresh = Fråga utfärdarna även när det som är känt räcker. Högst en gång på tio sekunder.
help-codes = Fråga kortet hur många försök som är kvar. Inget försök går åt.
help-verify = Pröva en kod mot kortet. Den frågas efter utan att synas, eller läses med --code-fd.
help-change = Byt en kod mot en ny.
help-unblock = Lås upp en kod med PUK-koden och välj en ny.
help-authenticate = Låt kortet legitimera sig, med sin kod. Det skriver under en utmaning med legitimeringscertifikatets nyckel.
help-sign = Skriv under en fil med underskriftskoden. Det som sparas är en rå underskrift av filens hash.
help-activate = Ge ett nytt kort innehavarens egna koder. Checklistan kommer först.
help-option-runtime-dir = Mappen med tjänstens socketar. Annars $RUNTIME_DIRECTORY, annars /run/sithsd.
help-option-json = Svara i JSON, för skript.
help-option-lang = Svarens språk. Annars efter datorns språkinställning.
help-option-reader = Vilken läsare. Behövs när det sitter kort i flera.
help-option-unmasked = Visa personnummer i sin helhet (bara för den som får).
help-option-id = Bara certifikatet med detta id (hexadecimalt).
help-option-purpose = Bara certifikat för detta ändamål.
help-option-pem = Skriv certifikaten som PEM.
help-option-role = Vilken kod.
help-option-code-fd = Läs koden från den här filbeskrivaren (en rad) i stället för att fråga.
help-option-code-fds = Läs PUK-kod och ny kod från den här filbeskrivaren (en rad var) i stället för att fråga.
help-option-code-fds-change = Läs nuvarande och ny kod från den här filbeskrivaren (en rad var) i stället för att fråga.
help-option-code-fds-activate = Läs koderna från den här filbeskrivaren (en rad var) i stället för att fråga. PUK-kod eller transportkoder, sedan de nya koderna, legitimering först.
help-option-pin-pad = Ange koderna på läsarens egen knappsats.
help-option-card-serial = Bara om det är kortet med det här serienumret. För skript som har visat det.
help-option-followed-card = Kortet som ska följas, med serienummer. Annars $SITHSD_CARD_SERIAL, som sätts vid inloggning med kortet; annars det enda kort som sitter i.
help-option-action = Vad som görs när kortet försvinner. Lås skärmen (lock), logga ut (logout) eller inget (nothing). Annars $SITHSD_REMOVAL_ACTION, annars lock.
help-option-grace = I hur många sekunder det får vara okänt om kortet sitter i. Sedan låses skärmen. Annars $SITHSD_REMOVAL_GRACE, annars 15.
help-option-session = Sessionen, med logind:s namn på den. Annars din egen på skärmen.
help-option-expected-tries = Bara om koden har så här många försök kvar. För skript som har visat det.
help-option-answers = Läs svar på checklistan från den här JSON-filen.
help-option-answer = Svara på en punkt i checklistan med ja, nej eller ett datum. Kan ges flera gånger.
help-option-risk-card = Använd PUK-koden fast få av dess försök är kvar. En felaktig kan göra kortet obrukbart.
help-option-identity = Bara ett certifikat med den här identiteten.
help-option-certificate = Bara certifikatet med det här SHA-256-avtrycket.
help-option-algorithm = rsaPkcs1Sha256, rsaPssSha256 eller ecdsaSha256; även med 384 eller 512. Annars det som passar nyckeln eller hashens längd.
help-option-require = Hur bra certifikatet måste vara: good, notBad eller goodOrRevocationUnchecked. Annars good för att legitimera sig och goodOrRevocationUnchecked för att skriva under.
help-option-accept-bad = Även ett certifikat som inte går att lita på.
help-option-challenge-file = Det som ska skrivas under, ur den här filen, eller "-" för standard in. Annars nya slumptal.
help-option-digest = Hashen att skriva under, hexadecimalt, i stället för en fil.
help-option-description = Vad det är till för. Det skrivs i loggen.
help-option-out = Filen för underskriften, som inte får finnas än. För sign annars FILE.sig.
help-option-force = Skriv över filen i --out.
help-option-spend-last-try = Fortsätt fast det är sista försöket, eller fast kortet inte säger hur många som är kvar.
help-epilog-statuses = Slutstatus:
help-epilog-completion = Komplettering i bash: eval "$(_SITHSCTL_COMPLETE=bash_source sithsctl)"
exit-0 = klart
exit-1 = kortet vägrade eller dess underskrift är fel, eller ett fel som saknar eget nummer
exit-2 = kommandoraden är inte rätt skriven
exit-3 = korttjänsten (sithsd) svarar inte; för kommandon som behöver ett kort även läsartjänsten (pcscd), och för dem som hämtar nätet
exit-4 = inget kort, ingen sådan läsare eller certifikat, eller flera läsare att välja på
exit-5 = koden var fel
exit-6 = koden är låst
exit-7 = stoppat före kortet: sista försöket, fel form, inte aktiverat, inte tillåtet
exit-8 = kortet är av okänt slag, trasigt eller saknar den koden
exit-9 = kortet var upptaget, togs ut eller byttes, eller svaret gick förlorat; se efter och försök igen
exit-10 = ett fel i programmet
exit-130 = avbrutet med Ctrl-C vid en fråga eller under läsning (monitor slutar då med 0)

## Läsare och kort

reader = Läsare
no-readers = Ingen kortläsare är ansluten.
service-absent = Kortläsartjänsten (pcscd) svarar inte, så läsarna syns inte.
state-empty = Inget kort i läsaren
state-reading = Kortet läses
state-ready = Kortet är läst
state-busy = Ett annat program använder kortet
state-unsupported = Inte ett kort som sithsd arbetar med
state-unreadable = Kortet går inte att läsa
state-mute = Kortet svarar inte
environment-production = Skarpt kort
environment-test = TEST-kort: identifierar ingen verklig person
environment-sim = SIMULERAT kort: identifierar ingen
environment-unknown = Kort av okänt ursprung
environment-mark-test = TEST
environment-mark-sim = SIM
kind-ordinary = Ordinarie kort
kind-reserve = Reservkort
kind-old = Kort av äldre generation
kind-notSiths = Inte ett SITHS-kort
kind-unknown = Inte känd
label-state = Läge
label-environment = Miljö
label-holder = Innehavare
label-hsa-id = HSA-id
label-personal-identity-number = Personnummer
label-organization = Organisation
label-card-number = Kortnummer
label-kind = Korttyp
label-level-of-assurance = Tillitsnivå (LoA)
label-notes = Obs
label-codes = Koder
label-certificates = Certifikat
label-issuer = Utfärdare
label-subject = Innehavare
label-valid = Giltighetstid
label-valid-from = Giltigt från
label-valid-to = Giltigt till
label-verdict = Bedömning
label-reasons = Skäl
label-purpose = Ändamål
label-identity = Identitet
label-id = Id
label-serial-number = Serienummer
label-fingerprint = SHA-256
label-key = Nyckel
label-label = Namn på kortet
label-path = Kedja
label-anchor = Ankare (SHA-256)
label-atr = ATR
label-checked = Kontrollerat
label-revocation = Spärrkontroll
label-next-check = Nästa kontroll
label-card = Kort
label-certificate = Certifikat
label-file = Fil
label-digest = Hash
label-description = Ändamål
label-challenge = Utmaning
label-algorithm = Algoritm
label-signature = Underskriften i
file-bytes = { $count ->
    [one] 1 byte
   *[other] { $count } byte
}
not-known = uppgift saknas
holder-protected = Skyddad identitet
period = { $from } till { $to }
days-left = { $days ->
    [0] slutar i dag
    [one] 1 dag kvar
   *[other] { $days } dagar kvar
}
no-certificates = Inga certifikat.
no-codes = Inga koder.
note-cardNumber-conflict = Certifikaten är oense om kortnumret.
note-cardNumber-checksum = Kortnumrets kontrollsiffra är fel.
note-environment-mixed = Certifikaten kommer från olika miljöer.
note-levelOfAssurance-mixed = Certifikaten har olika tillitsnivå; den lägsta visas.
note-holder-conflict = Certifikaten anger olika personer.
note-holder-protectedAssumed = Innehavarens identitet verkar vara skyddad och visas därför inte.
note-hsaId-several = Innehavaren har mer än ett HSA-id; det första visas.
note-certificate-transport = Det finns ett transportcertifikat, som inte identifierar någon.
certificate-can-not-sign = Nyckeln finns inte på kortet, eller det är inte känt hur kortet signerar.
note-certificate-telia = Det finns också en Telia e-legitimation.
note-certificate-type1 = Det finns ett certifikat från gamla, avvecklade SITHS (typ 1).
note-certificate-absent = Ett certifikat som kortet räknar upp finns inte där.
note-certificate-malformed = Ett certifikat är skadat och går inte att läsa.
note-code-unrecognised = Det finns en kod vars ändamål inte är känt.

## Koder

role-authentication = Legitimeringskod
role-signature = Underskriftskod
role-puk = PUK-kod
code-tries = { $triesLeft ->
    [unknown] antal försök okänt
    [0] inga försök kvar
    [one] 1 försök kvar
   *[other] { $triesLeft } försök kvar
}
code-tries-some = mer än ett försök kvar, hur många framgår inte
code-tries-last = { $triesLeft ->
    [one] 1 försök kvar: det sista
   *[other] { $triesLeft } försök kvar
}
code-blocked = LÅST: lås upp den med PUK-koden
code-blocked-puk = SLUT: kortet går inte att låsa upp
code-not-activated = inte vald ännu: kortet måste aktiveras
code-verified = angiven

## Certifikat och bedömningar

purpose-authentication = Legitimering
purpose-signature = Underskrift
purpose-issuer = Utfärdare
purpose-other = Annat
identity-hsaId = HSA-id
identity-personalIdentityNumber = Personnummer
identity-none = Ingen
certificate-transport = Transportcertifikat: identifierar ingen.
certificate-withheld = Utelämnat, eftersom det innehåller ett personnummer som du inte får se: { $name } (id { $id }).
verdict-good = Giltigt
verdict-bad = Underkänt
verdict-unknown = Okänt
reason-date-expired = Giltighetstiden har gått ut.
reason-date-notYetValid = Giltighetstiden har inte börjat.
reason-chain-untrusted = Kedjan leder till en rot som datorn inte litar på.
reason-chain-invalid = En signatur i kedjan stämmer inte.
reason-chain-issuerUnknown = Utfärdarens certifikat finns inte här.
reason-environment-notConfigured = Kort från den här miljön (TEST eller SIM) är inte tillåtna på den här datorn.
reason-certificate-malformed = Det är skadat och går inte att läsa.
reason-anchor-missing = Rotcertifikatet är inte installerat på den här datorn.
reason-revocation-notChecked = Spärrkontroll är inte gjord ännu.
reason-revocation-revoked = Det är spärrat.
reason-chain-revoked = Ett certifikat mellan det här och roten är spärrat.
reason-revocation-notKnown = Tjänsten som svarar för utfärdaren känner inte till det.
reason-revocation-invalid = Svaret om spärrning bevisar ingenting.
reason-revocation-stale = Det som är känt om spärrning är för gammalt.
reason-revocation-unreachable = Ingen gick att fråga om det är spärrat: nätet saknas, eller svaret uteblev.
reason-revocation-noSource = Det anger ingen som kan svara på om det är spärrat.
reason-clock-behind = Datorns klocka går efter: ett svar om spärrning signerades senare än den visar.
reason-clock-implausible = Datorns klocka går fel: den här sithsd gjordes senare än den visar, så datum kan inte bedömas.
reason-signature-sha1 = Det är signerat med SHA-1, som är svagt.
reason-key-exponent3 = Nyckeln har exponenten 3, som är svagt.
reason-key-short = Nyckeln är kort, vilket är svagt.
reason-chain-expired = Ett certifikat mellan det här och roten har gått ut.
reason-chain-notYetValid = Ett certifikat mellan det här och roten har inte börjat gälla.
reason-chain-tooComplex = Det gick inte att följa till en rot: vägarna är för många.
reason-environment-conflict = Det säger sig höra till en annan miljö än sin rot.
reason-signature-md5 = Det är signerat med MD5, som går att förfalska.
reason-key-unreadable = Nyckeln går inte att läsa.
reason-extensions-malformed = En del av det (ett tillägg) är skadad.
reason-revocation-revoked-since = { $why ->
    [none] Det är spärrat sedan { $since }.
   *[other] Det är spärrat sedan { $since }: { $why }.
}
reason-chain-revoked-since = { $why ->
    [none] Ett certifikat mellan det här och roten är spärrat sedan { $since }.
   *[other] Ett certifikat mellan det här och roten är spärrat sedan { $since }: { $why }.
}
reason-revocation-stale-hours = { $hours ->
    [0] Det som är känt om spärrning är för gammalt, sedan mindre än en timme.
    [one] Det som är känt om spärrning är för gammalt, sedan 1 timme.
   *[other] Det som är känt om spärrning är för gammalt, sedan { $hours } timmar.
}
revocation-reason-keyCompromise = någon annan kan ha nyckeln
revocation-reason-cACompromise = någon annan kan ha utfärdarens nyckel
revocation-reason-affiliationChanged = innehavaren har slutat, eller bytt namn
revocation-reason-superseded = det är ersatt av ett nytt
revocation-reason-cessationOfOperation = det behövs inte längre
revocation-reason-certificateHold = det är spärrat tills vidare
revocation-reason-privilegeWithdrawn = en rättighet som det anger har dragits in
revocation-reason-aACompromise = det som det anger om rättigheter kan vara förfalskat

## Bevis om spärrning. $by: evidence-by; $place: den dator som fick frågan.

evidence-of = { $name }: { $what }
evidence-issuer = En utfärdare
evidence-source-ocsp = OCSP
evidence-source-crl = spärrlista
evidence-source-none = ett svar
evidence-by = { $source } från { $at }
evidence-good = inte spärrat, enligt { $by }
evidence-good-until = inte spärrat, enligt { $by }, gäller till { $until }
evidence-stale-good = { $hours ->
    [0] inte spärrat, enligt { $by }, för gammalt sedan mindre än en timme
    [one] inte spärrat, enligt { $by }, för gammalt sedan 1 timme
   *[other] inte spärrat, enligt { $by }, för gammalt sedan { $hours } timmar
}
evidence-revoked = { $why ->
    [none] spärrat sedan { $since }, enligt { $by }
   *[other] spärrat sedan { $since } ({ $why }), enligt { $by }
}
evidence-unknown = inte känt
evidence-nowhere = tjänsten
evidence-failure-chainUnknown = ingen får frågas, eftersom vägen till en rot inte är känd
evidence-failure-noSource = det anger ingen som går att fråga
evidence-failure-unreachable = inget svar från { $place }
evidence-failure-invalid = svaret från { $place } bevisar ingenting
evidence-failure-notKnownThere = det är okänt hos { $place }
evidence-failure-stale = svaret från { $place } är för gammalt

## Att göra

label-to-do = Att göra
label-when = När
label-why = Varför
label-mind = Obs
action-order-now = Beställ ett nytt kort genast.
action-reserve-get = Skaffa ett reservkort.
action-reserve-from = Vänta med reservkort: inga lämnas ut nu.
action-carry-card = Ha koll på kort och pinkod, och glöm inte kortet hemma.
action-collect-before = Om ett nytt kort är beställt, hämta ut det i tid. Annars makuleras det.
action-renew-soon = Beställ ett nytt kort.
action-reserve-replace = Se till att få ett ordinarie kort, eller ett nytt reservkort.
action-order-mayNow = Ett nytt kort kan beställas i förväg.
action-order-from = Vänta med att beställa ett nytt kort: det går inte nu.
why-freeze-endsInside = Kortets giltighetstid går ut under beställningsstoppet.
why-freeze-endsAfter = Kortets giltighetstid går ut snart efter ett beställningsstopp.
why-freeze-collect = Så länge sparas kort som beställdes före beställningsstoppet.
why-freeze-reserve = Ordinarie kort går inte att beställa nu, och det här kortet räcker inte tills det går igen.
why-freeze-totalStop = Då lämnas ingenting ut, inte ens ett reservkort.
why-freeze-joins = Arbetet börjar under beställningsstoppet.
why-card-endsSoon = Kortets giltighetstid går snart ut.
why-card-ended = Kortets giltighetstid har gått ut.
freeze-days = Beställningsstopp: { $from } till { $to }.
order-months = { $months ->
    [one] En beställning gäller i en månad.
   *[other] En beställning gäller i { $months } månader.
}
reserve-months = { $months ->
    [one] Ett reservkort gäller i högst en månad.
   *[other] Ett reservkort gäller i högst { $months } månader.
}
by-day = senast { $day }
by-time = före { $day } kl. { $time }
until-day = till och med { $day }
until-time = till { $day } kl. { $time }
since-day = från och med { $day }
since-time = från { $day } kl. { $time }

## Bevakning

monitor-reader = { $reader }: { $what }
monitor-gone = läsaren är borta
monitor-appeared = läsaren är ansluten
monitor-removed = kortet togs ut
monitor-code = { $code }: { $state }
monitor-verdict = { $certificate }: { $verdict }
monitor-updated = uppdaterad
monitor-service-gone = Kortläsartjänsten (pcscd) svarar inte.
monitor-service-back = Kortläsartjänsten (pcscd) svarar igen.

## Skärmen låses när kortet tas ut

removal-following = { $action ->
    [logout] När kortet { $cardSerial } tas ut loggas du ut.
    [nothing] När kortet { $cardSerial } tas ut visas det här, och inget görs.
   *[lock] När kortet { $cardSerial } tas ut låses skärmen.
}
removal-there = Kortet sitter i.
removal-unknown = Just nu syns det inte om kortet sitter i.
removal-removed = Kortet togs ut.
removal-exchanged = Ett annat kort sitter i stället.
removal-missing = Det har för länge varit okänt om kortet sitter i. Det räknas som uttaget.
removal-done = { $action ->
    [logout] Sessionen { $session } har avslutats.
    [nothing] Inget gjordes.
   *[lock] Skärmen för sessionen { $session } har låsts.
}
removal-failed = { $action ->
    [logout] Sessionen kunde inte avslutas. Nytt försök görs snart. { $detail }
   *[lock] Skärmen kunde inte låsas. Nytt försök görs snart. { $detail }
}
removal-none = Inget kort sitter i, så det finns inget att följa. Sätt i kortet först, eller ange det med --card-serial.
removal-several = Flera kort sitter i. Ange vilket som ska följas med --card-serial; sithsctl status --json visar serienumret.

## Att fråga efter koder

ask-tries = { Code-name }: { $state }
ask-code = { Code-name } (syns inte):
ask-code-length = { Code-name } ({ $length } siffror, syns inte):
ask-present = Nuvarande { code-indefinite } (syns inte):
ask-present-length = Nuvarande { code-indefinite } ({ $length } siffror, syns inte):
ask-transport = Transportkod för { code-name }, i brevet (syns inte):
ask-new = Ny { code-indefinite } (syns inte):
ask-new-length = Ny { code-indefinite } ({ $length } siffror, syns inte):
ask-again = Den nya { code-name } en gång till:
ask-mismatch = De två var inte lika. Inget skickades till kortet; välj igen.
ask-keys = Enter: vidare   Backsteg: sudda   Ctrl-C: sluta
ask-rules = Regler för ny { code-indefinite }:
ask-rules-broken = Den här går inte att ta, och inget skickades till kortet. Välj en annan. Regeln som den bryter mot:
pad-verify = Ange { code-name } på läsarens knappsats nu.
pad-change = Ange på läsarens knappsats: nuvarande { code-indefinite }, sedan den nya två gånger.
pad-unblock = Ange på läsarens knappsats: PUK-koden, sedan ny { code-indefinite } två gånger.
checklist-heading = Checklista. Skriv inget nummer från någon handling.
checklist-yes-no = ja eller nej:
checklist-date = datum (ÅÅÅÅ-MM-DD):
checklist-line = { $question } { $result }
checklist-result-missing = Inte besvarad.
checklist-result-no = Besvarad med nej.
checklist-result-future = { $date } har inte varit ännu.
checklist-result-old = { $months ->
    [one] { $date } är för gammalt: högst 1 månad godtas.
   *[other] { $date } är för gammalt: högst { $months } månader godtas.
}
activate-unknown-way = Det är inte känt hur ett kort av det här slaget aktiveras. Inget skickades till kortet; vänd dig till en ID-administratör.
ask-last-try = Det är sista försöket. Är koden fel blir { code-name } låst.
ask-last-try-puk = Det är PUK-kodens sista försök. Är den fel blir kortet obrukbart för alltid.
ask-unknown-tries = Kortet talar inte om hur många försök { code-name } har kvar. Det här kan vara det sista.
ask-unknown-tries-puk = Kortet talar inte om hur många försök PUK-koden har kvar. För många fel gör kortet obrukbart för alltid.
ask-few-tries-puk = { $triesLeft ->
    [one] PUK-koden har bara 1 försök kvar. För många fel gör kortet obrukbart för alltid.
   *[other] PUK-koden har bara { $triesLeft } försök kvar. För många fel gör kortet obrukbart för alltid.
}
ask-confirm = Skriv ordet { $word } för att gå vidare, eller tryck Enter för att sluta:
ask-confirm-word = prova
ask-confirm-word-puk = riskera
choose-heading = Flera av kortets certifikat passar:
choose-number = Vilket? Dess nummer, eller Enter för att sluta:
choose-again = Det finns inget sådant nummer.
choose-valid-to = giltigt till { $date }
verified-done = Rätt kod. { tries-sentence }
unblocked-done = Klart. Koden är upplåst och har fått sitt nya värde. { tries-sentence }
changed-done = Klart. Du har bytt { code-name }. { tries-sentence }
activated-done = Klart. Kortet är aktiverat. Valda koder:
activated-role = { Code-name }
authenticated-done = Bevisat. Kortet har certifikatets nyckel, och { code-name } var rätt. { tries-sentence }
signed-done = Underskrivet, med rätt { code-indefinite }. { tries-sentence }

## Meddelanden

label-notices = Meddelanden
notice = { $at }  { $reader }: { $what }
notice-code-triesLostElsewhere = { $before ->
    [unknown] { Code-name }: försök har använts, men inte genom sithsd; kvar: { $after }. Var det inte du kan någon försöka gissa koden.
   *[other] { Code-name }: försök har använts, men inte genom sithsd; före: { $before }, kvar: { $after }. Var det inte du kan någon försöka gissa koden.
}
notice-code-outcomeLearnt = { $happened ->
    [yes] { Code-name }: det som begärdes när svaret gick förlorat blev gjort.
    [no] { Code-name }: det som begärdes när svaret gick förlorat blev inte gjort.
   *[unknown] { Code-name }: ett svar gick förlorat, och försöken visar inte om det blev gjort. Prova koden.
}

## Granskningslogg

help-audit = Kontrollera granskningsloggen, eller läs i den. Den har en rad för varje användning av en kod.
help-audit-verify = Säg om granskningsloggen är som den skrevs. Slutstatus 0 om den är det, annars 1.
help-audit-show = Se vad som gjorts med koder. Det äldsta först.
help-audit-export = Skriv raderna som CSV eller JSON-rader.
help-option-audit-file = Granskningsloggens fil. Annars audit.sqlite i $STATE_DIRECTORY eller /var/lib/sithsd.
help-option-audit-hash = En rads hash, från journalen eller en anteckning, som måste finnas i loggen.
help-option-audit-since = Bara från denna tid (2028-01-31, eller 2028-01-31T08:00).
help-option-audit-until = Bara före denna tid.
help-option-audit-card = Bara kortet med detta serienummer.
help-option-audit-last = Bara de N sista av dem.
help-option-audit-format = CSV, om inte --json eller jsonl (ett objekt per rad) begärs.
help-option-audit-output = Filen att skriva, som inte får finnas än. Annars till terminalen.
audit-whole = { $count ->
    [one] Granskningsloggen är i ordning: en rad, nummer { $last }.
   *[other] Granskningsloggen är i ordning: { $count } rader, nummer { $first } till { $last }.
}
audit-whole-empty = Granskningsloggen är i ordning; den har inga rader än.
audit-head = Sista radens hash: { $hash }
audit-good-before = Raderna { $first } till { $last } är i ordning.
audit-removed = Raderna till och med nummer { $number } har gallrats enligt verksamhetens policy.
audit-pending = { $count ->
    [one] En användning har börjat och har ingen rad än.
   *[other] { $count } användningar har börjat och har ingen rad än.
}
audit-changed = Rad { $number } i granskningsloggen har ändrats.
audit-changed-beside = Det som granskningsloggen antecknar vid sidan av raderna har ändrats.
audit-missing = Rad { $number } i granskningsloggen saknas.
audit-added = Rad { $number } i granskningsloggen är inte skriven av korttjänsten.
audit-hashAbsent = Ingen rad i granskningsloggen har den hashen: rader har tagits bort eller skrivits om, eller så kommer hashen någon annanstans ifrån.
audit-fileAbsent = Där finns ingen granskningslogg. Ange dess fil med --file.
audit-fileForeign = Filen är ingen granskningslogg, eller en från en nyare version.
audit-fileUnreadable = Granskningsloggen går inte att läsa: den är skadad, eller så får du inte läsa den.
audit-output-bad = Utfilen går inte att skriva, eller finns redan.
audit-none = Inga rader.
audit-column-number = Nr
audit-column-time = Tid
audit-column-what = Vad
audit-column-result = Resultat
audit-column-tries = Försök
audit-column-card = Kort
audit-column-reader = Läsare
audit-column-who = Vem
audit-who = { $program } (uid { $uid }, pid { $pid })
audit-operation-verify = Prövning
audit-operation-change = Byte
audit-operation-unblock = Upplåsning
audit-operation-activate = Aktivering
audit-operation-authenticate = Legitimera
audit-operation-sign = Skriv under
audit-operation-code-triesLostElsewhere = Försök förbrukade av andra
audit-operation-code-outcomeLearnt = Utfallet känt i efterhand
audit-operation-audit-retention = Gamla rader gallrade
audit-operation-audit-notWritten = Rader som saknas
audit-result-done = klart
audit-result-unknown = okänt
audit-result-happened = det skedde
audit-result-didNotHappen = det skedde inte
audit-result-pin-wrong = fel kod
audit-result-pin-blocked = koden är låst
audit-result-puk-wrong = fel PUK-kod
audit-result-puk-blocked = PUK-koden är slut
audit-result-card-removed = kortet togs ut
audit-result-card-outcomeUnknown = okänt, svaret gick förlorat

## Doktorn: varför går det inte att logga in?

help-doctor = Tala om varför inloggning med kort inte går. Och det enda som ska göras nu. Slutar med 0 om det kunde gå.
help-option-bundle = Skriv också en rapport för supporten till den här filen, som inte får finnas. Den har inga hemligheter.
help-option-identities = Ta med innehavarens namn och HSA-id, kortnummer och serienummer i rapporten för supporten.
doctor-result-good = ok
doctor-result-bad = FEL
doctor-result-unknown = ?
doctor-result-notApplicable = -
doctor-possible = Inloggning kan gå, så långt det går att se härifrån.
doctor-impossible = Inloggning går inte så här.
doctor-next = Gör så här nu:
doctor-better = Men bäst att rätta till:
doctor-nothing-next = Inget. Misslyckas inloggningen ändå, ge supporten filen från: sithsctl doctor --bundle FIL
doctor-skipped = inte undersökt, på grund av det som är fel på annat håll
doctor-label-skipped = Inte undersökt
doctor-label-daemon = Korttjänst
doctor-label-version = Version
doctor-label-pcscd = Läsartjänst
doctor-label-rights = Rättigheter
doctor-label-reader = Läsare
doctor-label-power = Strömsparande
doctor-label-busy = Upptaget
doctor-label-card = Kort
doctor-label-profile = Kortprofil
doctor-label-protocol = Hastighet
doctor-label-clock = Klocka
doctor-label-fetch = Frågor till utfärdare
doctor-label-codes = Koder
doctor-label-certificates = Certifikat
doctor-label-chain = Tillit
doctor-label-revocation = Spärrkontroll
doctor-label-notices = Meddelanden
doctor-daemon-good = sithsd svarar, version { $version }
doctor-daemon-absent = sithsd körs inte: { $socket } finns inte
doctor-daemon-notListening = sithsd körs inte: ingen lyssnar på { $socket }
doctor-daemon-denied = du får inte ansluta till { $socket }
doctor-daemon-silent = sithsd svarar inte på { $socket }
doctor-version-good = sithsctl och sithsd har samma version
doctor-version-differs = sithsctl är { $own }, men den sithsd som körs är { $daemon }
doctor-pcscd-good = pcscd körs, och sithsd når den
doctor-pcscd-absent = pcscd körs inte: { $socket } finns inte
doctor-pcscd-notListening = pcscd körs inte: ingen lyssnar på { $socket }
doctor-pcscd-elsewhere = sithsd söker pcscd på { $daemonSocket }, men den finns på { $socket }
doctor-pcscd-refusesDaemon = pcscd körs, men sithsd når den inte
doctor-pcscd-notAsked = pcscd verkar köras; om sithsd når den är inte känt
doctor-rights-good = du får logga in med kort
doctor-rights-denied = du får inte logga in med kort: användare { $uid } saknar rätten
doctor-rights-statusDenied = du får inte ens se korten: användare { $uid } saknar rätten
doctor-rights-noSocket = uttaget för koder finns inte: { $socket }
doctor-rights-untold = den här sithsd talar inte om vad du får göra
doctor-reader-good = { $reader }
doctor-reader-withPad = { $reader }, med knappsats
doctor-reader-withoutPad = { $reader }, utan knappsats
doctor-reader-none = ingen kortläsare är ansluten
doctor-reader-unknown = det finns ingen läsare med det namnet
doctor-reader-ambiguous = det sitter kort i fler än en läsare
doctor-power-awake = läsaren håller sig vaken
doctor-power-maySleep = läsaren kan försättas i vila när den inte används; nu är den vaken
doctor-power-sleeps = läsaren sover, för att spara ström
doctor-power-untold = uppgift saknas för läsaren
doctor-power-notSeen = inte känt för läsaren (syns inte på USB)
doctor-busy-good = inget annat program håller kortet
doctor-busy-heldBy = ett annat program håller kortet, kanske { $holder }
doctor-busy-held = ett annat program håller kortet; vilket syns inte
doctor-busy-untold = inte känt
doctor-card-good = { $kind }, läst
doctor-card-absent = inget kort i läsaren
doctor-card-mute = kortet svarar inte alls
doctor-card-unreadable = kortet går inte att läsa
doctor-card-unsupported = inte ett kort som sithsd kan läsa
doctor-card-foreign = ett kort från en annan utfärdare, inte SITHS
doctor-card-reading = kortet läses ännu
doctor-card-unread = kortet har inte lästs
doctor-profile-good = { $by ->
    [atr] { $profile }, backend { $backend }; vald efter ATR och applikation
   *[application] { $profile }, backend { $backend }; vald efter applikation
}
doctor-profile-assumed = { $profile }, backend { $backend }: tagen i brist på en bättre
doctor-profile-none = ingen profil passar kortet
doctor-profile-hindered = ingen profil passar kortet; { $hindered } kan inte användas på datorn
doctor-profile-untold = inte känt
doctor-protocol-good = T={ $protocol }, { $factor }/{ $divider }, så snabbt som kortet erbjuder
doctor-protocol-slower = T={ $protocol }, { $factor }/{ $divider }; kortet erbjuder { $offeredFactor }/{ $offeredDivider }, som är snabbare
doctor-protocol-disagrees = T={ $protocol }, men läsaren säger T={ $toldProtocol }
doctor-protocol-rateUntold = T={ $protocol }, { $offeredFactor }/{ $offeredDivider } erbjuds; läsaren talar inte om sin egen
doctor-protocol-offerUntold = T={ $protocol }; varken kort eller läsare säger hastigheten
doctor-protocol-untold = inte känt
doctor-clock-good = { $now }, ställs efter andra klockor
doctor-clock-implausible = { $now }: fel, den här sithsd gjordes senare
doctor-clock-beforeCertificates = { $now }: innan något av kortets certifikat gällde
doctor-clock-behind = { $now }: går efter, ett svar om spärrning signerades senare
doctor-clock-unsynchronised = { $now }, ställs inte efter andra klockor
doctor-clock-untold = { $now }; om den ställs efter andra är inte känt
doctor-codes-good = { $triesLeft ->
    [one] legitimeringskod: 1 försök kvar
   *[other] legitimeringskod: { $triesLeft } försök kvar
}
doctor-codes-notLast = legitimeringskod: hur många försök som är kvar sägs inte, men fler än ett
doctor-codes-absent = kortet har ingen legitimeringskod
doctor-codes-notActivated = legitimeringskoden är inte vald ännu
doctor-codes-blocked = legitimeringskoden är låst
doctor-codes-blockedForGood = legitimeringskoden är låst, och PUK-kodens försök är slut
doctor-codes-lastTry = legitimeringskoden har ett försök kvar: det sista
doctor-codes-triesUnknown = kortet talar inte om hur många försök som är kvar
doctor-codes-pukUsedUp = PUK-kodens försök är slut: en kod som blir låst förblir det
doctor-codes-signatureBlocked = underskriftskoden är låst; inloggning behöver den inte
doctor-codes-signatureNotActivated = underskriftskoden är inte vald; inloggning behöver den inte
doctor-codes-signatureLastTry = underskriftskoden har ett försök kvar; inloggning behöver den inte
doctor-certificates-good = { $count ->
    [one] 1 för inloggning, giltigt till { $notAfter }
   *[other] { $count } för inloggning, det bästa giltigt till { $notAfter }
}
doctor-certificates-endsSoon = giltigt för inloggning, men bara till { $notAfter }
doctor-certificates-none = det finns inga certifikat på kortet
doctor-certificates-transport = bara ett transportcertifikat, som inte identifierar någon
doctor-certificates-noLogIn = inget av kortets certifikat är för inloggning
doctor-certificates-malformed = certifikatet för inloggning är skadat
doctor-certificates-expired = giltighetstiden gick ut { $notAfter }
doctor-certificates-notYetValid = gäller inte före { $notBefore }
doctor-certificates-weak = certifikatets signatur eller nyckel är för svag
doctor-certificates-refused = certifikatet godtas inte: { $reason }
doctor-chain-good = leder till den SITHS-rot som datorn litar på
doctor-chain-test = leder till en TEST-rot: identifierar ingen verklig person
doctor-chain-sim = leder till en SIM-rot: ett simulerat kort, identifierar ingen
doctor-chain-anchorMissing = SITHS rotcertifikat är inte installerat på datorn
doctor-chain-issuerUnknown = utfärdarens certifikat finns inte här
doctor-chain-tooComplex = vägarna till en rot är för många
doctor-chain-untold = inte känt
doctor-chain-notConfigured = datorn tar inte kort från miljön { $environment }
doctor-chain-conflict = det anger en annan miljö än sin rot
doctor-chain-untrusted = leder till en rot som datorn inte litar på
doctor-chain-invalid = en signatur på vägen till roten stämmer inte
doctor-chain-expired = ett certifikat på vägen till roten har gått ut
doctor-chain-notYetValid = ett certifikat på vägen till roten har inte börjat gälla
doctor-revocation-good = inte spärrat
doctor-revocation-notChecked = inte gjord ännu
doctor-revocation-notKnown = utfärdarens tjänst känner inte till certifikatet
doctor-revocation-invalid = svaret om det bevisar ingenting
doctor-revocation-stale = { $hours ->
    [0] det senaste svaret är för gammalt, sedan mindre än en timme
    [one] det senaste svaret är för gammalt, sedan 1 timme
   *[other] det senaste svaret är för gammalt, sedan { $hours } timmar
}
doctor-revocation-unreachable = ingen svarade: nätet saknas, eller svaret uteblev
doctor-revocation-noSource = certifikatet anger ingen som går att fråga
doctor-fetch-good = { $at }: det senaste svaret
doctor-fetch-idle = ingen har behövt frågas ännu
doctor-fetch-absent = sithsd-fetch körs inte, så ingen frågas om kort är spärrade
doctor-fetch-noAnchors = sithsd-fetch litar inte på någon rot, så den får inte fråga någon
doctor-fetch-failing = { $place } svarar inte ({ $failures } gånger i rad)
doctor-fetch-failingAll = ingen svarar; { $place } inte { $failures } gånger i rad
doctor-fetch-untold = den här demonen säger inget om det
doctor-revocation-refused = certifikatet godtas inte: { $reason }
doctor-revocation-untold = inte känt: { $reason }
doctor-notices-good = inga för det här kortet
doctor-notices-triesLost = { $at }: försök har gått åt, inte genom sithsd
doctor-notices-some = { $count ->
    [one] ett för det här kortet; se: sithsctl status
   *[other] { $count } för det här kortet; se: sithsctl status
}
doctor-step-daemon-absent = Starta korttjänsten: sudo systemctl start sithsd.service
doctor-step-daemon-notListening = Starta korttjänsten: sudo systemctl restart sithsd.service
doctor-step-daemon-denied = Låt rätta rättigheterna för { $socket }: alla användare får ansluta dit (se systemd/README.md).
doctor-step-daemon-silent = Starta om korttjänsten: sudo systemctl restart sithsd.service
doctor-step-pcscd-absent = Starta läsartjänsten: sudo systemctl start pcscd.socket (ur Debians paket pcscd).
doctor-step-pcscd-notListening = Starta läsartjänsten: sudo systemctl restart pcscd.socket pcscd.service
doctor-step-pcscd-elsewhere = Ge sithsd och dina program samma PCSCLITE_CSOCK_NAME, eller inget alls.
doctor-step-pcscd-refusesDaemon = Starta om läsartjänsten: sudo systemctl restart pcscd.service. Hjälper inte det, installera sithsd:s polkit-regel (systemd/50-sithsd.rules).
doctor-step-rights-denied = Arbeta vid datorns egen skärm, eller be den som sköter den om rätten (authenticate i /etc/sithsd/rights.toml).
doctor-step-rights-statusDenied = Be den som sköter datorn om rätten att se kort (status i /etc/sithsd/rights.toml).
doctor-step-rights-noSocket = Starta uttaget: sudo systemctl start sithsd-codes.socket
doctor-step-reader-none = Anslut en kortläsare, eller dra ut den och sätt i den igen, i ett annat uttag om det finns något.
doctor-step-reader-unknown = Skriv läsarens namn som det är: sithsctl status visar namnen.
doctor-step-reader-ambiguous = Ta ut alla kort utom ett, eller ange läsaren: sithsctl doctor --reader NAMN
doctor-step-busy-heldBy = Stäng programmet som håller kortet, kanske { $holder }, och försök igen.
doctor-step-busy-held = Stäng andra program som använder kort, och försök igen.
doctor-step-card-absent = Sätt kortet i läsaren, med chippet först.
doctor-step-card-mute = Vänd kortet: chippet ska in först, mot kontakterna. Sitter det rätt, torka av chippet; hjälper inte det kan kortet vara trasigt.
doctor-step-card-unreadable = Ta ut kortet, torka av chippet och sätt i det igen. Hjälper inte det, prova i en annan läsare; kortet kan vara trasigt.
doctor-step-card-unsupported = Använd ett SITHS-kort. Är det ett, ge supporten filen från: sithsctl doctor --bundle FIL
doctor-step-card-foreign = Använd ditt SITHS-kort: det här är ett kort från en annan utfärdare.
doctor-step-card-reading = Vänta en stund och fråga igen.
doctor-step-card-unread = Ta ut kortet, sätt i det igen och fråga en gång till.
doctor-step-clock-implausible = Ställ datorns klocka: sudo timedatectl set-ntp true
doctor-step-clock-beforeCertificates = Se efter vad datorns klocka visar, och ställ den: sudo timedatectl set-ntp true
doctor-step-clock-behind = Ställ datorns klocka: sudo timedatectl set-ntp true
doctor-step-clock-unsynchronised = Låt datorn ställa sin klocka efter andra: sudo timedatectl set-ntp true
doctor-step-codes-absent = Använd ett annat kort: med det här går ingen inloggning.
doctor-step-codes-notActivated = Låt aktivera kortet hos en ID-administratör (sithsctl activate).
doctor-step-codes-blocked = Lås upp koden med PUK-koden i kodbrevet: sithsctl unblock --role authentication. Eller gå till en ID-administratör.
doctor-step-codes-blockedForGood = Beställ ett nytt kort: det här går inte att låsa upp.
doctor-step-codes-lastTry = Var säker på koden och ange den: sithsctl verify --role authentication --spend-last-try. Är du inte säker, gå först till en ID-administratör.
doctor-step-codes-triesUnknown = En kod går till det här kortet bara på uttrycklig begäran. Är du säker på den: sithsctl verify --role authentication --spend-last-try. En inloggning som inte kan fråga efter det använder inte kortet.
doctor-step-codes-pukUsedUp = Beställ ett nytt kort innan en kod blir låst.
doctor-step-codes-signatureBlocked = För att skriva under, lås upp underskriftskoden: sithsctl unblock --role signature. Inloggning går utan.
doctor-step-codes-signatureNotActivated = För att skriva under, låt aktivera kortet hos en ID-administratör. Inloggning går utan.
doctor-step-codes-signatureLastTry = Var säker på underskriftskoden innan du skriver under: är den fel blir den låst.
doctor-step-certificates-none = Låt lägga certifikat på kortet (Mina sidor), eller gå till en ID-administratör.
doctor-step-certificates-transport = Låt hämta kortets certifikat: gå till en ID-administratör.
doctor-step-certificates-noLogIn = Låt lägga certifikat för inloggning på kortet (Mina sidor), eller gå till en ID-administratör.
doctor-step-certificates-malformed = Låt lägga nya certifikat på kortet (Mina sidor), eller gå till en ID-administratör.
doctor-step-certificates-expired = Beställ ett nytt kort, eller förnya dess certifikat (Mina sidor).
doctor-step-certificates-endsSoon = Beställ ett nytt kort, eller förnya dess certifikat (Mina sidor), före { $notAfter }.
doctor-step-certificates-notYetValid = Vänta till { $notBefore }.
doctor-step-certificates-weak = Beställ ett nytt kort: inloggning med det här godtas inte.
doctor-step-certificates-refused = Gå till en ID-administratör med kortet.
doctor-step-chain-anchorMissing = Låt installera SITHS rotcertifikat i sithsd:s mapp anchors (se README, Settings).
doctor-step-chain-issuerUnknown = Låt installera utfärdarnas certifikat i sithsd:s mapp issuers (se README, Settings).
doctor-step-chain-notConfigured = Använd ett riktigt kort; eller låt tillåta kort från miljön { $environment } i sithsd.toml ([validity] environments).
doctor-step-chain-conflict = Använd inte kortet; ge supporten filen från: sithsctl doctor --bundle FIL
doctor-step-chain-untrusted = Använd ett SITHS-kort av i dag. Är det ett, låt installera SITHS rotcertifikat (se README, Settings).
doctor-step-chain-invalid = Använd inte kortet; ge supporten filen från: sithsctl doctor --bundle FIL
doctor-step-chain-expired = Låt installera dagens utfärdarcertifikat i sithsd:s mapp issuers (se README, Settings).
doctor-step-chain-notYetValid = Se efter vad datorns klocka visar; går den rätt, vänta tills utfärdarens certifikat gäller.
doctor-step-revocation-refused = Gå till en ID-administratör med kortet: dess certifikat godtas inte.
doctor-step-fetch-absent = Starta programmet som frågar: sudo systemctl start sithsd-fetch.socket
doctor-step-fetch-noAnchors = Installera SITHS rot där båda programmen hittar den: sudo sithsctl anchors install --fetch
doctor-step-fetch-failingAll = Se efter om datorn når nätet, och { $place } där.
doctor-step-fetch-failing = Se efter om { $place } går att nå från datorn.
doctor-step-notices-triesLost = Var det inte du som använde försöken kan någon gissa koden: byt den (sithsctl change), och lämna inte kortet ifrån dig.
doctor-step-version-differs = Starta om korttjänsten: sudo systemctl restart sithsd.service
doctor-step-power-sleeps = Vaknar läsaren inte: dra ut den och sätt i den igen, eller låt stänga av USB-strömsparandet för den.
doctor-bundle-written = Skrivet för supporten: { $path } (bara du kan läsa den). I den står:
doctor-bundle-versions = versioner av sithsctl, sithsd, Python, kärna och distribution
doctor-bundle-settings = namnen på inställningar som inte är de vanliga, utan sina värden
doctor-bundle-checks = allt ovan med fakta: läsare, hastighet, profil, försök kvar, certifikatens datum och bedömning
doctor-bundle-card = kortets typ, profil och ATR, under ett påhittat namn
doctor-bundle-log = de senaste händelserna i sithsd:s logg, vid namn, om du får läsa den
doctor-bundle-identities = VEM INNEHAVAREN ÄR: namn, HSA-id, organisation, kortnummer, serienummer
doctor-bundle-without = I den står inte: namn, personnummer, HSA-id, kort- och serienummer, namnen på användaren och datorn, koder.
doctor-bundle-look = Det är vanlig text: läs igenom den innan du skickar den.
doctor-bundle-bad = Det går inte att skriva filen i --bundle, eller så finns den redan.

## Agenten för ssh. $user, $host, $namespace: som ssh uppger dem.

## Chefens rapport. Det som sägs om ett kort står i tabeller och kalendrar, så det är kort.

help-report = Gör en chefsrapport: vems kort som går ut när, och vad som ska göras senast när. Från listor (CSV, Parquet), katalogexporter (LDIF) och diskars iakttagelser.
help-option-report-output = Skriv rapporten som en sida för webbläsare och utskrift (HTML).
help-option-csv = Skriv varje kort som en rad för kalkylprogram.
help-option-parquet = Skriv varje kort som Parquet. Kräver tillägget "report".
help-option-ics = Skriv dagarna då något senast ska vara gjort som en kalender (iCalendar).
help-option-rejects = Skriv de rader som inte gick att använda här. Annars bredvid den första filen som skrivs.
help-option-report-force = Skriv över filer som finns.
help-option-at = Dagen, eller tidpunkten, som rapporten gäller. Annars nu.
help-option-warn-days = Hur många dagar före ett korts slut som det räknas som nära.
help-option-settings = Inställningarna att ta rötter och miljöer från. Annars /etc/sithsd/sithsd.toml, om den finns.
help-option-anchors = En fil med en fastställd rot, utöver inställningarnas. Kan anges flera gånger.
help-option-issuers = En fil med utfärdares certifikat, utöver inställningarnas. Kan anges flera gånger.
help-option-crl = En lista över spärrade certifikat att kontrollera mot. Kan anges flera gånger.
help-option-freezes = Verksamhetens egna beställningsstopp. Annars /etc/sithsd/freezes.toml, om den finns.
help-option-jobs = Hur många processer som bedömer certifikat. Annars så många som det finns processorer.
help-option-cluster = Adressen till ett Dask-kluster som bedömer dem. Kräver tillägget "cluster".
help-option-quiet = Visa inte hur långt arbetet har kommit.
help-sightings = Vad datorns tjänst har antecknat om kort som har setts här, om inställningarna begär det.
help-sightings-export = Skriv det för en rapport, en rad per kort. Pseudonymer, dagar och sort, inga namn och inga nummer.
help-option-sightings-file = Filen med iakttagelser. Annars sightings.sqlite i $STATE_DIRECTORY eller /var/lib/sithsd.
sightings-absent = Inga iakttagelser antecknas här. Inställningarna måste begära det: enabled = true under [sightings].
sightings-unreadable = Filen med iakttagelser går inte att läsa, eller är ingen sådan. Den får läsas av root och tjänsten.
usage-report-input = INDATA...
report-progress-reading = Läser { $file }
report-progress-writing = Räknar och skriver
report-progress-rate = { $rate } rader/s
report-progress-ready = klart { $time }
report-written = Skrivet: { $file }

report-input-unreadable = { $file } går inte att läsa: { $reason }
report-input-empty = { $file } är tom.
report-input-certificate = { $file } är ett certifikat, ingen lista. Ange en lista med certifikat (CSV, Parquet eller LDIF); --issuers och --anchors tar certifikat.
report-input-head = { $file } har ingen kolumn som är känd för certifikat eller sista dagar. Kalla en "certifikat" eller "giltig till".
report-input-columns = { $file } har fler än { $count } kolumner.
report-input-twice = { $file } har två kolumner för samma sak: { $first } och { $second }. Byt namn på en eller ta bort den.
report-input-parquet = { $file } är ingen Parquet-fil som går att läsa.
report-input-large = { $file } går inte att läsa i bitar: dess grupper av rader är för stora.
report-input-sightings = { $file } är ingen fil med iakttagelser som går att läsa.
report-no-pyarrow = Parquet kräver pyarrow, som inte är installerat: installera sithsd med tillägget "report" (sithsd[report]).
report-output-there = { $file } finns redan (--force skriver över den).
report-output-unwritable = { $file } går inte att skriva.
report-trust = Det som ska bedömas efter går inte att använda: { $reason }
report-judges = Alla certifikat kunde inte bedömas, och inget skrevs: { $reason }
report-no-cluster = Inget Dask-kluster svarar på { $address }.

report-title = Kort som går ut
report-number = { $value }
report-csv-separator = ;
report-skip = Gå till vem som ska göra något
report-lede = Läget { $day }. { $cards ->
    [one] Ett kort
   *[other] { $cards } kort
}, varav { $acting } { $acting ->
    [one] kräver
   *[other] kräver
} att något görs.
report-revocation-unchecked = Inte spärrkontrollerat: ingen lista över spärrade certifikat gick att använda. Därför sägs inget kort vara styrkt giltigt här; de som gäller enligt sina datum räknas som inte styrkta.
report-list-unused = En lista över spärrade certifikat används inte: { $reason }
report-rejected = { $count } av { $read } rader gick inte att använda. Varför står sist; vilka det är står i filen med avvisade rader.
report-numbers = I siffror
report-tile-current = personers kort
report-tile-valid = giltiga, styrkt
report-tile-unknown = gäller enligt datum, inte styrkt
report-tile-soon = går ut inom { $days } dagar
report-tile-freeze = går ut under ett beställningsstopp
report-tile-expired = har gått ut
report-tile-revoked = spärrade
report-tile-bad = inte att lita på
report-deeds = Det som ska göras
report-timeline = När korten går ut
report-timeline-title = Kort som går ut, vecka för vecka
report-timeline-text = { $count } kort går ut i veckorna från { $begins } till den som börjar { $ends }, { $later } senare.
report-timeline-freeze = Beställningsstopp { $name }: { $begins } till { $ends }.
report-timeline-table = Samma sak som tabell
report-freeze-name = Beställningsstopp { $name }
report-month = { $month ->
    [1] jan
    [2] feb
    [3] mars
    [4] apr
    [5] maj
    [6] juni
    [7] juli
    [8] aug
    [9] sep
    [10] okt
    [11] nov
   *[12] dec
}
report-legend-week = kort som går ut en vecka
report-legend-inside = varav under ett stopp
report-legend-freeze = beställningsstopp
report-legend-stop = totalstopp
report-later = senare
report-people = Vem som ska göra något, och senast när
report-people-text = Per enhet, det mest brådskande först. En rubrik sorterar sin tabell.
report-nobody = Ingen behöver göra något nu.
report-capped = { $shown } av { $count } står på sidan, de mest brådskande på varje enhet. Alla står i filerna som --csv, --parquet och --json skriver.
report-filter = Filtrera
report-filter-word = Sök namn, adress eller enhet
report-filter-all = allt
report-filter-shown = { $count } visas
report-unit = { $acting } av { $cards } ska göra något.
report-unit-capped = { $count } till står i filen från --csv.
report-table = Vem som ska göra något: { $unit }
report-no-unit = Enhet saknas
report-row = rad { $line } i { $file }
report-also = Dessutom: { $what }, { $when }
report-calm = { $count ->
    [one] En enhet har
   *[other] { $count } enheter har
} inget att göra
report-at-once = genast
report-at-once-by = genast, senast { $by }
report-by = senast { $by }
report-from = från { $since }
report-from-by = från { $since } till { $by }
report-because-freeze = { $why } Beställningsstopp { $begins } till { $ends }.
report-action-order-now = Beställ nytt kort
report-action-reserve-get = Hämta ett reservkort
report-action-reserve-from = Hämta ett reservkort när det går igen
report-action-carry-card = Ta med kortet och ha koll på pinkoden: inget ersätter ett kort som glömts hemma.
report-action-collect-before = Hämta ut det nya kortet, annars makuleras det
report-action-renew-soon = Beställ nytt kort: det här går snart ut
report-action-reserve-replace = Beställ ett ordinarie kort i stället för reservkortet
report-action-order-mayNow = Ett nytt kort får beställas redan nu
report-action-order-from = Beställ nytt kort när det går igen
report-action-order-joining = Beställ kort till dem som börjar arbeta då
report-action-card-check = Ta reda på varför kortet inte är att lita på
report-rule-freeze-endsInside = Kortet går ut när inga kort kan beställas.
report-rule-freeze-endsAfter = Kortet går ut strax efter ett stopp.
report-rule-freeze-collect = Kort som inte hämtas ut i tid makuleras.
report-rule-freeze-reserve = Nu finns det bara reservkort.
report-rule-freeze-totalStop = Då går ingenting att beställa eller lämna ut.
report-rule-freeze-joins = Någon börjar arbeta under ett stopp.
report-rule-card-endsSoon = Kortet går snart ut.
report-rule-card-ended = Kortet har gått ut.
report-rule-card-revoked = Kortet är spärrat.
report-rule-card-bad = Certifikatet är inte att lita på.
report-standing-valid = giltigt
report-standing-unknown = inte styrkt
report-standing-expired = har gått ut
report-standing-revoked = spärrat
report-standing-bad = inte att lita på
report-kind-ordinary = ordinarie kort
report-kind-reserve = reservkort
report-kind-old = äldre kort
report-kind-notSiths = inte ett SITHS-kort
report-kind-unknown = okänd sort
report-column-unit = Enhet
report-column-who = Vem
report-column-ends = Kortet går ut
report-column-standing = Läge
report-column-what = Vad som ska göras
report-column-by = Sista dag
report-column-when = När
report-column-why = Varför
report-column-kind = Sort
report-column-environment = Miljö
report-column-level = Tillitsnivå
report-column-reasons = Skäl
report-column-file = Fil
report-column-line = Rad
report-column-reject = Varför inte använd
report-column-name = Skälets namn
report-column-cards = Kort
report-column-first = Först senast
report-column-month = Månad
report-column-ending = Kort som går ut
report-column-inside = Under ett stopp
report-column-form = Sort
report-column-entries = Rader
report-column-rejected = Inte använda
report-column-without = Poster utan certifikat
report-column-unused = Kolumner som inte läses
report-sums = Så går siffrorna ihop
report-sums-text = Varje rad räknas en gång. Ett korts certifikat är ett kort. Av en persons kort räknas det som gäller längst; äldre räknas som ersatta.
report-sum-read = Lästa rader
report-sum-rejected = … inte använda
report-sum-used = … använda
report-sum-cards = Kort som de är
report-sum-replaced = … ersatta av ett senare kort för samma person
report-sum-current = … som räknas
report-inputs = Det som lästes
report-form-csv = lista (CSV)
report-form-parquet = lista (Parquet)
report-form-ldif = katalog (LDIF)
report-form-sightings = iakttagelser
report-reasons = Varför kort inte är styrkta, eller värre
report-rejects = Varför rader inte användes
report-reject-row-tooLong = Raden, eller ett fält i den, är för lång.
report-reject-row-malformed = Raden är felaktig.
report-reject-row-columns = Raden har fler fält än rubrikraden.
report-reject-row-empty = Det finns varken certifikat eller sista dag.
report-reject-certificate-encoding = Certifikatet är varken PEM, base64 eller hexadecimalt.
report-reject-certificate-unreadable = Certifikatet går inte att läsa.
report-reject-certificate-elsewhere = Certifikatet finns någon annanstans (en URL). Inget hämtas.
report-reject-certificate-ofIssuer = Det är en utfärdares certifikat, inte en persons.
report-reject-certificate-tooMany = Det finns för många certifikat på ett ställe.
report-reject-date-unreadable = Ett datum går inte att läsa.
report-reject-date-ambiguous = Ett datum kan vara två (01/02/2024). Skriv 2024-02-01.
report-reject-date-order = Det slutar innan det börjar.
reason-certificate-notSeen = Bara datumen är kända: inget certifikat fanns att se.
report-privacy = Filen har personuppgifter: enheter, namn eller adresser, och när kort går ut. Den har inga personnummer, HSA-id eller kortnummer. Behåll den inte längre än den behövs.
report-made = Gjord av sithsd { $version } för läget { $moment } (svensk tid). Sidan frågar ingen på nätet efter något.
report-event = { $what }: { $count } ({ $unit })
report-event-more = och { $count } till
report-total = Lästa rader: { $read }. Inte använda: { $rejected }. Kort som räknas: { $current }.
report-rejects-hint = Vilka rader som inte användes skrivs med --rejects FIL.

usage-program = PROGRAM ...
help-ssh-agent = Var agent för ssh: nycklarna är kortens. Legitimeringskoden efterfrågas vid varje signatur.
help-option-socket = Socket att lyssna på. Annars sithsd-ssh-agent.sock i $XDG_RUNTIME_DIR, eller en egen för ett program.
help-option-foreground = Stanna i förgrunden och fråga i den här terminalen.
help-option-list-keys = Visa nycklarna som rader för authorized_keys och avsluta.
help-option-confirm = Fråga före varje signatur om den önskas.
help-option-ssh-pin-pad = Låt legitimeringskoden matas in på läsarens egen knappsats, om den har en.
ssh-log-in = ssh loggar in som { $user } på { $host }.
ssh-log-in-somewhere = ssh loggar in som { $user }. Det framgår inte på vilken dator.
ssh-log-in-through = ssh loggar in som { $user } på { $host }. Begäran kommer från { $through }, dit agenten är vidarebefordrad.
ssh-log-in-somewhere-through = ssh loggar in som { $user }, oklart var. Begäran kommer från { $through }, dit agenten är vidarebefordrad.
ssh-sign = ssh-keygen signerar något som ska gälla för: { $namespace }
ssh-sign-through = ssh-keygen signerar något som ska gälla för: { $namespace }. Begäran kommer från { $through }, dit agenten är vidarebefordrad.
ssh-card = Kort: { $card } ({ $identity })
ssh-confirm = Vill du detta?
ssh-confirm-word = ja
ssh-last-try = Vill du använda det?
ssh-no-keys = Inget kort som sitter i har en nyckel att logga in med. Se vad som sitter i med: sithsctl status
ssh-no-command = Programmet efter -- kan inte startas.
ssh-no-socket = Agenten kan inte lyssna på sin socket:
ssh-cancelled = Inte signerat: ingen angav koden eller samtyckte, eller så är programmet som frågade borta.
ssh-no-way = Inte signerat: det finns inget att fråga efter koden med. Installera ett program för det (SSH_ASKPASS), eller kör sithsctl ssh-agent --foreground i en terminal. { $detail }
ssh-refused-key = Inte signerat: inget kort som sitter i har den här nyckeln.
ssh-refused-data = Inte signerat: det här är varken en inloggning med ssh eller en signatur med ssh-keygen.
ssh-refused-algorithm = Inte signerat: den här algoritmen används inte. (ssh-rsa med SHA-1 är för svag; rsa-sha2-256 och rsa-sha2-512 används i stället.)
ssh-refused-session = Inte signerat: inloggningen hör till en annan session än den som ssh har uppgett.
ssh-strange-session = Det som uppgavs om en session stämmer inte: { $detail }
ssh-unsupported = En begäran som agenten inte tar emot (nummer { $number }): nycklarna finns på kort och varken läggs till, tas bort eller låses.
ssh-malformed = En begäran som inte är någon: { $detail }
ssh-fault = Ett fel i agenten: { $detail }

# sithsctl anchors.
help-anchors = Se eller installera de rötter som datorn litar på. Bara SITHS egna, efter deras fastställda fingeravtryck.
help-anchors-list = Se vilka rötter som får användas, och vilka av dem som är installerade.
help-anchors-install = Installera en rot från en fil (PEM eller DER), eller med --fetch från dess fastställda plats genom sithsd-fetch. Kör det som root; sithsd och sithsd-fetch läser rötterna när de startar.
help-option-anchors-folder = Mappen med de installerade rötterna.
help-option-anchors-fetch = Låt sithsd-fetch hämta roten från dess fastställda plats på nätet.
help-option-anchors-environment = Den miljö vars rot det är. Annars production med --fetch, och vilken som helst med en fil.
anchors-world-production = för riktiga kort
anchors-world-test = för TEST-kort, som inte visar vem någon verklig person är
anchors-installed = Installerad: { $name }, { $world }, i { $file }
anchors-absent = Inte installerad: { $name }, { $world }
anchors-done = Installerad: { $name }, { $world }, i { $file }
anchors-test = Den är inte betrodd förrän environments i /etc/sithsd/sithsd.toml nämner "test". TEST-kort märks alltid som TEST.
anchors-restart = Starta om sithsd och sithsd-fetch, så att de litar på den: systemctl restart sithsd sithsd-fetch
anchors-oneOf = Ange en fil med roten eller --fetch, ett av dem.
anchors-refused = Det är ingen rot som får betros här, så inget installerades. Hämta roten från SITHS eller använd --fetch.
anchors-noCertificate = Det finns inget certifikat i den som går att läsa (PEM eller DER), så inget installerades.
anchors-unreadable = Filen går inte att läsa, så inget installerades.
anchors-unlisted = Det går inte att se vilka rötter mappen innehåller. Är det en mapp, och får du läsa den?
anchors-unwritable = Roten går inte att skriva i mappen. Finns det plats på disken, och är det en mapp?
anchors-denied = Du får inte installera en rot. Kör kommandot som root, med sudo.
anchors-noFetch = sithsd-fetch svarar inte, och bara det har nätet. Starta det med: systemctl start sithsd-fetch. Eller ge roten som en fil.
