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
error-pin-blocked = The { code-name } is blocked. Unblock it with the PUK (sithsctl unblock), or see a desk operator.
error-pin-lastTry = One try is left for the { code-name }, so nothing was sent to the card. Use --spend-last-try if you are sure of the code; if it is wrong the code is blocked.
error-pin-triesUnknown = The card does not tell how many tries the { code-name } has left, so nothing was sent to the card. Use --spend-last-try if you are sure of the code.
error-pin-malformed = The { code-name } has not the form that the card takes: digits only, and the right number of them. Nothing was sent to the card and no try was used.
error-pin-notActivated = The { code-name } has not been chosen yet. The card must be activated at a desk operator.
error-pin-unsupported = This card has no { code-name }, or it can't be used in this way. See what the card has with: sithsctl codes
error-puk-wrong = { $triesLeft ->
    [0] Wrong PUK, and no tries are left. This card can't be unblocked: order a new one.
    [unknown] Wrong PUK. Too many wrong ones make the card useless: check the code letter before you try again.
    [one] Wrong PUK. One try is left; if that is wrong too the card is useless for ever. See a desk operator.
   *[other] Wrong PUK. { $triesLeft } tries are left; after that the card is useless. Check the code letter before you try again.
}
error-puk-blocked = The PUK is used up. This card can't be unblocked: order a new one.
error-puk-lastTry = One try is left for the PUK, so nothing was sent to the card. A wrong PUK now makes the card useless for ever: use --spend-last-try only if you are sure.
error-puk-triesUnknown = The card does not tell how many tries the PUK has left, so nothing was sent to the card. Too many wrong ones make it useless for ever: use --spend-last-try only if you are sure.
error-card-absent = There is no card in the reader. Insert the card with the chip first, and try again.
error-card-removed = The card was taken out before it was done. Insert it again, and try again.
error-card-changed = It is not the same card as before, so nothing was sent to it. Look whose card it is, and try again.
error-card-unsupported = This is not a card that sithsd works with. Check that it is a SITHS card.
error-card-unreadable = The card does not answer as it should. Take it out, wipe the chip and insert it again; if that does not help the card may be broken.
error-card-refused = The card refused the command. Take the card out and insert it again; if that does not help, see a desk operator.
error-reader-busy = Another program is using the card. Wait a moment, and try again.
error-reader-unknown = There is no such reader. See their names with: sithsctl status
error-reader-ambiguous = More than one reader holds a card. Name one of them with --reader; sithsctl status shows them.
error-certificate-absent = No certificate on the card fits. See what is there with: sithsctl certificates
error-pcsc-unavailable = The card reader service (pcscd) does not answer. Start it with: systemctl start pcscd.socket
error-request-denied = You may not do this. Ask to be a member of the group sithsd-desk, or work at the computer's own screen.
error-request-invalid = The command is not in order. See: sithsctl --help
error-request-tooMany = Too many requests at once. Wait a moment, and try again.
error-daemon-unavailable = The card service (sithsd) does not answer. Start it with: systemctl start sithsd
error-internal = Something went wrong inside sithsd. Try again; the log (journalctl -u sithsd) tells more.
error-pin-triesChanged = Somebody used a try of the { code-name } meanwhile, so nothing was sent to the card. Look, and give the code again.
error-pin-refused = The new code breaks a rule. Choose another one; nothing was sent to the card.
error-puk-triesChanged = Somebody used a try of the PUK meanwhile, so nothing was sent to the card. Look, and give the code again.
error-puk-belowFloor = Few tries of the PUK are left, so nothing was sent to the card. A dead PUK makes the card useless: use --risk-card only if you are sure.
error-pinpad-absent = The reader has no PIN pad for this. Enter the code at the keyboard.
error-pinpad-cancelled = Cancelled at the PIN pad. No try was used.
error-pinpad-timeout = Nothing was entered at the PIN pad in time. No try was used.
error-pinpad-mismatch = The new PIN was not entered the same way twice. Nothing was changed and no try was used.
error-pinpad-malformed = What was entered at the PIN pad is too short or too long. No try was used.
error-unblock-deskOnly = This card is unblocked by a desk operator. See your desk.
error-activation-checklist = The checklist is not fulfilled, so the card was not touched.
error-activation-notNeeded = The PINs of this card have been chosen already.
error-card-outcomeUnknown = The code was sent, but the answer never came: it is unknown whether it happened. Insert the card again and look, with: sithsctl codes
error-request-tooManyWrong = Too many wrong codes in a short time. Wait before you try again; nothing was sent to the card.
error-audit-unavailable = The audit can not be written (is the disk full?), so nothing was sent to the card.
error-lost = The connection broke before the answer came, so a try may have been used. Look before you try again, with: sithsctl codes
error-unknown = The card service answered with an error that this program does not know.
error-name = Error: { $name }
error-readers = Readers: { $readers }
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
help-options = Options
help-commands = Commands
help-required = required
help-help = Show this text and end.
help-version = Show the version and end.
help-program = Look at the SITHS cards in this computer's readers, and use their codes.
help-status = Show the readers and the card in each. Whose it is, its codes, its certificates.
help-monitor = Show every change as it happens, until Ctrl-C.
help-certificates = Show the certificates of a card, or write them as PEM.
help-validity = Say whether the certificates may be trusted. And why not.
help-codes = Ask the card how many tries are left. No try is used.
help-verify = Try a PIN on the card. It is asked for without being shown, or read by --code-fd.
help-unblock = Unblock a PIN with the PUK, and choose a new PIN.
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
help-option-spend-last-try = Go on although it is the last try, or the card does not tell how many are left.
help-epilog-statuses = Exit statuses:
help-epilog-completion = Completion in bash: eval "$(_SITHSCTL_COMPLETE=bash_source sithsctl)"
exit-0 = done
exit-1 = the card refused, or an error that has no other number
exit-2 = the command line is not in order
exit-3 = the card service (sithsd) does not answer; for commands that need a card, also the reader service (pcscd)
exit-4 = no card, no such reader or certificate, or several readers to choose from
exit-5 = the code was wrong
exit-6 = the code is blocked
exit-7 = refused before the card: last try, malformed, not activated, not allowed
exit-8 = the card is of an unknown sort, broken, or lacks that code
exit-9 = the card was busy, taken out or exchanged; look, and try again
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
label-card = Card
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
reason-clock-implausible = This computer's clock is wrong, so dates can't be judged.
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

