// Command collector keeps the spans of a local stack; `make up` starts it beside the emulator. See package traces.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"orderflow/internal/dev/collector"
	"orderflow/internal/platform/tracing/zipkin"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	file := flag.String("file", "", "`file` that keeps the spans")
	name := flag.String("name", "", "what GET /health answers with")
	flag.Parse()
	store := &collector.Store{}
	if err := restore(store, *file); err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *listen, Handler: (&collector.Server{Store: store, Name: *name}).Handler(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// restore reads what an earlier collector kept in file, and has this one go on with it.
func restore(store *collector.Store, file string) error {
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
