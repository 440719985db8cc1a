package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The other end of the pipe gets each answer before it sends the next line, and
// lets a part of a line wait.
func TestAnswersAtOnce(t *testing.T) {
	const T = 50
	model := saveModel(t, gru(1, 2), nil)
	xs := uniform(3, T)
	want := strings.SplitAfter(text(expected(t, model, xs), 2), "\n")

	question, in := io.Pipe()
	out, answer := io.Pipe()
	var complaints strings.Builder
	code := make(chan int, 1)
	go func() {
		c := run([]string{model, "-"}, question, answer, &complaints)
		_ = answer.Close()
		code <- c
	}()
	stuck := time.AfterFunc(20*time.Second, func() { _ = answer.CloseWithError(fmt.Errorf("no answer")) })
	defer stuck.Stop()

	lines := bufio.NewReader(out)
	for i, x := range xs {
		line := text([]float32{x}, 1)
		_, err := io.WriteString(in, line[:1])
		require.NoError(t, err)
		_, err = io.WriteString(in, line[1:])
		require.NoError(t, err)
		y, err := lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, want[i], y)
	}
	require.NoError(t, in.Close())
	require.Equal(t, exitOK, <-code)
	require.Empty(t, complaints.String())
}
