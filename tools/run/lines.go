package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// feedLines runs the model on CSV lines from r, one step a line. A line is
// answered before the next is read, unless the model needs the whole sequence.
func (c *command) feedLines(a *answers, r io.Reader, name string) error {
	if !c.model.Streams() {
		return c.feedSequence(a, r, name)
	}
	s := c.model.NewSession()
	l := newLines(r, name, c.model.InputSize())
	y := make([]float32, c.model.OutputSize())
	p := c.newProgress(0)
	defer p.clear()
	for {
		x, err := l.next()
		if err == io.EOF {
			a.leading = []int{a.steps}
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Step(y, x); err != nil {
			return fmt.Errorf("%s:%d: %w", name, l.line, err)
		}
		if err := a.add(y); err != nil {
			return err
		}
		p.advance(1)
	}
}

// feedSequence runs a model that does not stream on all lines of r.
func (c *command) feedSequence(a *answers, r io.Reader, name string) error {
	l := newLines(r, name, c.model.InputSize())
	var xs []float32
	var at []int // the line of each step
	for {
		x, err := l.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		xs, at = append(xs, x...), append(at, l.line)
	}
	s, ys := c.model.NewSession(), make([]float32, len(at)*c.model.OutputSize())
	if _, err := s.Run(ys, xs); err != nil {
		step, err := wrongStep(s, xs, err)
		return fmt.Errorf("%s:%d: %w", name, at[step], err)
	}
	a.leading = []int{len(at)}
	return a.add(ys)
}

// lines reads steps from text.
type lines struct {
	scanner *bufio.Scanner
	name    string // for errors
	line    int    // number of the last line read, from 1
	longest int    // bytes that a line may have
	begun   bool   // a line that was not blank has been seen
	x       []float32
}

func newLines(r io.Reader, name string, inputs int) *lines {
	l := &lines{scanner: bufio.NewScanner(r), name: name, longest: 1<<16 + 64*inputs, x: make([]float32, inputs)}
	l.scanner.Buffer(nil, l.longest)
	return l
}

// next returns the numbers of the next line that has any, valid until the next
// call; io.EOF at the end.
func (l *lines) next() ([]float32, error) {
	for l.scanner.Scan() {
		text := l.scanner.Text()
		if l.line++; l.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff") // the mark that spreadsheets write
		}
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		f := fields(text)
		first := !l.begun
		l.begun = true
		if first && isHeader(f) {
			continue
		}
		return l.x, l.parse(f)
	}
	switch err := l.scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: the line is longer than %d bytes", l.name, l.line+1, l.longest)
	case err != nil:
		return nil, fmt.Errorf("%s:%d: %w", l.name, l.line+1, err)
	}
	return nil, io.EOF
}

// fields splits a line at its commas, at blanks if there are none.
func fields(line string) []string {
	if !strings.Contains(line, ",") {
		return strings.Fields(line)
	}
	f := strings.Split(line, ",")
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	return f
}

// isHeader reports whether no field is a number.
func isHeader(fields []string) bool {
	for _, f := range fields {
		if _, err := strconv.ParseFloat(f, 32); err == nil || errors.Is(err, strconv.ErrRange) {
			return false
		}
	}
	return true
}

func (l *lines) parse(fields []string) error {
	if len(fields) != len(l.x) {
		return fmt.Errorf("%s:%d: the number of fields is %d, want %d", l.name, l.line, len(fields), len(l.x))
	}
	for i, f := range fields {
		v, err := strconv.ParseFloat(f, 32)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return fmt.Errorf("%s:%d: field %d is %s, which is beyond float32", l.name, l.line, i+1, f)
		case err != nil:
			return fmt.Errorf("%s:%d: field %d is %q, want a number", l.name, l.line, i+1, f)
		}
		l.x[i] = float32(v)
	}
	return nil
}
