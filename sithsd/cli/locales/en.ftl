# English sentences of sithsctl. Keys made of names on the wire have "-" for each "." (pin.wrong: error-pin-wrong).
# A code is blocked, a certificate is revoked: two words, never mixed.

## Errors: what is wrong, and what the person can do.

# $role: authentication, signature, puk or none. $triesLeft: a number, or "unknown".
code-name = { $role ->
    [authentication] authentication PIN
    [signature] signature PIN
    [puk] PUK
   *[none] code
}
Code-name = { $role ->
    [authentication] Authentication PIN
    [signature] Signature PIN
    [puk] PUK
   *[none] Code
}
# For "choose a new ...": the same words as code-name, in their indefinite form.
code-indefinite = { $role ->
    [authentication] authentication PIN
    [signature] signature PIN
    [puk] PUK
   *[none] code
}
tries-sentence = { $triesLeft ->
    [unknown] The card does not tell how many tries are left.
    [0] No tries are left.
    [one] One try is left.
   *[other] { $triesLeft } tries are left.
}
error-pin-wrong = { $triesLeft ->
    [0] Wrong { code-name }. It is blocked now: unblock it with the PUK.
   *[other] Wrong { code-name }. { tries-sentence }
}
error-pin-wrong-advised = { $triesLeft ->
    [0] Wrong { code-name }. It is blocked now.
   *[other] Wrong { code-name }. { tries-sentence }
}
error-pin-blocked = The { code-name } is blocked. Unblock it with the PUK (sithsctl unblock), or see a desk operator.
error-pin-blocked-advised = The { code-name } is blocked.
error-pin-lastTry = One try is left for the { code-name }, so nothing was sent to the card. Use --spend-last-try if you are sure of the code; if it is wrong the code is blocked.
error-pin-triesUnknown = The card does not tell how many tries the { code-name } has left, so nothing was sent to the card. Use --spend-last-try if you are sure of the code.
error-pin-malformed = The { code-name } has not the form that the card takes: digits only, and the right number of them. Nothing was sent to the card and no try was used.
error-pin-notActivated = The { code-name } has not been chosen yet. The card must be activated first (sithsctl activate), at a desk operator.
error-pin-unsupported = This card has no { code-name }, or it can't be used in this way. See what the card has with: sithsctl codes
error-puk-wrong = { $triesLeft ->
    [0] Wrong PUK, and no tries are left. This card can't be unblocked: order a new one.
    [unknown] Wrong PUK. Too many wrong ones make the card useless: check the code letter before you try again.
    [one] Wrong PUK. One try is left; if that is wrong too the card is useless for ever. See a desk operator.
   *[other] Wrong PUK. { $triesLeft } tries are left; after that the card is useless. Check the code letter before you try again.
}
error-puk-wrong-advised = { $triesLeft ->
    [0] Wrong PUK, and no tries are left. This card can't be unblocked.
    [unknown] Wrong PUK. Too many wrong ones make the card useless: be sure before you try again.
    [one] Wrong PUK. One try is left; if that is wrong too the card is useless for ever.
   *[other] Wrong PUK. { $triesLeft } tries are left; after that the card is useless. Be sure before you try again.
}
error-puk-blocked = The PUK is used up. This card can't be unblocked: order a new one.
error-puk-blocked-advised = The PUK is used up. This card can't be unblocked.
error-puk-lastTry = One try is left for the PUK, so nothing was sent to the card. A wrong PUK now makes the card useless for ever: use --spend-last-try only if you are sure.
error-puk-triesUnknown = The card does not tell how many tries the PUK has left, so nothing was sent to the card. Too many wrong ones make it useless for ever: use --spend-last-try only if you are sure.
error-card-absent = There is no card in the reader. Insert the card with the chip first, and try again.
error-card-removed = The card was taken out before it was done. Insert it again, and try again.
error-card-changed = It is not the same card as before, so nothing was sent to it. Look whose card it is, and try again.
error-card-unsupported = This is not a card that sithsd works with. Check that it is a SITHS card.
error-card-unreadable = The card does not answer as it should. Take it out, wipe the chip and insert it again; if that does not help the card may be broken.
error-card-refused = The card refused the command. Take the card out and insert it again; if that does not help, see a desk operator.
error-reader-busy = Another program is using the card. Wait a moment, and try again.
error-reader-busy-oneHolds = Another program is using the card, perhaps one of these: { $holder }. Wait a moment, or close them, and try again.
error-reader-busy-held = Another program is using the card, perhaps { $holder }. Wait a moment, or close it, and try again.
error-reader-unknown = There is no such reader. See their names with: sithsctl status
error-reader-ambiguous = More than one reader holds a card. Name one of them with --reader; sithsctl status shows them.
error-certificate-absent = No certificate on the card fits. See what is there with: sithsctl certificates
error-certificate-ambiguous = Several certificates of the card fit, and none was chosen for you. Choose with --identity, or by fingerprint with --certificate.
error-certificate-bad = The certificate is not to be trusted, so the card was not used. sithsctl validity tells more.
error-certificate-notGoodEnough = The certificate is not known to be as good as it has to be, so nothing comes of it. See --require, and: sithsctl validity
error-certificate-notGoodEnough-notChecked = Nobody was asked whether the certificate is revoked, so nothing comes of it. Start the program that asks: sudo systemctl start sithsd-fetch.socket. Then try again; or, if that need not be known: --require goodOrRevocationUnchecked
error-certificate-notGoodEnough-unreachable = Nobody answered whether the certificate is revoked, so nothing comes of it. Connect the computer to the network and try again; sithsctl doctor tells what hinders. Or, if that need not be known: --require goodOrRevocationUnchecked
error-signature-invalid = The card gave a signature that is not its certificate's. Do not trust the card; show it to a desk operator.
error-signature-unsupported = This card can't sign in this way, as far as sithsd knows. No try was used.
error-choice = { $identity }: { $subject }, valid to { $notAfter }, fingerprint { $fingerprint }
error-pcsc-unavailable = The card reader service (pcscd) does not answer. Start it with: systemctl start pcscd.socket
error-request-denied = You may not do this. Ask to be a member of the group sithsd-desk, or work at the computer's own screen.
error-request-invalid = The command is not in order. See: sithsctl --help
error-request-tooMany = Too many requests at once. Wait a moment, and try again.
error-daemon-unavailable = The card service (sithsd) does not answer. Start it with: systemctl start sithsd
error-fetch-failed = It could not be fetched from the network. Is the computer connected, and may sithsd-fetch reach it? Try again later.
error-internal = Something went wrong inside sithsd. Try again; the log (journalctl -u sithsd) tells more.
error-pin-triesChanged = Somebody else used a try of the { code-name } meanwhile. What was typed was thrown away and nothing was sent to the card. Look at the tries left, and give the code again.
error-pin-refused = The new { code-name } breaks a rule. Choose another one; nothing was sent to the card.
error-puk-triesChanged = Somebody else used a try of the PUK meanwhile. What was typed was thrown away and nothing was sent to the card. Look at the tries left, and give the code again.
error-puk-belowFloor = Few tries of the PUK are left, so nothing was sent to the card. Too many wrong ones make it useless for ever: check the code letter, and use --risk-card only if you are sure.
error-pinpad-absent = The reader has no PIN pad that can do this, or this computer may not use it. Enter the code at the keyboard, without --pin-pad.
error-pinpad-cancelled = It was cancelled at the reader's PIN pad. Nothing was sent to the card and no try was used.
error-pinpad-timeout = Nothing was entered at the reader's PIN pad in time. No try was used: try again.
error-pinpad-mismatch = The new code was not entered the same way twice at the reader's PIN pad. Nothing was changed and no try was used: try again.
error-pinpad-malformed = What was entered at the reader's PIN pad is too short or too long. No try was used: try again.
error-unblock-deskOnly = A card of this kind is unblocked by a desk operator only. Nothing was sent to the card.
error-unblock-notByModule = The card's own software (its PKCS#11 module) can't unblock a code. Nothing was changed; see a desk operator, or use the software that came with the card.
error-activation-checklist = The checklist is not fulfilled, so the card can't be activated now. Nothing was sent to it.
error-activation-notNeeded = The PINs of this card have been chosen already, so nothing was sent to it. To choose another PIN, use sithsctl change.
error-card-outcomeUnknown = A code was sent, but the answer never came: nobody knows whether it was done. Insert the card again: its tries are compared then, and what became of it is told. See: sithsctl codes
error-module-failed = The card's own software (its PKCS#11 module) failed before a code was used. Try again; if that does not help, whoever runs this computer should install it anew.
error-module-timeout = The card's own software (its PKCS#11 module) did not answer in time, so it was ended. No code was used: try again.
error-request-tooManyWrong = Too many wrong codes in a short time, by you or for this card. Find the right code before you try again; nothing was sent to the card.
error-audit-unavailable = The audit can't be written (the disk may be full), so nothing was sent to the card. Tell whoever runs this computer.
error-lost = The connection broke before the answer came, so a try may have been used. Look before you try again, with: sithsctl codes
error-unknown = The card service answered with an error that this program does not know.
error-name = Error: { $name }
error-readers = Readers: { $readers }
error-rule = Rule: { $rule }.
error-done = Done before that: { code-name }.
error-retry-seconds = { $count ->
    [one] Try again in 1 second.
   *[other] Try again in { $count } seconds.
}
error-retry-minutes = { $count ->
    [one] Try again in 1 minute.
   *[other] Try again in { $count } minutes.
}
advice-unblock-withPuk = Unblock it with the PUK from the code letter: sithsctl unblock. If the letter is lost, order a new one.
advice-unblock-atDesk = Go to a desk operator with the card and a physical ID document: the card is unblocked there, or the operator orders a PUK letter.
advice-unblock-withPukOrAtDesk = If you have the PUK, unblock it with: sithsctl unblock. Otherwise see a desk operator.
advice-letter-reorder = The PUK is in the code letter. If the letter is lost, order a new one.
advice-card-orderNew = Order a new card, and have the certificates of this one revoked.
advice-reserve-withPuk = If you have the PUK of this reserve card, unblock it with: sithsctl unblock. Its codes can't be ordered again: without the PUK, see a desk operator for a new reserve card.
advice-reserve-newCard = The codes of a reserve card can't be ordered again: see a desk operator for a new reserve card.
rule-digits = digits only
rule-length = the right number of digits
rule-length-of = { $length } digits
rule-sameAsOld = not the same as the old one
rule-allSame = not one digit all along
rule-ascending = no ascending run (123456)
rule-descending = no descending run (654321)
rule-personalNumber = no part of the holder's personal identity number
rule-birthDate = not the holder's birth date
rule-sameAsOther = not the same as the other PIN
rule-advised = { $rule } (advised)
warning-rule = Done, but against the advice: { $rule }.
interrupted = Interrupted.
nothing-sent = Interrupted. Nothing was sent to the card.

