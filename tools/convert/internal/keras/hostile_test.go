package keras

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
)

// everything reads data in every way; what comes out can be written.
func everything(data []byte, c Config) error {
	Sniff(data)
	_, _ = Tensors("m.h5", data)
	m, _, _, err := Read("m.h5", data, c)
	if err == nil {
		_, err = format.Marshal(m)
	}
	return err
}

func TestSniff(t *testing.T) {
	files := contents(t, "keras3.zip")
	for name, data := range files {
		assert.Equal(t, strings.HasSuffix(name, ".keras") || strings.HasSuffix(name, ".h5"), Sniff(data), name)
		assert.Equal(t, strings.HasSuffix(name, ".json"), SniffConfig(data), name)
	}
	for _, other := range []string{"", "{\"a\": 1}", "PK\x03\x04aaaa data.pkl", "\x08\x07\x12\x00", "\x1c\x00\x00\x00TFL3", "\x89rnn"} {
		assert.False(t, Sniff([]byte(other)), "%q", other)
		assert.False(t, SniffConfig([]byte(other)), "%q", other)
	}
}

func TestHostile(t *testing.T) {
	files := contents(t, "keras3.zip")
	config := Config{File: "m.json", Text: files["stack.json"]}
	for _, name := range []string{"stack.keras", "stack.weights.h5"} {
		data := files[name]
		read := func(data []byte) error { return everything(data, config) }
		require.NoError(t, read(data), name)
		// The zip archive and HDF5 are read by packages with tests of their own: a part of
		// the offsets is enough here.
		for n := 0; n < len(data); n += 17 {
			err := hostiletest.Read(t, func() error { return read(data[:n:n]) })
			require.Error(t, err, "%s: first %d of %d bytes", name, n, len(data))
			flipped := bytes.Clone(data)
			flipped[n] ^= 1 << (n / 17 % 8)
			_ = hostiletest.Read(t, func() error { return read(flipped) })
		}
	}
	text := files["stack.json"]
	read := func(text []byte) error {
		return everything(files["stack.weights.h5"], Config{File: "m.json", Text: text})
	}
	require.NoError(t, read(text))
	for n := 0; n < len(text); n += 5 {
		err := hostiletest.Read(t, func() error { return read(text[:n:n]) })
		require.Error(t, err, "first %d of %d bytes", n, len(text))
		flipped := bytes.Clone(text)
		flipped[n] ^= 1 << (n / 5 % 8)
		_ = hostiletest.Read(t, func() error { return read(flipped) })
	}
}

// archive is a .keras archive of these entries.
func archive(t testing.TB, entries ...[2]string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e[0])
		require.NoError(t, err)
		_, err = f.Write([]byte(e[1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// An archive must not become more than its size allows, nor a configuration more work.
func TestBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 30<<20)
	for _, c := range []struct {
		want string
		data []byte
	}{
		{`m.h5: entry "config.json" is said to have 31457280 bytes, supported are up to 4194304 here`,
			archive(t, [2]string{"config.json", zeros}, [2]string{"model.weights.h5", ""})},
		{`m.h5: entry "model.weights.h5" is said to have 31457280 bytes, supported are up to `,
			archive(t, [2]string{"config.json", "{}"}, [2]string{"model.weights.h5", zeros})},
		{`m.h5: the archive has no entry "metadata.json"`, archive(t, [2]string{"config.json", "{}"}, [2]string{"model.weights.h5", ""})},
		{`m.h5: two entries of the archive are named "config.json"`,
			archive(t, [2]string{"config.json", "{}"}, [2]string{"config.json", "{}"}, [2]string{"model.weights.h5", ""})},
	} {
		err := hostiletest.Read(t, func() error { return everything(c.data, Config{}) })
		require.ErrorContains(t, err, c.want)
	}

	deep := strings.Repeat(`{"class_name": "Sequential", "config": {"layers": [`, 60)
	// A model that calls one inside twice, which does the same, and so on.
	twice := `{"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, null, 3]}, "name": "x", "inbound_nodes": []}`
	for i := range 12 {
		name := fmt.Sprint("m", i)
		inner := fmt.Sprintf(`{"class_name": "Functional", "name": %q, "inbound_nodes": [[["x", 0, 0, {}]], [[%q, 0, 0, {}]]], "config": {"name": %q, "input_layers": [["x", 0, 0]], "output_layers": [[%s, 0]], "layers": [%s]}}`,
			name, name, name, map[bool]string{true: `"x", 0`, false: fmt.Sprintf(`"m%d", 1`, i-1)}[i == 0], twice)
		twice = `{"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, null, 3]}, "name": "x", "inbound_nodes": []}, ` + inner
	}
	for want, text := range map[string]string{
		"m.json: the configuration is nested more than 100 deep": deep,
		"is one of more than 4096 calls of layers":               `{"class_name": "Functional", "config": {"name": "m", "input_layers": [["x", 0, 0]], "output_layers": [["m11", 1, 0]], "layers": [` + twice + `]}}`,
		"the configuration has more than 4096 layers": `{"class_name": "Sequential", "config": {"name": "m", "layers": [` +
			strings.Repeat(`{"class_name": "Dropout", "config": {}},`, 5000) + `{"class_name": "Dropout", "config": {}}]}}`,
	} {
		c := Config{File: "m.json", Text: []byte(text)}
		old := contents(t, "keras2.zip")["stack.h5"]
		err := hostiletest.Read(t, func() error { return everything(old, c) })
		require.ErrorContains(t, err, want)
	}
}

// Whatever the file, reading it ends in an error or in a model that can be written.
func FuzzRead(f *testing.F) {
	files := contents(f, "keras3.zip")
	f.Add(files["stack.keras"])
	f.Add(files["reshaped.h5"])
	f.Add(files["tokens.keras"])
	f.Add(files["convolutions.h5"])
	f.Add(contents(f, "keras2.zip")["keras1.h5"])
	f.Fuzz(func(_ *testing.T, data []byte) { _ = everything(data, Config{}) })
}

// A configuration is as hostile as weights.
func FuzzConfig(f *testing.F) {
	files := contents(f, "keras3.zip")
	old := contents(f, "keras2.zip")
	for _, name := range []string{"stack.json", "nested.json", "cells.json"} {
		f.Add(files[name])
		f.Add(old[name])
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		for _, data := range [][]byte{files["nested.weights.h5"], old["cells.h5"]} {
			_ = everything(data, Config{File: "m.json", Text: text})
		}
	})
}
