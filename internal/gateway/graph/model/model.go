// Package model has the GraphQL types that are more than a type of the REST contract: an order
// knows the page that it is part of, so that the parts of all orders of a page are fetched at once.
package model

import (
	"context"

	"orderflow/internal/gateway"
)

// Order is an order and the Batch through which its parts are fetched.
type Order struct {
	gateway.Order
	Batch *Batch
}

// Items returns the order's lines.
func (o *Order) Items() []*OrderLine {
	lines := make([]*OrderLine, len(o.Order.Items))
	for i, l := range o.Order.Items {
		lines[i] = &OrderLine{l, o.Batch}
	}
	return lines
}

// OrderLine is a line and the Batch of its order.
type OrderLine struct {
	gateway.OrderLine
	Batch *Batch
}

// Product is a product and the availability of all products that were read with it.
type Product struct {
	gateway.Product
	available *part[gateway.Availability]
}

// Available returns whether the product is in stock.
func (p *Product) Available(ctx context.Context) (*gateway.Availability, error) {
	return p.available.get(ctx, p.SKU)
}

// PageInfo is the position of a page in its list. Lists are read forwards.
type PageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

// Connection is a page of a list (GraphQL Cursor Connections Specification, Relay).
type Connection[N any] struct {
	Edges    []*Edge[N]
	PageInfo *PageInfo
}

// Nodes returns the page without cursors.
func (c *Connection[N]) Nodes() []*N {
	nodes := make([]*N, len(c.Edges))
	for i, e := range c.Edges {
		nodes[i] = e.Node
	}
	return nodes
}

// Edge is an entry of a page and its cursor.
type Edge[N any] struct {
	Cursor string
	Node   *N
}

type (
	// OrderConnection is a page of orders.
	OrderConnection = Connection[Order]
	// OrderEdge is an order of a page.
	OrderEdge = Edge[Order]
	// ProductConnection is a page of products.
	ProductConnection = Connection[Product]
	// ProductEdge is a product of a page.
	ProductEdge = Edge[Product]
)

// NewConnection returns a page with a cursor for each node. next is the cursor of the next page, ""
// on the last one. A page may be empty and not be the last one.
func NewConnection[N any](nodes []*N, cursor func(*N) string, next string) *Connection[N] {
	c := &Connection[N]{Edges: make([]*Edge[N], len(nodes)), PageInfo: &PageInfo{HasNextPage: next != ""}}
	for i, n := range nodes {
		c.Edges[i] = &Edge[N]{cursor(n), n}
	}
	if len(nodes) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(nodes)-1].Cursor
	}
	if next != "" {
		c.PageInfo.EndCursor = &next
	}
	return c
}