## Usage of the command line

usage-prefix = Usage:
usage-options = {"[OPTIONS]"}
usage-commands = {"COMMAND [ARGS]..."}
usage-error = { $sentence } See: { $command } --help
usage-no-such-option = There is no such option.
usage-no-such-option-named = There is no option { $option }.
usage-no-such-command = There is no such command.
usage-missing = { $option } is missing.
usage-bad-value = The value of { $option } does not fit.
usage-bad-choice = The value of { $option } must be one of: { $choices }.
usage-option-arguments = { $option } takes another number of values.
usage-extra = There are too many words on the command line. (A code is never given there.)
usage-bad-descriptor = The file descriptor of --code-fd can't be read.
usage-no-terminal = There is no terminal to ask for the code on. Give the code by --code-fd.
usage-two-places = The codes come from one place: --code-fd or --pin-pad, not both.
usage-bad-answer = An --answer is written ID=ANSWER; the answer is yes, no or a date (2026-11-24).
usage-bad-answers = The file of --answers can't be used. It is a JSON object of ids with true, false or a date ("2026-11-24").
usage-unknown-answer = The checklist has no item of such an id. It has:
usage-what-to-sign = Name a file to sign, or give a hash with --digest; one of them.
usage-no-description = With --digest a --description is needed: the audit has to say what is signed.
usage-no-out = With --digest an --out (or --json) is needed: the signature has to go somewhere.
usage-bad-file = The file to sign can't be read, or is no ordinary file. The card was not used.
usage-bad-challenge = The challenge can't be read, or has not 16 to 32768 bytes. The card was not used.
usage-bad-out = The file for the signature can't be written, or is there already (--force overwrites it).
help-options = Options
help-commands = Commands
help-required = required
help-help = Show this text and end.
help-version = Show the version and end.
help-program = Look at the SITHS cards in this computer's readers, and use their codes.
help-status = Show the readers and the card in each. Whose it is, its codes, its certificates.
help-monitor = Show every change as it happens, until Ctrl-C.
help-lock-on-removal = Lock the screen when the card is taken out. Runs until Ctrl-C.
help-certificates = Show the certificates of a card, or write them as PEM.
help-validity = Say whether the certificates may be trusted. And why not, and when a new card is needed.
help-option-fresh = Ask the issuers even where what is known will do. At most once in ten seconds.
help-codes = Ask the card how many tries are left. No try is used.
help-verify = Try a PIN on the card. It is asked for without being shown, or read by --code-fd.
help-change = Change a PIN, from its present value to a new one.
help-unblock = Unblock a PIN with the PUK, and choose a new PIN.
help-authenticate = Have the card prove itself, with its PIN. It signs a challenge by an authentication certificate's key.
help-sign = Sign a file with the signature PIN. What is written is a raw signature of the file's hash.
help-activate = Give a new card its holder's own PINs. The desk's checklist comes first.
help-option-runtime-dir = Folder of the daemon's sockets. Otherwise $RUNTIME_DIRECTORY, otherwise /run/sithsd.
help-option-json = Answer in JSON, for scripts.
help-option-lang = Language of the answers. Otherwise by the locale.
help-option-reader = The reader to look at. Needed when several hold a card.
help-option-unmasked = Show personal identity numbers in full (only for those who may).
help-option-id = Only the certificate with this id (hexadecimal).
help-option-purpose = Only certificates for this purpose.
help-option-pem = Write the certificates as PEM.
help-option-role = Which PIN.
help-option-code-fd = Read the PIN from this file descriptor (one line) instead of asking.
help-option-code-fds = Read PUK and new PIN from this file descriptor (a line each) instead of asking.
help-option-code-fds-change = Read present and new PIN from this file descriptor (a line each) instead of asking.
help-option-code-fds-activate = Read the codes from this file descriptor (a line each) instead of asking. PUK or transport codes, then the new PINs, each for authentication first.
help-option-pin-pad = Enter the codes at the reader's own PIN pad.
help-option-card-serial = Only if it is the card of this serial number. For scripts that have shown it.
help-option-followed-card = The card to follow, by its serial number. Otherwise $SITHSD_CARD_SERIAL, which a log-in with the card sets; otherwise the only card that is in.
help-option-action = What to do when the card goes. Lock the screen, log out, or nothing. Otherwise $SITHSD_REMOVAL_ACTION, otherwise lock.
help-option-grace = For how many seconds it may be unknown whether the card is in. Then the screen is locked. Otherwise $SITHSD_REMOVAL_GRACE, otherwise 15.
help-option-session = The session, by logind's name for it. Otherwise your own on the screen.
help-option-expected-tries = Only if the code has this many tries left. For scripts that have shown it.
help-option-answers = Read answers to the checklist from this JSON file.
help-option-answer = Answer an item of the checklist with yes, no or a date. May be given several times.
help-option-risk-card = Use the PUK although few of its tries are left. A wrong one can make the card useless.
help-option-identity = Only a certificate with this identity.
help-option-certificate = Only the certificate with this SHA-256 fingerprint.
help-option-algorithm = rsaPkcs1Sha256, rsaPssSha256 or ecdsaSha256; also with 384 or 512. Otherwise what fits the key, or the hash's length.
help-option-require = How good the certificate has to be: good, notBad or goodOrRevocationUnchecked. Otherwise good to authenticate, and goodOrRevocationUnchecked to sign.
help-option-accept-bad = Also a certificate that is not to be trusted.
help-option-challenge-file = The bytes to sign, from this file, or "-" for standard input. Otherwise fresh random ones.
help-option-digest = The hash to sign, in hexadecimal, in place of a file.
help-option-description = What it is for. It is written into the audit.
help-option-out = The file for the signature, which must not be there yet. For sign otherwise FILE.sig.
help-option-force = Overwrite the file of --out.
help-option-spend-last-try = Go on although it is the last try, or the card does not tell how many are left.
help-epilog-statuses = Exit statuses:
help-epilog-completion = Completion in bash: eval "$(_SITHSCTL_COMPLETE=bash_source sithsctl)"
exit-0 = done
exit-1 = the card refused or its signature is wrong, or an error that has no other number
exit-2 = the command line is not in order
exit-3 = the card service (sithsd) does not answer; for commands that need a card, also the reader service (pcscd), and for those that fetch, the network
exit-4 = no card, no such reader or certificate, or several readers to choose from
exit-5 = the code was wrong
exit-6 = the code is blocked
exit-7 = refused before the card: last try, malformed, not activated, not allowed
exit-8 = the card is of an unknown sort, broken, or lacks that code
exit-9 = the card was busy, taken out or exchanged, or its answer was lost; look, and try again
exit-10 = a fault in the program
exit-130 = interrupted by Ctrl-C at a prompt or while looking (monitor then ends with 0)

