// Command run runs a .rnn model on numbers from a file or a pipe; -h tells how.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// run is the whole program; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, help)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "run: %v; run -h tells more\n", err)
		return exitUsage
	}
	c := &command{options: o, stdin: stdin, stdout: stdout, stderr: stderr}
	if err := c.run(); err != nil {
		fmt.Fprintf(stderr, "run: %v\n", err)
		return exitFailure
	}
	return exitOK
}
