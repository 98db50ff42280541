/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of functions from names of files and of container images: a DNS
 * label comes out, whatever goes in.
 */
#include "cli/deploy_name.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The last word of a path that is there; links and dots are followed. */
static void base_of(char *ret, size_t size, const char *source)
{
	char real[PATH_MAX];
	const char *from = source, *end, *slash;
	struct stat st;

	if (stat(source, &st) == 0 && S_ISDIR(st.st_mode) &&
	    realpath(source, real))
		from = real;
	end = from + strlen(from);
	while (end > from && end[-1] == '/')
		end--;
	for (slash = end; slash > from && slash[-1] != '/'; slash--)
		;
	snprintf(ret, size, "%.*s", (int)(end - slash), slash);
}

static void drop_end(char *name)
{
	static const char *const ends[] = { ".img", ".tar", ".js",  ".mjs",
					    ".py",  ".sh",  ".exe", ".bin" };
	size_t len;

	name[strcspn(name, "@:")] = '\0';
	len = strlen(name);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && strcmp(name + len - n, ends[i]) == 0) {
			name[len - n] = '\0';
			return;
		}
	}
}

/* Of a reference to an image what follows the word that says where it is. */
static const char *skip_kind(const char *source)
{
	static const char *const kinds[] = {
		"docker://", "oci:", "oci-archive:", "docker-archive:"
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(source, kinds[i], strlen(kinds[i])) == 0)
			return source + strlen(kinds[i]);
	return source;
}

void deploy_name(char ret[DEPLOY_NAME_MAX], const char *source)
{
	char base[256];
	size_t n = 0;

	base_of(base, sizeof(base), skip_kind(source));
	drop_end(base);
	for (const char *p = base; *p && n < DEPLOY_NAME_MAX - 1; p++) {
		if (isalnum((unsigned char)*p))
			ret[n++] = (char)tolower((unsigned char)*p);
		else if (n > 0 && ret[n - 1] != '-')
			ret[n++] = '-';
	}
	while (n > 0 && ret[n - 1] == '-')
		n--;
	ret[n] = '\0';
	if (n == 0)
		snprintf(ret, DEPLOY_NAME_MAX, "function");
}