## Readers and cards

reader = Reader
no-readers = No card reader is connected.
service-absent = The card reader service (pcscd) does not answer, so readers can't be seen.
state-empty = No card in the reader
state-reading = The card is being read
state-ready = The card is read
state-busy = Another program is using the card
state-unsupported = Not a card that sithsd works with
state-unreadable = The card can't be read
state-mute = The card does not answer
environment-production = Real card
environment-test = TEST card: identifies no real person
environment-sim = SIMULATED card: identifies nobody
environment-unknown = Card of unknown origin
environment-mark-test = TEST
environment-mark-sim = SIM
kind-ordinary = Ordinary card
kind-reserve = Reserve card
kind-old = Card of an older generation
kind-notSiths = Not a SITHS card
kind-unknown = Not known
label-state = State
label-environment = Environment
label-holder = Holder
label-hsa-id = HSA-id
label-personal-identity-number = Identity number
label-organization = Organisation
label-card-number = Card number
label-kind = Kind of card
label-level-of-assurance = Assurance (LoA)
label-notes = Note
label-codes = Codes
label-certificates = Certificates
label-issuer = Issuer
label-subject = Subject
label-valid = Valid
label-valid-from = Valid from
label-valid-to = Valid to
label-verdict = Verdict
label-reasons = Reasons
label-purpose = Purpose
label-identity = Identity
label-id = Id
label-serial-number = Serial number
label-fingerprint = SHA-256
label-key = Key
label-label = Label on card
label-path = Path
label-anchor = Anchor (SHA-256)
label-atr = ATR
label-checked = Checked
label-revocation = Revocation
label-next-check = Next check
label-card = Card
label-certificate = Certificate
label-file = File
label-digest = Hash
label-description = What for
label-challenge = Challenge
label-algorithm = Algorithm
label-signature = Signature in
file-bytes = { $count ->
    [one] 1 byte
   *[other] { $count } bytes
}
not-known = not known
holder-protected = Protected identity
period = { $from } to { $to }
days-left = { $days ->
    [0] ends today
    [one] 1 day left
   *[other] { $days } days left
}
no-certificates = No certificates.
no-codes = No codes.
note-cardNumber-conflict = The certificates disagree about the card number.
note-cardNumber-checksum = The card number's check digit is wrong.
note-environment-mixed = Its certificates come from different environments.
note-levelOfAssurance-mixed = Its certificates have different levels of assurance; the lowest is shown.
note-holder-conflict = Its certificates name different persons.
note-holder-protectedAssumed = The holder's identity seems to be protected, so it is not shown.
note-hsaId-several = The holder has more than one HSA-id; the first is shown.
note-certificate-transport = It has a transport certificate, which identifies nobody.
certificate-can-not-sign = Its key is not on the card, or it is not known how this card signs.
note-certificate-telia = It also has a Telia e-legitimation.
note-certificate-type1 = It has a certificate of the old, retired SITHS (type 1).
note-certificate-absent = A certificate that the card lists is not there.
note-certificate-malformed = A certificate is damaged and can't be read.
note-code-unrecognised = It has a code whose purpose is not known.

## Codes

role-authentication = Authentication PIN
role-signature = Signature PIN
role-puk = PUK
code-tries = { $triesLeft ->
    [unknown] tries left not known
    [0] no tries left
    [one] 1 try left
   *[other] { $triesLeft } tries left
}
code-tries-some = more than one try left, how many is not told
code-tries-last = { $triesLeft ->
    [one] 1 try left: the last one
   *[other] { $triesLeft } tries left
}
code-blocked = BLOCKED: unblock it with the PUK
code-blocked-puk = USED UP: the card can't be unblocked
code-not-activated = not chosen yet: the card must be activated
code-verified = given

## Certificates and verdicts

purpose-authentication = Authentication
purpose-signature = Signature
purpose-issuer = Issuer
purpose-other = Other
identity-hsaId = HSA-id
identity-personalIdentityNumber = Personal id no.
identity-none = None
certificate-transport = Transport certificate: identifies nobody.
certificate-withheld = Left out, because it carries a personal identity number that you may not see: { $name } (id { $id }).
verdict-good = Good
verdict-bad = Bad
verdict-unknown = Unknown
reason-date-expired = It has expired.
reason-date-notYetValid = It is not valid yet.
reason-chain-untrusted = It leads to a root that this computer does not trust.
reason-chain-invalid = A signature in its chain is wrong.
reason-chain-issuerUnknown = Its issuer's certificate is not known here.
reason-environment-notConfigured = Cards from this environment (TEST or SIM) are not allowed on this computer.
reason-certificate-malformed = It is damaged and can't be read.
reason-anchor-missing = The root certificate is not installed on this computer.
reason-revocation-notChecked = Revocation has not been checked yet.
reason-revocation-revoked = It has been revoked.
reason-chain-revoked = A certificate between it and the root has been revoked.
reason-revocation-notKnown = The service that answers for its issuer does not know it.
reason-revocation-invalid = The answer about its revocation proves nothing.
reason-revocation-stale = What is known about its revocation is too old.
reason-revocation-unreachable = Nobody could be asked whether it is revoked: there is no network, or no answer.
reason-revocation-noSource = It names nobody who can be asked whether it is revoked.
reason-clock-behind = This computer's clock is slow: an answer about revocation was signed later than it shows.
reason-clock-implausible = This computer's clock is wrong: this sithsd was made later than it shows, so dates can't be judged.
reason-signature-sha1 = It is signed with SHA-1, which is weak.
reason-key-exponent3 = Its key has the exponent 3, which is weak.
reason-key-short = Its key is short, which is weak.
reason-chain-expired = A certificate between it and the root has expired.
reason-chain-notYetValid = A certificate between it and the root is not valid yet.
reason-chain-tooComplex = It could not be followed to a root: there are too many ways.
reason-environment-conflict = It says that it belongs to another environment than its root.
reason-signature-md5 = It is signed with MD5, which can be forged.
reason-key-unreadable = Its key can't be read.
reason-extensions-malformed = A part of it (an extension) is damaged.
reason-revocation-revoked-since = { $why ->
    [none] It has been revoked since { $since }.
   *[other] It has been revoked since { $since }: { $why }.
}
reason-chain-revoked-since = { $why ->
    [none] A certificate between it and the root has been revoked since { $since }.
   *[other] A certificate between it and the root has been revoked since { $since }: { $why }.
}
reason-revocation-stale-hours = { $hours ->
    [0] What is known about its revocation is too old, since less than an hour.
    [one] What is known about its revocation is too old, since 1 hour.
   *[other] What is known about its revocation is too old, since { $hours } hours.
}
revocation-reason-keyCompromise = somebody else may have its key
revocation-reason-cACompromise = somebody else may have its issuer's key
revocation-reason-affiliationChanged = the holder has left, or changed name
revocation-reason-superseded = there is a new one in its place
revocation-reason-cessationOfOperation = it is not needed any more
revocation-reason-certificateHold = it is on hold for the time being
revocation-reason-privilegeWithdrawn = a right that it told of was withdrawn
revocation-reason-aACompromise = what it tells of rights may be forged

## Evidence of revocation. $by: evidence-by; $place: the host that was asked.

