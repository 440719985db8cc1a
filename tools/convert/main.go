// Command convert makes a .rnn model from weights trained elsewhere. Run it with
// -h for what it reads and how.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/converter"
	"github.com/rnnedge/rnnedge/tools/convert/internal/emit"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(stdout)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "convert: %v; -h shows how\n", err)
		return 2
	case o.inspect:
		err = inspect(stdout, o.source)
	default:
		o.convert.Progress = newBar(stderr)
		err = convert(stdout, o)
	}
	if err != nil {
		fmt.Fprintln(stderr, "convert:", err)
		return 1
	}
	return 0
}

// convert writes the model that o asks for, and prints what it is and what it is worth.
func convert(w io.Writer, o *options) error {
	p := &o.proving
	if err := o.checkOutputs(o.convert.Spec); err != nil {
		return err
	}
	if p.emit != "" {
		if err := emit.Check(p.emit); err != nil {
			return err
		}
	}
	r, err := o.convert.Convert(o.source)
	if err != nil {
		return err
	}
	if err := o.checkOutputs(r.Spec); err != nil { // it may have been found beside the source
		return err
	}
	fmt.Fprintf(w, "source   %s\n", r.Source)
	if r.Spec != "" {
		fmt.Fprintf(w, "spec     %s\n", r.Spec)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note     %s\n", n)
	}
	if r.Spec != "" && len(p.checks) == 0 { // a draft that was not corrected looks like this, too
		fmt.Fprintf(w, "note     the layers are what %s says; -check holds them against the outputs of the source\n", r.Spec)
	}
	fmt.Fprintln(w)
	if err := converter.Describe(w, r.Model); err != nil {
		return err
	}
	if err := p.prove(w, r, o.source, o.out); err != nil {
		return err
	}
	if p.emit != "" { // first, as out may be the model in its folder
		if err := emit.Write(p.emit, r.Model); err != nil {
			return err
		}
		fmt.Fprintf(w, "\npackage  %s\n", p.emit)
	}
	if err := format.WriteFile(o.out, r.Model); err != nil {
		return err
	}
	return wrote(w, o.out)
}

// wrote says which file was written.
func wrote(w io.Writer, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nwrote    %s, %d bytes\n", path, info.Size())
	return err
}

// inspect prints what a model holds.
func inspect(w io.Writer, path string) error {
	f, err := format.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(w, "file     %s, %d bytes, version %d\n\n", path, f.Size, format.Version)
	return converter.Describe(w, f.Model)
}
