/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc outside /proc/PID: what runtimes read to size themselves. Values
 * that Linux has and we do not are left out rather than invented, except in
 * fixed formats, where they are 0.
 */
#include "fs/proc.h"

#include "arch.h"
#include "core/cputime.h"
#include "core/frame.h"
#include "core/identity.h"
#include "core/random.h"
#include "core/thread.h"
#include "core/time.h"
#include "fs/file.h"

static const uint64_t sec_ns = NS_PER_SEC;
static const uint64_t tick_ns = NS_PER_SEC / 100;

/* ---- the machine ------------------------------------------------------- */

/* Names of feature bits: leaf 1 in edx and ecx, leaf 7 in ebx. */
static const char *const features_1d[32] = {
	"fpu",	"vme",	 "de",	 "pse",	    "tsc",  "msr", "pae", "mce",
	"cx8",	"apic",	 NULL,	 "sep",	    "mtrr", "pge", "mca", "cmov",
	"pat",	"pse36", NULL,	 "clflush", NULL,   NULL,  NULL,  "mmx",
	"fxsr", "sse",	 "sse2", NULL,	    "ht",
};
static const char *const features_1c[32] = {
	"pni", "pclmulqdq", NULL,     NULL,	    NULL,  NULL,     NULL,
	NULL,  NULL,	    "ssse3",  NULL,	    NULL,  "fma",    "cx16",
	NULL,  NULL,	    NULL,     NULL,	    NULL,  "sse4_1", "sse4_2",
	NULL,  "movbe",	    "popcnt", NULL,	    "aes", "xsave",  NULL,
	"avx", "f16c",	    "rdrand", "hypervisor",
};
static const char *const features_7b[32] = {
	"fsgsbase", NULL,	NULL,	"bmi1",	      NULL,	  "avx2",
	NULL,	    NULL,	"bmi2", "erms",	      NULL,	  NULL,
	NULL,	    NULL,	NULL,	NULL,	      "avx512f",  "avx512dq",
	"rdseed",   "adx",	NULL,	"avx512ifma", NULL,	  "clflushopt",
	"clwb",	    NULL,	NULL,	NULL,	      "avx512cd", "sha_ni",
	"avx512bw", "avx512vl",
};

static void add_features(struct textbuf *t, const char *const names[32],
			 uint32_t bits)
{
	for (unsigned i = 0; i < 32; i++)
		if (names[i] && (bits >> i & 1))
			text_add(t, " %s", names[i]);
}

static void text_cpu_flags(struct textbuf *t, uint32_t leaf_max)
{
	struct arch_cpuid r;

	arch_cpuid(1, 0, &r);
	text_add(t, "flags\t\t:");
	add_features(t, features_1d, r.edx);
	text_add(t, " syscall nx rdtscp lm constant_tsc nonstop_tsc");
	add_features(t, features_1c, r.ecx);
	if (leaf_max >= 7) {
		arch_cpuid(7, 0, &r);
		add_features(t, features_7b, r.ebx);
	}
	text_add(t, "\n");
}

static void text_cpu_name(struct textbuf *t)
{
	struct arch_cpuid part[3] = { 0 }, r;

	arch_cpuid(0x80000000u, 0, &r);
	for (uint32_t i = 0; i < 3 && r.eax >= 0x80000004u; i++)
		arch_cpuid(0x80000002u + i, 0, &part[i]);
	text_add(t, "model name\t: %.48s\n", (const char *)part);
}

