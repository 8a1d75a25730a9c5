/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <glib.h>

#include "escape.h"
#include "file-util.h"
#include "log.h"

void fuzz_expect(bool holds, const char *what)
{
        if (holds)
                return;
        fprintf(stderr, "Does not hold: %s\n", what);
        abort();
}

void fuzz_must(int r, const char *what)
{
        if (r >= 0)
                return;
        fprintf(stderr, "%s: %s\n", what, strerror(-r));
        abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);

        fuzz_must(text ? 0 : -ENOMEM, "memory");
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';
        return text;
}

FuzzFile *fuzz_file(void)
{
        static FuzzFile file = { .fd = -EBADF };

        if (file.fd < 0) {
                file.fd = memfd_create("fuzz", MFD_CLOEXEC);
                fuzz_must(file.fd < 0 ? -errno : 0, "memfd_create");
                fuzz_must(fchmod(file.fd, 0644) < 0 ? -errno : 0, "fchmod");
                snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
        }
        return &file;
}

void fuzz_file_fill(FuzzFile *file, const uint8_t *data, size_t size)
{
        fuzz_must(ftruncate(file->fd, 0) < 0 ? -errno : 0, "ftruncate");
        fuzz_must(lseek(file->fd, 0, SEEK_SET) < 0 ? -errno : 0, "lseek");
        fuzz_must(write_all(file->fd, data, size), "write");
}

static void swallow(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        (void)text;
}

void fuzz_be_silent(void)
{
        log_set_sink(swallow);
}

static sd_bus *get_bus(void)
{
        static sd_bus *bus;
        int fds[2];

        if (bus)
                return bus;
        fuzz_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0 ? -errno : 0,
                "socketpair");
        fuzz_must(sd_bus_new(&bus), "bus");
        fuzz_must(sd_bus_set_fd(bus, fds[0], fds[0]), "bus");
        fuzz_must(sd_bus_start(bus), "bus");
        return bus;
}

sd_bus_message *fuzz_message_new(void)
{
        sd_bus_message *m;

        fuzz_must(sd_bus_message_new_method_call(get_bus(), &m, NULL, "/", "a.b", "C"), "message");
        return m;
}

void fuzz_message_seal(sd_bus_message *m)
{
        fuzz_must(sd_bus_message_seal(m, 1, 0), "sealing");
        fuzz_must(sd_bus_message_rewind(m, 1), "rewinding");
}

bool fuzz_is_printable(const char *text)
{
        if (!utf8_is_sendable(text))
                return false;
        for (const char *p = text; *p; p = g_utf8_next_char(p))
                if (g_unichar_iscntrl(g_utf8_get_char(p)))
                        return false;
        return true;
}
