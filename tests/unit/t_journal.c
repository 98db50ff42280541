/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal is torn, damaged, read in pieces; and the process that writes
 * the ledger is killed, again and again: what it had written is counted, and
 * counted once.
 * test: timeout 60
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "daemon/ledger/journal.h"
#include "tests/unit/ledger_make.h"

#define KILLS 25

static uint8_t segment[JOURNAL_SEGMENT_SIZE];

/* A segment of its own with `count` records; its size. */
static size_t write_segment(unsigned count)
{
	static struct journal j;
	struct record r = { .kind = RECORD_RUN, .text = { "request", "http" } };
	struct err e;
	ssize_t len;
	int dir, fd;

	new_state_dir();
	check_int(journal_dir_open(&dir, state_dir, &e), 0);
	journal_init(&j, dir, 0);
	for (unsigned i = 0; i < count; i++) {
		r.at_ms = i;
		check_int(journal_append(&j, &r), 0);
		check_int(journal_write(&j), 0);
	}
	fd = journal_segment_open(dir, 1);
	check(fd >= 0);
	len = read(fd, segment, sizeof(segment));
	check_int(len, j.end.offset);
	close(fd);
	journal_fini(&j);
	close(dir);
	return (size_t)len;
}

/* How many records are read; *ret_end is what the last call said. */
static unsigned read_segment(size_t len, int *ret_end)
{
	struct journal_parser p = { .data = segment,
				    .len = len,
				    .at = JOURNAL_HEADER_SIZE };
	struct record r;
	unsigned count = 0;

	*ret_end = journal_parse_header(segment, len, p.key);
	if (*ret_end < 0)
		return 0;
	while ((*ret_end = journal_parse(&p, &r)) == 1) {
		check_int(r.at_ms, count);
		check_str(r.text[RUN_REQUEST], "request");
		count++;
	}
	return count;
}

static void test_torn_anywhere(void)
{
	size_t len = write_segment(4);
	size_t each = (len - JOURNAL_HEADER_SIZE) / 4;
	int end;

	for (size_t cut = JOURNAL_HEADER_SIZE; cut <= len; cut++) {
		check_int(read_segment(cut, &end),
			  (cut - JOURNAL_HEADER_SIZE) / each);
		check_int(end, 0);
	}
	check_int(read_segment(JOURNAL_HEADER_SIZE - 1, &end), 0);
	check_int(end, -ENODATA);
}

static void test_any_byte_is_noticed(void)
{
	size_t len = write_segment(3);
	size_t each = (len - JOURNAL_HEADER_SIZE) / 3;
	size_t at = JOURNAL_HEADER_SIZE + each;
	int end;

	for (size_t i = 0; i < each; i++) {
		segment[at + i] ^= 0x40;
		check_int(read_segment(len, &end), 1);
		/* A length that is too large looks like a torn record. */
		check(end == -EBADMSG || (i >= 8 && i < 12 && end == 0));
		segment[at + i] ^= 0x40;
	}
	check_int(read_segment(len, &end), 3);
}

static void test_other_files_are_left_alone(void)
{
	uint32_t *list = NULL;
	size_t count = 0;
	struct err e;
	int dir;

	new_state_dir();
	check_int(journal_dir_open(&dir, state_dir, &e), 0);
	close(openat(dir, "notes", O_CREAT | O_WRONLY, 0600));
	close(openat(dir, "4294967295", O_CREAT | O_WRONLY, 0600));
	close(openat(dir, "0000000012", O_CREAT | O_WRONLY, 0600));
	close(openat(dir, "0000000003", O_CREAT | O_WRONLY, 0600));
	check_int(journal_list(dir, &list, &count), 0);
	check_int(count, 2);
	check_int(list[0], 3);
	check_int(list[1], 12);
	free(list);
	close(dir);
}

static void test_damaged_segment_is_passed_over(void)
{
	struct ledger_facts f;
	char path[128];
	int fd;

	write_segment(3);
	snprintf(path, sizeof(path), "%s/ledger-journal/0000000001", state_dir);
	fd = open(path, O_WRONLY);
	check(fd >= 0);
	check_int(pwrite(fd, "!", 1, JOURNAL_HEADER_SIZE + 20), 1);
	close(fd);
	open_ledger(NULL);
	tell_birth("f", 1);
	tell_run(1, "r", 200);
	check_int(total_of("invocations"), 1);
	ledger_facts(ledger, &f);
	check_int(f.damaged, 1);
	check(access(path, F_OK) < 0);
	close_ledger();
}

/* ---- killed -------------------------------------------------------------- */

struct progress {
	_Atomic unsigned births, runs, deaths; /* that were flushed */
};

static _Noreturn void write_until_killed(struct progress *p, unsigned round)
{
	static struct ledger_limits limits;
	unsigned first = round * 1000000;

	check_int(loop_new(&loop, &(struct err){ 0 }), 0);
	open_ledger(&limits);
	for (unsigned n = first;; n++) {
		tell_birth("f", n);
		tell_run(n, "one", 200);
		tell_run(n, "two", 200);
		ledger_flush(ledger);
		p->births++;
		p->runs += 2;
		tell_death(n, LEDGER_USED);
		ledger_flush(ledger);
		p->deaths++;
		if (n % 64 == 0)
			loop_once(loop, 0);
	}
}

static void check_deaths(json_int_t instances, unsigned told)
{
	struct ledger_query q = { 0 };
	json_t *rows = ask_rows(true, &q);
	json_t *deaths = json_object_get(json_array_get(rows, 0), "deaths");
	json_int_t used = int_of(deaths, "used"), lost;

	lost = json_integer_value(json_object_get(deaths, "lost"));
	check_int(used + lost, instances);
	check(used >= told && lost <= KILLS);
	json_decref(rows);
	q.limit = 1;
	q.reasons = ~0u;
	rows = ask_rows(false, &q);
	check_int(json_array_size(rows), 1);
	json_decref(rows);
}

static void test_killed_at_any_moment(void)
{
	struct progress *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seed = 1;
	json_int_t runs, instances;
	pid_t pid;

	check(p != MAP_FAILED);
	new_state_dir();
	for (unsigned i = 0; i < KILLS; i++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			write_until_killed(p, i);
		check(pid > 0);
		usleep((useconds_t)rand_r(&seed) % 150000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	open_ledger(NULL);
	runs = total_of("invocations");
	/* At most two of a flush that was cut short. */
	check(runs >= p->runs && runs <= p->runs + 2 * KILLS);
	check_int(total_of("errors"), 0);
	instances = total_of("instances");
	check(instances >= p->births && instances <= p->births + KILLS);
	/* Every one of them died once: as used, or lost. */
	check_deaths(instances, p->deaths);
	close_ledger();
	munmap(p, sizeof(*p));
}

int main(void)
{
	begin_ledger_tests();
	RUN(test_torn_anywhere);
	RUN(test_any_byte_is_noticed);
	RUN(test_other_files_are_left_alone);
	RUN(test_damaged_segment_is_passed_over);
	RUN(test_killed_at_any_moment);
	loop_free(loop);
	return check_done();
}
