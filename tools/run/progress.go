package main

import (
	"fmt"
	"io"
	"time"

	"github.com/rnnedge/rnnedge/internal/terminal"
)

// progress tells a person at a terminal how far a long run is.
type progress struct {
	w           io.Writer // nil to be silent
	done, total int       // total is 0 if nobody knows
	next        time.Time
	shown       bool
}

const (
	progressAfter = 2 * time.Second
	progressEvery = 200 * time.Millisecond
)

// newProgress is silent where the numbers themselves are on the screen, and
// where standard error is not a terminal.
func (c *command) newProgress(total int) *progress {
	p := &progress{total: total, next: time.Now().Add(progressAfter)}
	if !c.numbersToStdout() && terminal.Is(c.stderr) {
		p.w = c.stderr
	}
	return p
}

// advance counts steps.
func (p *progress) advance(steps int) {
	p.done += steps
	if p.w == nil {
		return
	}
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressEvery), true
	if p.total > 0 {
		fmt.Fprintf(p.w, "\rrun: %d of %d steps, %d%%", p.done, p.total, 100*int64(p.done)/int64(p.total))
	} else {
		fmt.Fprintf(p.w, "\rrun: %d steps", p.done)
	}
}

// clear takes the progress off the screen.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprintf(p.w, "\r%60s\r", "")
	}
}
