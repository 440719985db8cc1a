package converter

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused converts what is no model, which ends in one sentence that names it.
func refused(t *testing.T, path, want string) {
	t.Helper()
	_, err := Convert(path, "")
	require.ErrorContains(t, err, want, path)
	require.Contains(t, err.Error(), path)
	require.NotContains(t, err.Error(), "\n")
	require.Less(t, len(err.Error()), 1000)
}

// What else lies about on a disk is refused in a sentence.
func TestOtherFiles(t *testing.T) {
	var gray, photo, packed bytes.Buffer
	require.NoError(t, png.Encode(&gray, image.NewGray(image.Rect(0, 0, 9, 9))))
	require.NoError(t, jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 9, 9)), nil))
	w := gzip.NewWriter(&packed)
	_, err := w.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var packets bytes.Buffer
	tape := tar.NewWriter(&packets)
	require.NoError(t, tape.WriteHeader(&tar.Header{Name: "net.pt", Size: 1}))
	_, err = tape.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, tape.Close())
	folder := t.TempDir()
	const none = `the content is of no format that is supported: PyTorch .pt/.pth, `
	for name, f := range map[string]struct{ content, want string }{
		"empty":        {"", "the file is empty"},
		"notes.txt":    {"Dear reader,\n", none},
		"empty.json":   {"{}", none},
		"list.json":    {"[[[1]]]", none},
		"page.html":    {"<!DOCTYPE html><html>", none},
		"README.md":    {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", none},
		"gray.png":     {gray.String(), none},
		"photo.jpg":    {photo.String(), none},
		"zeros.gz":     {packed.String(), none},
		"zeros":        {strings.Repeat("\x00", 1<<20), none},
		"ones":         {strings.Repeat("\xff", 1<<20), none},
		"brackets":     {strings.Repeat("{", 1<<20), none},
		"document.zip": {string(zipped(t, file("word/document.xml", "<xml/>"))), none},
		"nothing.zip":  {string(zipped(t)), none},
		"net.pth.tar":  {packets.String(), "is an archive of tar, not what torch.save writes"},
		"model.rnn":    {"\x89rnn", "is a .rnn model already"},
		"array.npy":    {"\x93NUMPY", "a single array"},
	} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(f.content), 0o600))
		refused(t, path, f.want)
	}
	program, err := os.Executable()
	require.NoError(t, err)
	refused(t, program, none)
	refused(t, filepath.Join(folder, "missing"), "no such file")
	refused(t, t.TempDir(), "a folder without .npy files")
}