/* Returns the largest leaf there is. */
static uint32_t text_cpu_model(struct textbuf *t)
{
	struct arch_cpuid r, v;
	uint32_t family, model;

	arch_cpuid(0, 0, &v);
	arch_cpuid(1, 0, &r);
	family = r.eax >> 8 & 15;
	model = r.eax >> 4 & 15;
	if (family >= 6)
		model += (r.eax >> 16 & 15) << 4;
	if (family == 15)
		family += r.eax >> 20 & 255;
	text_add(t, "vendor_id\t: %.4s%.4s%.4s\n", (const char *)&v.ebx,
		 (const char *)&v.edx, (const char *)&v.ecx);
	text_add(t, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
	text_cpu_name(t);
	text_add(t, "stepping\t: %u\n", r.eax & 15);
	return v.eax;
}

static void text_cpuinfo(struct textbuf *t, uint64_t arg)
{
	uint64_t mult = kernel_shared->clock.mult;
	/* mult is ns per tick, 32.32: MHz is 1000 / (mult / 2^32). */
	uint64_t khz = mult ? (1000000ull << 32) / mult : 0;
	uint32_t leaf_max;

	(void)arg;
	text_add(t, "processor\t: 0\n");
	leaf_max = text_cpu_model(t);
	text_add(t, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
	text_add(t,
		 "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\n"
		 "cpu cores\t: 1\napicid\t\t: 0\nfpu\t\t: yes\n"
		 "fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
		 leaf_max);
	text_cpu_flags(t, leaf_max);
	text_add(t, "address sizes\t: 39 bits physical, 48 bits virtual\n\n");
}

static void add_kb(struct textbuf *t, const char *name, uint64_t kb)
{
	text_add(t, "%-15s %8lu kB\n", name, kb);
}

static void text_meminfo(struct textbuf *t, uint64_t arg)
{
	static const char *const none[] = {
		"Buffers:",  "Cached:", "SwapCached:", "SwapTotal:",
		"SwapFree:", "Shmem:",	"Slab:",       "SReclaimable:",
	};
	uint64_t total = kernel_boot->mem_limit >> 10;
	uint64_t used = min_u64(total, frame_used_bytes() >> 10);

	(void)arg;
	add_kb(t, "MemTotal:", total);
	add_kb(t, "MemFree:", total - used);
	add_kb(t, "MemAvailable:", total - used);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		add_kb(t, none[i], 0);
	add_kb(t, "Hugepagesize:", MF_HUGE_SIZE >> 10);
}

static void text_stat(struct textbuf *t, uint64_t arg)
{
	uint64_t now = time_mono_ns();
	uint64_t busy = cputime_process() / tick_ns;
	uint64_t idle = now / tick_ns > busy ? now / tick_ns - busy : 0;

	(void)arg;
	text_add(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
	text_add(t, "cpu0 %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
	text_add(t,
		 "intr 0\nctxt %lu\nbtime %lu\nprocesses 1\n"
		 "procs_running 1\nprocs_blocked 0\n",
		 kernel_stats->switches, (time_real_ns() - now) / sec_ns);
}

static void text_uptime(struct textbuf *t, uint64_t arg)
{
	uint64_t up = time_mono_ns(), busy = cputime_process();
	uint64_t idle = up > busy ? up - busy : 0;

	(void)arg;
	text_add(t, "%lu.%02lu %lu.%02lu\n", up / sec_ns, up / tick_ns % 100,
		 idle / sec_ns, idle / tick_ns % 100);
}

static void text_loadavg(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	text_add(t, "0.00 0.00 0.00 %u/%u %d\n", sched_runnable_count() + 1,
		 thread_count, thread_tid(current));
}

static void text_version(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	text_add(t, "Linux version " KERNEL_RELEASE " " KERNEL_VERSION "\n");
}

/* ---- /proc/sys --------------------------------------------------------- */

static void text_hostname(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	text_add(t, "%s\n", kernel_hostname());
}

/* As RFC 4122 writes a random one. */
static void add_uuid(struct textbuf *t, const uint8_t id[16])
{
	for (unsigned i = 0; i < 16; i++) {
		uint8_t b = id[i];

		if (i == 6)
			b = (uint8_t)((b & 0x0f) | 0x40);
		if (i == 8)
			b = (uint8_t)((b & 0x3f) | 0x80);
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text_add(t, "-");
		text_add(t, "%02x", b);
	}
	text_add(t, "\n");
}

static void text_boot_id(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	add_uuid(t, kernel_boot->instance_id);
}

static void text_uuid(struct textbuf *t, uint64_t arg)
{
	uint8_t id[16];

	(void)arg;
	random_fill(id, sizeof(id));
	add_uuid(t, id);
}

static void text_threads_max(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	text_add(t, "%u\n", THREADS_MAX);
}

static void text_nr_open(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	text_add(t, "%u\n", FD_MAX);
}

static const struct pseudo_node sys_random[] = {
	PSEUDO_FILE("boot_id", text_boot_id),
	PSEUDO_FILE("uuid", text_uuid),
	PSEUDO_CONST("entropy_avail", "256\n"),
	PSEUDO_CONST("poolsize", "256\n"),
};

static const struct pseudo_node sys_kernel[] = {
	PSEUDO_FILE("hostname", text_hostname),
	PSEUDO_CONST("ostype", "Linux\n"),
	PSEUDO_CONST("osrelease", KERNEL_RELEASE "\n"),
	PSEUDO_CONST("version", KERNEL_VERSION "\n"),
	PSEUDO_CONST("domainname", "(none)\n"),
	PSEUDO_CONST("pid_max", "32768\n"),
	PSEUDO_FILE("threads-max", text_threads_max),
	PSEUDO_CONST("cap_last_cap", "40\n"),
	PSEUDO_CONST("ngroups_max", "65536\n"),
	PSEUDO_DIR("random", sys_random),
};

static const struct pseudo_node sys_vm[] = {
	PSEUDO_CONST("overcommit_memory", "0\n"),
	PSEUDO_CONST("max_map_count", "65530\n"),
	PSEUDO_CONST("mmap_min_addr", "65536\n"),
};

static const struct pseudo_node sys_net_core[] = {
	PSEUDO_CONST("somaxconn", "4096\n"),
};

static const struct pseudo_node sys_net_ipv4[] = {
	PSEUDO_CONST("ip_local_port_range", "32768\t60999\n"),
	PSEUDO_CONST("tcp_fin_timeout", "60\n"),
};

static const struct pseudo_node sys_net[] = {
	PSEUDO_DIR("core", sys_net_core),
	PSEUDO_DIR("ipv4", sys_net_ipv4),
};

static const struct pseudo_node sys_fs[] = {
	PSEUDO_FILE("file-max", text_nr_open),
	PSEUDO_FILE("nr_open", text_nr_open),
	PSEUDO_CONST("pipe-max-size", "1048576\n"),
};

static const struct pseudo_node proc_sys[] = {
	PSEUDO_DIR("kernel", sys_kernel),
	PSEUDO_DIR("vm", sys_vm),
	PSEUDO_DIR("net", sys_net),
	PSEUDO_DIR("fs", sys_fs),
};

/* ---- the root ---------------------------------------------------------- */

static long link_self(char *buf, size_t size, uint64_t arg)
{
	(void)arg;
	return fmt_snprintf(buf, size, "%d", process_pid);
}

static long link_thread_self(char *buf, size_t size, uint64_t arg)
{
	(void)arg;
	return fmt_snprintf(buf, size, "%d/task/%d", process_pid,
			    thread_tid(current));
}

static long link_mounts(char *buf, size_t size, uint64_t arg)
{
	(void)arg;
	return fmt_snprintf(buf, size, "self/mounts");
}

static int64_t next_process(int64_t from)
{
	return from <= process_pid ? process_pid : -1;
}

static bool is_process(int64_t number)
{
	return process_has_pid((int)number);
}

static const struct pseudo_node root_files[] = {
	PSEUDO_FILE("cpuinfo", text_cpuinfo),
	PSEUDO_CONST("filesystems", "\terofs\nnodev\ttmpfs\nnodev\tproc\n"),
	PSEUDO_FILE("loadavg", text_loadavg),
	PSEUDO_DIR("mayfly", proc_mayfly),
	PSEUDO_FILE("meminfo", text_meminfo),
	PSEUDO_LINK("mounts", link_mounts),
	PSEUDO_LINK("self", link_self),
	PSEUDO_FILE("stat", text_stat),
	PSEUDO_DIR("sys", proc_sys),
	PSEUDO_LINK("thread-self", link_thread_self),
	PSEUDO_FILE("uptime", text_uptime),
	PSEUDO_FILE("version", text_version),
};

const struct pseudo_node proc_root = {
	.name = "proc",
	.mode = S_IFDIR | 0555,
	.children = root_files,
	.child_count = ARRAY_SIZE(root_files),
	.next_member = next_process,
	.has_member = is_process,
	.member = &proc_process,
};
