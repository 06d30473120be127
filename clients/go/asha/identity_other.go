//go:build !unix

package asha

import "os"

// lockName has no locks to offer here: the name stands as it is.
func lockName(string) (file *os.File, free bool) { return nil, true }
