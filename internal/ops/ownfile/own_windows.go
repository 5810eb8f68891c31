package ownfile

import "io/fs"

// NoFollow is a flag of os.OpenFile that refuses a symbolic link; Windows has none.
const NoFollow = 0

// Private tells whether a file is a regular one. Owner and mode say nothing here: the file lies in the user's
// profile, whose access list keeps others out.
func Private(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// Trusted is false: owner and mode say nothing here, and a file in a directory above may be anybody's.
func Trusted(fs.FileInfo) bool { return false }
