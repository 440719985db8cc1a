package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rnnedge/rnnedge/infer"
)

// A command is one call of the program.
type command struct {
	options
	stdin          io.Reader
	stdout, stderr io.Writer

	model *infer.Model
}

func (c *command) run() (err error) {
	var opts []infer.Option
	if c.isa != "" {
		opts = append(opts, infer.WithISA(c.isa))
	}
	if c.model, err = infer.Open(c.file, opts...); err != nil {
		return err
	}
	defer c.model.Close()
	if c.verify {
		if err := c.runWitness(); err != nil {
			return err
		}
	}
	if c.input == "" {
		return nil
	}
	// A long run should not end in a directory that was never there.
	if c.out != "" {
		if _, err := os.Stat(filepath.Dir(c.out)); err != nil {
			return fmt.Errorf("-o %s: %w", c.out, err)
		}
	}
	a := newAnswers(c)
	if err := c.feed(a); err != nil {
		a.flush()
		return err
	}
	return a.finish()
}

// feed runs the model on the input, form by form.
func (c *command) feed(a *answers) error {
	switch inputKind(c.input) {
	case kindNPY, kindNPZ:
		return c.feedArray(a)
	case kindCSV:
		f, err := os.Open(c.input)
		if err != nil {
			return err
		}
		defer f.Close()
		return c.feedLines(a, f, c.input)
	}
	a.live = true
	return c.feedLines(a, c.stdin, "standard input")
}

// runWitness checks the model's witness and says so: on standard output, unless
// the numbers go there.
func (c *command) runWitness() error {
	if err := c.model.Verify(); err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}
	w := c.stdout
	if c.input != "" && c.numbersToStdout() {
		w = c.stderr
	}
	_, err := fmt.Fprintf(w, "%s: verified with %s: all %d steps of its witness give the same bits\n",
		c.file, c.model.ISA(), c.model.Format().Witness.Steps)
	return err
}

func (c *command) numbersToStdout() bool { return c.out == "" && !c.sha256 }