evidence-of = { $name }: { $what }
evidence-issuer = An issuer
evidence-source-ocsp = OCSP
evidence-source-crl = CRL
evidence-source-none = an answer
evidence-by = { $source } of { $at }
evidence-good = not revoked, by { $by }
evidence-good-until = not revoked, by { $by }, good until { $until }
evidence-stale-good = { $hours ->
    [0] not revoked, by { $by }, too old since less than an hour
    [one] not revoked, by { $by }, too old since 1 hour
   *[other] not revoked, by { $by }, too old since { $hours } hours
}
evidence-revoked = { $why ->
    [none] revoked since { $since }, by { $by }
   *[other] revoked since { $since } ({ $why }), by { $by }
}
evidence-unknown = not known
evidence-nowhere = the service
evidence-failure-chainUnknown = nobody may be asked, as its way to a root is not known
evidence-failure-noSource = it names nobody who can be asked
evidence-failure-unreachable = no answer from { $place }
evidence-failure-invalid = the answer from { $place } proves nothing
evidence-failure-notKnownThere = it is not known at { $place }
evidence-failure-stale = the answer from { $place } is too old

## What to do

label-to-do = What to do
label-when = When
label-why = Why
label-mind = Note
action-order-now = Order a new card now.
action-reserve-get = Get a reserve card.
action-reserve-from = Wait for a reserve card: none is issued now.
action-carry-card = Keep an eye on your card, be sure of its PIN, and do not leave the card at home.
action-collect-before = If a new card is ordered, collect it in time. Otherwise it is cancelled.
action-renew-soon = Order a new card.
action-reserve-replace = See to having an ordinary card, or another reserve card.
action-order-mayNow = A new card may be ordered early.
action-order-from = Wait with ordering a new card: none can be ordered now.
why-freeze-endsInside = The card ends inside an order freeze.
why-freeze-endsAfter = The card ends soon after an order freeze.
why-freeze-collect = Cards that were ordered before the order freeze are kept until then only.
why-freeze-reserve = No ordinary cards can be ordered, and this one does not last until they can.
why-freeze-totalStop = Nothing is issued then, not even a reserve card.
why-freeze-joins = The work begins inside an order freeze.
why-card-endsSoon = The card ends soon.
why-card-ended = The card has ended.
freeze-days = Order freeze: { $from } to { $to }.
order-months = { $months ->
    [one] An order is valid for one month.
   *[other] An order is valid for { $months } months.
}
reserve-months = { $months ->
    [one] A reserve card is valid for at most one month.
   *[other] A reserve card is valid for at most { $months } months.
}
by-day = { $day } at the latest
by-time = before { $day } at { $time }
until-day = until the end of { $day }
until-time = until { $day } at { $time }
since-day = from { $day }
since-time = from { $day } at { $time }

## Monitor

monitor-reader = { $reader }: { $what }
monitor-gone = the reader is gone
monitor-appeared = reader connected
monitor-removed = the card was taken out
monitor-code = { $code }: { $state }
monitor-verdict = { $certificate }: { $verdict }
monitor-updated = updated
monitor-service-gone = The card reader service (pcscd) does not answer.
monitor-service-back = The card reader service (pcscd) answers again.

## The screen locked when the card goes

removal-following = { $action ->
    [logout] When card { $cardSerial } is taken out you are logged out.
    [nothing] When card { $cardSerial } is taken out that is told, and nothing is done.
   *[lock] When card { $cardSerial } is taken out the screen is locked.
}
removal-there = The card is in.
removal-unknown = Whether the card is in can't be seen at the moment.
removal-removed = The card was taken out.
removal-exchanged = Another card is in its place.
removal-missing = It could not be seen for too long whether the card is in. It counts as taken out.
removal-done = { $action ->
    [logout] Session { $session } was ended.
    [nothing] Nothing was done.
   *[lock] The screen of session { $session } was locked.
}
removal-failed = { $action ->
    [logout] The session could not be ended. It is tried again soon. { $detail }
   *[lock] The screen could not be locked. It is tried again soon. { $detail }
}
removal-none = No card is in, so there is none to follow. Insert the card first, or name it with --card-serial.
removal-several = Several cards are in. Name the one to follow with --card-serial; sithsctl status --json tells its serial number.

## Asking for codes

ask-tries = { Code-name }: { $state }
ask-code = { Code-name } (not shown):
ask-code-length = { Code-name } ({ $length } digits, not shown):
ask-present = Present { code-indefinite } (not shown):
ask-present-length = Present { code-indefinite } ({ $length } digits, not shown):
ask-transport = Transport code for the { code-indefinite }, from the letter (not shown):
ask-new = New { code-indefinite } (not shown):
ask-new-length = New { code-indefinite } ({ $length } digits, not shown):
ask-again = The new { code-indefinite } once more:
ask-mismatch = The two were not the same. Nothing was sent to the card; choose again.
ask-keys = Enter: go on   Backspace: rub out   Ctrl-C: stop
ask-rules = Rules for a new { code-indefinite }:
ask-rules-broken = This one can't be taken, and nothing was sent to the card. Choose another one. The rule that it breaks:
pad-verify = Enter the { code-name } at the reader's PIN pad now.
pad-change = Enter at the reader's PIN pad: the present { code-name }, then the new one twice.
pad-unblock = Enter at the reader's PIN pad: the PUK, then the new { code-name } twice.
checklist-heading = Checklist. Write no number of any document.
checklist-yes-no = yes or no:
checklist-date = date (YYYY-MM-DD):
checklist-line = { $question } { $result }
checklist-result-missing = Not answered.
checklist-result-no = Answered no.
checklist-result-future = { $date } is yet to come.
checklist-result-old = { $months ->
    [one] { $date } is too old: at most 1 month is allowed.
   *[other] { $date } is too old: at most { $months } months are allowed.
}
activate-unknown-way = It is not known how a card of this kind is activated. Nothing was sent to the card; see a desk operator.
ask-last-try = This is the last try. If the code is wrong, the { code-name } is blocked.
ask-last-try-puk = This is the PUK's last try. If it is wrong, the card is useless for ever.
ask-unknown-tries = The card does not tell how many tries the { code-name } has left. This may be the last one.
ask-unknown-tries-puk = The card does not tell how many tries the PUK has left. Too many wrong ones make the card useless for ever.
ask-few-tries-puk = { $triesLeft ->
    [one] The PUK has only 1 try left. Too many wrong ones make the card useless for ever.
   *[other] The PUK has only { $triesLeft } tries left. Too many wrong ones make the card useless for ever.
}
ask-confirm = Type the word { $word } to go on, or press Enter to stop:
ask-confirm-word = try
ask-confirm-word-puk = risk
choose-heading = Several certificates of the card fit:
choose-number = Which one? Its number, or Enter to stop:
choose-again = There is no such number.
choose-valid-to = valid to { $date }
verified-done = Right. The { code-name } was accepted. { tries-sentence }
unblocked-done = Done. The { code-name } is unblocked and has its new value. { tries-sentence }
changed-done = Done. The { code-name } has its new value. { tries-sentence }
activated-done = Done. The card is activated. Chosen:
activated-role = { Code-name }
authenticated-done = Proven. The card has the certificate's key, and the { code-name } was right. { tries-sentence }
signed-done = Signed, with the right { code-name }. { tries-sentence }

## Notices

label-notices = Notices
notice = { $at }  { $reader }: { $what }
notice-code-triesLostElsewhere = { $before ->
    [unknown] { Code-name }: tries were used, not through sithsd; left: { $after }. If it was not you, somebody may be guessing the code.
   *[other] { Code-name }: tries were used, not through sithsd; before: { $before }, left: { $after }. If it was not you, somebody may be guessing the code.
}
notice-code-outcomeLearnt = { $happened ->
    [yes] { Code-name }: what was asked for when the answer was lost has been done.
    [no] { Code-name }: what was asked for when the answer was lost has not been done.
   *[unknown] { Code-name }: an answer was lost, and the tries left do not tell whether it was done. Try the code.
}

## Audit

