//go:build unix

package converter

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pipes are not waited for, devices not read, as a source or beside one.
func TestNoFiles(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	require.NoError(t, syscall.Mkfifo(in("pipe"), 0o600))
	refused(t, in("pipe"), "is no regular file")
	refused(t, "/dev/zero", "is no regular file")
	require.NoError(t, os.Symlink("loop", in("loop")))
	refused(t, in("loop"), "too many levels of symbolic links")

	require.NoError(t, os.WriteFile(in("net.txt"), []byte("text"), 0o600))
	require.NoError(t, syscall.Mkfifo(in("net.yaml"), 0o600))
	_, err := Convert(in("net.txt"), "")
	require.ErrorContains(t, err, "net.yaml: is no regular file")
	_, err = Options{Bind: map[string]string{"W": "/dev/zero"}}.Convert(in("net.txt"))
	require.ErrorContains(t, err, "/dev/zero: is no regular file")

	require.NoError(t, os.Mkdir(in("arrays"), 0o700))
	refused(t, in("arrays"), "a folder without .npy files")
	require.NoError(t, syscall.Mkfifo(in("arrays/w.npy"), 0o600))
	refused(t, in("arrays"), "w.npy: is no regular file")
}

func TestNoPermission(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, nil, 0))
	if _, err := os.ReadFile(secret); err == nil {
		t.Skip("this user may read everything")
	}
	refused(t, secret, "permission denied")
}
