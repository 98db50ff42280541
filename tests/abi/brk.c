/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brk as the kernel sees it: the call returns the break, never an error.
 * Nothing here allocates, so that the library leaves the break alone.
 *
 * test: hardware
 */
#include "tests/abi/abi.h"

static char *brk_to(void *p)
{
	return (char *)syscall(SYS_brk, p);
}

int main(void)
{
	char *start, *p;

	abi_start();
	catch_faults();
	start = brk_to(NULL);
	yes("query is stable", brk_to(NULL) == start);
	start = (char *)(((uintptr_t)start + PAGE - 1) & ~(PAGE - 1));
	brk_to(start);
	p = brk_to(start + 3 * PAGE + 10);
	val("grow by", p - start);
	val("zero at first", start[0]);
	val("zero at last", start[3 * PAGE + 9]);
	memset(start, 1, 3 * PAGE + 10);
	peek("rest of the page", start, start + 4 * PAGE - 1);
	peek("page after", start, start + 4 * PAGE);
	val("query", brk_to(NULL) - start);
	val("shrink to", brk_to(start + PAGE) - start);
	val("kept", start[PAGE - 1]);
	peek("given back", start, start + PAGE);
	val("grow again to", brk_to(start + 2 * PAGE) - start);
	val("zero again", start[PAGE]);
	val("below the start", brk_to((void *)PAGE) - start);
	val("far too much", brk_to(start + (1UL << 46)) - start);
	val("beyond user space", brk_to((void *)-1L) - start);
	val("grow by 4 MiB", brk_to(start + (4UL << 20)) - start);
	start[(4UL << 20) - 1] = 1;
	val("back", brk_to(start) - start);
	peek("all given back", start, start);
	return 0;
}
