/* A certificate's bytes come from a card: whatever OpenSSL refuses, or what is twice where it should be once, is no
 * identity. The queue of OpenSSL's errors belongs to the program around us and is left as it was. */
#include "proof.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CERTIFICATE = 64 * 1024, MAX_SIGNATURE = 1024, MAX_ANCHORS = 16, MIN_RSA_BITS = 2048, MIN_EC_BITS = 256 };

static const struct algorithm {
	const char *name;
	int key;
	const EVP_MD *(*hash)(void);
	int padding;
} algorithms[] = {
	{"rsaPkcs1Sha256", EVP_PKEY_RSA, EVP_sha256, RSA_PKCS1_PADDING},
	{"rsaPkcs1Sha384", EVP_PKEY_RSA, EVP_sha384, RSA_PKCS1_PADDING},
	{"rsaPkcs1Sha512", EVP_PKEY_RSA, EVP_sha512, RSA_PKCS1_PADDING},
	{"rsaPssSha256", EVP_PKEY_RSA, EVP_sha256, RSA_PKCS1_PSS_PADDING},
	{"rsaPssSha384", EVP_PKEY_RSA, EVP_sha384, RSA_PKCS1_PSS_PADDING},
	{"rsaPssSha512", EVP_PKEY_RSA, EVP_sha512, RSA_PKCS1_PSS_PADDING},
	{"ecdsaSha256", EVP_PKEY_EC, EVP_sha256, 0},
	{"ecdsaSha384", EVP_PKEY_EC, EVP_sha384, 0},
	{"ecdsaSha512", EVP_PKEY_EC, EVP_sha512, 0},
};

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_text(const unsigned char *bytes, size_t size, char *text)
{
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
}

long base64_bytes(const char *text, unsigned char *bytes, size_t most)
{
	size_t length = strlen(text), size = 0;
	uint32_t group = 0;
	size_t padding = length >= 2 && text[length - 1] == '=' ? 1 + (text[length - 2] == '=') : 0;

	if (length % 4 != 0)
		return -1;
	for (size_t i = 0; i < length - padding; i++) {
		const char *place = text[i] != '\0' ? strchr(letters, text[i]) : NULL;
		if (place == NULL)
			return -1;
		group = group << 6 | (uint32_t)(place - letters);
		/* The second, third and fourth character of a group each complete a byte. */
		if (i % 4 != 0) {
			if (size >= most)
				return -1;
			bytes[size++] = (unsigned char)(group >> (6 - 2 * (i % 4)));
		}
	}
	return (long)size;
}

bool is_hsa_id(const char *text)
{
	const char *hyphen = strchr(text, '-');
	size_t before = hyphen != NULL ? (size_t)(hyphen - text) : 0;

	if (before < 12 || hyphen[1] == '\0' || strlen(text) >= HSA_ID_SIZE)
		return false;
	for (const char *c = text; *c != '\0'; c++)
		if (!isascii((unsigned char)*c) || !isgraph((unsigned char)*c))
			return false;
	for (size_t i = 0; i < before; i++) {
		unsigned char c = (unsigned char)text[i];
		if (i < 2 ? !isalpha(c) : i < before - 10 ? !isalnum(c) : !isdigit(c))
			return false;
	}
	return true;
}

static void read_hsa_id(X509 *certificate, char hsa_id[HSA_ID_SIZE])
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int place = X509_NAME_get_index_by_NID((X509_NAME *)subject, NID_serialNumber, -1);
	unsigned char *text = NULL;
	int length;

	hsa_id[0] = '\0';
	/* Two numbers in one name: whose it is can't be told. */
	if (place < 0 || X509_NAME_get_index_by_NID((X509_NAME *)subject, NID_serialNumber, place) >= 0)
		return;
	length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
	if (length > 0 && length < HSA_ID_SIZE && strlen((char *)text) == (size_t)length && is_hsa_id((char *)text))
		memcpy(hsa_id, text, (size_t)length + 1);
	OPENSSL_free(text);
}

