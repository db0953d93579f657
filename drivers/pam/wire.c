#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A daemon's reply with all readers full stays far below; the depth of what it tells is 10. */
enum { MAX_REPLY = 1024 * 1024, MAX_CALL = 16 * 1024, FIRST_SIZE = 16 * 1024, MAX_DEPTH = 24, RETRY_MS = 50 };

void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof *secret);
}

int64_t moment(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until the socket can be read or written; false when the time is over. */
static bool await(int descriptor, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd watched = {.fd = descriptor, .events = events};
		int64_t left = deadline - moment();
		int ready;
		if (left <= 0)
			return false;
		ready = poll(&watched, 1, left < INT32_MAX ? (int)left : INT32_MAX);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

static enum heard refusal(int error)
{
	return error == EACCES || error == EPERM ? FORBIDDEN : UNREACHABLE;
}

/* A listener whose queue is full is asked again until the time is over. */
static enum heard knock(int descriptor, const struct sockaddr_un *address, int64_t deadline)
{
	while (connect(descriptor, (const struct sockaddr *)address, sizeof *address) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return refusal(errno);
		if (moment() + RETRY_MS >= deadline)
			return TOO_LATE;
		(void)poll(NULL, 0, RETRY_MS);
	}
	return HEARD;
}

enum heard wire_open(struct wire *wire, const char *folder, const char *interface, uid_t daemon, int64_t deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t size = sizeof peer;
	int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, interface);
	enum heard heard;

	*wire = (struct wire){.socket = -1};
	if (length < 0 || (size_t)length >= sizeof address.sun_path)
		return UNREACHABLE;
	wire->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->socket < 0)
		return UNREACHABLE;
	heard = knock(wire->socket, &address, deadline);
	/* Who called listen(): the daemon, or systemd for it (unix(7), SO_PEERCRED). */
	if (heard == HEARD && (getsockopt(wire->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
				      (peer.uid != 0 && peer.uid != daemon)))
		heard = STRANGER;
	if (heard != HEARD)
		wire_close(wire);
	return heard;
}

void wire_close(struct wire *wire)
{
	if (wire->socket >= 0)
		close(wire->socket);
	free(wire->data);
	*wire = (struct wire){.socket = -1};
}

static enum heard send_all(struct wire *wire, const char *bytes, size_t length, int64_t deadline)
{
	while (length > 0) {
		ssize_t sent = send(wire->socket, bytes, length, MSG_NOSIGNAL);
		if (sent > 0) {
			bytes += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN || errno == EINTR) {
			if (!await(wire->socket, POLLOUT, deadline))
				return TOO_LATE;
		} else {
			return ENDED;
		}
	}
	return HEARD;
}

/* The call's text up to the place where a code would go, and that place's length. -1: too long. */
static int compose(char *call, size_t size, const char *method, struct json_object *parameters, bool more)
{
	const char *text = parameters != NULL ?
		json_object_to_json_string_ext(parameters, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : "{}";
	size_t length = text != NULL ? strlen(text) : 0;
	int written;

	if (length < 2 || length >= size)
		return -1;
	written = snprintf(call, size, "{\"method\":\"%s\"%s,\"parameters\":%.*s", method, more ? ",\"more\":true" : "",
		(int)length - 1, text);
	return written > 0 && (size_t)written < size ? written : -1;
}

/* A code's digits need no escape in JSON. Copied by hand: printf's buffers are not ours to wipe. */
static int add_code(char *end, bool first, const struct secret *code)
{
	const char *name = first ? "\"code\":\"" : ",\"code\":\"";
	size_t length = strlen(name);

	memcpy(end, name, length);
	memcpy(end + length, code->digits, code->length);
	end[length + code->length] = '"';
	return (int)(length + code->length + 1);
}

enum heard wire_ask(struct wire *wire, const char *method, struct json_object *parameters, bool more,
	const struct secret *code, int64_t deadline)
{
	char call[MAX_CALL];
	int length = compose(call, sizeof call - MAX_CODE - 16, method, parameters, more);
	enum heard heard = GARBLED;

	if (length > 0) {
		if (code != NULL)
			length += add_code(call + length, call[length - 1] == '{', code);
		memcpy(call + length, "}}", 3);
		heard = send_all(wire, call, (size_t)length + 3, deadline);
	}
	explicit_bzero(call, sizeof call);
	json_object_put(parameters);
	return heard;
}

/* Read on. The message before goes, and the buffer doubles up to its bound. */
static enum heard read_more(struct wire *wire, int64_t deadline)
{
	ssize_t length;

	if (wire->taken > 0) {
		memmove(wire->data, wire->data + wire->taken, wire->used - wire->taken);
		wire->used -= wire->taken;
		wire->taken = 0;
	}
	if (wire->used == wire->size) {
		size_t size = wire->size != 0 ? 2 * wire->size : FIRST_SIZE;
		char *data = size <= MAX_REPLY ? realloc(wire->data, size) : NULL;
		if (data == NULL)
			return GARBLED;
		wire->data = data;
		wire->size = size;
	}
	if (!await(wire->socket, POLLIN, deadline))
		return TOO_LATE;
	length = recv(wire->socket, wire->data + wire->used, wire->size - wire->used, 0);
	if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
		return ENDED;
	wire->used += length > 0 ? (size_t)length : 0;
	return HEARD;
}

/* A reply is an object whose parameters, if there are any, are one too. */
static struct json_object *parse(const char *text, size_t length)
{
	struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *reply = NULL;
	struct json_object *parameters;
	bool right;

	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	reply = json_tokener_parse_ex(tokener, text, (int)length);
	right = json_tokener_get_error(tokener) == json_tokener_success && json_object_is_type(reply, json_type_object) &&
		(!json_object_object_get_ex(reply, "parameters", &parameters) ||
			json_object_is_type(parameters, json_type_object));
	json_tokener_free(tokener);
	if (right)
		return reply;
	json_object_put(reply);
	return NULL;
}

enum heard wire_hear(struct wire *wire, struct json_object **reply, int64_t deadline)
{
	size_t searched = 0;

	for (;;) {
		size_t held = wire->used - wire->taken;
		const char *start = held > 0 ? wire->data + wire->taken : NULL;
		const char *end = held > searched ? memchr(start + searched, '\0', held - searched) : NULL;
		enum heard heard;
		if (end != NULL) {
			*reply = parse(start, (size_t)(end - start));
			wire->taken += (size_t)(end - start) + 1;
			return *reply != NULL ? HEARD : GARBLED;
		}
		searched = held;
		heard = read_more(wire, deadline);
		if (heard != HEARD)
			return heard;
	}
}

struct json_object *field(struct json_object *object, const char *name, json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value = field(object, name, json_type_string);
	const char *text = value != NULL ? json_object_get_string(value) : NULL;

	return text != NULL && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

bool number_of(struct json_object *object, const char *name, int *number)
{
	struct json_object *value = field(object, name, json_type_int);
	int64_t wide = value != NULL ? json_object_get_int64(value) : -1;

	if (wide < 0 || wide > INT32_MAX)
		return false;
	*number = (int)wide;
	return true;
}

bool is_true(struct json_object *object, const char *name)
{
	struct json_object *value = field(object, name, json_type_boolean);

	return value != NULL && json_object_get_boolean(value);
}

size_t count_of(struct json_object *list, size_t most)
{
	size_t count = list != NULL ? json_object_array_length(list) : 0;

	return count < most ? count : most;
}
