//go:build !windows

package ownfile

import (
	"io/fs"
	"os"
	"syscall"
)

// NoFollow is a flag of os.OpenFile that refuses symbolic links.
const NoFollow = syscall.O_NOFOLLOW

// Private reports whether a file is a regular file owned by the user that nobody else may access.
func Private(info fs.FileInfo) bool {
	return ownedByUser(info) && info.Mode().IsRegular() && info.Mode().Perm()&0o077 == 0
}

// Trusted reports whether a file is owned by the user and nobody else may write it.
func Trusted(info fs.FileInfo) bool { return ownedByUser(info) && info.Mode().Perm()&0o022 == 0 }

func ownedByUser(info fs.FileInfo) bool {
	owner, known := info.Sys().(*syscall.Stat_t)
	return known && int64(owner.Uid) == int64(os.Geteuid())
}
