// SPDX-License-Identifier: Apache-2.0

// Sorts the words of a path with the C library's qsort, which calls back into
// Go for each comparison.
package main

/*
#include <stdlib.h>

extern int compareWords(void *a, void *b);

static int compare(const void *a, const void *b)
{
	return compareWords(*(void **)a, *(void **)b);
}

static void sort_words(char **words, size_t count)
{
	qsort(words, count, sizeof(*words), compare);
}
*/
import "C"

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"unsafe"
)

//export compareWords
func compareWords(a, b unsafe.Pointer) C.int {
	left, right := C.GoString((*C.char)(a)), C.GoString((*C.char)(b))
	return C.int(strings.Compare(left, right))
}

func sorted(words []string) []string {
	size := C.size_t(unsafe.Sizeof((*C.char)(nil)))
	list := (**C.char)(C.calloc(C.size_t(len(words)), size))
	defer C.free(unsafe.Pointer(list))
	items := unsafe.Slice(list, len(words))
	for i, word := range words {
		items[i] = C.CString(word)
	}
	C.sort_words(list, C.size_t(len(words)))
	found := make([]string, len(words))
	for i, item := range items {
		found[i] = C.GoString(item)
		C.free(unsafe.Pointer(item))
	}
	return found
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		words := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		fmt.Fprintln(w, strings.Join(sorted(words), " "))
	})
	if err := http.ListenAndServe(":"+port, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
