//go:build unix

package asha

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockName locks a worker's name on this machine; false if another process has it.
// The clients of other languages lock the same file.
func lockName(name string) (file *os.File, free bool) {
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:24]
	path := filepath.Join(os.TempDir(), fmt.Sprintf("asha-worker-%d-%s.lock", os.Getuid(), digest))
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, true // no place for lock files: the name stands as it is
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, false
	}
	return file, true
}
