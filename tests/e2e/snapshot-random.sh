# SPDX-License-Identifier: Apache-2.0
# test: timeout 180
# test: no-san
# test: may-skip a language is not installed
# Two copies never draw the same random numbers, whatever was drawn before:
# from the kernel, and from libraries that look at their process's number.
# What a program had seeded by itself is the same, until it seeds it again.
. "$LIB"

# snap SOURCE: sealed, with a snapshot, and two copies of that: out1, out2
snap() {
	"$MAYFLY" build "$@" -o prog.img >/dev/null
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" --no-request prog.img \
		-o prog.snap >first
	for i in 1 2; do
		run prog.snap >out$i 2>err$i || fail "copy $i: $(cat err$i)"
	done
}

# differ NAME...: the line NAME has another value in the copies and, if it is
# there, before the snapshot
differ() {
	for name; do
		lines=$(cat first out1 out2 | grep -c "^$name ") || true
		[ "$lines" -ge 2 ] || fail "no $name: $(cat out1)"
		kinds=$(cat first out1 out2 | grep "^$name " | sort -u | wc -l)
		[ "$kinds" = "$lines" ] ||
			fail "twice: $(grep "^$name " out1 out2)"
	done
}

# same NAME...: equal in the copies; the page says so of it
same() {
	for name; do
		[ "$(grep -h "^$name " out1 out2 | sort -u | wc -l)" = 1 ] ||
			fail "differs: $(grep "^$name " out1 out2)"
	done
}

cat >draw.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t handled;
static int from = -1, fd;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	handled++;
	from = info->si_pid;
}

static void show(const char *name, const void *p, size_t n)
{
	const unsigned char *b = p;

	printf("%s ", name);
	while (n--)
		printf("%02x", *b++);
	printf("\n");
}

static void draw(void)
{
	unsigned char b[16];
	char text[40] = "";
	int f;

	getrandom(b, sizeof(b), 0);
	show("getrandom", b, sizeof(b));
	if (read(fd, b, sizeof(b)) == sizeof(b))
		show("urandom", b, sizeof(b));
	arc4random_buf(b, sizeof(b));
	show("arc4random", b, sizeof(b));
	if (RAND_bytes(b, sizeof(b)) == 1)
		show("openssl", b, sizeof(b));
	if (RAND_priv_bytes(b, sizeof(b)) == 1)
		show("openssl-private", b, sizeof(b));
	show("auxv", (void *)getauxval(AT_RANDOM), 16);
	f = open("/proc/sys/kernel/random/uuid", O_RDONLY);
	if (read(f, text, 36) == 36)
		printf("uuid %s\n", text);
	close(f);
	printf("pid %d\n", getpid());
}

/* The number has changed, the old one is understood. */
static void numbers(int old)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;
	clockid_t clock;
	char path[64];

	printf("main %d\n", getpid() == (int)syscall(SYS_gettid));
	kill(getpid(), SIGUSR1);
	kill(old, SIGUSR1);
	raise(SIGUSR1);
	pthread_kill(pthread_self(), SIGUSR1);
	syscall(SYS_tgkill, old, old, SIGUSR1);
	printf("handled %d %d\n", handled, from == getpid());
	snprintf(path, sizeof(path), "/proc/%d/status", old);
	printf("proc %d", access(path, R_OK));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", getpid(),
		 getpid());
	printf(" %d\n", access(path, R_OK));
	path[readlink("/proc/self", path, sizeof(path) - 1)] = '\0';
	printf("self %d\n", atoi(path) == getpid());
	printf("clock %d %d\n", clock_getcpuclockid(old, &clock),
	       clock_getcpuclockid(getpid(), &clock));
	printf("stranger %d\n", kill(12345, 0) < 0 && errno == ESRCH);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m, &attr);
	printf("mutex %d", pthread_mutex_lock(&m));
	printf(" %d", pthread_mutex_lock(&m) == EDEADLK);
	printf(" %d\n", pthread_mutex_unlock(&m));
}

