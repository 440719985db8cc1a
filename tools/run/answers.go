package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/internal/atomicfile"
	"github.com/rnnedge/rnnedge/tools/internal/npy"
	"github.com/rnnedge/rnnedge/tools/internal/steps"
)

// answers takes the outputs of the model, step by step, to where they go:
// numbers to standard output, a digest, a file.
type answers struct {
	command *command
	width   int
	steps   int
	leading []int // the dimensions of the input before I
	live    bool  // each step is flushed
	blocks  int   // see nextBlock

	hash   *format.BitHash // nil for none
	kept   []float32       // for a file; written at the end
	stdout *bufio.Writer   // nil for none
	line   []byte
}

func newAnswers(c *command) *answers {
	a := &answers{command: c, width: c.model.OutputSize()}
	if c.sha256 {
		a.hash = format.NewBitHash()
	}
	if c.numbersToStdout() {
		a.stdout = bufio.NewWriter(c.stdout)
	}
	return a
}

// nextBlock starts another of several blocks of as many steps each; text has a
// blank line between them.
func (a *answers) nextBlock() {
	if a.blocks++; a.blocks > 1 && a.stdout != nil {
		_ = a.stdout.WriteByte('\n') // its error stays and returns with Flush
	}
}

// add takes the outputs of one or more steps.
func (a *answers) add(ys []float32) error {
	a.steps += len(ys) / a.width
	if a.hash != nil {
		a.hash.Add(ys)
	}
	if a.command.out != "" {
		a.kept = append(a.kept, ys...)
	}
	if a.stdout == nil {
		return nil
	}
	if err := a.write(a.stdout, ys); err != nil {
		return err
	}
	if a.live {
		return a.stdout.Flush()
	}
	return nil
}

// flush hands out the numbers there are, before an error ends the program.
func (a *answers) flush() {
	if a.stdout != nil {
		_ = a.stdout.Flush()
	}
}

// finish writes the file and the digest.
func (a *answers) finish() error {
	if a.stdout != nil {
		return a.stdout.Flush()
	}
	if out := a.command.out; out != "" {
		write := a.writeCSV
		if steps.Extension(out) == ".npy" {
			write = a.writeNPY
		}
		if err := atomicfile.Write(out, write); err != nil {
			return err
		}
	}
	if a.hash == nil {
		return nil
	}
	_, err := fmt.Fprintf(a.command.stdout, "%x  %d steps  %s\n", a.hash.Sum(), a.steps, a.command.model.ISA())
	return err
}

func (a *answers) writeNPY(w io.Writer) error {
	y, err := npy.New(a.kept, append(append([]int(nil), a.leading...), a.width)...)
	if err != nil {
		return err
	}
	return npy.Write(w, y)
}

// writeCSV writes what was kept.
func (a *answers) writeCSV(w io.Writer) error {
	if a.blocks < 2 {
		return a.write(w, a.kept)
	}
	size := len(a.kept) / a.blocks
	for i := range a.blocks {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := a.write(w, a.kept[i*size:][:size]); err != nil {
			return err
		}
	}
	return nil
}

// write writes steps as lines of numbers.
func (a *answers) write(w io.Writer, ys []float32) error {
	for ; len(ys) > 0; ys = ys[a.width:] {
		a.line = a.line[:0]
		for i, v := range ys[:a.width] {
			if i > 0 {
				a.line = append(a.line, ',')
			}
			a.line = strconv.AppendFloat(a.line, float64(v), 'g', -1, 32)
		}
		a.line = append(a.line, '\n')
		if _, err := w.Write(a.line); err != nil {
			return err
		}
	}
	return nil
}
