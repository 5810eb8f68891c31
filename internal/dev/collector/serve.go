package collector

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"orderflow/internal/platform/tracing/zipkin"
)

// Serve serves the spans of file at an address, and appends new ones to file. GET /health returns
// name. Serve returns only on failure.
func Serve(address, file, name string) error {
	store := &Store{}
	if err := restore(store, file); err != nil {
		return err
	}
	server := &http.Server{Addr: address, Handler: (&Server{Store: store, Name: name}).Handler(),
		ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// restore loads the spans that an earlier collector kept in file, and appends to it from now on.
func restore(store *Store, file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	for lines := json.NewDecoder(f); ; {
		var span zipkin.Span
		if err := lines.Decode(&span); err == io.EOF {
			break
		} else if err != nil {
			log.Printf("%s: ignoring the rest of the file: %v", file, err)
			break
		}
		if err := store.Add([]zipkin.Span{span}); err != nil {
			return err
		}
	}
	store.Log = f
	return nil
}
