package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBar(t *testing.T) {
	assert.Nil(t, newBar(new(bytes.Buffer)), "nobody watches")

	var screen bytes.Buffer
	now := time.Unix(0, 0)
	draw := drawBar(&screen, func() time.Time { return now })
	draw("a.npy", 1, 4)
	draw("a.npy", 4, 4)
	assert.Empty(t, screen.String(), "what takes less than a second shows nothing")

	now = now.Add(barAfter)
	draw("b.npy", 1, 4)
	draw("b.npy", 2, 4) // too soon
	assert.Equal(t, "\r\033[K███████░░░░░░░░░░░░░░░░░░░░░░░  25%  b.npy", screen.String())
	screen.Reset()
	draw("b.npy", 4, 4)
	draw("c.npy", 4, 4)
	assert.Equal(t, "\r\033[K", screen.String(), "it goes away once")
}