static void *thread(void *arg)
{
	return arg;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO };
	int mark = open("/proc/mayfly/snapshot", O_WRONLY), old = getpid();
	pthread_t t;

	fd = open("/dev/urandom", O_RDONLY);
	sigaction(SIGUSR1, &sa, NULL);
	srandom((unsigned)time(NULL));
	draw();
	fflush(stdout);
	write(mark, "1", 1);
	draw();
	printf("seeded %ld\n", random());
	numbers(old);
	if (pthread_create(&t, NULL, thread, NULL) || pthread_join(t, NULL))
		return 1;
	return 0;
}
C
cc -O2 -o draw draw.c -lcrypto -pthread
snap draw
differ getrandom urandom arc4random openssl openssl-private auxv uuid
same pid seeded
[ "$(grep -h '^pid ' first out1 | sort -u | wc -l)" = 2 ] || fail "$(cat out1)"
for line in 'main 1' 'handled 5 1' 'proc 0 0' 'self 1' 'clock 0 0' \
	'stranger 1' 'mutex 0 1 0'; do
	grep -qx "$line" out1 || fail "not $line: $(cat out1)"
done

skipped=
if command -v /usr/bin/python3 >/dev/null; then
	cat >draw.py <<'P'
#!/usr/bin/python3
import os, random, secrets, signal, ssl, uuid

def draw():
    print('urandom', os.urandom(16).hex())
    print('uuid4', uuid.uuid4())
    print('secrets', secrets.token_hex(16))
    print('system', random.SystemRandom().random())
    print('ssl', ssl.RAND_bytes(16).hex(), flush=True)

told = []

def renew(number, frame):
    random.seed()
    told.append(number)

draw()
random.random()
signal.signal(signal.SIGUSR2, renew)
if os.path.exists('/proc/mayfly'):
    with open('/proc/mayfly/signal', 'w') as f:
        f.write(str(int(signal.SIGUSR2)))
before = random.getstate()
with open('/proc/mayfly/snapshot', 'w') as f:
    f.write('1')
draw()
print('told', told == [signal.SIGUSR2])
print('random', random.random())
random.setstate(before)
print('seeded', random.random())
P
	chmod +x draw.py
	snap draw.py
	differ urandom uuid4 secrets system ssl random
	same seeded
	expect_match '^told True$' out1
else
	skipped="$skipped python3"
fi

if command -v /usr/bin/node >/dev/null; then
	cat >draw.js <<'N'
#!/usr/bin/node
const fs = require('fs');
const crypto = require('crypto');

function draw() {
	console.log('bytes', crypto.randomBytes(16).toString('hex'));
	console.log('values', crypto.webcrypto.getRandomValues(
		new Uint32Array(4)).join('-'));
	console.log('fresh', crypto.randomUUID({ disableEntropyCache: true }));
}

// What more it has drawn for the next calls.
crypto.randomUUID();
crypto.randomInt(2 ** 47);
process.on('SIGUSR2', () => console.log('told', true));
fs.writeFileSync('/proc/mayfly/signal', '12');
draw();
fs.writeFileSync('/proc/mayfly/snapshot', '1');
draw();
console.log('cached', crypto.randomUUID());
console.log('cached-int', crypto.randomInt(2 ** 47));
for (let i = 0; i < 1024; i++) {
	crypto.randomUUID();
	crypto.randomInt(2 ** 47);
}
console.log('renewed', crypto.randomUUID());
console.log('renewed-int', crypto.randomInt(2 ** 47));
console.log('math', Math.random());
setTimeout(() => process.exit(0), 200);
N
	chmod +x draw.js
	snap draw.js
	differ bytes values fresh renewed renewed-int
	same cached cached-int math
	expect_match '^told true$' out1
else
	skipped="$skipped node"
fi

if command -v go >/dev/null; then
	mkdir go
	cat >go/main.go <<'G'
package main

import (
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func draw() {
	b := make([]byte, 16)
	if _, err := io.ReadFull(rand.Reader, b); err != nil {
		panic(err)
	}
	fmt.Printf("crypto %x\n", b)
}

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR2)
	os.WriteFile("/proc/mayfly/signal", []byte("12"), 0)
	mathrand.Seed(time.Now().UnixNano())
	draw()
	os.WriteFile("/proc/mayfly/snapshot", []byte("1"), 0)
	draw()
	fmt.Println("seeded", mathrand.Int63())
	fmt.Println("told", <-told)
	var seed [8]byte
	rand.Read(seed[:])
	n := int64(0)
	for _, v := range seed {
		n = n<<8 | int64(v)
	}
	mathrand.Seed(n)
	fmt.Println("again", mathrand.Int63())
}
G
	(cd go && CGO_ENABLED=0 GO111MODULE=off \
		GOCACHE="$BUILD/go-cache" go build -trimpath -o ../godraw .)
	snap godraw
	differ crypto again
	same seeded
	expect_match '^told user defined signal 2$' out1
else
	skipped="$skipped go"
fi
[ -z "$skipped" ] || skip "not installed:$skipped"
