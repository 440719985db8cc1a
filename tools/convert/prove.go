package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
	"github.com/rnnedge/rnnedge/tools/convert/internal/proof"
)

// maxSteps bounds a proof.
const maxSteps = 1 << 20

// proving is what the command line says about the proof of a conversion.
type proving struct {
	steps     int
	input     string      // "" for a random one
	checks    [][2]string // files of inputs and outputs
	tolerance proof.Tolerances
}

func (p *proving) addCheck(s string) error {
	x, y, ok := strings.Cut(s, "=")
	if !ok || x == "" || y == "" {
		return errors.New("want X.npy=Y.npy")
	}
	p.checks = append(p.checks, [2]string{x, y})
	return nil
}

// prove measures the model and prints what it found. A check that fails is an error,
// after all of them are printed.
func (p *proving) prove(w io.Writer, r *converter.Result) error {
	var int8 *format.Model
	if r.Model != r.Float {
		int8 = r.Model
	}
	if p.steps > 0 {
		options := proof.Options{Float: r.Float, Int8: int8, Steps: p.steps}
		if p.input != "" {
			var err error
			if options.Input, err = proof.ReadInput(p.input, r.Float); err != nil {
				return err
			}
		}
		found, err := proof.Measure(options)
		if err != nil {
			return err
		}
		fmt.Fprintln(w)
		found.Print(w)
	}
	var failed error
	for _, files := range p.checks {
		c, err := proof.Compare(r.Float, int8, files[0], files[1], p.tolerance)
		if err != nil {
			return err
		}
		fmt.Fprintln(w)
		c.Print(w)
		failed = errors.Join(failed, c.Err())
	}
	return failed
}
