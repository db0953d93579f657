/* A certificate and a signature, judged here with OpenSSL: nobody's word is taken for them. */
#pragma once
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

enum { CHALLENGE_SIZE = 32, FINGERPRINT_SIZE = 65, HSA_ID_SIZE = 64 };

/* What a certificate says. `hsa_id` is empty where the subject's serialNumber is none. */
struct leaf {
	X509 *certificate;
	char fingerprint[FINGERPRINT_SIZE];
	char hsa_id[HSA_ID_SIZE];
};

/* The name of an employee in the HSA catalogue, by its form: letters, an organisation's number, a hyphen, and more. */
bool is_hsa_id(const char *text);

/* Read a certificate from base64 of its DER, which has to be all there is. Frees nothing of what `leaf` had. */
bool leaf_read(struct leaf *leaf, const char *base64);
void leaf_free(struct leaf *leaf);

/* For log-in: a key usage with digitalSignature (RFC 5280, 4.2.1.3), and no authority's. */
bool leaf_serves_login(const struct leaf *leaf);

/* By this machine's clock: -1 before its time, 1 after it, 0 within. */
int leaf_dates(const struct leaf *leaf);

/* Whether `signature` (base64) over `challenge` was made by the certificate's key, with the named algorithm. */
bool leaf_signed(const struct leaf *leaf, const char *algorithm, const unsigned char *challenge, const char *signature);

/* Whether the certificate leads over `count` issuers (base64 of DER) to an authority in `anchors` (PEM). */
bool leaf_chains(const struct leaf *leaf, const char *anchors, size_t length, const char *const *issuers, size_t count);

/* Strict base64 (RFC 4648, 4): no blanks, whole groups. The bytes' number, or -1; at most `most`. */
long base64_bytes(const char *text, unsigned char *bytes, size_t most);

/* `size` bytes in base64; `text` has room for 4 characters for every 3 begun, and a NUL. */
void base64_text(const unsigned char *bytes, size_t size, char *text);
