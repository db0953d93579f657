/* A PKCS#11 module that misbehaves when it is told to; for tests of the process that modules live in.
 *
 * Without AWKWARD_REAL it has a small token of its own: PIN 123456, one certificate object. With it, it stands before the
 * module at that path. AWKWARD_ORDERS names a file, which is read at each call of a function in the list at the end:
 * lines of "C_Login hang", where what comes second is one of hang, crash, exit, scribble, endless, huge, odd, or a return
 * value in hexadecimal. Before it hangs it makes the file of that name with ".reached" behind it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong;
typedef ulong (*function)();

enum { FUNCTIONS = 68, OK = 0, ARGUMENTS_BAD = 7, NOT_SUPPORTED = 0x54, PIN_INCORRECT = 0xA0, PIN_LOCKED = 0xA4 };
enum {
    INITIALIZE = 0, FINALIZE = 1, GET_INFO = 2, GET_SLOT_LIST = 4, GET_SLOT_INFO = 5, GET_TOKEN_INFO = 6,
    GET_MECHANISM_LIST = 7, INIT_PIN = 10, SET_PIN = 11, OPEN_SESSION = 12, CLOSE_SESSION = 13, LOGIN = 18, LOGOUT = 19,
    GET_ATTRIBUTE_VALUE = 24, FIND_INIT = 26, FIND = 27, FIND_FINAL = 28, SIGN_INIT = 42, SIGN = 43
};

struct list { unsigned char version[2]; function functions[FUNCTIONS]; };
struct attribute { ulong type; void *value; ulong length; };

static struct list ours, inner;
static int wrong, found, logged_in;

/* Return the second word of the order for a function, NULL if there is none. */
static const char *order_for(const char *name)
{
    static char kind[32];
    const char *path = getenv("AWKWARD_ORDERS");
    FILE *orders = path ? fopen(path, "r") : NULL;
    char line[128], about[64];
    const char *ordered = NULL;
    while (orders && fgets(line, sizeof line, orders))
        if (sscanf(line, "%63s %31s", about, kind) == 2 && strcmp(about, name) == 0) {
            ordered = kind;
            break;
        }
    if (orders)
        fclose(orders);
    return ordered;
}

