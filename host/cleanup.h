/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound ownership for host programs. A variable marked AUTO_x is
 * released when its scope ends; ownership leaves by take_x(), which leaves
 * the empty value behind. Descriptors start as -1, pointers as NULL.
 */
#ifndef HOST_CLEANUP_H
#define HOST_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Keeps errno, so that `return -errno` may follow an early exit. */
static inline void cleanup_close(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define AUTO_FREE   __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE  __attribute__((cleanup(cleanup_close)))
#define AUTO_FCLOSE __attribute__((cleanup(cleanup_fclose)))

static inline int take_fd(int *fd)
{
	int ret = *fd;

	*fd = -1;
	return ret;
}

#define take_ptr(p)                       \
	({                                \
		__typeof__(p) ret_ = (p); \
		(p) = NULL;               \
		ret_;                     \
	})

#endif
