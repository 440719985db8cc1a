package steps

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Lines reads steps from text, one a line: numbers with commas or blanks between them.
// Blank lines, what follows a #, and a first line without any number are passed over.
type Lines struct {
	// Line is the number of the last line read, from 1.
	Line int

	scanner *bufio.Scanner
	name    string // for errors
	longest int    // bytes that a line may have
	begun   bool   // a line that was not blank has been seen
	x       []float32
}

// NewLines returns a reader of lines of that many inputs. Errors call it name.
func NewLines(r io.Reader, name string, inputs int) *Lines {
	l := &Lines{scanner: bufio.NewScanner(r), name: name, longest: 1<<16 + 64*inputs, x: make([]float32, inputs)}
	l.scanner.Buffer(nil, l.longest)
	return l
}

// Next returns the numbers of the next line that has any, valid until the next
// call; io.EOF at the end.
func (l *Lines) Next() ([]float32, error) {
	for l.scanner.Scan() {
		text := l.scanner.Text()
		if l.Line++; l.Line == 1 {
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
		return nil, fmt.Errorf("%s:%d: the line is longer than %d bytes", l.name, l.Line+1, l.longest)
	case err != nil:
		return nil, fmt.Errorf("%s:%d: %w", l.name, l.Line+1, err)
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

func (l *Lines) parse(fields []string) error {
	if len(fields) != len(l.x) {
		return fmt.Errorf("%s:%d: the number of fields is %d, want %d", l.name, l.Line, len(fields), len(l.x))
	}
	for i, f := range fields {
		v, err := strconv.ParseFloat(f, 32)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return fmt.Errorf("%s:%d: field %d is %s, which is beyond float32", l.name, l.Line, i+1, f)
		case err != nil:
			return fmt.Errorf("%s:%d: field %d is %q, want a number", l.name, l.Line, i+1, f)
		}
		l.x[i] = float32(v)
	}
	return nil
}
