package steps

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rnnedge/rnnedge/tools/internal/npy"
	"github.com/rnnedge/rnnedge/tools/internal/regular"
)

// Extension is the ending of a file's name, in lower case: ".npy".
func Extension(path string) string { return strings.ToLower(filepath.Ext(path)) }

// SplitNPZ takes "x.npz:key" apart; key is "" where there is none.
func SplitNPZ(name string) (path, key string) {
	if i := strings.LastIndex(strings.ToLower(name), ".npz:"); i >= 0 {
		return name[:i+4], name[i+5:]
	}
	return name, ""
}

// ReadArray reads a .npy file, the only array of a .npz file, or the one that
// "x.npz:key" names.
func ReadArray(name string) (*npy.Array, error) {
	path, key := SplitNPZ(name)
	if Extension(path) == ".npy" {
		return npy.ReadFile(path)
	}
	z, err := npy.ReadArchive(path)
	if err != nil {
		return nil, err
	}
	names := z.Names()
	if key == "" && len(names) == 1 {
		key = names[0]
	}
	if key == "" && len(names) > 1 {
		return nil, fmt.Errorf("%s has %d arrays, name one: %s:%s", path, len(names), path, names[0])
	}
	return z.Array(key)
}

// Files are the files of steps that name means: name itself, or where it is a folder
// those in it that end in .npy, .npz, .csv or .wav, by name.
func Files(name string) ([]string, error) {
	path, _ := SplitNPZ(name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		switch Extension(e.Name()) {
		case ".npy", ".npz", ".csv", ".wav":
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: the folder has no file that ends in .npy, .npz, .csv or .wav", path)
	}
	return files, nil
}

// Read reads the streams of a file for a model with that many inputs, each the
// concatenation of its steps, by the ending of its name:
//
//	.npy, .npz, .npz:key   [T, I], [N, T, I], [T] where I is 1
//	.csv                   a step a line
//	.wav                   a step a frame, its channels the inputs; where I is 1
//	                       each channel is a stream
func Read(name string, inputs int) ([][]float32, error) {
	path, _ := SplitNPZ(name)
	switch Extension(path) {
	case ".npy", ".npz":
		x, err := ReadArray(name)
		if err != nil {
			return nil, err
		}
		a, err := FromArray(x, inputs, false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		streams := make([][]float32, a.Streams)
		for i := range streams {
			n := a.Steps * inputs
			streams[i] = a.X[i*n:][:n]
		}
		return streams, nil
	case ".csv":
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		var xs []float32
		for l := NewLines(f, name, inputs); ; {
			x, err := l.Next()
			switch {
			case errors.Is(err, io.EOF):
				return [][]float32{xs}, nil
			case err != nil:
				return nil, err
			}
			xs = append(xs, x...)
		}
	case ".wav":
		data, err := regular.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sound, err := DecodeWAV(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch {
		case inputs == sound.Channels:
			return [][]float32{sound.X}, nil
		case inputs == 1:
			frames := len(sound.X) / sound.Channels
			x := Swapped(sound.X, frames, sound.Channels, 1)
			streams := make([][]float32, sound.Channels)
			for i := range streams {
				streams[i] = x[i*frames:][:frames]
			}
			return streams, nil
		}
		return nil, fmt.Errorf("%s: the sound has %d channels, the model %d inputs", name, sound.Channels, inputs)
	}
	return nil, fmt.Errorf("%s: want a file that ends in .npy, .npz, .csv or .wav", name)
}
