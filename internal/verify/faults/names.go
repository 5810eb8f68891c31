package faults

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// host is the provider's name in scenarios of name servers. No real name server knows it.
const host = "provider.invalid"

// nameFault is a fault of a name server: the response code, or nameSilent.
type nameFault = int32

const (
	nameKnown   nameFault = 0
	nameRefused nameFault = 2 // SERVFAIL
	nameUnknown nameFault = 3 // NXDOMAIN
	nameSilent  nameFault = -1
)

// names is a name server on the loopback interface that, while healthy, resolves every name to
// 127.0.0.1.
type names struct {
	conn   net.PacketConn
	fault  atomic.Int32
	serves sync.WaitGroup
	// silenced answer the queries that got no response; only serve appends to it.
	silenced []func()
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

// close answers the silenced queries: lookups of one name share a query, which cannot be cancelled.
func (n *names) close() {
	_ = n.conn.SetReadDeadline(time.Now())
	n.serves.Wait()
	for _, answer := range n.silenced {
		answer()
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
		query := slices.Clone(buffer[:size])
		answer := func(f nameFault) { _, _ = n.conn.WriteTo(response(query, f), from) }
		if f := n.fault.Load(); f != nameSilent {
			answer(f)
		} else {
			n.silenced = append(n.silenced, func() { answer(nameRefused) })
		}
	}
}

// response returns the response to a query of one question (RFC 1035, section 4).
func response(query []byte, f nameFault) []byte {
	const header, ipv4 = 12, 1
	end := header
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root label, type and class
	if end > len(query) {
		return nil
	}
	out := slices.Clone(query[:end])
	out[2], out[3] = 0x81, 0x80|byte(f) // a response with this code
	clear(out[6:header])                // no answer, nothing additional
	if kind := int(query[end-4])<<8 | int(query[end-3]); f == nameKnown && kind == ipv4 {
		out[7] = 1
		// the name above, A, IN, TTL 0
		out = append(out, 0xc0, header, 0, ipv4, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
	}
	return out
}
