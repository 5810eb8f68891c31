//go:build !windows

package ownfile

import (
	"io/fs"
	"os"
	"syscall"
)

// NoFollow is a flag of os.OpenFile that refuses a symbolic link.
const NoFollow = syscall.O_NOFOLLOW

// Private tells whether a file is a regular one of the user's that nobody else may read.
func Private(info fs.FileInfo) bool {
	return mine(info) && info.Mode().IsRegular() && info.Mode().Perm()&0o077 == 0
}

// Trusted tells whether a file is the user's and nobody else may change it.
func Trusted(info fs.FileInfo) bool { return mine(info) && info.Mode().Perm()&0o022 == 0 }

func mine(info fs.FileInfo) bool {
	owner, known := info.Sys().(*syscall.Stat_t)
	return known && int64(owner.Uid) == int64(os.Geteuid())
}
