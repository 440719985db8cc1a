// Package terminal tells people at a terminal how far long work is, and programs nothing.
package terminal

import (
	"fmt"
	"io"
	"os"
)

// Is reports whether what is written to w is seen on a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Line returns a function that shows a text on w in place of the one before; "" takes it off.
// Where w is no terminal it does nothing.
func Line(w io.Writer) func(text string) {
	if !Is(w) {
		return func(string) {}
	}
	return line(w)
}

func line(w io.Writer) func(text string) {
	return func(text string) { fmt.Fprintf(w, "\r\x1b[K%s", text) }
}
