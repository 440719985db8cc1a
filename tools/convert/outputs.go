package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

// checkOutputs makes sure, before there is anything to write, that the files to write have
// a place and replace nothing that is read, nor each other. spec is the file that says what
// the source does not, "" for none.
func (o *options) checkOutputs(spec string) error {
	for _, w := range []struct{ flag, path string }{{"-o", o.out}, {"-report", o.proving.report}} {
		if w.path == "" {
			continue
		}
		folder := filepath.Dir(w.path)
		if _, err := os.Stat(folder); err != nil && folder != filepath.Clean(o.proving.emit) { // which is made
			return fmt.Errorf("%s %s: %w", w.flag, w.path, err)
		}
		if info, err := os.Stat(w.path); err == nil && info.IsDir() {
			return fmt.Errorf("%s %s: is a folder, want a file", w.flag, w.path)
		}
		for _, r := range o.reads(spec) {
			if same(w.path, r) || within(w.path, r) {
				return fmt.Errorf("%s %s would overwrite what is read; name another file", w.flag, w.path)
			}
		}
	}
	if same(o.out, o.proving.report) {
		return fmt.Errorf("-o and -report are both %s; name another file", o.out)
	}
	return nil
}

// reads are the files and folders that are read. PyTorch writes the weights of an ONNX
// model to a file beside it, with .data behind its name.
func (o *options) reads(spec string) []string {
	calibrate, _ := steps.SplitNPZ(o.convert.Calibrate)
	paths := []string{o.source, o.source + ".data", spec, calibrate, o.proving.input}
	for _, c := range o.proving.checks {
		paths = append(paths, c[0], c[1])
	}
	for _, file := range o.convert.Bind {
		paths = append(paths, file)
	}
	return paths
}

// same reports whether two paths are one file, which need not be there.
func same(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || err == nil && err2 == nil && os.SameFile(x, y)
}

// within reports whether path is a file in a folder of arrays or other data.
func within(path, folder string) bool {
	switch steps.Extension(path) {
	case ".npy", ".npz", ".csv", ".wav":
		_, err := os.Stat(path)
		return err == nil && same(filepath.Dir(path), folder)
	}
	return false
}
