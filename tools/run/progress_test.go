package main

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgress(t *testing.T) {
	var screen bytes.Buffer
	p := &progress{w: &screen, total: 200, next: time.Now().Add(time.Hour)}
	p.advance(50)
	p.clear()
	require.Empty(t, screen.String(), "a short run says nothing")

	p.next = time.Time{}
	p.advance(50)
	p.advance(50) // too soon
	require.Equal(t, "\rrun: 100 of 200 steps, 50%", screen.String())
	p.clear()
	require.Regexp(t, "\r +\r$", screen.String())

	screen.Reset()
	p = &progress{w: &screen}
	p.advance(7)
	require.Equal(t, "\rrun: 7 steps", screen.String())
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestStandardOutputFails(t *testing.T) {
	model := saveModel(t, gru(1, 1), nil)
	for _, args := range [][]string{{model, "-"}, {"-sha256", model, "-"}} {
		var stderr bytes.Buffer
		code := run(args, bytes.NewReader([]byte("1\n2\n")), full{}, &stderr)
		require.Equal(t, exitFailure, code)
		require.Equal(t, "run: disk is full\n", stderr.String())
	}
}
