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

// Serve answers at an address with what file keeps, and keeps there what comes. GET /health answers
// with name. It returns when the server cannot go on.
func Serve(address, file, name string) error {
	store := &Store{}
	if err := restore(store, file); err != nil {
		return err
	}
	server := &http.Server{Addr: address, Handler: (&Server{Store: store, Name: name}).Handler(),
		ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// restore reads what an earlier collector kept in file, and has this one go on with it.
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
			log.Printf("%s: the rest of it is left out: %v", file, err)
			break
		}
		if err := store.Add([]zipkin.Span{span}); err != nil {
			return err
		}
	}
	store.Log = f
	return nil
}
