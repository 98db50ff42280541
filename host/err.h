/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for a person: an errno and one sentence with the noun in
 * it. Filled where the fact is known, printed once by whoever handles it.
 * Functions that take a struct err return 0 or -errno; the err is untouched
 * on success.
 */
#ifndef HOST_ERR_H
#define HOST_ERR_H

struct err {
	int code; /* an errno, positive */
	char text[256]; /* one sentence, no newline, no final stop */
};

/* Fills *e (which may be NULL) and returns -code. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the system's words for `code` at the end. */
int err_sys(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Puts "WHERE: " before the sentence if `r` is an error and `where` not NULL.
 * Returns r.
 */
int err_at(struct err *e, const char *where, int r);

#endif
