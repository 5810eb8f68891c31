package ownfile

import "io/fs"

// NoFollow is a flag of os.OpenFile that refuses symbolic links; Windows has none.
const NoFollow = 0

// Private reports whether a file is a regular file. Owner and mode mean nothing on Windows; the
// file is in the user's profile, whose access list keeps others out.
func Private(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// Trusted returns false: owner and mode mean nothing on Windows, and a file in a directory above
// may belong to anyone.
func Trusted(fs.FileInfo) bool { return false }