/* Do what is ordered; return a value to be returned, or -1 to go on. */
static long trouble(const char *name)
{
    const char *kind = order_for(name);
    if (kind == NULL || strcmp(kind, "endless") == 0 || strcmp(kind, "huge") == 0 || strcmp(kind, "odd") == 0)
        return -1;
    if (strcmp(kind, "hang") == 0) {
        char reached[512];
        snprintf(reached, sizeof reached, "%s.reached", getenv("AWKWARD_ORDERS"));
        FILE *file = fopen(reached, "w");
        if (file)
            fclose(file);
        for (;;)
            pause();
    }
    if (strcmp(kind, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (strcmp(kind, "exit") == 0)
        _exit(3);
    if (strcmp(kind, "scribble") == 0) {
        for (int fd = 3; fd < 16; fd++)
            (void)!write(fd, "\0\0\0\4\0junk", 9);
        return -1;
    }
    return strtol(kind, NULL, 16);
}

static int is(const char *name, const char *kind)
{
    const char *ordered = order_for(name);
    return ordered && strcmp(ordered, kind) == 0;
}

static ulong unsupported() { return NOT_SUPPORTED; }

static ulong fine() { return OK; }

static void text(void *to, const char *from, size_t size)
{
    memset(to, ' ', size);
    memcpy(to, from, strlen(from) < size ? strlen(from) : size);
}

static ulong get_info(unsigned char *info)
{
    memset(info, 0, 2 + 32 + 6 + 8 + 32 + 8);
    return OK;
}

static ulong get_slot_list(unsigned char present, ulong *slots, ulong *count)
{
    (void)present;
    ulong many = is("C_GetSlotList", "endless") ? 1000000 : is("C_GetSlotList", "huge") ? 1UL << 48 : 1;
    if (slots)
        for (ulong one = 0; one < *count && one < many; one++)
            slots[one] = 7;
    *count = many;
    return OK;
}

static ulong get_slot_info(ulong slot, unsigned char *info)
{
    (void)slot;
    memset(info, 0, 64 + 32 + sizeof(ulong) + 4);
    text(info, getenv("AWKWARD_READER") ? getenv("AWKWARD_READER") : "Awkward Reader", 64);
    return OK;
}

static ulong get_token_info(ulong slot, unsigned char *info)
{
    ulong *numbers = (ulong *)(info + 96);
    (void)slot;
    memset(info, 0, 96 + 11 * sizeof(ulong) + 4 + 16);
    text(info, is("C_GetTokenInfo", "odd") ? "\xff\xfe (Legitimering)" : "Card (Legitimering)", 32);
    text(info + 32, "Maker", 32);
    text(info + 64, "Model", 16);
    text(info + 80, "00ab12", 16);
    numbers[0] = 0x40D | (wrong == 2 ? 0x20000 : wrong > 2 ? 0x40000 : 0) | (wrong ? 0x10000 : 0);
    numbers[5] = is("C_GetTokenInfo", "odd") ? (ulong)-1 : 8;
    numbers[6] = is("C_GetTokenInfo", "odd") ? 9 : 6;
    return OK;
}

static ulong get_mechanism_list(ulong slot, ulong *mechanisms, ulong *count)
{
    (void)slot;
    if (mechanisms)
        mechanisms[0] = 1;
    *count = 1;
    return OK;
}

static ulong open_session(ulong slot, ulong flags, void *application, void *notify, ulong *session)
{
    (void)slot, (void)flags, (void)application, (void)notify;
    *session = 1;
    return OK;
}

static ulong login(ulong session, ulong user, const char *pin, ulong length)
{
    (void)session, (void)user;
    if (wrong > 2)
        return PIN_LOCKED;
    if (pin && length == 6 && memcmp(pin, "123456", 6) == 0) {
        wrong = 0;
        logged_in = 1;
        return OK;
    }
    wrong++;
    return PIN_INCORRECT;
}

static ulong find_init(ulong session, struct attribute *template, ulong count)
{
    (void)session;
    /* One certificate, of which everything is known; no key. */
    found = 1;
    for (ulong one = 0; one < count; one++)
        if (template[one].type == 0 && *(ulong *)template[one].value == 1)
            found = 0;
    return OK;
}

static ulong find(ulong session, ulong *objects, ulong most, ulong *count)
{
    (void)session;
    ulong give = is("C_FindObjects", "endless") ? most : found ? 0 : 1;
    for (ulong one = 0; one < give; one++)
        objects[one] = 1;
    found = 1;
    *count = give;
    return OK;
}

static ulong get_attribute_value(ulong session, ulong object, struct attribute *template, ulong count)
{
    static const ulong certificate = 1, x509 = 0;
    (void)session, (void)object;
    for (ulong one = 0; one < count; one++) {
        const void *value = NULL;
        ulong length = 0;
        switch (template[one].type) {
        case 0x000: value = &certificate, length = sizeof certificate; break;
        case 0x080: value = &x509, length = sizeof x509; break;
        case 0x102: value = "E", length = 1; break;
        case 0x003: value = is("C_GetAttributeValue", "odd") ? "\xff" : "Label", length = strlen(value); break;
        case 0x011: value = "\x30\x03\x02\x01\x01", length = 5; break;
        default: template[one].length = (ulong)-1; continue;
        }
        if (template[one].type == 0x011 && is("C_GetAttributeValue", "huge"))
            length = 1UL << 40;
        if (template[one].type == 0x011 && is("C_GetAttributeValue", "endless"))
            length = 300000;
        if (template[one].value && length <= 4096)
            memcpy(template[one].value, value, length);
        template[one].length = length;
    }
    for (ulong one = 0; one < count; one++)
        if (template[one].length == (ulong)-1)
            return 0x12; /* CKR_ATTRIBUTE_TYPE_INVALID */
    return OK;
}

/* Each of these looks for an order first. */
#define WATCHED(place, name) \
    static ulong watched_##place(ulong a, ulong b, ulong c, ulong d, ulong e) \
    { \
        long instead = trouble(name); \
        return instead >= 0 ? (ulong)instead : inner.functions[place](a, b, c, d, e); \
    }
WATCHED(INITIALIZE, "C_Initialize")
WATCHED(FINALIZE, "C_Finalize")
WATCHED(GET_SLOT_LIST, "C_GetSlotList")
WATCHED(GET_TOKEN_INFO, "C_GetTokenInfo")
WATCHED(OPEN_SESSION, "C_OpenSession")
WATCHED(CLOSE_SESSION, "C_CloseSession")
WATCHED(LOGIN, "C_Login")
WATCHED(LOGOUT, "C_Logout")
WATCHED(SET_PIN, "C_SetPIN")
WATCHED(INIT_PIN, "C_InitPIN")
WATCHED(FIND, "C_FindObjects")
WATCHED(GET_ATTRIBUTE_VALUE, "C_GetAttributeValue")
WATCHED(SIGN, "C_Sign")

static void take_own(void)
{
    for (int place = 0; place < FUNCTIONS; place++)
        inner.functions[place] = unsupported;
    inner.version[0] = 2, inner.version[1] = 40;
    inner.functions[INITIALIZE] = inner.functions[FINALIZE] = inner.functions[CLOSE_SESSION] = fine;
    inner.functions[LOGOUT] = inner.functions[FIND_FINAL] = fine;
    inner.functions[GET_INFO] = (function)get_info;
    inner.functions[GET_SLOT_LIST] = (function)get_slot_list;
    inner.functions[GET_SLOT_INFO] = (function)get_slot_info;
    inner.functions[GET_TOKEN_INFO] = (function)get_token_info;
    inner.functions[GET_MECHANISM_LIST] = (function)get_mechanism_list;
    inner.functions[OPEN_SESSION] = (function)open_session;
    inner.functions[LOGIN] = (function)login;
    inner.functions[FIND_INIT] = (function)find_init;
    inner.functions[FIND] = (function)find;
    inner.functions[GET_ATTRIBUTE_VALUE] = (function)get_attribute_value;
}

ulong C_GetFunctionList(struct list **given)
{
    const char *real = getenv("AWKWARD_REAL");
    if (real) {
        void *library = dlopen(real, RTLD_NOW);
        ulong (*their)(struct list **) = library ? dlsym(library, "C_GetFunctionList") : NULL;
        struct list *theirs;
        if (!their || their(&theirs) != OK)
            return 5;
        inner = *theirs;
    } else
        take_own();
    ours = inner;
    ours.functions[INITIALIZE] = (function)watched_INITIALIZE;
    ours.functions[FINALIZE] = (function)watched_FINALIZE;
    ours.functions[GET_SLOT_LIST] = (function)watched_GET_SLOT_LIST;
    ours.functions[GET_TOKEN_INFO] = (function)watched_GET_TOKEN_INFO;
    ours.functions[OPEN_SESSION] = (function)watched_OPEN_SESSION;
    ours.functions[CLOSE_SESSION] = (function)watched_CLOSE_SESSION;
    ours.functions[LOGIN] = (function)watched_LOGIN;
    ours.functions[LOGOUT] = (function)watched_LOGOUT;
    ours.functions[SET_PIN] = (function)watched_SET_PIN;
    ours.functions[INIT_PIN] = (function)watched_INIT_PIN;
    ours.functions[FIND] = (function)watched_FIND;
    ours.functions[GET_ATTRIBUTE_VALUE] = (function)watched_GET_ATTRIBUTE_VALUE;
    ours.functions[SIGN] = (function)watched_SIGN;
    *given = &ours;
    return OK;
}
