// SPDX-License-Identifier: Apache-2.0

// A Go program with C in it: calls both ways, C's own threads, names looked
// up by the C library. With the argument `serve PORT` it is a web server whose
// answers are made in C.
package main

/*
#cgo CFLAGS: -D_GNU_SOURCE
#cgo LDFLAGS: -pthread
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int goCallback(int);

static int sum(int n)
{
	int s = 0;

	for (int i = 0; i < n; i++)
		s += goCallback(i);
	return s;
}

static void *thread(void *arg)
{
	return (void *)(intptr_t)goCallback((int)(intptr_t)arg);
}

static int from_threads(int n)
{
	int s = 0;

	for (int i = 0; i < n; i++) {
		pthread_t t;
		void *ret;

		if (pthread_create(&t, NULL, thread, (void *)(intptr_t)i))
			return -1;
		pthread_join(t, &ret);
		s += (int)(intptr_t)ret;
	}
	return s;
}

static int fail(void)
{
	errno = ENOENT;
	return -1;
}

static char *greet(const char *name)
{
	char *s = NULL;

	return asprintf(&s, "Hello %s from C", name) < 0 ? NULL : s;
}

static void crash(void)
{
	*(volatile int *)8 = 1;
}
*/
import "C"

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"runtime"
	"sort"
	"sync"
	"time"
	"unsafe"
)

//export goCallback
func goCallback(n C.int) C.int {
	return n * n
}

func greet(name string) string {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	s := C.greet(c)
	defer C.free(unsafe.Pointer(s))
	return C.GoString(s)
}

func calls() {
	fmt.Println("callbacks", C.sum(1000))
	fmt.Println("threads", C.from_threads(20))
	_, err := C.fail()
	fmt.Println("errno", err)
	var wg sync.WaitGroup
	results := make([]int, 16)
	for i := range results {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for j := 0; j < 200; j++ {
				results[i] += int(C.sum(10))
			}
		}(i)
	}
	wg.Wait()
	fmt.Println(results)
	runtime.GC()
	stop := make(chan bool)
	go func() {
		for i := 0; ; i++ { // never yields by itself
			if i&0xfffff == 0 {
				select {
				case <-stop:
					stop <- true
					return
				default:
				}
			}
		}
	}()
	time.Sleep(30 * time.Millisecond)
	runtime.GC()
	stop <- true
	<-stop
	fmt.Println("preempted")
}

func nilCaught() {
	defer func() {
		fmt.Println("recovered:", recover())
	}()
	var p *struct{ big, x int }
	fmt.Println(p.x)
}

func names() {
	addrs, err := net.LookupHost("localhost")
	sort.Strings(addrs)
	fmt.Println(len(addrs) > 0 && net.ParseIP(addrs[0]).IsLoopback(), err)
	_, err = user.Lookup("nobody-has-this-name")
	fmt.Println(err)
	u, err := user.LookupId("0")
	if err == nil {
		fmt.Println(u.Username)
	}
}

func serve(port string) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, greet(r.URL.Path))
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":"+port, nil))
	os.Exit(1)
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		serve(os.Args[2])
	}
	if len(os.Args) > 1 && os.Args[1] == "crash" {
		C.crash()
	}
	calls()
	nilCaught()
	names()
	fmt.Println(greet("world"))
}
