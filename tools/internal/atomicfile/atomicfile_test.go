package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/internal/atomicfile"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// files lists a directory.
func files(t *testing.T, dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func requireContent(t *testing.T, want, path string) {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(b))
}

func TestWriteAndReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	long := strings.Repeat("0123456789", 10_000) // more than a buffer
	require.NoError(t, atomicfile.Write(path, text(long)))
	requireContent(t, long, path)
	require.NoError(t, atomicfile.Write(path, text("new")))
	requireContent(t, "new", path)
	require.Equal(t, []string{"out.csv"}, files(t, dir))
}

func TestFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	broken := errors.New("broken")
	fail := func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		return broken
	}
	require.Equal(t, broken, atomicfile.Write(path, fail))
	require.Empty(t, files(t, dir))

	require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
	require.Equal(t, broken, atomicfile.Write(path, fail))
	require.Panics(t, func() {
		_ = atomicfile.Write(path, func(io.Writer) error { panic("broken") })
	})
	requireContent(t, "old", path)
	require.Equal(t, []string{"out.csv"}, files(t, dir))
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	err := atomicfile.Write(dir, text(""))
	require.EqualError(t, err, "writing "+dir+": it is there and not a regular file")
	missing := filepath.Join(dir, "no", "out.csv")
	require.ErrorContains(t, atomicfile.Write(missing, text("")), "writing "+missing+": ")
}

func TestPermissionsAndLinks(t *testing.T) {
	switch runtime.GOOS {
	case "windows", "plan9", "js", "wasip1":
		t.Skip("no Unix permissions")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("out.csv", link))

	require.NoError(t, atomicfile.Write(link, text("new")))
	requireContent(t, "new", path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	info, err = os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)

	// A new file gets what any new file gets.
	other, fresh := filepath.Join(dir, "other"), filepath.Join(dir, "fresh")
	require.NoError(t, os.WriteFile(other, nil, 0o666))
	require.NoError(t, atomicfile.Write(fresh, text("")))
	want, err := os.Stat(other)
	require.NoError(t, err)
	have, err := os.Stat(fresh)
	require.NoError(t, err)
	require.Equal(t, want.Mode(), have.Mode())
}
