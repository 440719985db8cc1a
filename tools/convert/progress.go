package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rnnedge/rnnedge/internal/terminal"
)

const (
	barWidth = 30
	barAfter = time.Second
	barEvery = 100 * time.Millisecond
)

// newBar returns a function that draws how much of a file's steps is done, where w is
// a terminal; nil elsewhere. It shows nothing of what takes less than a second.
func newBar(w io.Writer) func(file string, done, total int) {
	if !terminal.Is(w) {
		return nil
	}
	return drawBar(w, time.Now)
}

func drawBar(w io.Writer, now func() time.Time) func(file string, done, total int) {
	next, shown := now().Add(barAfter), false
	return func(file string, done, total int) {
		switch t := now(); {
		case done == total && shown:
			fmt.Fprint(w, "\r\033[K")
			shown = false
		case done < total && !t.Before(next):
			full := barWidth * done / total
			fmt.Fprintf(w, "\r\033[K%s%s %3d%%  %s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), 100*done/total, file)
			next, shown = t.Add(barEvery), true
		}
	}
}
