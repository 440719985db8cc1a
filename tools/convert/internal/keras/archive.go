package keras

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// isArchive reports whether data is a .keras archive, or looks like one that is damaged.
func isArchive(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK\x03\x04")) && bytes.Contains(data, []byte("config.json")) && bytes.Contains(data, []byte("model.weights.h5"))
}

// unpack takes a .keras archive apart: the configuration, the weights and the version
// of Keras.
func unpack(data []byte) (config, weights []byte, kerasVersion string, err error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, "", fmt.Errorf("damaged zip archive: %w", err)
	}
	entries := map[string]*zip.File{}
	for _, f := range r.File {
		if entries[f.Name] != nil {
			return nil, nil, "", fmt.Errorf("two entries of the archive are named %.80q", f.Name)
		}
		entries[f.Name] = f
	}
	// A deflated byte can be a thousand; weights are hardly smaller deflated.
	room := 8*uint64(len(data)) + 1<<20
	for _, e := range []struct {
		name string
		most uint64
		into *[]byte
	}{{"config.json", maxConfig, &config}, {"model.weights.h5", room, &weights}} {
		if *e.into, err = entry(entries[e.name], e.name, e.most); err != nil {
			return nil, nil, "", err
		}
	}
	meta, err := entry(entries["metadata.json"], "metadata.json", 1<<16)
	if err != nil {
		return nil, nil, "", err
	}
	var m struct {
		Version string `json:"keras_version"`
	}
	if err := json.Unmarshal(meta, &m); err != nil {
		return nil, nil, "", fmt.Errorf("entry \"metadata.json\": %w", err)
	}
	return config, weights, m.Version, nil
}

// entry returns the content of an entry, whose checksum holds. Memory grows with what
// comes out, not with what is promised.
func entry(f *zip.File, name string, most uint64) ([]byte, error) {
	if f == nil {
		return nil, fmt.Errorf("the archive has no entry %q", name)
	}
	size := f.UncompressedSize64
	if size > most {
		return nil, fmt.Errorf("entry %q is said to have %d bytes, supported are up to %d here", name, size, most)
	}
	content, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("entry %q: %w", name, err)
	}
	defer func() { _ = content.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(content, int64(size)+1))
	if err != nil {
		return nil, fmt.Errorf("entry %q: %w", name, err)
	}
	if uint64(len(b)) != size {
		return nil, fmt.Errorf("entry %q has another size than the %d bytes it is said to have", name, size)
	}
	return b, nil
}
