package faults

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// host is the provider's name in scenarios of name servers. No real name server knows it.
const host = "provider.invalid"

// nameFault is a fault of a name server.
type nameFault int32

const (
	nameKnown nameFault = iota
	nameUnknown
	nameRefused
	nameSilent
)

// names is a name server on the loopback interface that, while healthy, resolves every name to
// 127.0.0.1.
type names struct {
	conn   net.PacketConn
	fault  atomic.Int32
	serves sync.WaitGroup
	// waiting are the unanswered clients; only serve uses it.
	waiting []waiting
}

type waiting struct {
	query []byte
	from  net.Addr
}

func newNames() (*names, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &names{conn: c}
	n.serves.Go(n.serve)
	return n, nil
}

// close answers the waiting clients: lookups of one name share a query, which cannot be cancelled.
func (n *names) close() {
	n.fault.Store(int32(nameRefused))
	_ = n.conn.SetReadDeadline(time.Now())
	n.serves.Wait()
	for _, w := range n.waiting {
		_, _ = n.conn.WriteTo(n.answer(w.query), w.from)
	}
	_ = n.conn.Close()
}

// resolver returns a resolver that uses this server only.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *names) serve() {
	buffer := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return // closed
		}
		if answer := n.answer(buffer[:size]); answer != nil {
			_, _ = n.conn.WriteTo(answer, from)
		} else {
			n.waiting = append(n.waiting, waiting{append([]byte(nil), buffer[:size]...), from})
		}
	}
}

// answer returns the response to a query of one question (RFC 1035, section 4), or nil.
func (n *names) answer(query []byte) []byte {
	const header, ipv4 = 12, 1
	end := header
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root label, type and class
	if end > len(query) {
		return nil
	}
	out := append([]byte(nil), query[:end]...)
	out[2], out[3] = 0x81, 0x80                 // a response, no error
	out[6], out[7], out[8], out[9] = 0, 0, 0, 0 // no answer
	out[10], out[11] = 0, 0                     // nothing additional
	switch nameFault(n.fault.Load()) {
	case nameUnknown:
		out[3] |= 3 // NXDOMAIN
	case nameRefused:
		out[3] |= 2 // SERVFAIL
	case nameSilent:
		return nil
	case nameKnown:
		if kind := int(query[end-4])<<8 | int(query[end-3]); kind == ipv4 {
			out[7] = 1
			// the name above, A, IN, TTL 0
			out = append(out, 0xc0, header, 0, ipv4, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
		}
	}
	return out
}
