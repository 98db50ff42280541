// SPDX-License-Identifier: Apache-2.0

// One line, then the end: what starting Go's runtime costs.
package main

import "os"

func main() {
	os.Stdout.WriteString("Hello\n")
}
