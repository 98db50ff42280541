// SPDX-License-Identifier: Apache-2.0

// Go's runtime at work: goroutines, channels, select, timers, a nil
// dereference with recover, garbage under memory pressure, files, deferred
// order, goroutines that never call anything.
//
// test: timeout 120
// test: flags -m 512m
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func primes(limit int) int {
	source := make(chan int)
	results := make(chan int)
	var workers sync.WaitGroup
	for w := 0; w < 8; w++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for n := range source {
				prime := n > 1
				for d := 2; d*d <= n; d++ {
					if n%d == 0 {
						prime = false
						break
					}
				}
				if prime {
					results <- n
				}
			}
		}()
	}
	go func() {
		for n := 0; n < limit; n++ {
			source <- n
		}
		close(source)
		workers.Wait()
		close(results)
	}()
	count := 0
	for range results {
		count++
	}
	return count
}

type node struct {
	left, right *node
	value       [4]int
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{left: tree(depth - 1), right: tree(depth - 1)}
}

func (n *node) count() int {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func garbage() (int, bool) {
	keep := tree(14)
	total := 0
	for i := 0; i < 40; i++ {
		total += tree(14).count()
		_ = make([]byte, 4<<20)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return total + keep.count(), stats.NumGC > 3 && stats.HeapSys < 300<<20
}

func nilDereference() (result string) {
	defer func() {
		if r := recover(); r != nil {
			result = fmt.Sprint(r)
		}
	}()
	var n *node
	return fmt.Sprint(n.value[2])
}

func division(zero int) (result string) {
	defer func() { result = fmt.Sprint(recover()) }()
	return fmt.Sprint(1 / zero)
}

func timers() string {
	var order []string
	a := time.After(30 * time.Millisecond)
	b := time.After(10 * time.Millisecond)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	ticks := 0
	for len(order) < 2 {
		select {
		case <-a:
			order = append(order, "a")
		case <-b:
			order = append(order, "b")
		case <-tick.C:
			ticks++
		}
	}
	start := time.Now()
	time.Sleep(5 * time.Millisecond)
	slept := time.Since(start) >= 5*time.Millisecond
	return fmt.Sprint(order, ticks > 0, slept)
}

// Goroutines that never call anything are preempted by a signal.
func spinning() uint64 {
	var stop, other uint64
	done := make(chan uint64)
	for i := 0; i < 3; i++ {
		go func() {
			var n uint64 = 1
			for atomic.LoadUint64(&stop) == 0 {
				n = n*3 + 1
			}
			done <- n
		}()
	}
	go func() {
		var n uint64
		for i := 0; i < 100000000; i++ {
			n = n*5 + uint64(i)
		}
		atomic.StoreUint64(&other, n)
		atomic.StoreUint64(&stop, 1)
	}()
	for i := 0; i < 3; i++ {
		<-done
	}
	return atomic.LoadUint64(&other)
}

func files() string {
	dir, err := os.MkdirTemp("", "work")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	for i := 0; i < 20; i++ {
		name := fmt.Sprintf("%s/f%02d", dir, i)
		if err := os.WriteFile(name, []byte(strings.Repeat("x", i*1000)), 0o600); err != nil {
			return err.Error()
		}
	}
	os.Rename(dir+"/f03", dir+"/renamed")
	entries, _ := os.ReadDir(dir)
	var names []string
	size := int64(0)
	for _, e := range entries {
		info, _ := e.Info()
		size += info.Size()
		names = append(names, e.Name())
	}
	sort.Strings(names)
	_, err = os.Stat(dir + "/f03")
	return fmt.Sprint(len(names), size, names[len(names)-1], errors.Is(err, os.ErrNotExist))
}

func loopback() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err.Error()
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	var wait sync.WaitGroup
	var good int32
	for i := 0; i < 20; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return
			}
			defer c.Close()
			text := strings.Repeat(fmt.Sprint(i), 5000)
			go func() {
				io.WriteString(c, text)
				c.(*net.TCPConn).CloseWrite()
			}()
			back, _ := io.ReadAll(c)
			if string(back) == text {
				atomic.AddInt32(&good, 1)
			}
		}(i)
	}
	wait.Wait()
	c, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
	if err != nil {
		return err.Error()
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	return fmt.Sprint(good, " ", os.IsTimeout(err))
}

func main() {
	fmt.Println("primes:", primes(20000))
	count, ok := garbage()
	fmt.Println("garbage:", count, ok)
	fmt.Println("nil:", nilDereference())
	for i := 0; i < 1000; i++ {
		nilDereference()
	}
	fmt.Println("division:", division(0))
	fmt.Println("timers:", timers())
	fmt.Println("spinning:", spinning())
	fmt.Println("files:", files())
	fmt.Println("loopback:", loopback())
	sum := sha256.New()
	for i := 0; i < 1000; i++ {
		fmt.Fprintln(sum, i)
	}
	fmt.Printf("sha256: %x\n", sum.Sum(nil)[:8])
	defer fmt.Println("deferred")
	runtime.GC()
	fmt.Println("goroutines:", runtime.NumGoroutine() < 30)
}
