/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library with all that a loader has to set up: relocations, thread-local
 * and zeroed memory, constructors, a symbol of the program's.
 */
#include <math.h>
#include <stdio.h>

int plugin_count = 40;
static __thread int of_thread = 7;
static const char *const words[] = { "zero", "one", "two" }; /* relocated */
static char big[1 << 20]; /* bss */

int host_value(void); /* the program's */

__attribute__((constructor)) static void begin(void)
{
	plugin_count++;
	puts("plugin: constructed");
}

__attribute__((destructor)) static void end(void)
{
	puts("plugin: destructed");
}

int plugin_call(int n)
{
	big[n * 4096] = (char)n;
	of_thread += n;
	printf("plugin: %s, thread's %d, program's %d, bss %d\n", words[n],
	       of_thread, host_value(), big[n * 4096] + big[5]);
	return ++plugin_count;
}
