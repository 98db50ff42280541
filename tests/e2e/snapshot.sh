# SPDX-License-Identifier: Apache-2.0
# Snapshots: copies go on where the snapshot was taken, each with an identity
# of its own; what cannot be taken, or is damaged, gets a sentence.
. "$LIB"

snapshot() {
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" "$@"
}

cat >copy.c <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int go;
static __thread int mine;

static void *other(void *arg)
{
	mine = 41;
	pthread_mutex_lock(&lock);
	while (!go)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	mine++;
	return (void *)(intptr_t)mine;
}

static void hex(const char *name, const void *p, size_t n)
{
	const unsigned char *b = p;

	printf("%s ", name);
	while (n--)
		printf("%02x", *b++);
	printf("\n");
}

static long long now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void print_file(const char *name, const char *path)
{
	char line[128] = "";
	FILE *f = fopen(path, "r");

	if (f && fgets(line, sizeof(line), f))
		printf("%s %s", name, line);
}

int main(int argc, char **argv)
{
	char *wiped = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile double x = 1.0 / 3;
	long long mono, real;
	unsigned char seed[16];
	char line[100];
	pthread_t t;
	void *ret;

	memset(wiped, 'w', 8192);
	madvise(wiped, 4096, MADV_WIPEONFORK);
	pthread_create(&t, NULL, other, NULL);
	usleep(20000);
	mono = now(CLOCK_MONOTONIC);
	real = now(CLOCK_REALTIME);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	printf("line %s", line);
	getrandom(seed, sizeof(seed), 0);
	hex("random", seed, sizeof(seed));
	hex("auxv", (void *)getauxval(AT_RANDOM), 16);
	print_file("boot_id", "/proc/sys/kernel/random/boot_id");
	gethostname(line, sizeof(line));
	printf("host %s\n", line);
	printf("wiped %d kept %d\n", wiped[0] == 0, wiped[4096] == 'w');
	printf("forward %d %d\n", now(CLOCK_MONOTONIC) >= mono,
	       now(CLOCK_REALTIME) > real);
	printf("third %.17g\n", x);
	pthread_mutex_lock(&lock);
	go = 1;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
	pthread_join(t, &ret);
	printf("thread %d\n", (int)(intptr_t)ret);
	printf("args %d %s %s\n", argc, argv[argc - 1], getenv("NAME"));
	return 7;
}
C
musl-gcc -static -O2 -pthread -o copy copy.c
"$MAYFLY" build copy -o copy.img >/dev/null
snapshot -e NAME=value copy.img -o copy.snap -- one two

for i in 1 2; do
	got=0
	echo "line $i" | run copy.snap >out$i 2>err || got=$?
	[ "$got" = 7 ] || fail "copy $i ended with $got: $(cat err)"
	expect_match "^line line $i" out$i
	expect_match '^wiped 1 kept 1' out$i
	expect_match '^forward 1 1' out$i
	expect_match '^third 0.33333333333333331' out$i
	expect_match '^thread 42' out$i
	expect_match '^args 3 two value' out$i
done
for what in random auxv boot_id host; do
	a=$(grep "^$what" out1)
	b=$(grep "^$what" out2)
	[ -n "$a" ] || fail "no $what"
	[ "$a" != "$b" ] || fail "two copies have the same $what: $a"
done
echo x | run --name web copy.snap >out 2>err || true
expect_match '^host web$' out

# A server: published where it runs, not where it was taken. Both copies at
# the same time.
"$MAYFLY" build "$SRC/examples/hello-c" -o hello.img >/dev/null
snapshot hello.img
[ -s hello.snap ] || fail 'no hello.snap'
port=$(free_port)
port2=$(free_port)
start -p "127.0.0.1:$port:8080" hello.snap
wait_port "$port"
start -p "127.0.0.1:$port2:8080" hello.snap
wait_port "$port2"
for p in $port $port2 $port; do
	curl -sS -m 5 "http://127.0.0.1:$p/" >out
	expect_match 'Hello from Mayfly' out