help-audit = Check the audit, or look at it. It holds a row for each operation with a code.
help-audit-verify = Say whether the audit is as it was written. Exit status 0 if it is, else 1.
help-audit-show = Show what was done with codes. The oldest first.
help-audit-export = Write the rows as CSV or JSON lines.
help-option-audit-file = The audit's file. Otherwise audit.sqlite in $STATE_DIRECTORY or /var/lib/sithsd.
help-option-audit-hash = A row's hash, from the journal or a note, that has to be in the audit.
help-option-audit-since = Only from this moment on (2028-01-31, or 2028-01-31T08:00).
help-option-audit-until = Only before this moment.
help-option-audit-card = Only the card with this serial number.
help-option-audit-last = Only the last N of them.
help-option-audit-format = CSV, unless --json or jsonl (an object a line) is asked for.
help-option-audit-output = The file to write, which must not be there yet. Otherwise to the terminal.
audit-whole = { $count ->
    [one] The audit is in order: one row, number { $last }.
   *[other] The audit is in order: { $count } rows, number { $first } to { $last }.
}
audit-whole-empty = The audit is in order; it has no rows yet.
audit-head = Hash of the last row: { $hash }
audit-good-before = The rows { $first } to { $last } are in order.
audit-removed = The rows up to number { $number } have been removed by the site's policy.
audit-pending = { $count ->
    [one] One operation has begun and has no row yet.
   *[other] { $count } operations have begun and have no row yet.
}
audit-changed = Row { $number } of the audit has been changed.
audit-changed-beside = What the audit notes beside its rows has been changed.
audit-missing = Row { $number } of the audit is missing.
audit-added = Row { $number } of the audit was not written by the card service.
audit-hashAbsent = No row of the audit has that hash: rows have been removed or rewritten, or the hash is from elsewhere.
audit-fileAbsent = There is no audit there. Name its file with --file.
audit-fileForeign = The file is no audit, or one of a newer release.
audit-fileUnreadable = The audit can't be read: it is damaged, or you may not read it.
audit-output-bad = The output file can't be written, or is there already.
audit-none = No rows.
audit-column-number = No.
audit-column-time = Time
audit-column-what = What
audit-column-result = Result
audit-column-tries = Tries
audit-column-card = Card
audit-column-reader = Reader
audit-column-who = Who
audit-who = { $program } (uid { $uid }, pid { $pid })
audit-operation-verify = Verify
audit-operation-change = Change
audit-operation-unblock = Unblock
audit-operation-activate = Activate
audit-operation-authenticate = Authenticate
audit-operation-sign = Sign
audit-operation-code-triesLostElsewhere = Tries lost elsewhere
audit-operation-code-outcomeLearnt = Outcome learnt afterwards
audit-operation-audit-retention = Old rows removed
audit-operation-audit-notWritten = Rows left out
audit-result-done = done
audit-result-unknown = not known
audit-result-happened = it happened
audit-result-didNotHappen = it did not happen
audit-result-pin-wrong = wrong PIN
audit-result-pin-blocked = the PIN is blocked
audit-result-puk-wrong = wrong PUK
audit-result-puk-blocked = the PUK is used up
audit-result-card-removed = card taken out
audit-result-card-outcomeUnknown = not known, the answer was lost

## The doctor: why can't I log in?

