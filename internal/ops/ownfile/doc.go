// Package ownfile checks by owner and mode that a file belongs to the user alone.
package ownfile
