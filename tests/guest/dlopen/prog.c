/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a library, calls it from two threads and drops it, three times; then
 * what cannot be loaded.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *path;

int host_value(void);
int host_value(void)
{
	return 1234;
}

static void *load(void)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		printf("dlopen: %s\n", dlerror());
		exit(1);
	}
	return lib;
}

static int call(void *lib, int n)
{
	int (*f)(int) = (int (*)(int))dlsym(lib, "plugin_call");

	return f ? f(n) : -1;
}

static void *thread(void *lib)
{
	printf("thread: %d\n", call(lib, 2));
	return NULL;
}

/* How often the library is in the memory map. */
static int mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	while (f && fgets(line, sizeof(line), f))
		count += strstr(line, "plugin.so") != NULL;
	if (f)
		fclose(f);
	return count;
}

int main(int argc, char **argv)
{
	pthread_t t;
	void *lib;
	int *count;
	Dl_info info;

	if (argc < 2)
		return 2;
	path = argv[1];
	for (int i = 0; i < 3; i++) {
		lib = load();
		count = dlsym(lib, "plugin_count");
		printf("count %d, call %d\n", *count, call(lib, 1));
		pthread_create(&t, NULL, thread, lib);
		pthread_join(t, NULL);
		printf("count %d, mapped %d\n", *count, mapped() >= 2);
		if (dladdr(count, &info))
			printf("%s\n", strrchr(info.dli_fname, '/') + 1);
		printf("dlclose %d\n", dlclose(lib));
		printf("mapped %d\n", mapped());
	}
	printf("no symbol: %d\n", dlsym(RTLD_DEFAULT, "plugin_call") == NULL);
	printf("no library: %d\n", dlopen("/none.so", RTLD_NOW) == NULL);
	printf("says why: %d\n", strstr(dlerror(), "/none.so") != NULL);
	printf("no ELF file: %d\n", dlopen("/etc/hosts", RTLD_NOW) == NULL);
	printf("says why: %d\n",
	       strstr(dlerror(), "header") != NULL || dlerror() == NULL);
	return 0;
}
