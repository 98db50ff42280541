// SPDX-License-Identifier: Apache-2.0

// A Go program that dies as Go programs do.
//
// test: status 2
package main

import "fmt"

type record struct{ name string }

func main() {
	var r *record
	fmt.Println("before")
	fmt.Println(r.name)
}