done

# What is part of a snapshot cannot be asked for of a copy.
for o in '-e A=b' '-m 64m' '-w /'; do
	# shellcheck disable=SC2086 # two words
	expect_status 125 run $o hello.snap
	expect_match 'is part of a snapshot' err
done
expect_status 125 run hello.snap argument
expect_match 'an argument is part of a snapshot' err
case $SUBSTRATE in
kvm) other=process ;;
*) other=kvm ;;
esac
expect_status 125 "$MAYFLY" run --substrate $other hello.snap
expect_match "taken on the $SUBSTRATE substrate" err

# A program that ends first, fails first, or never waits.
expect_status 125 snapshot "$PROGS/exit-codes.musl" -o no.snap -- 0
expect_match 'ended before it waited for work' err
expect_status 3 snapshot "$PROGS/exit-codes.musl" -o no.snap -- 3
expect_status 124 snapshot --timeout 300ms "$PROGS/signals.musl" -o no.snap \
	-- default-busy
expect_status 125 snapshot
expect_match 'nothing to take a snapshot of' err
expect_status 125 snapshot a b
expect_match 'b is a second program' err
[ ! -e no.snap ] || fail 'a snapshot of nothing'

# Connections cannot be copied.
cat >open.c <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(53),
				 .sin_addr.s_addr = htonl(0x7f000001) };
	int s = socket(AF_INET, SOCK_STREAM, 0), c;

	bind(s, (struct sockaddr *)&a, sizeof(a));
	listen(s, 1);
	c = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(c, (struct sockaddr *)&a, sizeof(a)))
		return 1;
	accept(s, 0, 0);
	getchar();
	return 0;
}
C
musl-gcc -static -o open open.c
# Both ends inside: they are memory like any other.
snapshot ./open -o open.snap
got=0
echo x | run open.snap >out 2>err || got=$?
[ "$got" = 0 ] || fail "a copy of a program ended with $got: $(cat err)"
got=0
XDG_CACHE_HOME=/proc/none snapshot ./open -o none.snap 2>err || got=$?
[ "$got" = 125 ] || fail "an image in no file: $got"
expect_match 'sealed into no file' err

# Damage, another image, no image.
damage() {
	cp hello.snap bad.snap
	printf '\377' | dd of=bad.snap bs=1 seek="$1" conv=notrunc 2>/dev/null
	expect_status 125 run bad.snap
	expect_match "$2" err
}
damage 8 'snapshot of version'
damage 40 'does not match its digest'
damage 100 '(lacks|does not match)'
damage 128 'speaks guest ABI'
damage 5000 'does not match its digest'
head -c 5000 hello.snap >bad.snap
expect_status 125 run bad.snap
expect_match 'is truncated' err
head -c 20 hello.snap >bad.snap
expect_status 125 run bad.snap
expect_match 'is truncated' err
mkdir elsewhere
cp hello.snap elsewhere/
mv hello.img elsewhere/
timeout 10 "$MAYFLY" run --timeout 300ms elsewhere/hello.snap 2>err || true
expect_match 'did not end within' err
mv elsewhere/hello.img moved.img
expect_status 125 run hello.snap
expect_match 'the image that hello.snap was taken of' err
cp copy.img hello.img
expect_status 125 run hello.snap
expect_match 'has another digest' err
mv moved.img hello.img

# Written whole or not at all: an old one stays. (A guest's own process keeps
# its memory in a file, which such a limit would meet first.)
[ "$SUBSTRATE" = kvm ] || exit 0
cp hello.snap old.snap
cp old.snap keep.snap
(
	trap '' XFSZ
	ulimit -f 100
	snapshot hello.img -o old.snap
) >out 2>err && fail 'a full disk was not noticed'
expect_match 'cannot be written' err
cmp old.snap keep.snap || fail 'the old snapshot is gone'
[ -z "$(find . -name '*.snap.*')" ] || fail "left behind: $(ls)"
