/* A bus of its own for pcscd: what pcscd asks of libudev, answered from a folder instead of from the machine's USB.
 *
 * Loaded before libudev (LD_PRELOAD), in a private pcscd only. Each folder in $SITHSD_SIM_READERS is a reader that is
 * plugged in; one that is moved away is unplugged, one that is moved back is plugged in again. The machine's own
 * readers are not seen. Names are those of libudev, and no other function of it is used by pcscd 1.9 to 2.5. */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "bus.h"

/* inotify pads names to 16 bytes: with this bound one read gives one event. */
enum { NAME_SIZE = 16 };

struct udev_list_entry {
	struct udev_list_entry *next;
	char folder[PATH_MAX];
};
struct udev_device {
	char folder[PATH_MAX];
	bool added;
};
struct udev { char nothing; };
struct udev_enumerate { struct udev_list_entry *first; };
struct udev_monitor { int events; };

static const char *bus(void)
{
	const char *folder = getenv("SITHSD_SIM_READERS");
	return folder != NULL ? folder : "/nonexistent";
}

static int is_reader(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strlen(entry->d_name) < NAME_SIZE;
}

struct udev *udev_new(void)
{
	return calloc(1, sizeof(struct udev));
}

struct udev *udev_unref(struct udev *udev)
{
	free(udev);
	return NULL;
}

struct udev_enumerate *udev_enumerate_new(struct udev *udev)
{
	(void)udev;
	return calloc(1, sizeof(struct udev_enumerate));
}

int udev_enumerate_add_match_subsystem(struct udev_enumerate *found, const char *subsystem)
{
	(void)found, (void)subsystem;
	return 0;
}

int udev_enumerate_scan_devices(struct udev_enumerate *found)
{
	struct dirent **entries;
	int count = scandir(bus(), &entries, is_reader, versionsort);

	/* From the last to the first, each before the others. */
	for (int i = count - 1; i >= 0; i--) {
		struct udev_list_entry *entry = calloc(1, sizeof *entry);
		if (entry != NULL) {
			snprintf(entry->folder, sizeof entry->folder, "%s/%s", bus(), entries[i]->d_name);
			entry->next = found->first;
			found->first = entry;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return 0;
}

struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *found)
{
	return found->first;
}

struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *entry)
{
	return entry->next;
}

const char *udev_list_entry_get_name(struct udev_list_entry *entry)
{
	return entry->folder;
}

struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *found)
{
	while (found->first != NULL) {
		struct udev_list_entry *entry = found->first;
		found->first = entry->next;
		free(entry);
	}
	free(found);
	return NULL;
}

struct udev_device *udev_device_new_from_syspath(struct udev *udev, const char *folder)
{
	struct udev_device *device = calloc(1, sizeof *device);

	(void)udev;
	if (device != NULL)
		snprintf(device->folder, sizeof device->folder, "%s", folder);
	return device;
}

struct udev_device *udev_device_unref(struct udev_device *device)
{
	free(device);
	return NULL;
}

/* The interface and its device are one here. */
struct udev_device *udev_device_get_parent_with_subsystem_devtype(struct udev_device *device, const char *subsystem,
	const char *type)
{
	(void)subsystem, (void)type;
	return device;
}

const char *udev_device_get_devnode(struct udev_device *device)
{
	return device->folder;
}

const char *udev_device_get_sysname(struct udev_device *device)
{
	return strrchr(device->folder, '/') + 1;
}

const char *udev_device_get_action(struct udev_device *device)
{
	return device->added ? "add" : "remove";
}

const char *udev_device_get_property_value(struct udev_device *device, const char *key)
{
	(void)device, (void)key;
	return NULL;
}

const char *udev_device_get_sysattr_value(struct udev_device *device, const char *attribute)
{
	/* 1209:0001 is pid.codes' number for devices that are tests. */
	if (strcmp(attribute, "idVendor") == 0)
		return "1209";
	if (strcmp(attribute, "idProduct") == 0)
		return "0001";
	if (strcmp(attribute, "serial") == 0)
		return udev_device_get_sysname(device);
	return NULL;
}

struct udev_monitor *udev_monitor_new_from_netlink(struct udev *udev, const char *name)
{
	struct udev_monitor *monitor = calloc(1, sizeof *monitor);

	(void)udev, (void)name;
	if (monitor == NULL)
		return NULL;
	monitor->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify_add_watch(monitor->events, bus(), IN_ONLYDIR | IN_MOVED_FROM | IN_MOVED_TO) >= 0)
		return monitor;
	close(monitor->events);
	free(monitor);
	return NULL;
}

struct udev_monitor *udev_monitor_unref(struct udev_monitor *monitor)
{
	close(monitor->events);
	free(monitor);
	return NULL;
}

int udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *monitor, const char *subsystem,
	const char *type)
{
	(void)monitor, (void)subsystem, (void)type;
	return 0;
}

int udev_monitor_enable_receiving(struct udev_monitor *monitor)
{
	(void)monitor;
	return 0;
}

int udev_monitor_get_fd(struct udev_monitor *monitor)
{
	return monitor->events;
}

struct udev_device *udev_monitor_receive_device(struct udev_monitor *monitor)
{
	_Alignas(struct inotify_event) char room[sizeof(struct inotify_event) + NAME_SIZE];
	const struct inotify_event *event = (const void *)room;
	struct udev_device *device;

	if (read(monitor->events, room, sizeof room) <= 0 || event->len == 0 || event->name[0] == '.')
		return NULL;
	device = calloc(1, sizeof *device);
	if (device == NULL)
		return NULL;
	snprintf(device->folder, sizeof device->folder, "%s/%s", bus(), event->name);
	device->added = (event->mask & IN_MOVED_TO) != 0;
	if (!device->added)
		reader_unplugged(device->folder);
	return device;
}
