package hdf5_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

// readAll reads what a file holds, and joins the errors. It looks at so many objects
// at most, as links may lead in circles.
func readAll(data []byte, most int) error {
	f, err := hdf5.Open(data)
	if err != nil {
		return err
	}
	var all error
	queue := []*hdf5.Group{f.Root()}
	for n := 0; len(queue) > 0 && n < most; {
		g := queue[0]
		queue = queue[1:]
		names, err := g.Names()
		all = errors.Join(all, err)
		for _, name := range names {
			if n++; n > most {
				break
			}
			if below, err := g.Group(name); err == nil {
				queue = append(queue, below)
				all = errors.Join(all, readAttributes(below.Attribute))
				continue
			}
			d, err := g.Dataset(name)
			if err != nil {
				all = errors.Join(all, err)
				continue
			}
			_, err = d.Float32()
			all = errors.Join(all, err, readAttributes(d.Attribute))
		}
	}
	return all
}

// readAttributes reads the attributes that the small files have.
func readAttributes(attribute func(name string) (*hdf5.Attribute, error)) error {
	var all error
	for _, name := range []string{"text", "numbers", "weight_names"} {
		a, err := attribute(name)
		if errors.Is(err, hdf5.ErrNotExist) {
			continue
		}
		if err != nil {
			all = errors.Join(all, err)
			continue
		}
		if _, err := a.Strings(); err != nil {
			_, err = a.Numbers()
			all = errors.Join(all, err)
		}
	}
	return all
}

func TestHostile(t *testing.T) {
	all := files(t)
	for _, name := range []string{"small_old.h5", "small_latest.h5"} {
		t.Run(name, func(t *testing.T) {
			data := all[name]
			require.NoError(t, readAll(data, 100))
			read := func(data []byte) error { return readAll(data, 100) }
			hostiletest.Truncations(t, data, read)
			hostiletest.Flips(t, data, read, nil)
		})
	}
}

// The same for strings in a global heap, but for its free space, which is most of it.
func TestHostileText(t *testing.T) {
	data := files(t)["small_text.h5"]
	require.NoError(t, readAll(data, 100))
	heap := bytes.Index(data, []byte("GCOL"))
	require.Positive(t, heap)
	for bit := range 8 * (heap + 128) {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		_ = readAll(flipped, 100)
	}
}

func TestNotHDF5(t *testing.T) {
	for _, data := range []string{"", "\x89HDF", "\x89HDF\r\n\x1a\x0b........", "PK\x03\x04"} {
		require.False(t, hdf5.Sniff([]byte(data)))
		_, err := hdf5.Open([]byte(data))
		require.EqualError(t, err, "not an HDF5 file: its signature is missing")
	}
}

// Every HDF5 file that comes with the trained models can be read whole, those inside
// .keras archives, too.
func TestModels(t *testing.T) {
	const root = "../../../../../shared/models"
	if _, err := os.Stat(root); err != nil {
		t.Skip("no trained models in ../shared/models")
	}
	seen := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		extension := filepath.Ext(path)
		if !slices.Contains([]string{".h5", ".hdf5", ".keras"}, extension) {
			return nil
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if extension == ".keras" {
			data = unzip(t, data)["model.weights.h5"]
		}
		require.True(t, hdf5.Sniff(data), path)
		require.NoError(t, readAll(data, 1000), path)
		seen++
		return nil
	}))
	require.NotZero(t, seen)
}

func FuzzOpen(f *testing.F) {
	all := files(f)
	for _, name := range []string{"small_old.h5", "small_latest.h5", "small_text.h5", "userblock.h5", "userblock_latest.h5"} {
		f.Add(all[name])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = hostiletest.Read(t, func() error { return readAll(data, 100) })
	})
}
