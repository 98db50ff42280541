/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions for unit tests. A failed check prints file:line and the values
 * and ends the test function it is in (from any depth); main goes on with
 * the next RUN and returns check_done().
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static jmp_buf check_jmp;
static unsigned check_tests, check_failures;

static inline _Noreturn void check_fail(void)
{
	check_failures++;
	longjmp(check_jmp, 1);
}

static inline void check_int_at(const char *where, const char *what,
				int64_t got, int64_t want)
{
	if (got == want)
		return;
	printf("%s: %s is %lld (0x%llx), want %lld (0x%llx)\n", where, what,
	       (long long)got, (unsigned long long)got, (long long)want,
	       (unsigned long long)want);
	check_fail();
}

static inline void check_str_at(const char *where, const char *what,
				const char *got, const char *want)
{
	if (got != NULL && strcmp(got, want) == 0)
		return;
	printf("%s: %s is \"%s\", want \"%s\"\n", where, what,
	       got == NULL ? "(null)" : got, want);
	check_fail();
}

static inline void check_mem_at(const char *where, const void *got,
				const void *want, size_t len)
{
	const uint8_t *g = got, *w = want;

	for (size_t i = 0; i < len; i++) {
		if (g[i] == w[i])
			continue;
		printf("%s: byte %zu is 0x%02x, want 0x%02x\n", where, i, g[i],
		       w[i]);
		check_fail();
	}
}

static inline void check_true_at(const char *where, const char *what, int ok)
{
	if (ok)
		return;
	printf("%s: not true: %s\n", where, what);
	check_fail();
}

static inline int check_done(void)
{
	printf("%u tests, %u failed\n", check_tests, check_failures);
	return check_failures != 0;
}

#define CHECK_STR_(x) #x
#define CHECK_STR(x)  CHECK_STR_(x)
#define CHECK_WHERE   __FILE__ ":" CHECK_STR(__LINE__)

#define check(cond) check_true_at(CHECK_WHERE, #cond, (cond) ? 1 : 0)
#define check_int(got, want) \
	check_int_at(CHECK_WHERE, #got, (int64_t)(got), (int64_t)(want))
#define check_str(got, want)	  check_str_at(CHECK_WHERE, #got, (got), (want))
#define check_mem(got, want, len) check_mem_at(CHECK_WHERE, got, want, len)
#define check_ptr(got, want)                                      \
	check_int_at(CHECK_WHERE, #got, (int64_t)(intptr_t)(got), \
		     (int64_t)(intptr_t)(want))

/* Runs one `static void f(void)`. */
#define RUN(f)                                     \
	do {                                       \
		check_tests++;                     \
		if (setjmp(check_jmp) == 0) {      \
			f();                       \
		} else {                           \
			printf("%s failed\n", #f); \
		}                                  \
	} while (0)

#endif
