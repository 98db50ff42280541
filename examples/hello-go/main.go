// SPDX-License-Identifier: Apache-2.0

// An HTTP server made of nothing but net/http.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "Serverless Unikernels!\n")
	})
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