## Monitor

monitor-reader = { $reader }: { $what }
monitor-gone = the reader is gone
monitor-appeared = reader connected
monitor-removed = the card was taken out
monitor-code = { $code }: { $state }
monitor-updated = updated
monitor-service-gone = The card reader service (pcscd) does not answer.
monitor-service-back = The card reader service (pcscd) answers again.

## Asking for codes

ask-tries = { Code-name }: { $state }
ask-code = { Code-name } (not shown):
ask-code-length = { Code-name } ({ $length } digits, not shown):
ask-new = New { code-indefinite } (not shown):
ask-new-length = New { code-indefinite } ({ $length } digits, not shown):
ask-again = The new { code-indefinite } once more:
ask-mismatch = The two were not the same. Nothing was sent to the card; choose again.
ask-last-try = This is the last try. If the code is wrong, the { code-name } is blocked.
ask-last-try-puk = This is the PUK's last try. If it is wrong, the card is useless for ever.
ask-unknown-tries = The card does not tell how many tries the { code-name } has left. This may be the last one.
ask-unknown-tries-puk = The card does not tell how many tries the PUK has left. Too many wrong ones make the card useless for ever.
ask-confirm = Type the word { $word } to go on, or press Enter to stop:
ask-confirm-word = try
verified-done = Right. The { code-name } was accepted. { tries-sentence }
unblocked-done = Done. The { code-name } is unblocked and has its new value. { tries-sentence }
