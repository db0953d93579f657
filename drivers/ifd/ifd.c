/* An IFD handler for pcscd (pcsc-lite's IFD Handler 3.0): readers that exist only as folders.
 *
 * In each folder the driver listens on a Unix socket; a simulator connects and is the card, the contacts and the PIN
 * pad. README.md tells the wire. Nothing here knows what an APDU means. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <debuglog.h>
#include <ifdhandler.h>
#include <reader.h>

#include "bus.h"

enum { MAX_READERS = 16, MAX_MESSAGE = 65600, HEAD = 2, CODE = 4, FOLDER = 90 };
/* No card and no person takes longer; a simulator that does is cut off, so that pcscd never hangs. */
enum { CONTACT_SECONDS = 90, CARD_SECONDS = 180, PERSON_SECONDS = 600 };
/* To the simulator; `SEEN_*` tell what pcscd has noticed, the others ask for an answer. */
enum { POWER_ON = 1, RESET, POWER_OFF, TRANSMIT, CONTROL, SEEN_OUT = 0x90, SEEN_IN };
/* From the simulator: answers, and what became of the card. */
enum { DONE = 0, NO_CARD, NO_ANSWER, UNSUPPORTED, CARD_IN = 0x80, CARD_OUT };

static struct reader {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t server;
	char folder[FOLDER];
	int listener, wire, stop;
	bool open, unplugged;
	bool present;      /* a card is in */
	enum { NOTICED, FRESH, SHOWN } removal; /* whether pcscd has noticed that it was taken out */
	bool event;        /* pcscd is to look */
	bool told;         /* what the simulator was last told that pcscd has noticed */
	uint8_t number;    /* of the request under way */
	bool answered;
	uint8_t answer[MAX_MESSAGE];
	size_t answer_length;
	uint8_t atr[MAX_ATR_SIZE];
	size_t atr_length;
} readers[MAX_READERS];

/* In a thread of pcscd's that waits for events (one a reader): that it is one, and what it saw last. */
static __thread bool event_thread, seen;

__attribute__((constructor)) static void prepare(void)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	for (struct reader *r = readers; r < readers + MAX_READERS; r++) {
		pthread_mutex_init(&r->lock, NULL);
		pthread_cond_init(&r->changed, &monotonic);
		r->listener = r->wire = r->stop = -1;
	}
	pthread_condattr_destroy(&monotonic);
}

static struct reader *reader_of(DWORD lun)
{
	DWORD place = lun >> 16;
	return place < MAX_READERS && (lun & 0xFFFF) == 0 ? &readers[place] : NULL;
}

/* The functions below up to `serve` are called with the reader's lock held. */

static void set_present(struct reader *r, bool present)
{
	if (r->present && !present)
		r->removal = FRESH;
	if (r->present != present)
		r->event = true;
	r->present = present;
	pthread_cond_broadcast(&r->changed);
}

static void cut(struct reader *r)
{
	if (r->wire >= 0)
		close(r->wire);
	r->wire = -1;
	set_present(r, false);
}

