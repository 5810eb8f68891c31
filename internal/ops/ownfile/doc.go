// Package ownfile tells whose a file is, as far as the operating system says it by owner and mode.
package ownfile
