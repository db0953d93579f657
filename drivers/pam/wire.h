/* Varlink as a client speaks it: JSON ended by a NUL over a Unix socket, with bounds on bytes, depth and time. */
#pragma once
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_CODE = 64 };

/* A code, in one place, to be wiped. */
struct secret {
	char digits[MAX_CODE];
	size_t length;
};
void secret_wipe(struct secret *secret);

enum heard {
	HEARD,
	UNREACHABLE, /* nobody listens */
	FORBIDDEN,   /* the socket is not for this user */
	STRANGER,    /* who listens is neither root nor the daemon's user */
	ENDED,       /* the connection ended in the midst of it */
	TOO_LATE,
	GARBLED,     /* what came is no varlink message, or too long */
};

struct wire {
	int socket;
	char *data;
	size_t size, used, taken; /* bytes up to `taken` are those of the message before */
};

/* Milliseconds on a clock that nobody sets. */
int64_t moment(void);

/* Connect to the socket `folder`/`interface`, where root or `daemon` has to listen. `deadline` is a `moment`. */
enum heard wire_open(struct wire *wire, const char *folder, const char *interface, uid_t daemon, int64_t deadline);
void wire_close(struct wire *wire);

/* Send a call. `parameters` become the caller's no more; NULL is none. `code`, where given, is added to them as their
 * field of that name; it is in no other memory of this process afterwards. */
enum heard wire_ask(struct wire *wire, const char *method, struct json_object *parameters, bool more,
	const struct secret *code, int64_t deadline);

/* The next reply; json_object_put frees it. */
enum heard wire_hear(struct wire *wire, struct json_object **reply, int64_t deadline);

/* Fields of JSON objects; NULL or false where they are missing or of another type. A text has no NUL in it. */
struct json_object *field(struct json_object *object, const char *name, json_type type);
const char *text_of(struct json_object *object, const char *name);
bool number_of(struct json_object *object, const char *name, int *number);
bool is_true(struct json_object *object, const char *name);
/* A list's length, at most `most`. */
size_t count_of(struct json_object *list, size_t most);
