/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf-files.h"

#include <string.h>
#include <sys/stat.h>

#include "strv.h"

typedef struct ConfFile {
        char *name;
        char *path; /* NULL: masked */
} ConfFile;

typedef struct ConfFiles {
        ConfFile *files;
        size_t n_files;
} ConfFiles;

static void conf_files_done(ConfFiles *l)
{
        for (size_t i = 0; i < l->n_files; i++) {
                free(l->files[i].name);
                free(l->files[i].path);
        }
        free(l->files);
}

static bool has_name(const ConfFiles *l, const char *name)
{
        for (size_t i = 0; i < l->n_files; i++)
                if (strcmp(l->files[i].name, name) == 0)
                        return true;
        return false;
}

static bool is_candidate(const char *name, const char *suffix)
{
        size_t n = strlen(name), m = strlen(suffix);

        return name[0] != '.' && n > m && strcmp(name + n - m, suffix) == 0;
}

/* A link to /dev/null, also in several steps, or an empty file: as systemd has it. */
static bool is_masked(int dir_fd, const char *name)
{
        struct stat file, null;

        if (fstatat(dir_fd, name, &file, 0) < 0)
                return false;

        if (S_ISREG(file.st_mode))
                return file.st_size == 0;

        return S_ISCHR(file.st_mode) && stat("/dev/null", &null) == 0 && file.st_rdev == null.st_rdev;
}

static int add_file(ConfFiles *l, const char *dir, const char *name, bool masked)
{
        _cleanup_free_ char *copy = strdup(name), *path = NULL;
        ConfFile *grown;

        if (!copy)
                return -ENOMEM;

        if (!masked && asprintf(&path, "%s/%s", dir, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        grown = reallocarray(l->files, l->n_files + 1, sizeof(ConfFile));
        if (!grown)
                return -ENOMEM;

        l->files = grown;
        l->files[l->n_files++] = (ConfFile){ .name = steal_ptr(copy), .path = steal_ptr(path) };
        return 0;
}

static int add_directory(ConfFiles *l, const char *dir, const char *suffix)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        struct dirent *entry;
        int r;

        if (!d)
                return errno == ENOENT ? 0 : -errno;

        while ((errno = 0, entry = readdir(d))) {
                if (!is_candidate(entry->d_name, suffix) || has_name(l, entry->d_name))
                        continue;

                r = add_file(l, dir, entry->d_name, is_masked(dirfd(d), entry->d_name));
                if (r < 0)
                        return r;
        }

        return -errno;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(((const ConfFile *)a)->name, ((const ConfFile *)b)->name);
}

int conf_files_list(const char *const *dirs, const char *suffix, char ***ret_paths)
{
        _cleanup_(conf_files_done) ConfFiles found = { 0 };
        _cleanup_strv_free_ char **paths = calloc(1, sizeof(char *));
        int r;

        if (!paths)
                return -ENOMEM;

        for (; *dirs; dirs++) {
                r = add_directory(&found, *dirs, suffix);
                if (r < 0)
                        return r;
        }

        if (found.n_files > 0)
                qsort(found.files, found.n_files, sizeof(ConfFile), compare_names);

        for (size_t i = 0; i < found.n_files; i++) {
                if (!found.files[i].path)
                        continue;
                r = strv_consume(&paths, steal_ptr(found.files[i].path));
                if (r < 0)
                        return r;
        }

        *ret_paths = steal_ptr(paths);
        return 0;
}