help-doctor = Say why a log-in with a card does not work. And the one thing to do next. Exit status 0 if it could work.
help-option-bundle = Also write a report for support into this file, which must not be there yet. No secrets are in it.
help-option-identities = Put the holder's name and HSA-id, card number and serial numbers into the report for support.
doctor-result-good = ok
doctor-result-bad = BAD
doctor-result-unknown = ?
doctor-result-notApplicable = -
doctor-possible = A log-in could work, as far as can be told from here.
doctor-impossible = A log-in can't work like this.
doctor-next = Do this next:
doctor-better = Better mended, though:
doctor-nothing-next = Nothing. If a log-in fails all the same, give support the file of: sithsctl doctor --bundle FILE
doctor-skipped = not looked at, because of what is wrong elsewhere
doctor-label-skipped = Not looked at
doctor-label-daemon = Card service
doctor-label-version = Release
doctor-label-pcscd = Reader service
doctor-label-rights = Rights
doctor-label-reader = Reader
doctor-label-power = Power saving
doctor-label-busy = In use
doctor-label-card = Card
doctor-label-profile = Card profile
doctor-label-protocol = Speed
doctor-label-clock = Clock
doctor-label-fetch = Asking issuers
doctor-label-codes = Codes
doctor-label-certificates = Certificates
doctor-label-chain = Trust
doctor-label-revocation = Revocation
doctor-label-notices = Notices
doctor-daemon-good = sithsd answers, release { $version }
doctor-daemon-absent = sithsd does not run: there is no { $socket }
doctor-daemon-notListening = sithsd does not run: nobody listens on { $socket }
doctor-daemon-denied = you may not connect to { $socket }
doctor-daemon-silent = sithsd does not answer on { $socket }
doctor-version-good = sithsctl and sithsd are of the same release
doctor-version-differs = sithsctl is { $own }, but the sithsd that runs is { $daemon }
doctor-pcscd-good = pcscd runs, and sithsd reaches it
doctor-pcscd-absent = pcscd does not run: there is no { $socket }
doctor-pcscd-notListening = pcscd does not run: nobody listens on { $socket }
doctor-pcscd-elsewhere = sithsd looks for pcscd at { $daemonSocket }, but it is at { $socket }
doctor-pcscd-refusesDaemon = pcscd runs, but sithsd does not reach it
doctor-pcscd-notAsked = pcscd seems to run; whether sithsd reaches it is not known
doctor-rights-good = you may log in with a card
doctor-rights-denied = you may not log in with a card: user { $uid } has no right to it
doctor-rights-statusDenied = you may not even look at the cards: user { $uid } has no right to it
doctor-rights-noSocket = the socket for codes is not there: { $socket }
doctor-rights-untold = this sithsd does not tell what you may do
doctor-reader-good = { $reader }
doctor-reader-withPad = { $reader }, with a PIN pad
doctor-reader-withoutPad = { $reader }, without a PIN pad
doctor-reader-none = no card reader is connected
doctor-reader-unknown = there is no reader of that name
doctor-reader-ambiguous = more than one reader holds a card
doctor-power-awake = the reader stays awake
doctor-power-maySleep = the reader may be put to sleep when unused; it is awake now
doctor-power-sleeps = the reader sleeps, to save power
doctor-power-untold = not told for this reader
doctor-power-notSeen = not known for this reader (not seen on the USB)
doctor-busy-good = no other program holds the card
doctor-busy-heldBy = another program holds the card, perhaps { $holder }
doctor-busy-held = another program holds the card; which one can't be seen
doctor-busy-untold = not known
doctor-card-good = { $kind }, read
doctor-card-absent = no card in the reader
doctor-card-mute = the card does not answer at all
doctor-card-unreadable = the card can't be read
doctor-card-unsupported = not a card that sithsd knows how to read
doctor-card-foreign = a card of another issuer, not SITHS
doctor-card-reading = the card is still being read
doctor-card-unread = the card has not been read
doctor-profile-good = { $by ->
    [atr] { $profile }, backend { $backend }; found by its ATR and application
   *[application] { $profile }, backend { $backend }; found by its application
}
doctor-profile-assumed = { $profile }, backend { $backend }: taken for want of a better one
doctor-profile-none = no profile fits the card
doctor-profile-hindered = no profile fits the card; { $hindered } can't be used on this computer
doctor-profile-untold = not known
doctor-protocol-good = T={ $protocol }, { $factor }/{ $divider }, as fast as the card offers
doctor-protocol-slower = T={ $protocol }, { $factor }/{ $divider }; the card offers { $offeredFactor }/{ $offeredDivider }, which is faster
doctor-protocol-disagrees = T={ $protocol }, but the reader says T={ $toldProtocol }
doctor-protocol-rateUntold = T={ $protocol }, { $offeredFactor }/{ $offeredDivider } offered; the reader does not tell its own
doctor-protocol-offerUntold = T={ $protocol }; neither card nor reader tells the speed
doctor-protocol-untold = not known
doctor-clock-good = { $now }, kept in step with others
doctor-clock-implausible = { $now }: wrong, this sithsd was made later
doctor-clock-beforeCertificates = { $now }: before any certificate of the card was valid
doctor-clock-behind = { $now }: slow, an answer about revocation was signed later
doctor-clock-unsynchronised = { $now }, not kept in step with other clocks
doctor-clock-untold = { $now }; whether it is kept in step is not known
doctor-codes-good = { $triesLeft ->
    [one] authentication PIN: 1 try left
   *[other] authentication PIN: { $triesLeft } tries left
}
doctor-codes-notLast = authentication PIN: not told how many tries are left, but more than one
doctor-codes-absent = the card has no authentication PIN
doctor-codes-notActivated = the authentication PIN has not been chosen yet
doctor-codes-blocked = the authentication PIN is blocked
doctor-codes-blockedForGood = the authentication PIN is blocked, and the PUK is used up
doctor-codes-lastTry = the authentication PIN has one try left: the last one
doctor-codes-triesUnknown = the card does not tell the tries left
doctor-codes-pukUsedUp = the PUK is used up: a PIN that gets blocked stays so
doctor-codes-signatureBlocked = the signature PIN is blocked; log-ins don't need it
doctor-codes-signatureNotActivated = the signature PIN has not been chosen; log-ins don't need it
doctor-codes-signatureLastTry = the signature PIN has one try left; log-ins don't need it
doctor-certificates-good = { $count ->
    [one] 1 for log-ins, valid until { $notAfter }
   *[other] { $count } for log-ins, the best one valid until { $notAfter }
}
doctor-certificates-endsSoon = valid for log-ins, but only until { $notAfter }
doctor-certificates-none = there are no certificates on the card
doctor-certificates-transport = only a transport certificate, which identifies nobody
doctor-certificates-noLogIn = none of the card's certificates is for log-ins
doctor-certificates-malformed = the certificate for log-ins is damaged
doctor-certificates-expired = expired on { $notAfter }
doctor-certificates-notYetValid = not valid before { $notBefore }
doctor-certificates-weak = the certificate's signature or key is too weak
doctor-certificates-refused = the certificate is refused: { $reason }
doctor-chain-good = leads to the SITHS root that this computer trusts
doctor-chain-test = leads to a TEST root: identifies no real person
doctor-chain-sim = leads to a SIM root: a simulated card, identifies nobody
doctor-chain-anchorMissing = the SITHS root is not installed on this computer
doctor-chain-issuerUnknown = the issuer's certificate is not known here
doctor-chain-tooComplex = there are too many ways to a root
doctor-chain-untold = not known
doctor-chain-notConfigured = this computer does not take { $environment } cards
doctor-chain-conflict = it names another environment than its root
doctor-chain-untrusted = leads to a root that this computer does not trust
doctor-chain-invalid = a signature between it and its root is wrong
doctor-chain-expired = a certificate between it and its root has expired
doctor-chain-notYetValid = a certificate between it and its root is not valid yet
doctor-revocation-good = not revoked
doctor-revocation-notChecked = not checked yet
doctor-revocation-notKnown = its issuer's service does not know the certificate
doctor-revocation-invalid = the answer about it proves nothing
doctor-revocation-stale = { $hours ->
    [0] the last answer is too old, since less than an hour
    [one] the last answer is too old, since 1 hour
   *[other] the last answer is too old, since { $hours } hours
}
doctor-revocation-unreachable = nobody answered: there is no network, or no answer
doctor-revocation-noSource = the certificate names nobody who can be asked
doctor-fetch-good = { $at }: the last answer
doctor-fetch-idle = nobody had to be asked yet
doctor-fetch-absent = sithsd-fetch does not run, so nobody is asked whether cards are revoked
doctor-fetch-noAnchors = sithsd-fetch trusts no root, so it may ask nobody
doctor-fetch-failing = { $place } does not answer ({ $failures } times in a row)
doctor-fetch-failingAll = nobody answers; { $place } not { $failures } times in a row
doctor-fetch-untold = not told by this daemon
doctor-revocation-refused = the certificate is refused: { $reason }
doctor-revocation-untold = not known: { $reason }
doctor-notices-good = none for this card
doctor-notices-triesLost = { $at }: tries were used, not through sithsd
doctor-notices-some = { $count ->
    [one] one for this card; see: sithsctl status
   *[other] { $count } for this card; see: sithsctl status
}
doctor-step-daemon-absent = Start the card service: sudo systemctl start sithsd.service
doctor-step-daemon-notListening = Start the card service: sudo systemctl restart sithsd.service
doctor-step-daemon-denied = Have the rights of { $socket } put right: every user may connect to it (see systemd/README.md).
doctor-step-daemon-silent = Restart the card service: sudo systemctl restart sithsd.service
doctor-step-pcscd-absent = Start the reader service: sudo systemctl start pcscd.socket (from Debian's package pcscd).
doctor-step-pcscd-notListening = Start the reader service: sudo systemctl restart pcscd.socket pcscd.service
doctor-step-pcscd-elsewhere = Give sithsd and your programs the same PCSCLITE_CSOCK_NAME, or none.
doctor-step-pcscd-refusesDaemon = Restart the reader service: sudo systemctl restart pcscd.service. If that does not help, install sithsd's polkit rule (systemd/50-sithsd.rules).
doctor-step-rights-denied = Work at the computer's own screen, or ask whoever runs it for the right (authenticate in /etc/sithsd/rights.toml).
doctor-step-rights-statusDenied = Ask whoever runs this computer for the right to look at cards (status in /etc/sithsd/rights.toml).
doctor-step-rights-noSocket = Start the socket: sudo systemctl start sithsd-codes.socket
doctor-step-reader-none = Connect a card reader, or pull it out and plug it in again, into another socket if there is one.
doctor-step-reader-unknown = Use a reader's name as it is: sithsctl status shows them.
doctor-step-reader-ambiguous = Take out all cards but one, or name the reader: sithsctl doctor --reader NAME
doctor-step-busy-heldBy = Close the program that holds the card, perhaps { $holder }, and try again.
doctor-step-busy-held = Close other programs that use cards, and try again.
doctor-step-card-absent = Put the card into the reader, the chip first.
doctor-step-card-mute = Turn the card: the chip goes in first, facing the contacts. If it is in right, wipe the chip; if that does not help the card may be broken.
doctor-step-card-unreadable = Take the card out, wipe the chip and put it in again. If that does not help, try it in another reader; the card may be broken.
doctor-step-card-unsupported = Use a SITHS card. If it is one, give support the file of: sithsctl doctor --bundle FILE
doctor-step-card-foreign = Use your SITHS card: this is a card of another issuer.
doctor-step-card-reading = Wait a moment, and ask again.
doctor-step-card-unread = Take the card out, put it in again, and ask again.
doctor-step-clock-implausible = Set the computer's clock: sudo timedatectl set-ntp true
doctor-step-clock-beforeCertificates = Look at the computer's clock, and set it: sudo timedatectl set-ntp true
doctor-step-clock-behind = Set the computer's clock: sudo timedatectl set-ntp true
doctor-step-clock-unsynchronised = Let the computer keep its clock in step: sudo timedatectl set-ntp true
doctor-step-codes-absent = Use another card: no log-in works with this one.
doctor-step-codes-notActivated = Have the card activated at a desk operator's (sithsctl activate).
doctor-step-codes-blocked = Unblock the PIN with the PUK from the code letter: sithsctl unblock --role authentication. Or go to a desk operator.
doctor-step-codes-blockedForGood = Order a new card: this one can't be unblocked.
doctor-step-codes-lastTry = Be sure of the code, then give it: sithsctl verify --role authentication --spend-last-try. If you are not sure, go to a desk operator first.
doctor-step-codes-triesUnknown = A code goes to this card only by a clear word. If you are sure of it: sithsctl verify --role authentication --spend-last-try. A log-in that can't ask for that word does not use the card.
doctor-step-codes-pukUsedUp = Order a new card before a PIN gets blocked.
doctor-step-codes-signatureBlocked = To sign, unblock the signature PIN: sithsctl unblock --role signature. Log-ins work without.
doctor-step-codes-signatureNotActivated = To sign, have the card activated at a desk operator's. Log-ins work without.
doctor-step-codes-signatureLastTry = Be sure of the signature PIN before you sign: a wrong one blocks it.
doctor-step-certificates-none = Have certificates put on the card (Mina sidor), or go to a desk operator.
doctor-step-certificates-transport = Have the certificates of the card fetched: go to a desk operator.
doctor-step-certificates-noLogIn = Have certificates for log-ins put on the card (Mina sidor), or go to a desk operator.
doctor-step-certificates-malformed = Have new certificates put on the card (Mina sidor), or go to a desk operator.
doctor-step-certificates-expired = Order a new card, or renew its certificates (Mina sidor).
doctor-step-certificates-endsSoon = Order a new card, or renew its certificates (Mina sidor), before { $notAfter }.
doctor-step-certificates-notYetValid = Wait until { $notBefore }.
doctor-step-certificates-weak = Order a new card: log-ins with this one are refused.
doctor-step-certificates-refused = Go to a desk operator with the card.
doctor-step-chain-anchorMissing = Have the SITHS root installed in sithsd's folder anchors (see README, Settings).
doctor-step-chain-issuerUnknown = Have the issuing CAs' certificates installed in sithsd's folder issuers (see README, Settings).
doctor-step-chain-notConfigured = Use a real card; or have { $environment } cards allowed in sithsd.toml ([validity] environments).
doctor-step-chain-conflict = Do not use this card; give support the file of: sithsctl doctor --bundle FILE
doctor-step-chain-untrusted = Use a SITHS card of today. If it is one, have the SITHS root installed (see README, Settings).
doctor-step-chain-invalid = Do not use this card; give support the file of: sithsctl doctor --bundle FILE
doctor-step-chain-expired = Have today's CA certificates installed in sithsd's folder issuers (see README, Settings).
doctor-step-chain-notYetValid = Look at the computer's clock; if it is right, wait until the CA's certificate is valid.
doctor-step-revocation-refused = Go to a desk operator with the card: its certificate is not accepted.
doctor-step-fetch-absent = Start the program that asks: sudo systemctl start sithsd-fetch.socket
doctor-step-fetch-noAnchors = Install the root of SITHS where both programs find it: sudo sithsctl anchors install --fetch
doctor-step-fetch-failingAll = See whether this computer reaches the network, and { $place } in it.
doctor-step-fetch-failing = See whether { $place } can be reached from this computer.
doctor-step-notices-triesLost = If it was not you who used the tries, somebody may be guessing the code: change it (sithsctl change), and don't leave the card.
doctor-step-version-differs = Restart the card service: sudo systemctl restart sithsd.service
doctor-step-power-sleeps = If the reader does not wake up: pull it out and plug it in again, or have USB power saving switched off for it.
doctor-bundle-written = Written for support: { $path } (only you can read it). In it:
doctor-bundle-versions = releases of sithsctl, sithsd, Python, kernel and distribution
doctor-bundle-settings = the names of settings that are not the usual ones, without their values
doctor-bundle-checks = all checks of above with their facts: reader, speed, profile, tries left, dates and verdicts of certificates
doctor-bundle-card = the card's kind, profile and ATR, under a made-up name
doctor-bundle-log = the latest events of sithsd's log by name, if you may read it
doctor-bundle-identities = WHO THE HOLDER IS: name, HSA-id, organisation, card number, serial numbers
doctor-bundle-without = Not in it: names, identity numbers, HSA-ids, card and serial numbers, the names of this user and computer, codes.
doctor-bundle-look = It is plain text: look through it before you send it.
doctor-bundle-bad = The file of --bundle can't be written, or is there already.

## The agent for ssh. $user, $host, $namespace: as ssh tells them.

## The manager's report. What is said of a card stands in tables and in calendars, so it is short.

help-report = Make a manager's report: whose cards end when, and what to do by when. From lists (CSV, Parquet), exports of a directory (LDIF) and the sightings of desks.
help-option-report-output = Write the report as a page for browsers and for printing (HTML).
help-option-csv = Write every card as a row for a spreadsheet.
help-option-parquet = Write every card as Parquet. Needs the extra "report".
help-option-ics = Write the days by which something has to be done as a calendar (iCalendar).
help-option-rejects = Write the rows that could not be used here. Otherwise beside the first file that is written.
help-option-report-force = Overwrite files that are there.
help-option-at = The day, or the moment, that it is made for. Otherwise now.
help-option-warn-days = How many days ahead the end of a card is counted as near.
help-option-settings = The settings to take anchors and environments from. Otherwise /etc/sithsd/sithsd.toml, if there is one.
help-option-anchors = A file with a pinned root, beside those of the settings. May be given several times.
help-option-issuers = A file with certificates of issuers, beside those of the settings. May be given several times.
help-option-crl = A list of revoked certificates to check against. May be given several times.
help-option-freezes = The site's own order freezes. Otherwise /etc/sithsd/freezes.toml, if there is one.
help-option-jobs = How many processes judge certificates. Otherwise as many as there are processors.
help-option-cluster = The address of a Dask cluster that judges them. Needs the extra "cluster".
help-option-quiet = Show no progress.
help-sightings = What this computer's daemon has noted of the cards that were seen here, if its settings ask for that.
help-sightings-export = Write it for a report, a line a card. Pseudonyms, days and kinds, no names and no numbers.
help-option-sightings-file = The file of sightings. Otherwise sightings.sqlite in $STATE_DIRECTORY or /var/lib/sithsd.
sightings-absent = No sightings are noted here. The settings have to ask for them: enabled = true under [sightings].
sightings-unreadable = The file of sightings can't be read, or is none. It is root's and the daemon's to read.
usage-report-input = INPUT...
report-progress-reading = Reading { $file }
report-progress-writing = Counting and writing
report-progress-rate = { $rate } rows/s
report-progress-ready = ready at { $time }
report-written = Written: { $file }

report-input-unreadable = { $file } can't be read: { $reason }
report-input-empty = { $file } is empty.
report-input-certificate = { $file } is a certificate, not a list. Give a list with certificates (CSV, Parquet or LDIF); --issuers and --anchors take certificates.
report-input-head = { $file } has no column that is known to hold certificates or last days. Name one "certificate" or "valid to".
report-input-columns = { $file } has more than { $count } columns.
report-input-twice = { $file } has two columns for the same thing: { $first } and { $second }. Rename or remove one.
report-input-parquet = { $file } is no Parquet file that can be read.
report-input-large = { $file } can't be read in pieces: its groups of rows are too large.
report-input-sightings = { $file } is no file of sightings that can be read.
report-no-pyarrow = Parquet needs pyarrow, which is not installed: install sithsd with the extra "report" (sithsd[report]).
report-output-there = { $file } is there already (--force overwrites it).
report-output-unwritable = { $file } can't be written.
report-trust = What to judge by can't be used: { $reason }
report-judges = Not all certificates could be judged, and nothing was written: { $reason }
report-no-cluster = No Dask cluster answers at { $address }.

report-title = Cards that end
report-number = { $value }
report-csv-separator = ,
report-skip = Go to who has to act
report-lede = As of { $day }. { $cards ->
    [one] One card
   *[other] { $cards } cards
}, of which { $acting } { $acting ->
    [one] needs
   *[other] need
} something to be done.
report-revocation-unchecked = Not checked for revocation: no list of revoked certificates could be used. So no card is told as proven valid here; those that are valid by their dates are counted as not proven.
report-list-unused = A list of revoked certificates is not used: { $reason }
report-rejected = { $count } of { $read } rows could not be used. Why stands at the end; which ones stands in the file of rejects.
report-numbers = In numbers
report-tile-current = people's cards
report-tile-valid = valid, proven
report-tile-unknown = in use by their dates, not proven
report-tile-soon = end within { $days } days
report-tile-freeze = end inside an order freeze
report-tile-expired = have ended
report-tile-revoked = revoked
report-tile-bad = not to be trusted
report-deeds = What there is to do
report-timeline = When cards end
report-timeline-title = Cards that end, week by week
report-timeline-text = { $count } cards end in the weeks from { $begins } to the one of { $ends }, { $later } later.
report-timeline-freeze = Order freeze { $name }: { $begins } to { $ends }.
report-timeline-table = The same as a table
report-freeze-name = Order freeze { $name }
report-month = { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}
report-legend-week = cards that end in a week
report-legend-inside = of these inside a freeze
report-legend-freeze = order freeze
report-legend-stop = total stop
report-later = later
report-people = Who has to act, and by when
report-people-text = By unit, the most urgent first. A heading sorts its table.
report-nobody = Nobody has to do anything now.
report-capped = { $shown } of { $count } are on this page, the most urgent of each unit. All of them are in the files that --csv, --parquet and --json write.
report-filter = Filter
report-filter-word = Find a name, address or unit
report-filter-all = everything
report-filter-shown = { $count } shown
report-unit = { $acting } of { $cards } have something to do.
report-unit-capped = { $count } more are in the file of --csv.
report-table = Who has to act: { $unit }
report-no-unit = No unit told
report-row = row { $line } of { $file }
report-also = Also: { $what }, { $when }
report-calm = { $count ->
    [one] One unit has
   *[other] { $count } units have
} nothing to do
report-at-once = at once
report-at-once-by = at once, by { $by }
report-by = by { $by }
report-from = from { $since }
report-from-by = from { $since } to { $by }
report-because-freeze = { $why } Order freeze { $begins } to { $ends }.
report-action-order-now = Order a new card
report-action-reserve-get = Get a reserve card
report-action-reserve-from = Get a reserve card when there are some again
report-action-carry-card = Carry the card and know its PIN: nothing replaces a card left at home.
report-action-collect-before = Collect the new card, else it is cancelled
report-action-renew-soon = Order a new card: this one ends soon
report-action-reserve-replace = Order an ordinary card in place of the reserve card
report-action-order-mayNow = A new card may be ordered already
report-action-order-from = Order a new card when orders are taken again
report-action-order-joining = Order cards for those who begin to work then
report-action-card-check = Find out why the card is not to be trusted
report-rule-freeze-endsInside = The card ends while no cards can be ordered.
report-rule-freeze-endsAfter = The card ends soon after a freeze.
report-rule-freeze-collect = Cards that are not collected in time are cancelled.
report-rule-freeze-reserve = There are only reserve cards now.
report-rule-freeze-totalStop = Nothing can be ordered or handed out then.
report-rule-freeze-joins = Somebody begins to work inside a freeze.
report-rule-card-endsSoon = The card ends soon.
report-rule-card-ended = The card has ended.
report-rule-card-revoked = The card has been revoked.
report-rule-card-bad = The certificate is not to be trusted.
report-standing-valid = valid
report-standing-unknown = not proven
report-standing-expired = has ended
report-standing-revoked = revoked
report-standing-bad = not to be trusted
report-kind-ordinary = ordinary card
report-kind-reserve = reserve card
report-kind-old = older card
report-kind-notSiths = not a SITHS card
report-kind-unknown = kind not known
report-column-unit = Unit
report-column-who = Who
report-column-ends = Card ends
report-column-standing = Standing
report-column-what = What to do
report-column-by = Last day
report-column-when = When
report-column-why = Why
report-column-kind = Kind
report-column-environment = Environment
report-column-level = Level of assurance
report-column-reasons = Reasons
report-column-file = File
report-column-line = Line
report-column-reject = Why not used
report-column-name = Name of the reason
report-column-cards = Cards
report-column-first = First by
report-column-month = Month
report-column-ending = Cards that end
report-column-inside = Inside a freeze
report-column-form = Kind
report-column-entries = Rows
report-column-rejected = Not used
report-column-without = Entries without a certificate
report-column-unused = Columns that are not read
report-sums = How the numbers add up
report-sums-text = Every row is counted once. The certificates of one card are one card. Of a person's cards the one counts that serves longest; older ones are counted as replaced.
report-sum-read = Rows read
report-sum-rejected = … not used
report-sum-used = … used
report-sum-cards = Cards that these are
report-sum-replaced = … replaced by a later card of the same person
report-sum-current = … that count
report-inputs = What was read
report-form-csv = list (CSV)
report-form-parquet = list (Parquet)
report-form-ldif = directory (LDIF)
report-form-sightings = sightings
report-reasons = Why cards are not proven, or worse
report-rejects = Why rows were not used
report-reject-row-tooLong = The row, or a field of it, is too long.
report-reject-row-malformed = The row is malformed.
report-reject-row-columns = The row has more fields than the head.
report-reject-row-empty = There is neither a certificate nor a last day.
report-reject-certificate-encoding = The certificate is neither PEM, base64 nor hexadecimal.
report-reject-certificate-unreadable = The certificate can't be read.
report-reject-certificate-elsewhere = The certificate is somewhere else (a URL). Nothing is fetched.
report-reject-certificate-ofIssuer = It is an issuer's certificate, no person's.
report-reject-certificate-tooMany = There are too many certificates in one place.
report-reject-date-unreadable = A date can't be read.
report-reject-date-ambiguous = A date could be two (01/02/2024). Write 2024-02-01.
report-reject-date-order = It ends before it begins.
reason-certificate-notSeen = Only its dates are known: no certificate was at hand.
report-privacy = This file has personal data: units, names or addresses, and when cards end. It has no identity numbers, HSA-ids or card numbers. Keep it no longer than it is needed.
report-made = Made by sithsd { $version } as of { $moment } (Swedish time). The page asks nobody on the network for anything.
report-event = { $what }: { $count } ({ $unit })
report-event-more = and { $count } more
report-total = Rows read: { $read }. Not used: { $rejected }. Cards that count: { $current }.
report-rejects-hint = Which rows were not used is written with --rejects FILE.

usage-program = PROGRAM ...
help-ssh-agent = Be an agent for ssh: the keys are those of the cards. A PIN is asked for at each signature.
help-option-socket = The socket to listen on. Otherwise sithsd-ssh-agent.sock in $XDG_RUNTIME_DIR, or one of its own for a program.
help-option-foreground = Stay in the foreground, and ask at this terminal.
help-option-list-keys = Show the keys as lines of authorized_keys, and end.
help-option-confirm = Ask before each signature whether it is wanted.
help-option-ssh-pin-pad = Have the PIN entered at the reader's own PIN pad, where it has one.
ssh-log-in = ssh logs in as { $user } on { $host }.
ssh-log-in-somewhere = ssh logs in as { $user }. It does not tell on which computer.
ssh-log-in-through = ssh logs in as { $user } on { $host }. This is asked for from { $through }, to which the agent is forwarded.
ssh-log-in-somewhere-through = ssh logs in as { $user }, it is not known where. This is asked for from { $through }, to which the agent is forwarded.
ssh-sign = ssh-keygen signs something, to be valid for: { $namespace }
ssh-sign-through = ssh-keygen signs something, to be valid for: { $namespace }. This is asked for from { $through }, to which the agent is forwarded.
ssh-card = Card: { $card } ({ $identity })
ssh-confirm = Do you want this?
ssh-confirm-word = yes
ssh-last-try = Do you want to use it?
ssh-no-keys = No card that is in has a key to log in with. See what is in with: sithsctl status
ssh-no-command = The program after -- can't be started.
ssh-no-socket = The agent can't listen on its socket:
ssh-cancelled = Not signed: nobody gave the PIN or agreed, or the program that asked has gone.
ssh-no-way = Not signed: there is nothing to ask for the PIN by. Install a program for it (SSH_ASKPASS), or run sithsctl ssh-agent --foreground in a terminal. { $detail }
ssh-refused-key = Not signed: none of the cards that are in has this key.
ssh-refused-data = Not signed: this is neither a log-in by ssh nor a signature by ssh-keygen.
ssh-refused-algorithm = Not signed: this algorithm is not used. (ssh-rsa with SHA-1 is too weak; rsa-sha2-256 and rsa-sha2-512 are used instead.)
ssh-refused-session = Not signed: the log-in is of another session than ssh has told.
ssh-strange-session = What was told of a session is not so: { $detail }
ssh-unsupported = A request that this agent does not serve (number { $number }): keys are on cards, and are neither added, removed nor locked.
ssh-malformed = A request that is none: { $detail }
ssh-fault = A fault in the agent: { $detail }

# sithsctl anchors.
help-anchors = Show or install the roots that this computer trusts. Only SITHS's own, by their pinned fingerprints.
help-anchors-list = Show the roots that may be trusted, and which of them are installed.
help-anchors-install = Install a root from a file (PEM or DER), or with --fetch from its pinned place by sithsd-fetch. Run it as root; sithsd and sithsd-fetch read the roots when they start.
help-option-anchors-folder = The folder of the installed roots.
help-option-anchors-fetch = Have sithsd-fetch get the root from its pinned place on the network.
help-option-anchors-environment = The environment whose root it is. Otherwise production with --fetch, and any with a file.
anchors-world-production = for real cards
anchors-world-test = for TEST cards, which identify no real person
anchors-installed = Installed: { $name }, { $world }, in { $file }
anchors-absent = Not installed: { $name }, { $world }
anchors-done = Installed: { $name }, { $world }, in { $file }
anchors-test = It is not trusted until environments in /etc/sithsd/sithsd.toml names "test". TEST cards are always marked as TEST.
anchors-restart = Restart sithsd and sithsd-fetch for them to trust it: systemctl restart sithsd sithsd-fetch
anchors-oneOf = Name a file with the root, or say --fetch, one of the two.
anchors-refused = That is no root that may be trusted here, so nothing was installed. Get the root from SITHS, or use --fetch.
anchors-noCertificate = There is no certificate in it that can be read (PEM or DER), so nothing was installed.
anchors-unreadable = The file can't be read, so nothing was installed.
anchors-unlisted = The folder of the roots can't be looked into. Is it one, and may you?
anchors-unwritable = The root can't be written into the folder. Is there room on the disk, and is the folder one?
anchors-denied = You may not install a root. Run the command as root, with sudo.
anchors-noFetch = sithsd-fetch does not answer, and only it has the network. Start it with: systemctl start sithsd-fetch. Or give the root as a file.
