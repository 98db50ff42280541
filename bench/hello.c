/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest useful program: one line, then the end. bench/start measures
 * what surrounds it.
 */
#include <stdio.h>

int main(void)
{
	puts("Hello");
	return 0;
}
