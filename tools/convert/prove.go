package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
	"github.com/rnnedge/rnnedge/tools/convert/internal/proof"
	"github.com/rnnedge/rnnedge/tools/convert/internal/report"
	"github.com/rnnedge/rnnedge/tools/internal/atomicfile"
)

// maxSteps bounds a proof.
const maxSteps = 1 << 20

// proving is what the command line says about the proof of a conversion, and what else it
// asks for.
type proving struct {
	steps     int
	input     string      // "" for that of the first check, or a random one
	checks    [][2]string // files of inputs and outputs
	tolerance proof.Tolerances
	report    string // the page to write, "" for none
	emit      string // the folder of the Go package to write, "" for none
}

func (p *proving) addCheck(s string) error {
	x, y, ok := strings.Cut(s, "=")
	if !ok || x == "" || y == "" {
		return errors.New("want X.npy=Y.npy")
	}
	p.checks = append(p.checks, [2]string{x, y})
	return nil
}

// prove measures the model that goes to out, prints what it found and writes the report.
// A check that fails is an error, after all of that.
func (p *proving) prove(w io.Writer, r *converter.Result, source, out string) error {
	c := report.Conversion{Source: r.Source, Spec: r.Spec, Notes: r.Notes, Out: out, Float: r.Float}
	if r.Model != r.Float {
		c.Int8 = r.Model
	}
	if p.steps > 0 {
		options := proof.Options{Float: r.Float, Int8: c.Int8, Steps: p.steps}
		var err error
		input := p.input
		if input == "" && len(p.checks) > 0 {
			input = p.checks[0][0]
		}
		if input != "" {
			if options.Input, err = proof.ReadInput(input, r.Float); err != nil {
				return err
			}
		}
		if c.Proof, err = proof.Measure(options); err != nil {
			return err
		}
		fmt.Fprintln(w)
		c.Proof.Print(w)
	}
	var failed error
	for _, files := range p.checks {
		check, err := proof.Compare(r.Float, c.Int8, files[0], files[1], p.tolerance)
		if err != nil {
			return err
		}
		fmt.Fprintln(w)
		check.Print(w)
		c.Checks = append(c.Checks, check)
		failed = errors.Join(failed, check.Err())
	}
	if p.report == "" {
		return failed
	}
	c.Failed = failed != nil
	if err := sizes(&c, source); err != nil {
		return err
	}
	if err := atomicfile.Write(p.report, c.Write); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nreport   %s\n", p.report)
	return failed
}

// sizes are those of the files.
func sizes(c *report.Conversion, source string) error {
	var err error
	if c.SourceBytes, err = sourceSize(source); err != nil {
		return err
	}
	if c.FloatBytes, err = fileSize(c.Float); err != nil || c.Int8 == nil {
		return err
	}
	c.Int8Bytes, err = fileSize(c.Int8)
	return err
}

// sourceSize is the size of a file, or of the arrays in a folder.
func sourceSize(path string) (n int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if !info.IsDir() {
		return info.Size(), nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".npy" {
			continue
		}
		info, err := os.Stat(filepath.Join(path, e.Name()))
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, nil
}

func fileSize(m *format.Model) (int64, error) {
	b, err := format.Marshal(m)
	return int64(len(b)), err
}
