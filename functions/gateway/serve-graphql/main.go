// Command serve-graphql serves storefronts by GraphQL.
package main

import (
	"orderflow/internal/gateway/graph/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "serve-graphql", handler.ServeGraphql) }