/* One packet. Never waits: a simulator that does not read is cut off. */
static bool tell(struct reader *r, uint8_t kind, uint8_t number, const struct iovec *more, size_t count)
{
	uint8_t head[HEAD] = {kind, number};
	struct iovec parts[3] = {{head, HEAD}};
	struct msghdr packet = {.msg_iov = parts, .msg_iovlen = 1 + count};

	for (size_t i = 0; i < count; i++)
		parts[1 + i] = more[i];
	if (sendmsg(r->wire, &packet, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	/* Not closed here: the reader's thread may be in poll on it, and sees the end. */
	shutdown(r->wire, SHUT_RDWR);
	return false;
}

static struct timespec after(int64_t milliseconds)
{
	struct timespec then;
	clock_gettime(CLOCK_MONOTONIC, &then);
	then.tv_sec += milliseconds / 1000;
	then.tv_nsec += milliseconds % 1000 * 1000000;
	if (then.tv_nsec >= 1000000000) {
		then.tv_sec++;
		then.tv_nsec -= 1000000000;
	}
	return then;
}

/* A card that pcscd believes to be out is out. */
static bool usable(const struct reader *r, uint8_t kind)
{
	return r->wire >= 0 && !r->unplugged && (kind == CONTROL || (r->present && r->removal == NOTICED));
}

static RESPONSECODE await(struct reader *r, uint8_t kind, int seconds, void *out, DWORD *out_length)
{
	struct timespec deadline = after(1000LL * seconds);

	while (!r->answered && usable(r, kind))
		if (pthread_cond_timedwait(&r->changed, &r->lock, &deadline) == ETIMEDOUT) {
			shutdown(r->wire, SHUT_RDWR);
			return IFD_RESPONSE_TIMEOUT;
		}
	if (r->unplugged)
		return IFD_NO_SUCH_DEVICE;
	/* Not IFD_ICC_NOT_PRESENT: pcscd would then write the reader's state from the caller's thread. */
	if (!r->answered || r->answer[0] == NO_CARD || r->answer[0] == NO_ANSWER)
		return IFD_COMMUNICATION_ERROR;
	if (r->answer[0] == UNSUPPORTED)
		return IFD_ERROR_NOT_SUPPORTED;
	if (r->answer_length - HEAD > *out_length)
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	*out_length = r->answer_length - HEAD;
	memcpy(out, r->answer + HEAD, *out_length);
	return IFD_SUCCESS;
}

/* A packet of the simulator's. One that is none of these ends the connection; a late answer is passed over. */
static void hear(struct reader *r, const uint8_t *packet, ssize_t length)
{
	if (length < HEAD || length > MAX_MESSAGE || (packet[0] > UNSUPPORTED && packet[0] != CARD_IN && packet[0] != CARD_OUT)) {
		if (length >= 0)
			Log2(PCSC_LOG_ERROR, "%s: the simulator does not keep to the wire", r->folder);
		cut(r);
	} else if (packet[0] >= CARD_IN) {
		set_present(r, packet[0] == CARD_IN);
	} else if (!r->answered && packet[1] == r->number) {
		memcpy(r->answer, packet, length);
		r->answer_length = length;
		r->answered = true;
		pthread_cond_broadcast(&r->changed);
	}
}

/* A reader's own thread: takes one simulator at a time, and hears what it says. */
static void *serve(void *argument)
{
	struct reader *r = argument;
	uint8_t packet[MAX_MESSAGE];

	for (;;) {
		struct pollfd ends[] = {{r->stop, POLLIN, 0}, {r->listener, POLLIN, 0}, {r->wire, POLLIN, 0}};

		if (poll(ends, 3, -1) < 0 && errno != EINTR)
			return NULL;
		if (ends[0].revents)
			return NULL;
		pthread_mutex_lock(&r->lock);
		if (ends[2].revents) {
			ssize_t length = recv(r->wire, packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
			if (length >= 0 || (errno != EAGAIN && errno != EINTR))
				hear(r, packet, length == 0 ? -1 : length);
		}
		if (ends[1].revents) {
			int wire = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
			if (wire >= 0 && r->wire >= 0)
				close(wire);
			else if (wire >= 0)
				r->wire = wire;
		}
		pthread_mutex_unlock(&r->lock);
	}
}

static RESPONSECODE exchange(DWORD lun, uint8_t kind, int seconds, const struct iovec *more, size_t count, void *out,
	DWORD *out_length)
{
	struct reader *r = reader_of(lun);
	RESPONSECODE result;

	if (r == NULL)
		return IFD_NO_SUCH_DEVICE;
	pthread_mutex_lock(&r->lock);
	r->number++;
	r->answered = false;
	if (usable(r, kind))
		(void)tell(r, kind, r->number, more, count);
	result = await(r, kind, seconds, out, out_length);
	/* An answer may hold what a card keeps secret; it is nobody's any more. */
	explicit_bzero(r->answer, r->answer_length);
	r->answer_length = 0;
	r->answered = true;
	pthread_mutex_unlock(&r->lock);
	if (result != IFD_SUCCESS)
		*out_length = 0;
	return result;
}

void reader_unplugged(const char *folder)
{
	for (struct reader *r = readers; r < readers + MAX_READERS; r++) {
		pthread_mutex_lock(&r->lock);
		if (r->open && strcmp(r->folder, folder) == 0) {
			r->unplugged = true;
			if (r->wire >= 0)
				shutdown(r->wire, SHUT_RDWR);
			pthread_cond_broadcast(&r->changed);
		}
		pthread_mutex_unlock(&r->lock);
	}
}

/* TAG_IFD_POLLING_THREAD_WITH_TIMEOUT: pcscd's thread has dealt with what it saw, and waits for more. */
static RESPONSECODE wait_for_event(DWORD lun, int milliseconds)
{
	struct reader *r = reader_of(lun);
	struct timespec deadline = after(milliseconds);

	pthread_mutex_lock(&r->lock);
	event_thread = true;
	/* A removal is shown for a whole round of pcscd's, in which it may ask more than once; then it has noticed. */
	if (r->removal != NOTICED) {
		r->removal = r->removal == FRESH ? SHOWN : NOTICED;
		r->event = true;
	}
	if (r->removal == NOTICED && r->told != seen) {
		if (r->wire >= 0)
			(void)tell(r, seen ? SEEN_IN : SEEN_OUT, 0, NULL, 0);
		r->told = seen;
	}
	while (!r->event)
		if (pthread_cond_timedwait(&r->changed, &r->lock, &deadline) == ETIMEDOUT)
			break;
	r->event = false;
	pthread_mutex_unlock(&r->lock);
	return IFD_SUCCESS;
}

/* TAG_IFD_STOP_POLLING_THREAD: not always to end, also to look again. */
static RESPONSECODE stop_waiting(DWORD lun)
{
	struct reader *r = reader_of(lun);

	pthread_mutex_lock(&r->lock);
	r->event = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return IFD_SUCCESS;
}

/* `name` is a folder, or "usb:VID/PID:libudev:N:" and a folder, as pcscd makes it of a device that was plugged in. */
RESPONSECODE IFDHCreateChannelByName(DWORD lun, LPSTR name)
{
	struct reader *r = reader_of(lun);
	struct sockaddr_un place = {.sun_family = AF_UNIX};
	char ready[FOLDER + sizeof "/socket"];
	const char *folder = strstr(name, ":/") ? strstr(name, ":/") + 1 : name;

	if (r == NULL || r->open || strlen(folder) >= sizeof r->folder)
		return IFD_COMMUNICATION_ERROR;
	strcpy(r->folder, folder);
	snprintf(ready, sizeof ready, "%s/socket", folder);
	snprintf(place.sun_path, sizeof place.sun_path, "%s.new", ready);
	/* What lies there is that of a pcscd that was killed. */
	unlink(place.sun_path);
	r->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r->stop = eventfd(0, EFD_CLOEXEC);
	r->wire = -1;
	r->unplugged = r->present = r->event = r->told = false;
	r->removal = NOTICED;
	r->atr_length = 0;
	if (r->listener >= 0 && r->stop >= 0 && bind(r->listener, (struct sockaddr *)&place, sizeof place) == 0
		&& chmod(place.sun_path, 0600) == 0 && listen(r->listener, 4) == 0
		/* Whoever finds the name finds somebody who listens. */
		&& rename(place.sun_path, ready) == 0 && pthread_create(&r->server, NULL, serve, r) == 0) {
		r->open = true;
		return IFD_SUCCESS;
	}
	Log3(PCSC_LOG_ERROR, "%s: %s", place.sun_path, strerror(errno));
	close(r->listener);
	close(r->stop);
	return IFD_COMMUNICATION_ERROR;
}

RESPONSECODE IFDHCreateChannel(DWORD lun, DWORD channel)
{
	(void)lun, (void)channel;
	return IFD_COMMUNICATION_ERROR; /* a reader is told by its folder */
}

RESPONSECODE IFDHCloseChannel(DWORD lun)
{
	struct reader *r = reader_of(lun);
	char socket_path[FOLDER + sizeof "/socket"];

	if (r == NULL || !r->open)
		return IFD_NO_SUCH_DEVICE;
	eventfd_write(r->stop, 1);
	pthread_join(r->server, NULL);
	pthread_mutex_lock(&r->lock);
	cut(r);
	r->open = false;
	pthread_mutex_unlock(&r->lock);
	close(r->listener);
	close(r->stop);
	snprintf(socket_path, sizeof socket_path, "%s/socket", r->folder);
	unlink(socket_path);
	return IFD_SUCCESS;
}

RESPONSECODE IFDHICCPresence(DWORD lun)
{
	struct reader *r = reader_of(lun);
	RESPONSECODE result;

	if (r == NULL || !r->open)
		return IFD_NO_SUCH_DEVICE;
	pthread_mutex_lock(&r->lock);
	if (event_thread && r->unplugged) {
		/* Nothing new: a removal that this thread notices now would make pcscd forget that it is to end. */
		result = seen ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
	} else if (r->unplugged) {
		result = IFD_NO_SUCH_DEVICE;
	} else {
		/* A removal is seen by pcscd even when the next card is in already. */
		seen = r->present && r->removal == NOTICED;
		result = seen ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

RESPONSECODE IFDHPowerICC(DWORD lun, DWORD action, PUCHAR atr, PDWORD atr_length)
{
	struct reader *r = reader_of(lun);
	uint8_t kind = action == IFD_POWER_UP ? POWER_ON : action == IFD_RESET ? RESET : POWER_OFF;
	DWORD length = MAX_ATR_SIZE;
	RESPONSECODE result = exchange(lun, kind, CONTACT_SECONDS, NULL, 0, atr, &length);

	*atr_length = 0;
	if (kind == POWER_OFF)
		return IFD_SUCCESS; /* it has none, with or without its reader */
	if (result == IFD_NO_SUCH_DEVICE)
		return result;
	if (result != IFD_SUCCESS || length == 0)
		return IFD_ERROR_POWER_ACTION;
	*atr_length = length;
	pthread_mutex_lock(&r->lock);
	r->atr_length = *atr_length;
	memcpy(r->atr, atr, r->atr_length);
	pthread_mutex_unlock(&r->lock);
	return IFD_SUCCESS;
}

RESPONSECODE IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER sent, PUCHAR command, DWORD command_length, PUCHAR response,
	PDWORD response_length, PSCARD_IO_HEADER received)
{
	struct iovec apdu = {command, command_length};

	if (received != NULL)
		received->Protocol = sent.Protocol;
	return exchange(lun, TRANSMIT, CARD_SECONDS, &apdu, 1, response, response_length);
}

/* What a test lets a reader tell lies in its folder, in a file with this name; false if there is none. */
static bool from_file(const struct reader *r, const char *name, void *out, size_t size, DWORD *length)
{
	char path[FOLDER + 32];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", r->folder, name);
	file = fopen(path, "rbe");
	if (file == NULL)
		return false;
	*length = fread(out, 1, size, file);
	fclose(file);
	return true;
}

/* What never changes about a reader lies in its folder, in a file named by the control code; the rest is asked for. */
RESPONSECODE IFDHControl(DWORD lun, DWORD code, PUCHAR in, DWORD in_length, PUCHAR out, DWORD out_size, LPDWORD out_length)
{
	struct reader *r = reader_of(lun);
	uint8_t number[CODE] = {code >> 24, code >> 16, code >> 8, code};
	struct iovec parts[] = {{number, CODE}, {in, in_length}};
	char name[16];

	*out_length = 0;
	if (r == NULL || !r->open || r->unplugged)
		return IFD_NO_SUCH_DEVICE;
	snprintf(name, sizeof name, "%08lX", (unsigned long)code);
	if (from_file(r, name, out, out_size, out_length))
		return IFD_SUCCESS;
	if (r->wire < 0)
		return IFD_ERROR_NOT_SUPPORTED;
	*out_length = out_size;
	return exchange(lun, CONTROL, PERSON_SECONDS, parts, 2, out, out_length);
}

RESPONSECODE IFDHSetProtocolParameters(DWORD lun, DWORD protocol, UCHAR flags, UCHAR pts1, UCHAR pts2, UCHAR pts3)
{
	(void)lun, (void)protocol, (void)flags, (void)pts1, (void)pts2, (void)pts3;
	return IFD_SUCCESS; /* nothing to agree on: there are no bits on a contact */
}

RESPONSECODE IFDHSetCapabilities(DWORD lun, DWORD tag, DWORD length, PUCHAR value)
{
	(void)lun, (void)tag, (void)length, (void)value;
	return IFD_ERROR_TAG;
}

static RESPONSECODE give(const void *what, size_t size, PDWORD length, PUCHAR value)
{
	if (*length < size)
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	memcpy(value, what, size);
	*length = size;
	return IFD_SUCCESS;
}

RESPONSECODE IFDHGetCapabilities(DWORD lun, DWORD tag, PDWORD length, PUCHAR value)
{
	RESPONSECODE (*const waiting)(DWORD, int) = wait_for_event;
	RESPONSECODE (*const stopping)(DWORD) = stop_waiting;
	struct reader *r = reader_of(lun);
	char name[32];

	if (r == NULL)
		return IFD_NO_SUCH_DEVICE;
	switch (tag) {
	case TAG_IFD_ATR:
	case SCARD_ATTR_ATR_STRING:
		return r->atr_length ? give(r->atr, r->atr_length, length, value) : IFD_COMMUNICATION_ERROR;
	case TAG_IFD_SIMULTANEOUS_ACCESS:
		return give(&(uint8_t){MAX_READERS}, 1, length, value);
	case TAG_IFD_THREAD_SAFE:
	case TAG_IFD_SLOTS_NUMBER:
		return give(&(uint8_t){1}, 1, length, value);
	case TAG_IFD_POLLING_THREAD_WITH_TIMEOUT:
		return give(&waiting, sizeof waiting, length, value);
	case TAG_IFD_STOP_POLLING_THREAD:
		return give(&stopping, sizeof stopping, length, value);
	default:
		/* Attributes of PC/SC part 3, as far as a test lets the reader tell them. */
		snprintf(name, sizeof name, "attribute-%08lX", (unsigned long)tag);
		return r->open && from_file(r, name, value, *length, length) ? IFD_SUCCESS : IFD_ERROR_TAG;
	}
}
