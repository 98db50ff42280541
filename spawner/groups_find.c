/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where our cgroups can be. Version 1, also of hybrid hosts, needs nothing
 * but the right to make directories. In version 2 a cgroup that hands
 * controllers on must have no processes: if the one that we were started in
 * is ours alone, as systemd's Delegate=yes makes it, we and our parent move
 * into a leaf of it.
 *
 * Our cgroup is locked while we live, so that whoever comes later can tell
 * what a spawner that was killed has left, and remove it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/cleanup.h"
#include "spawner/groups.h"

#define PREFIX "mayfly-"
#define LEAF   "mayfly.daemon"

static const struct controller {
	enum spawner_wall wall;
	const char *name;
} controllers[] = {
	{ SPAWNER_WALL_MEMORY, "memory" },
	{ SPAWNER_WALL_CPU, "cpu" },
	{ SPAWNER_WALL_PIDS, "pids" },
};

#define CONTROLLERS (sizeof(controllers) / sizeof(controllers[0]))

static int open_dir(int at, const char *path)
{
	int fd = openat(at, path,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

static int write_file(int dir, const char *path, const char *text)
{
	AUTO_CLOSE int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, len) == (ssize_t)len ? 0 : -errno;
}

static int read_file(int dir, const char *path, char *ret, unsigned size)
{
	AUTO_CLOSE int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

int group_write(int dir, unsigned number, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%u/%s", number, file);
	return write_file(dir, path, text);
}

int group_read(int dir, unsigned number, const char *file, char *ret,
	       unsigned size)
{
	char path[64];

	snprintf(path, sizeof(path), "%u/%s", number, file);
	return read_file(dir, path, ret, size);
}

/* ---- what others left ---------------------------------------------------- */

void groups_remove_tree(int above, const char *name)
{
	int fd = open_dir(above, name);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *one;

	while (d && (one = readdir(d))) {
		if (one->d_name[0] >= '0' && one->d_name[0] <= '9')
			unlinkat(fd, one->d_name, AT_REMOVEDIR);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	unlinkat(above, name, AT_REMOVEDIR);
}

static bool is_locked(int above, const char *name)
{
	AUTO_CLOSE int fd = open_dir(above, name);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static void sweep(int above)
{
	int fd = open_dir(above, ".");
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *one;

	while (d && (one = readdir(d))) {
		if (strncmp(one->d_name, PREFIX, strlen(PREFIX)) == 0 &&
		    !is_locked(above, one->d_name))
			groups_remove_tree(above, one->d_name);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

/* ---- our cgroup ---------------------------------------------------------- */

/* One that starts now may take it for what somebody left: then once more. */
static int make_own(int above, const char *name)
{
	int fd = -ENOENT;

	for (int i = 0; i < 3 && fd == -ENOENT; i++) {
		if (mkdirat(above, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		fd = open_dir(above, name);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
			close(fd);
			return -EBUSY;
		}
		if (fd >= 0 && faccessat(above, name, F_OK, 0) < 0) {
			close(fd);
			fd = -ENOENT;
		}
	}
	return fd;
}

/*
 * The cgroup that we were started in. A spawner that was killed may have left
 * mayflyd, and so us, in the leaf below it: *ret_in_leaf.
 */
static int open_above(const char *controller, bool *ret_in_leaf)
{
	AUTO_FREE char *path = malloc(CGROUP_PATH_MAX);
	size_t mount_len;
	char *end;

	if (!path || !cgroup_own_dir(path, &mount_len, "", controller))
		return -ENOENT;
	end = strrchr(path, '/');
	*ret_in_leaf = !controller && end && strcmp(end, "/" LEAF) == 0;
	if (*ret_in_leaf)
		*end = '\0';
	return open_dir(AT_FDCWD, path);
}

static bool same_dir(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int add_tree(struct groups *g, int above, unsigned walls)
{
	int dir;

	sweep(above);
	dir = make_own(above, g->name);
	if (dir < 0)
		return dir;
	g->trees[g->tree_count++] = (struct groups_tree){ .above = above,
							  .dir = dir,
							  .walls = walls };
	g->walls |= walls;
	return 0;
}

/* ---- version 1 ----------------------------------------------------------- */

static int add_v1(struct groups *g, const struct controller *c)
{
	bool in_leaf;
	AUTO_CLOSE int above = open_above(c->name, &in_leaf);
	int r;

	if (above < 0)
		return above;
	for (unsigned i = 0; i < g->tree_count; i++) {
		if (!same_dir(above, g->trees[i].above))
			continue;
		g->trees[i].walls |= c->wall;
		g->walls |= c->wall;
		return 0;
	}
	r = add_tree(g, above, c->wall);
	if (r == 0)
		take_fd(&above);
	return r;
}

static int find_v1(struct groups *g, struct err *why)
{
	int r = -ENOENT, worst = 0;

	for (size_t i = 0; i < CONTROLLERS; i++) {
		r = add_v1(g, &controllers[i]);
		if (r < 0)
			worst = r;
	}
	if (!g->tree_count)
		return err_sys(why, -worst, "cannot make a cgroup");
	g->kind = SPAWNER_CGROUPS_V1;
	return 0;
}

/* ---- version 2 ----------------------------------------------------------- */

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len) {
		if ((at == list || at[-1] == ' ') && strchr(" \n", at[len]))
			return true;
	}
	return false;
}

/* Those of `walls` that the cgroup can hand on. */
static unsigned controllers_of(int dir, const char *file)
{
	char text[512];
	unsigned walls = 0;

	if (read_file(dir, file, text, sizeof(text)) < 0)
		return 0;
	for (size_t i = 0; i < CONTROLLERS; i++) {
		if (has_word(text, controllers[i].name))
			walls |= controllers[i].wall;
	}
	return walls;
}

static int hand_on(int dir, unsigned walls, char sign)
{
	char word[32];
	int r = 0;

	for (size_t i = 0; i < CONTROLLERS && r == 0; i++) {
		if (!(walls & controllers[i].wall))
			continue;
		snprintf(word, sizeof(word), "%c%s", sign, controllers[i].name);
		r = write_file(dir, "cgroup.subtree_control", word);
	}
	return r;
}

/* Us, and our parent if it lives: another one is none of our business. */
static int move_to(const struct groups *g, int dir, const char *procs)
{
	char pid[24];
	int r = write_file(dir, procs, "0");

	if (r < 0 || getppid() != g->parent)
		return r;
	snprintf(pid, sizeof(pid), "%d", (int)g->parent);
	return write_file(dir, procs, pid);
}

static void move_back(struct groups *g, int above, unsigned walls)
{
	if (!g->moved)
		return;
	hand_on(above, walls, '-');
	move_to(g, above, "cgroup.procs");
	unlinkat(above, LEAF, AT_REMOVEDIR);
	g->moved = false;
}

static bool has_processes(int dir)
{
	char text[16] = "";

	return read_file(dir, "cgroup.procs", text, sizeof(text)) != 0 ||
	       text[0] != '\0';
}

/*
 * Has the cgroup that we are in hand on `walls`. The root may have processes
 * all the same. Anywhere else they must leave before: cpu alone could be
 * handed on with them inside, and no cgroup below would take a process then.
 */
static int open_up(struct groups *g, int above, unsigned walls)
{
	int r = 0;

	if (walls && !g->moved &&
	    faccessat(above, "cgroup.type", F_OK, 0) == 0) {
		if (mkdirat(above, LEAF, 0755) < 0 && errno != EEXIST)
			return -errno;
		g->moved = true;
		r = move_to(g, above, LEAF "/cgroup.procs");
		if (r == 0 && has_processes(above))
			r = -EBUSY;
	}
	return r < 0 ? r : hand_on(above, walls, '+');
}

static int find_v2(struct groups *g, bool bare, struct err *why)
{
	AUTO_CLOSE int above = open_above(NULL, &g->moved);
	unsigned walls, handed_on;
	int r;

	if (above < 0)
		return err_sys(why, -above, "cgroup version 2 is not mounted");
	walls = controllers_of(above, "cgroup.controllers");
	if (!walls && !bare) {
		g->moved = false;
		return err_set(why, ENOENT,
			       "the cgroup has no controllers of version 2");
	}
	handed_on = controllers_of(above, "cgroup.subtree_control");
	r = open_up(g, above, walls & ~handed_on);
	if (r == 0)
		r = add_tree(g, above, walls);
	if (r == 0) {
		take_fd(&above);
		r = hand_on(g->trees[0].dir, walls, '+');
	} else {
		move_back(g, above, walls);
	}
	if (r == 0) {
		g->kind = SPAWNER_CGROUPS_V2;
		return 0;
	}
	if (r == -EBUSY)
		return err_set(why, EBUSY,
			       "there are other processes in the cgroup; start "
			       "mayflyd by its systemd unit, or by systemd-run "
			       "--scope -p Delegate=yes");
	return err_sys(why, -r, "cannot make a cgroup");
}

/* ---- both ---------------------------------------------------------------- */

static void drop_trees(struct groups *g)
{
	for (unsigned i = 0; i < g->tree_count; i++) {
		const struct groups_tree *t = &g->trees[i];

		groups_remove_tree(t->above, g->name);
		move_back(g, t->above, t->walls);
		close(t->dir);
		close(t->above);
	}
	g->tree_count = 0;
	g->walls = 0;
	g->kind = SPAWNER_CGROUPS_NONE;
}

void groups_init(struct groups *ret, const char *want, pid_t parent,
		 struct err *why)
{
	bool v1 = strcmp(want, "v1") == 0, v2 = strcmp(want, "v2") == 0;
	int r = -ENOENT;

	*ret = (struct groups){ .parent = parent };
	why->text[0] = '\0';
	snprintf(ret->name, sizeof(ret->name), PREFIX "%d", (int)getpid());
	if (strcmp(want, "none") == 0) {
		err_set(why, 0, "cgroups are turned off");
		return;
	}
	if (!v1)
		r = find_v2(ret, v2, why);
	if (r < 0 && !v2) {
		struct err other;

		drop_trees(ret);
		r = find_v1(ret, r == -ENOENT ? why : &other);
	}
	if (r < 0)
		drop_trees(ret);
	else
		why->text[0] = '\0';
}

void groups_fini(struct groups *g)
{
	struct group *one;

	for (int i = 0; i < 100 && groups_tidy(g); i++)
		usleep(20000);
	while ((one = g->idle)) {
		g->idle = one->next;
		free(one);
	}
	drop_trees(g);
}