static bool read_fingerprint(X509 *certificate, char fingerprint[FINGERPRINT_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	if (!X509_digest(certificate, EVP_sha256(), digest, &length) || length * 2 + 1 != FINGERPRINT_SIZE)
		return false;
	for (unsigned int i = 0; i < length; i++) {
		fingerprint[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		fingerprint[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	fingerprint[2 * length] = '\0';
	return true;
}

static X509 *parse(const char *base64)
{
	unsigned char *der = malloc(MAX_CERTIFICATE);
	long length = der != NULL ? base64_bytes(base64, der, MAX_CERTIFICATE) : -1;
	const unsigned char *end = der;
	X509 *certificate = length > 0 ? d2i_X509(NULL, &end, length) : NULL;

	if (certificate != NULL && end != der + length) {
		X509_free(certificate);
		certificate = NULL;
	}
	free(der);
	return certificate;
}

bool leaf_read(struct leaf *leaf, const char *base64)
{
	ERR_set_mark();
	*leaf = (struct leaf){.certificate = parse(base64)};
	if (leaf->certificate != NULL && !read_fingerprint(leaf->certificate, leaf->fingerprint))
		leaf_free(leaf);
	if (leaf->certificate != NULL)
		read_hsa_id(leaf->certificate, leaf->hsa_id);
	ERR_pop_to_mark();
	return leaf->certificate != NULL;
}

void leaf_free(struct leaf *leaf)
{
	X509_free(leaf->certificate);
	*leaf = (struct leaf){0};
}

bool leaf_serves_login(const struct leaf *leaf)
{
	uint32_t flags, usage;

	ERR_set_mark();
	flags = X509_get_extension_flags(leaf->certificate);
	usage = X509_get_key_usage(leaf->certificate);
	ERR_pop_to_mark();
	return (flags & (EXFLAG_INVALID | EXFLAG_CA)) == 0 && (flags & EXFLAG_KUSAGE) != 0 &&
	       (usage & KU_DIGITAL_SIGNATURE) != 0;
}

int leaf_dates(const struct leaf *leaf)
{
	/* X509_cmp_time gives 0 for a date that it can't read: then it is neither begun nor still good. */
	if (X509_cmp_current_time(X509_get0_notBefore(leaf->certificate)) >= 0)
		return -1;
	return X509_cmp_current_time(X509_get0_notAfter(leaf->certificate)) <= 0 ? 1 : 0;
}

static bool strong(const EVP_PKEY *key, const struct algorithm *algorithm)
{
	return EVP_PKEY_base_id(key) == algorithm->key &&
	       EVP_PKEY_bits(key) >= (algorithm->key == EVP_PKEY_RSA ? MIN_RSA_BITS : MIN_EC_BITS);
}

static bool holds(EVP_PKEY *key, const struct algorithm *algorithm, const unsigned char *challenge,
	const unsigned char *signature, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *settings = NULL;
	bool right = context != NULL && EVP_DigestVerifyInit(context, &settings, algorithm->hash(), NULL, key) == 1;

	if (right && algorithm->key == EVP_PKEY_RSA)
		right = EVP_PKEY_CTX_set_rsa_padding(settings, algorithm->padding) > 0;
	right = right && EVP_DigestVerify(context, signature, length, challenge, CHALLENGE_SIZE) == 1;
	EVP_MD_CTX_free(context);
	return right;
}

bool leaf_signed(const struct leaf *leaf, const char *algorithm, const unsigned char *challenge, const char *signature)
{
	unsigned char bytes[MAX_SIGNATURE];
	long length = base64_bytes(signature, bytes, sizeof bytes);
	bool right = false;

	ERR_set_mark();
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms && length > 0; i++) {
		EVP_PKEY *key = X509_get0_pubkey(leaf->certificate);
		if (strcmp(algorithms[i].name, algorithm) == 0)
			right = key != NULL && strong(key, &algorithms[i]) &&
				holds(key, &algorithms[i], challenge, bytes, (size_t)length);
	}
	ERR_pop_to_mark();
	return right;
}

static bool add_anchors(X509_STORE *store, const char *pem, size_t length)
{
	BIO *source = BIO_new_mem_buf(pem, (int)length);
	int count = 0;
	X509 *anchor;

	while (source != NULL && count < MAX_ANCHORS && (anchor = PEM_read_bio_X509(source, NULL, NULL, NULL)) != NULL) {
		count += X509_STORE_add_cert(store, anchor) == 1;
		X509_free(anchor);
	}
	BIO_free(source);
	return count > 0;
}

static bool add_issuers(STACK_OF(X509) *helpers, const char *const *issuers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		X509 *issuer = parse(issuers[i]);
		if (issuer == NULL || sk_X509_push(helpers, issuer) <= 0) {
			X509_free(issuer);
			return false;
		}
	}
	return true;
}

bool leaf_chains(const struct leaf *leaf, const char *anchors, size_t length, const char *const *issuers, size_t count)
{
	X509_STORE *store;
	STACK_OF(X509) *helpers;
	X509_STORE_CTX *context;
	bool right;

	ERR_set_mark();
	store = X509_STORE_new();
	helpers = sk_X509_new_null();
	context = X509_STORE_CTX_new();
	right = store != NULL && helpers != NULL && context != NULL && add_anchors(store, anchors, length) &&
		add_issuers(helpers, issuers, count) &&
		X509_STORE_CTX_init(context, store, leaf->certificate, helpers) == 1;
	if (right) {
		/* 112 bits: no SHA-1 and no RSA key of fewer than 2048 bits on the way. */
		X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), 2);
		right = X509_verify_cert(context) == 1;
	}
	X509_STORE_CTX_free(context);
	sk_X509_pop_free(helpers, X509_free);
	X509_STORE_free(store);
	ERR_pop_to_mark();
	return right;
}
